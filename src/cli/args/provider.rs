//! The arguments of the commands on providers.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

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
    after_help = "The policy of a directory grants what the stack in it has now. Identities of a sort that it no longer declares still have to \
leave: print it anew once they are gone. --stack NAME prints what any stack of that name needs."
)]
pub struct AwsPolicyArgs {
    /// The stack's directory
    #[arg(value_name = "DIR", conflicts_with = "stack")]
    pub dir: Option<PathBuf>,
    /// For any stack of this name, whatever is in it
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// What it shall be good for; applying includes planning
    #[arg(long = "for", value_enum, value_name = "PURPOSE", default_value_t = PurposeArg::Apply)]
    pub purpose: PurposeArg,
    #[command(flatten)]
    pub variables: VariableArgs,
}

/// What a policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PurposeArg {
    /// `plan`, `drift`, `list`, `show`, `who-can`
    Plan,
    /// `apply`, `sweep`, `revoke`, `restore`
    Apply,
}
