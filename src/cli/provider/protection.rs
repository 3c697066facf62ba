//! `leasehold provider aws-policy --for protect-marks`: prints the statements that keep others from editing marks.

use std::path::Path;

use leasehold_aws::rights::marks::build_protection;
use serde_json::json;

use super::AwsPolicyArgs;
use super::principals::{RunPrincipal, RunPrincipals};
use crate::cli::{CommandError, CommandExit, session};
use crate::workflow::WorkflowError;

/// Prints a policy with the statements, for the principals that the arguments name, otherwise for the roles that the stack assumes.
///
/// # Errors
/// No principal is known, or one is not named by the ARN of a role or user.
pub fn print_protection(working_directory: &Path, args: &AwsPolicyArgs) -> Result<CommandExit, CommandError> {
    let principals =
        if args.principal.is_empty() { find_assumed_roles(working_directory, args)? } else { args.principal.clone() };
    let statements = build_protection(&principals).map_err(anyhow::Error::from)?;
    super::super::print_json(&json!({ "Version": "2012-10-17", "Statement": statements }))?;
    Ok(CommandExit::Done)
}

/// The roles that the `provider` blocks of the stack assume. Only they write to IAM.
fn find_assumed_roles(working_directory: &Path, args: &AwsPolicyArgs) -> Result<Vec<String>, CommandError> {
    let refused = |what: &str| WorkflowError::Refused {
        what: what.to_owned(),
        help: "Name each role or user that runs Leasehold: --principal arn:aws:iam::111122223333:role/leasehold-apply."
            .to_owned(),
    };
    if args.stack.is_some() {
        return Err(refused("--stack does not say which principal runs Leasehold").into());
    }
    let now = session::current_time(None);
    let stack = session::read_stack(working_directory, args.dir.as_deref(), &args.variables, now)?;
    let acting = RunPrincipals::from_declared(&stack.declared)?;
    let in_iam = acting.needs.into_iter().filter(|(_, needs)| !needs.accounts.is_empty());
    let roles: Option<Vec<String>> = in_iam
        .map(|(principal, _)| match principal {
            RunPrincipal::Role(arn) => Some(arn),
            RunPrincipal::Environment | RunPrincipal::Profile(_) => None,
        })
        .collect();
    match roles {
        Some(roles) if !roles.is_empty() => Ok(roles),
        _ => {
            Err(refused("the stack does not say which principal runs Leasehold: not every provider assumes a role")
                .into())
        }
    }
}
