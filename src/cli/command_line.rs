//! The command line: the options of all commands, and the list of commands.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use super::apply::ApplyArgs;
use super::audit::AuditCommand;
use super::completions::CompletionsArgs;
use super::drift::DriftArgs;
use super::fmt::FmtArgs;
use super::graph::GraphArgs;
use super::init::InitArgs;
use super::list::ListArgs;
use super::lock::LockCommand;
use super::plan::PlanArgs;
use super::policy::PolicyCommand;
use super::provider::ProviderCommand;
use super::recover::RecoverArgs;
use super::restore::RestoreArgs;
use super::revoke::RevokeArgs;
use super::show::ShowArgs;
use super::sweep::SweepArgs;
use super::validate::ValidateArgs;
use super::who_can::WhoCanArgs;

/// Reconcile declared identities with a cloud's IAM: their access, owners and expiration.
#[derive(Debug, Parser)]
#[command(name = "leasehold", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 success or no changes · 1 error · 2 changes (plan --detailed-exitcode) or drift found · \
3 refused: a rule, the delete budget, or a stale plan"
)]
pub struct Cli {
    /// Change to this directory before running the command
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
    /// Refuse stacks that go beyond the bounds in this file, which must be outside the stack's repository
    #[arg(long, global = true, value_name = "FILE", env = "LEASEHOLD_OPERATOR")]
    pub operator: Option<PathBuf>,
    /// When to use colors
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// The command to run
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// If the output is a terminal and NO_COLOR is not set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Makes the choice hold for all that is printed.
    pub fn apply_globally(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a new stack with an example configuration
    Init(InitArgs),
    /// Format configuration files
    Fmt(FmtArgs),
    /// Check the configuration of a stack without reading the cloud
    Validate(ValidateArgs),
    /// Show the changes that an apply would make
    Plan(PlanArgs),
    /// Apply the configuration or a saved plan
    Apply(ApplyArgs),
    /// Enforce expirations: quarantine expired identities, delete after the grace period
    Sweep(SweepArgs),
    /// Report changes made outside Leasehold, overdue expirations and unmanaged objects
    Drift(DriftArgs),
    /// Quarantine one identity immediately
    Revoke(RevokeArgs),
    /// Restore a revoked identity to its declared state
    Restore(RestoreArgs),
    /// Begin a new record of what the stack owns, after its store was lost
    Recover(RecoverArgs),
    /// Show a saved plan or one identity
    Show(ShowArgs),
    /// List the identities of a stack
    List(ListArgs),
    /// Print the dependency graph
    Graph(GraphArgs),
    /// List the identities that can perform an action, with the statements that allow it and their expiration
    WhoCan(WhoCanArgs),
    /// Read and verify the ledger
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Show or break the stack's lock
    #[command(subcommand)]
    Lock(LockCommand),
    /// Compare, lint, simulate and explain policy documents, without a stack
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Print what a provider needs, such as the IAM policy for Leasehold
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Print shell completions
    Completions(CompletionsArgs),
}
