//! `leasehold provider`: prints what a provider needs in the cloud that it manages. It does not call the cloud.

mod principals;
mod protection;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use leasehold_aws::partition::{COMMERCIAL, Partition};
use leasehold_aws::rights::records::{self, RecordsBucket};
use leasehold_aws::rights::{self, LARGEST, RightsPurpose, StackPart};
use leasehold_provider::{Document, Resource, StackName};
use serde_json::{Value, json};

use self::principals::{PrincipalNeeds, RunPrincipal, RunPrincipals};
use super::args::VariableArgs;
use super::as_joiners::plan_as_joiners;
use super::{CommandError, CommandExit, invocation, session};
use crate::config::Diagnostic;
use crate::config::declared::{BackendLocation, S3Bucket};
use crate::config::estate::ImportTarget;
use crate::views::inert::escape_steering;
use crate::workflow::{Stack, WorkflowError};

/// The commands on providers.
#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// Print the least-privilege IAM policy that Leasehold needs for a stack
    AwsPolicy(AwsPolicyArgs),
}

/// `leasehold provider aws-policy`
#[derive(Debug, Args)]
#[command(
    after_help = "This policy is for the credentials that Leasehold starts with. If a provider block or the backend assumes a role or uses another \
profile, that role or profile needs its own policy: a note on stderr names it, and --role or --profile prints it.\n\n\
For a directory, the policy covers what its configuration declares now, and access to the bucket of the stack's records. Identities \
of a kind that it no longer declares still have to be deleted: keep the old policy until they are gone, then print it again. \
--stack NAME prints the IAM permissions for any stack with that name, without the bucket."
)]
pub struct AwsPolicyArgs {
    /// The stack's directory
    #[arg(value_name = "DIR", conflicts_with = "stack")]
    pub dir: Option<PathBuf>,
    /// Print the policy for any stack with this name, independent of its configuration
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// The commands that the policy must allow
    #[arg(long = "for", value_enum, value_name = "PURPOSE", default_value_t = PurposeArg::Apply)]
    pub purpose: PurposeArg,
    /// Print only the IAM permissions, or only those for the bucket of the stack's records
    #[arg(long, value_enum, value_name = "PART", conflicts_with = "stack")]
    pub only: Option<OnlyArg>,
    /// Print the policy for this role, which a provider block or the backend assumes
    #[arg(long, value_name = "ARN", conflicts_with_all = ["stack", "profile"])]
    pub role: Option<String>,
    /// Print the policy for the credentials of this profile, which a provider block or the backend uses
    #[arg(long, value_name = "NAME", conflicts_with = "stack")]
    pub profile: Option<String>,
    /// With --for protect-marks: a role or user that runs Leasehold, by its ARN; can be repeated. Default: the roles that the stack assumes
    #[arg(long, value_name = "ARN", conflicts_with_all = ["stack", "only", "role", "profile", "partition"])]
    pub principal: Vec<String>,
    /// The AWS partition; default: the partition of the configured region, or aws
    #[arg(long, value_name = "PARTITION", value_parser = PossibleValuesParser::new(Partition::all_partitions().map(|it| it.name)))]
    pub partition: Option<String>,
    #[command(flatten)]
    pub variables: VariableArgs,
}

/// What a policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PurposeArg {
    /// `plan` (with --out too), `list`, `show`, `who-can`
    Plan,
    /// `apply`, `revoke`, `restore`, `lock break`, `audit checkpoint`, and the commands of all other purposes
    Apply,
    /// `sweep`
    Sweep,
    /// `drift`
    Drift,
    /// `audit`, `lock show`: read only the records
    Audit,
    /// No command: Deny statements for a service control policy or a permissions boundary, which keep everybody but --principal from
    /// editing the tags `leasehold:*`
    ProtectMarks,
}

/// A part of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnlyArg {
    /// IAM permissions, and permission to assume roles
    Iam,
    /// The bucket of the stack's records and its key
    Records,
}

/// Runs a subcommand of `leasehold provider`.
///
/// # Errors
/// The error of the subcommand.
pub fn cmd_provider(working_directory: &Path, command: &ProviderCommand) -> Result<CommandExit, CommandError> {
    match command {
        ProviderCommand::AwsPolicy(args) => print_aws_policy(working_directory, args),
    }
}

/// Prints the smallest policy for a purpose.
fn print_aws_policy(working_directory: &Path, args: &AwsPolicyArgs) -> Result<CommandExit, CommandError> {
    let Some(purpose) = args.purpose.rights_purpose() else {
        return protection::print_protection(working_directory, args);
    };
    if !args.principal.is_empty() {
        return Err(WorkflowError::Refused {
            what: "--principal is only used with --for protect-marks".to_owned(),
            help: "To print the policy of a role that the stack assumes, pass --role.".to_owned(),
        }
        .into());
    }
    let statements = match &args.stack {
        Some(name) => statements_for_any_stack(name, args, purpose)?,
        None => statements_for_directory(working_directory, args, purpose)?,
    };
    let policy = Document::new(json!({ "Version": "2012-10-17", "Statement": statements }));
    let length = policy.canonical_text().chars().filter(|sign| !sign.is_whitespace()).count();
    if length > LARGEST {
        super::print_message(&format!(
            "warning: this policy has {length} characters, and the limit for a managed policy is {LARGEST}. Print two with --only iam and --only records, \
             or make it an inline policy of the role, where the limit is 10240.\n"
        ));
    }
    super::print_json(policy.as_json_value())?;
    Ok(CommandExit::Done)
}

impl PurposeArg {
    /// The commands that the policy must allow. `None`: it allows nothing.
    fn rights_purpose(self) -> Option<RightsPurpose> {
        Some(match self {
            Self::Plan => RightsPurpose::Plan,
            Self::Apply => RightsPurpose::Apply,
            Self::Sweep => RightsPurpose::Sweep,
            Self::Drift => RightsPurpose::Drift,
            Self::Audit => RightsPurpose::Audit,
            Self::ProtectMarks => return None,
        })
    }
}

/// The statements for any stack with this name, whatever it contains.
fn statements_for_any_stack(
    name: &str,
    args: &AwsPolicyArgs,
    purpose: RightsPurpose,
) -> Result<Vec<Value>, CommandError> {
    if purpose == RightsPurpose::Audit {
        return Err(WorkflowError::Refused {
            what: "--for audit only needs the bucket of the records, which --stack does not define".to_owned(),
            help: "Pass the stack's directory instead of --stack.".to_owned(),
        }
        .into());
    }
    let stack = StackName::new(name)
        .map_err(|invalid| anyhow::anyhow!("{name:?} is not a valid stack name: {}", invalid.rule))?;
    let partition = args.partition.as_deref().unwrap_or(COMMERCIAL.name);
    let scope = rights::RightsScope { stack: &stack, partition, account: "*", parts: &StackPart::ALL.into() };
    Ok(rights::build_statements(&scope, purpose))
}

/// The statements for the stack in a directory, limited to what this stack uses.
fn statements_for_directory(
    working_directory: &Path,
    args: &AwsPolicyArgs,
    purpose: RightsPurpose,
) -> Result<Vec<Value>, CommandError> {
    let now = session::current_time(None);
    let stack = session::read_stack(working_directory, args.dir.as_deref(), &args.variables, now)?;
    let principals = RunPrincipals::from_declared(&stack.declared)?;
    let Some(first) = &principals.first else {
        let why =
            "This stack uses neither an AWS account nor an S3 bucket for its records, so it needs no AWS permissions.";
        return Err(stack
            .findings_error(vec![
                Diagnostic::error("config::no_aws", why)
                    .with_help("Add a `provider \"aws\"` block, or name a stack with --stack."),
            ])
            .into());
    };
    let desired = match (&args.role, &args.profile) {
        (Some(arn), _) => RunPrincipal::Role(arn.clone()),
        (None, Some(name)) => RunPrincipal::Profile(name.clone()),
        (None, None) => first.clone(),
    };
    let Some(needs) = principals.needs.get(&desired) else {
        let known: Vec<String> = principals.needs.keys().map(ToString::to_string).collect();
        return Err(WorkflowError::Refused {
            what: format!("this stack does not use {}", escape_steering(&desired.to_string())),
            help: format!("It uses {}.", escape_steering(&known.join(", "))),
        }
        .into());
    };
    if args.role.is_none() && args.profile.is_none() {
        report_other_principals(&principals, &desired, args);
    }
    let mut statements = Vec::new();
    if args.only != Some(OnlyArg::Records) {
        statements.extend(build_iam_statements(&stack, needs, (args, purpose), now)?);
        statements.extend(build_assume_role_statement(needs));
    }
    if args.only != Some(OnlyArg::Iam)
        && let (true, BackendLocation::S3(bucket)) = (needs.records, &stack.declared.backend.place)
    {
        statements.extend(build_records_statements(&stack, bucket, needs, &principals, (args, purpose)));
    }
    if statements.is_empty() {
        return Err(WorkflowError::Refused {
            what: format!("{} needs no permissions for this purpose", escape_steering(&desired.to_string())),
            help: "Choose another purpose with --for, another part with --only, or another principal with --role or --profile."
                .to_owned(),
        }.into());
    }
    Ok(statements)
}

/// Prints which other principals of a stack need their own policy, and the command that prints each.
fn report_other_principals(principals: &RunPrincipals, desired: &RunPrincipal, args: &AwsPolicyArgs) {
    let purpose = args.purpose.to_possible_value();
    let purpose = purpose.as_ref().map_or("apply", |value| value.get_name());
    for other in principals.needs.keys().filter(|other| *other != desired) {
        let option = match other {
            RunPrincipal::Role(arn) => ["--role", arn],
            RunPrincipal::Profile(name) => ["--profile", name],
            // This policy is printed when no option names a principal.
            RunPrincipal::Environment => continue,
        };
        let partition = args.partition.iter().flat_map(|name| ["--partition", name]);
        let words = ["provider", "aws-policy", "--for", purpose].into_iter().chain(option).chain(partition);
        let command = invocation::current_invocation().follow_up_command(&words.collect::<Vec<_>>());
        super::print_message(&format!(
            "{}\n",
            escape_steering(&format!("note: {other} needs its own policy: {command}"))
        ));
    }
}

fn build_iam_statements(
    stack: &Stack,
    needs: &PrincipalNeeds,
    (args, purpose): (&AwsPolicyArgs, RightsPurpose),
    now: jiff::Timestamp,
) -> Result<Vec<Value>, CommandError> {
    if needs.accounts.is_empty() {
        return Ok(Vec::new());
    }
    let (resources, findings) = plan_as_joiners(&stack.declared, now);
    if !findings.is_empty() {
        return Err(stack.findings_error(findings).into());
    }
    let is_there = |resource: &&Resource| needs.accounts.contains(&resource.id.account);
    let mut parts: BTreeSet<StackPart> = rights::stack_parts(resources.values().filter(is_there));
    let imports_groups =
        stack.declared.estate.imports.iter().any(|import| import.parse_target() == Some(ImportTarget::Group));
    parts.extend(imports_groups.then_some(StackPart::ImportedGroups));
    let partition = choose_partition(args, needs.region.as_deref());
    let scope = rights::RightsScope {
        stack: &stack.declared.stack,
        partition: &partition,
        account: needs.account(),
        parts: &parts,
    };
    Ok(rights::build_statements(&scope, purpose))
}

fn build_assume_role_statement(needs: &PrincipalNeeds) -> Option<Value> {
    let statement =
        json!({ "Sid": "AssumeRole", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": needs.roles });
    (!needs.roles.is_empty()).then_some(statement)
}

fn build_records_statements(
    stack: &Stack,
    bucket: &S3Bucket,
    needs: &PrincipalNeeds,
    principals: &RunPrincipals,
    (args, purpose): (&AwsPolicyArgs, RightsPurpose),
) -> Vec<Value> {
    let of_providers = principals.needs.values().find_map(|needs| needs.region.as_deref());
    let region = bucket.region.as_deref().or(of_providers);
    let prefix = bucket.prefix.clone().unwrap_or_else(|| format!("leasehold/{}", stack.declared.stack));
    let records = RecordsBucket {
        partition: &choose_partition(args, region),
        region,
        account: needs.account(),
        bucket: &bucket.name,
        prefix: prefix.trim_matches('/'),
        retained: bucket.retention.is_some(),
        kms_key: bucket.kms_key_id.as_deref(),
    };
    records::bucket_statements(&records, purpose)
}

/// The partition that the arguments name, otherwise the partition of the region.
fn choose_partition(args: &AwsPolicyArgs, region: Option<&str>) -> String {
    let of_region = || region.map_or(COMMERCIAL, Partition::for_region).name.to_owned();
    args.partition.clone().unwrap_or_else(of_region)
}
