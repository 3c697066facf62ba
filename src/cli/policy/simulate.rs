//! `leasehold policy simulate`: decides one request.

use std::path::{Path, PathBuf};

use clap::Args;
use leasehold_policy::{AccessRequest, RequestCaller, evaluate_request};

use super::{AccountArgs, read};
use crate::cli::args::OutputFormat;
use crate::cli::{CommandError, CommandExit, print_json, print_result};
use crate::views::policy::simulation;

/// `leasehold policy simulate`
#[derive(Debug, Args)]
pub struct PolicySimulateArgs {
    /// A policy of the caller; can be repeated
    #[arg(long, value_name = "FILE", required = true)]
    pub policy: Vec<PathBuf>,
    /// The permissions boundary of the caller
    #[arg(long, value_name = "FILE")]
    pub boundary: Option<PathBuf>,
    /// The requested action, such as s3:GetObject
    #[arg(long, value_name = "ACTION")]
    pub action: String,
    /// The requested resource: an ARN, or * for an action without resources
    #[arg(long, value_name = "ARN")]
    pub resource: String,
    /// The calling principal: an ARN, a service such as lambda.amazonaws.com, or * for an anonymous caller
    #[arg(long, value_name = "PRINCIPAL", default_value = "*")]
    pub principal: String,
    /// A condition key of the request and its value; can be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub context: Vec<String>,
    #[command(flatten)]
    pub account: AccountArgs,
    /// The output format
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// Evaluates the request and prints the decision with the statements that determined it.
///
/// # Errors
/// A file cannot be read or is not a policy, or the request is not valid.
pub fn cmd_simulate(working_directory: &Path, args: &PolicySimulateArgs) -> Result<CommandExit, CommandError> {
    let account = args.account.account.as_ref();
    let policies: Result<Vec<_>, CommandError> =
        args.policy.iter().map(|path| read::read_policy_file(working_directory, path, account)).collect();
    let policies = policies?;
    let boundary =
        args.boundary.as_ref().map(|path| read::read_policy_file(working_directory, path, account)).transpose()?;
    let request = build_request(args)?;
    let decision = evaluate_request(&read::combine_access(&policies, boundary.as_ref()), &request);
    let simulated = simulation::SimulatedDecision {
        request: &request,
        decision: &decision,
        policies: &policies,
        boundary: boundary.as_ref(),
    };
    match args.format {
        OutputFormat::Human => print_result(&simulation::render_simulation(&simulated))?,
        OutputFormat::Json => print_json(&simulation::render_simulation_json(&simulated))?,
    }
    Ok(CommandExit::Done)
}

fn build_request(args: &PolicySimulateArgs) -> Result<AccessRequest, CommandError> {
    check_single_action(&args.action)?;
    let mut request = AccessRequest::new(parse_caller(&args.principal)?, &args.action, &args.resource);
    for pair in &args.context {
        let (key, value) = pair
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| anyhow::anyhow!("--context {pair:?} does not have the form key=value"))?;
        request = request.with_context_value(key.trim(), value);
    }
    Ok(request)
}

/// Refuses text that does not name exactly one action.
///
/// # Errors
/// The text is not of the form `service:Action`, or contains a wildcard.
pub fn check_single_action(text: &str) -> Result<(), CommandError> {
    let fault = match text.split_once(':') {
        Some((service, name)) if service.is_empty() || name.is_empty() => "does not have the form service:Action",
        None => "does not have the form service:Action",
        Some(_) if text.contains(['*', '?']) => "is a pattern; name exactly one action",
        Some(_) => return Ok(()),
    };
    Err(anyhow::anyhow!("{text:?} {fault}").into())
}

/// Parses a caller, written as a policy would name it.
fn parse_caller(text: &str) -> Result<RequestCaller, CommandError> {
    let resource = text.split(':').nth(5).unwrap_or_default();
    if text == "*" {
        Ok(RequestCaller::Anonymous)
    } else if text.starts_with("arn:")
        && (resource.starts_with("oidc-provider/") || resource.starts_with("saml-provider/"))
    {
        Ok(RequestCaller::Federated(text.to_owned()))
    } else if text.starts_with("arn:") {
        Ok(RequestCaller::Aws(text.to_owned()))
    } else if text.contains(".amazonaws.com") {
        Ok(RequestCaller::Service(text.to_owned()))
    } else if text.contains('.') {
        Ok(RequestCaller::Federated(text.to_owned()))
    } else {
        Err(anyhow::anyhow!("--principal {text:?} is not an ARN, a service or an identity provider").into())
    }
}
