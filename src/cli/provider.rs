//! `leasehold provider`: what a provider asks of the place it works in.

use std::collections::BTreeSet;
use std::path::Path;

use leasehold_aws::rights::{self, Part, Purpose};
use leasehold_provider::{Document, StackName};
use serde_json::{Value, json};

use super::args::{AwsPolicyArgs, ProviderCommand, PurposeArg};
use super::as_joiners::as_joiners;
use super::session::{self, Stack};
use super::{Exit, Failure};
use crate::config::Diagnostic;
use crate::config::declared::{Bucket, Place, ProviderSettings};
use crate::config::estate::Form;

pub fn cmd_provider(here: &Path, command: &ProviderCommand) -> Result<Exit, Failure> {
    match command {
        ProviderCommand::AwsPolicy(args) => aws_policy(here, args),
    }
}

/// Prints the smallest policy for planning or applying. Nothing is called.
fn aws_policy(here: &Path, args: &AwsPolicyArgs) -> Result<Exit, Failure> {
    let purpose = match args.purpose {
        PurposeArg::Plan => Purpose::Plan,
        PurposeArg::Apply => Purpose::Apply,
    };
    let wanted = match &args.stack {
        Some(name) => Wanted::anything(name)?,
        None => Wanted::of(here, args)?,
    };
    let scope = rights::Scope {
        stack: &wanted.stack,
        partition: &wanted.partition,
        account: &wanted.account,
        parts: &wanted.parts,
    };
    let mut statements = rights::statements(&scope, purpose);
    if let (Some(bucket), Purpose::Apply) = (&wanted.bucket, purpose) {
        statements.extend(records(bucket, &wanted));
    }
    let policy = Document::new(json!({ "Version": "2012-10-17", "Statement": statements }));
    super::print_json(policy.json())?;
    Ok(Exit::Done)
}

/// For whom the policy shall be.
struct Wanted {
    stack: StackName,
    parts: BTreeSet<Part>,
    account: String,
    partition: String,
    bucket: Option<Bucket>,
}

impl Wanted {
    /// A stack of that name with whatever in it.
    fn anything(name: &str) -> Result<Self, Failure> {
        let stack = StackName::new(name)
            .map_err(|invalid| anyhow::anyhow!("{name:?} cannot be a stack's name: {}", invalid.rule))?;
        Ok(Self { stack, parts: Part::ALL.into(), account: "*".to_owned(), partition: "aws".to_owned(), bucket: None })
    }

    /// The stack in a directory, and no more than what it has.
    fn of(here: &Path, args: &AwsPolicyArgs) -> Result<Self, Failure> {
        let now = session::now(None);
        let stack = Stack::read(here, args.dir.as_deref(), &args.variables, now)?;
        let ProviderSettings::Aws { region, allowed_account_ids, .. } = stack.providers().first else {
            let why = "This stack has no `provider \"aws\"` block: the embedded directory takes no rights.";
            return Err(stack.refuse(vec![
                Diagnostic::error("config::no_aws", why).help("Add the block, or name a stack with --stack."),
            ]));
        };
        let (resources, findings) = as_joiners(&stack.declared, now);
        if !findings.is_empty() {
            return Err(stack.refuse(findings));
        }
        let mut parts = rights::parts(resources.values());
        let takes_in_groups = stack.declared.estate.imports.iter().any(|import| import.form() == Some(Form::Group));
        parts.extend(takes_in_groups.then_some(Part::GroupsTakenIn));
        let account = match allowed_account_ids.first() {
            // One policy for all accounts of a stack: it holds in each of them.
            Some(account) if allowed_account_ids.len() == 1 && stack.declared.providers.len() == 1 => account.clone(),
            _ => "*".to_owned(),
        };
        let partition = match region.as_deref() {
            Some(region) if region.starts_with("cn-") => "aws-cn",
            Some(region) if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        let bucket = match &stack.declared.backend.place {
            Place::S3(bucket) => Some(bucket.clone()),
            _ => None,
        };
        Ok(Self { stack: stack.declared.stack.clone(), parts, account, partition: partition.to_owned(), bucket })
    }
}

/// Lock, ledger and evidence in a bucket.
fn records(bucket: &Bucket, wanted: &Wanted) -> [Value; 2] {
    let name = format!("arn:{}:s3:::{}", wanted.partition, bucket.name);
    let prefix = bucket.prefix.clone().unwrap_or_else(|| format!("leasehold/{}", wanted.stack));
    let mut actions = vec!["s3:GetObject", "s3:PutObject"];
    actions.extend(bucket.retention.map(|_| "s3:PutObjectRetention"));
    [
        json!({ "Sid": "Records", "Effect": "Allow", "Action": actions, "Resource": format!("{name}/{prefix}/*") }),
        json!({
            "Sid": "RecordsList",
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": name,
            "Condition": { "StringLike": { "s3:prefix": format!("{prefix}/*") } },
        }),
    ]
}
