//! The command line of what pipelines and people on call run.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{AllowanceArgs, CheckpointArgs, JsonIntoArgs, StackArgs, VariableArgs};
use crate::views::markdown::DEFAULT_MAX_BYTES;

/// How a plan is carried out.
#[derive(Debug, Clone, Args)]
pub struct CarryOutArgs {
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// How many writes may be in flight at once
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
    #[command(flatten)]
    pub checkpoint: CheckpointArgs,
}

/// `leasehold sweep`
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// The stack's directory
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// Rehearse as if this were the present moment (RFC 3339); only on the embedded directory
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<Timestamp>,
    #[command(flatten)]
    pub allowance: AllowanceArgs,
    #[command(flatten)]
    pub carry_out: CarryOutArgs,
    #[command(flatten)]
    pub json: JsonIntoArgs,
}

/// `leasehold revoke`
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The identity: its address, its name, its ARN or that of a session of its role, or the id of one of its keys
    #[arg(value_name = "ADDRESS|ARN")]
    pub what: String,
    /// The stack's directory
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Why; it is kept as a mark on the identity, as far as its characters fit
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// Rehearse as if this were the present moment (RFC 3339); only on the embedded directory
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<Timestamp>,
    #[command(flatten)]
    pub checkpoint: CheckpointArgs,
    #[command(flatten)]
    pub json: JsonIntoArgs,
}

/// `leasehold restore`
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The identity that was revoked: its address, its name or its ARN
    #[arg(value_name = "ADDRESS|ARN")]
    pub what: String,
    /// The stack's directory
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// Rehearse as if this were the present moment (RFC 3339); only on the embedded directory
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<Timestamp>,
    #[command(flatten)]
    pub allowance: AllowanceArgs,
    #[command(flatten)]
    pub carry_out: CarryOutArgs,
    #[command(flatten)]
    pub json: JsonIntoArgs,
}

/// `leasehold drift`
#[derive(Debug, Args)]
pub struct DriftArgs {
    #[command(flatten)]
    pub stack: StackArgs,
    /// Tell also what nobody manages: users, roles and policies without a mark
    #[arg(long)]
    pub unmanaged: bool,
    /// A file of globs on ARNs that may be unmanaged; default: .leaseholdignore in the stack's directory, where it is there
    #[arg(long, value_name = "FILE", requires = "unmanaged")]
    pub ignore: Option<PathBuf>,
    /// The form of output
    #[arg(long, value_enum, default_value_t = DriftFormat::Human)]
    pub format: DriftFormat,
    /// The size to cut markdown to, riskiest findings first
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_BYTES, value_parser = super::parse_max_bytes)]
    pub max_bytes: usize,
    #[command(flatten)]
    pub json: JsonIntoArgs,
}

/// A form of output for drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DriftFormat {
    /// For people
    Human,
    /// For machines
    Json,
    /// For an issue
    Markdown,
    /// Annotations of a GitHub workflow
    Github,
    /// SARIF 2.1.0
    Sarif,
    /// JUnit's XML
    Junit,
}
