//! The command line of what pipelines and people on call run.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::{AllowanceArgs, JsonIntoArgs, VariableArgs};

/// How a plan is carried out.
#[derive(Debug, Clone, Args)]
pub struct CarryOutArgs {
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// How many writes may be in flight at once
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
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
