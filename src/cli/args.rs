//! The arguments that several commands share. The arguments of one command are beside it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

/// Values for a stack's variables.
#[derive(Debug, Clone, Default, Args)]
pub struct VariableArgs {
    /// Set a variable; can be repeated
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub var: Vec<String>,
    /// Set variables from a file; can be repeated
    #[arg(long = "var-file", value_name = "FILE")]
    pub var_file: Vec<PathBuf>,
}

/// What most commands say of the stack.
#[derive(Debug, Clone, Args)]
pub struct StackArgs {
    /// The stack's directory
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// Simulate a run at this time (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<Timestamp>,
}

/// Which part of a plan is wanted.
#[derive(Debug, Clone, Default, Args)]
pub struct SelectionArgs {
    /// Plan only this identity or scope and its dependencies; can be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<String>,
    /// Exclude this identity or scope and its dependents; can be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub exclude: Vec<String>,
}

impl SelectionArgs {
    /// As they are typed.
    pub fn to_arguments(&self) -> Vec<String> {
        repeat_option("--target", &self.target).chain(repeat_option("--exclude", &self.exclude)).collect()
    }
}

/// What the operator allows beyond the defaults.
#[derive(Debug, Clone, Default, Args)]
pub struct AllowanceArgs {
    /// The maximum number of identities that may leave in this run
    #[arg(long, value_name = "N")]
    pub max_leavers: Option<usize>,
    /// Approve this identity or account, where a rule requires approval; can be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub approve: Vec<String>,
}

impl AllowanceArgs {
    /// As they are typed.
    pub fn to_arguments(&self) -> Vec<String> {
        let leavers: Vec<String> = self.max_leavers.iter().map(ToString::to_string).collect();
        repeat_option("--max-leavers", &leavers).chain(repeat_option("--approve", &self.approve)).collect()
    }
}

/// An option before each of its values.
fn repeat_option<'a>(option: &'a str, values: &'a [String]) -> impl Iterator<Item = String> + 'a {
    values.iter().flat_map(move |value| [option.to_owned(), value.clone()])
}

/// How a plan is carried out.
#[derive(Debug, Clone, Args)]
pub struct CarryOutArgs {
    /// Apply without asking for approval
    #[arg(long)]
    pub auto_approve: bool,
    /// The maximum number of concurrent writes
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
    #[command(flatten)]
    pub checkpoint: CheckpointArgs,
}

/// What a run signs when it ends.
#[derive(Debug, Clone, Default, Args)]
pub struct CheckpointArgs {
    /// Write a checkpoint of the ledger to this file, for a pipeline to publish elsewhere
    #[arg(long, value_name = "FILE")]
    pub checkpoint_out: Option<PathBuf>,
    /// Sign the checkpoint with this ed25519 key: a private key file, or a public key file whose private key is in ssh-agent
    #[arg(long, value_name = "KEY", env = "LEASEHOLD_SIGNING_KEY")]
    pub signing_key: Option<PathBuf>,
}

/// JSON beside what is shown.
#[derive(Debug, Clone, Default, Args)]
pub struct JsonIntoArgs {
    /// Also write the result as JSON to this file
    #[arg(long, value_name = "FILE")]
    pub json_into: Option<PathBuf>,
}

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people
    Human,
    /// For machines
    Json,
}

/// Parses the size that Markdown is cut to.
pub fn parse_max_bytes(text: &str) -> Result<usize, String> {
    let bytes: usize = text.parse().map_err(|_| "a number of bytes, such as 65536".to_owned())?;
    if bytes < 1024 { Err("must be at least 1024".to_owned()) } else { Ok(bytes) }
}
