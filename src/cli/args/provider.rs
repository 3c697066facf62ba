//! The arguments of the commands on providers.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use leasehold_aws::partition::Partition;

use super::VariableArgs;

/// The commands on providers.
#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// Print the smallest IAM policy that leasehold itself needs for a stack
    AwsPolicy(AwsPolicyArgs),
}

/// `leasehold provider aws-policy`
#[derive(Debug, Args)]
#[command(
    after_help = "The policy is for the credentials that leasehold starts with. Where a provider block or the backend assumes a role or uses another \
profile, that role or profile needs a policy of its own: stderr names it, and --role or --profile prints it.\n\n\
The policy of a directory grants what the stack in it has now, and the rights on the bucket of its records. Identities of a sort that it no longer \
declares still have to leave: print it anew once they are gone. --stack NAME prints what any stack of that name needs of IAM; the bucket is not known."
)]
pub struct AwsPolicyArgs {
    /// The stack's directory
    #[arg(value_name = "DIR", conflicts_with = "stack")]
    pub dir: Option<PathBuf>,
    /// For any stack of this name, whatever is in it
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// The commands that the policy is for
    #[arg(long = "for", value_enum, value_name = "PURPOSE", default_value_t = PurposeArg::Apply)]
    pub purpose: PurposeArg,
    /// Only the rights on IAM, or only those on the bucket of the stack's records
    #[arg(long, value_enum, value_name = "PART", conflicts_with = "stack")]
    pub only: Option<OnlyArg>,
    /// For this role, which a provider block or the backend assumes
    #[arg(long, value_name = "ARN", conflicts_with_all = ["stack", "profile"])]
    pub role: Option<String>,
    /// For the credentials of this profile, which a provider block or the backend uses
    #[arg(long, value_name = "NAME", conflicts_with = "stack")]
    pub profile: Option<String>,
    /// The partition; unless said otherwise that of the region in the configuration, or aws
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
    /// `apply`, `revoke`, `restore`, `lock break`, `audit checkpoint`; all of the other purposes too
    Apply,
    /// `sweep`
    Sweep,
    /// `drift`
    Drift,
    /// `audit`, `lock show`: they read the records alone
    Audit,
}

/// A part of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnlyArg {
    /// IAM, and assuming roles
    Iam,
    /// The bucket of the stack's records and its key
    Records,
}
