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
use super::restore::RestoreArgs;
use super::revoke::RevokeArgs;
use super::show::ShowArgs;
use super::sweep::SweepArgs;
use super::validate::ValidateArgs;
use super::who_can::WhoCanArgs;

/// Reconcile declared identities with a cloud's IAM: who has access, who answers for it, and until when.
#[derive(Debug, Parser)]
#[command(name = "leasehold", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done or nothing to do · 1 error · 2 changes (plan --detailed-exitcode) or drift present · \
3 refused by a rule, the delete budget or a stale plan"
)]
pub struct Cli {
    /// Work in this directory
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
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
    /// Write a first stack to start from
    Init(InitArgs),
    /// Lay out configuration files anew
    Fmt(FmtArgs),
    /// Check a stack without looking at the cloud
    Validate(ValidateArgs),
    /// Show what would change, and change nothing
    Plan(PlanArgs),
    /// Make the cloud as the configuration says, or as a saved plan says
    Apply(ApplyArgs),
    /// Do what time brought: shut leases that ended, delete after graces that ended
    Sweep(SweepArgs),
    /// Say what was changed outside, is overdue, or stands where it should not
    Drift(DriftArgs),
    /// Stop one identity at once
    Revoke(RevokeArgs),
    /// Give a revoked identity back what its configuration says
    Restore(RestoreArgs),
    /// Show a saved plan, or one identity
    Show(ShowArgs),
    /// List the identities of a stack
    List(ListArgs),
    /// Print the dependency graph
    Graph(GraphArgs),
    /// Say which identities may do something, through what, and until when
    WhoCan(WhoCanArgs),
    /// Read the ledger, and check that it is whole
    #[command(subcommand)]
    Audit(AuditCommand),
    /// See who holds the stack's lock, or break it
    #[command(subcommand)]
    Lock(LockCommand),
    /// Compare, check, try out and explain policy documents; needs no stack
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Say what a provider asks of the place it works in
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Print completions for a shell
    Completions(CompletionsArgs),
}
