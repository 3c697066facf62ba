//! The arguments of the commands on a stack's records: ledger and lock.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::{OutputFormat, VariableArgs};
use crate::diff::Lifecycle;

/// The commands on the ledger.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check the chain, its signatures and its evidence; name what is unfinished
    Verify(AuditVerifyArgs),
    /// List records
    List(AuditListArgs),
    /// Show one entry
    Show(AuditShowArgs),
    /// Write records for other tools
    Export(AuditExportArgs),
    /// Tell one identity's whole life
    Identity(AuditIdentityArgs),
    /// Sign the end of the chain
    Checkpoint(AuditCheckpointArgs),
}

/// The commands on the lock.
#[derive(Debug, Subcommand)]
pub enum LockCommand {
    /// Say who holds it
    Show(LockShowArgs),
    /// Break it, when its holder is dead and nobody can wait
    Break(LockBreakArgs),
}

/// Whose records.
#[derive(Debug, Clone, Args)]
pub struct AuditStackArgs {
    /// The stack's directory
    #[arg(long = "stack", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub variables: VariableArgs,
}

/// Which records. Several words of one kind mean any of them.
#[derive(Debug, Clone, Default, Args)]
pub struct AuditPickArgs {
    /// Of this identity, with the runs around it
    #[arg(long, value_name = "ADDRESS")]
    pub identity: Vec<String>,
    /// Of identities that this owner answers for
    #[arg(long, value_name = "OWNER")]
    pub owner: Vec<String>,
    /// Of identities that did this
    #[arg(long, value_enum, value_name = "EVENT")]
    pub lifecycle: Vec<LifecycleArg>,
    /// Of this kind: run_started, change, decided, approval, intent, outcome, resolved, evidence, run_ended, checkpoint, lock_broken
    #[arg(long, value_name = "KIND")]
    pub kind: Vec<String>,
    /// Of this run
    #[arg(long, value_name = "RUN")]
    pub run: Vec<String>,
    /// Not before this instant (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub after: Option<Timestamp>,
    /// Before this instant (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub before: Option<Timestamp>,
}

/// An event in an identity's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LifecycleArg {
    /// It appeared
    Joiner,
    /// It changed
    Mover,
    /// It went
    Leaver,
    /// It was changed outside, and put right
    Drift,
}

impl LifecycleArg {
    /// Whether it is that event.
    #[must_use]
    pub fn is_lifecycle(self, lifecycle: Lifecycle) -> bool {
        lifecycle
            == match self {
                Self::Joiner => Lifecycle::Joiner,
                Self::Mover => Lifecycle::Mover,
                Self::Leaver => Lifecycle::Leaver,
                Self::Drift => Lifecycle::Drift,
            }
    }
}

/// A form of output for records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// For people
    Human,
    /// For machines
    Json,
    /// For spreadsheets
    Csv,
}

/// A form of exported records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One JSON document
    Json,
    /// Comma-separated values with a header line
    Csv,
}

/// `leasehold audit verify`
#[derive(Debug, Args)]
pub struct AuditVerifyArgs {
    #[command(flatten)]
    pub stack: AuditStackArgs,
    /// A checkpoint that was kept elsewhere: the chain must contain it
    #[arg(long, value_name = "CHECKPOINT")]
    pub since: Option<PathBuf>,
    /// Who may sign checkpoints: an allowed_signers file, as ssh-keygen knows it
    #[arg(long, value_name = "FILE")]
    pub signers: Option<PathBuf>,
    /// The form of output
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// `leasehold audit list`
#[derive(Debug, Args)]
pub struct AuditListArgs {
    #[command(flatten)]
    pub stack: AuditStackArgs,
    #[command(flatten)]
    pub pick: AuditPickArgs,
    /// The form of output
    #[arg(long, value_enum, default_value_t = AuditFormat::Human)]
    pub format: AuditFormat,
}

/// `leasehold audit export`
#[derive(Debug, Args)]
pub struct AuditExportArgs {
    #[command(flatten)]
    pub stack: AuditStackArgs,
    #[command(flatten)]
    pub pick: AuditPickArgs,
    /// The form of output
    #[arg(long, value_enum, default_value_t = ExportFormat::Json)]
    pub format: ExportFormat,
}

/// `leasehold audit show`
#[derive(Debug, Args)]
pub struct AuditShowArgs {
    /// The number of the entry
    #[arg(value_name = "NUMBER")]
    pub number: u64,
    #[command(flatten)]
    pub stack: AuditStackArgs,
    /// The form of output
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// `leasehold audit identity`
#[derive(Debug, Args)]
pub struct AuditIdentityArgs {
    /// The address of the identity
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    #[command(flatten)]
    pub stack: AuditStackArgs,
    /// The form of output
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// `leasehold audit checkpoint`
#[derive(Debug, Args)]
pub struct AuditCheckpointArgs {
    #[command(flatten)]
    pub stack: AuditStackArgs,
    /// An ed25519 key: a private key's file, or a public key's that an agent holds the other half of
    #[arg(long, value_name = "KEY", env = "LEASEHOLD_SIGNING_KEY")]
    pub signing_key: Option<PathBuf>,
    /// Where to write the checkpoint; its signature goes beside it, with .sig after its name
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What a run signs when it ends.
#[derive(Debug, Clone, Default, Args)]
pub struct CheckpointArgs {
    /// Write a checkpoint of the ledger to this file, for a pipeline to publish elsewhere
    #[arg(long, value_name = "FILE")]
    pub checkpoint_out: Option<PathBuf>,
    /// Sign it with this ed25519 key: a private key's file, or a public key's that an agent holds the other half of
    #[arg(long, value_name = "KEY", env = "LEASEHOLD_SIGNING_KEY")]
    pub signing_key: Option<PathBuf>,
}

/// `leasehold lock show`
#[derive(Debug, Args)]
pub struct LockShowArgs {
    #[command(flatten)]
    pub stack: AuditStackArgs,
    /// The form of output
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// `leasehold lock break`
#[derive(Debug, Args)]
pub struct LockBreakArgs {
    #[command(flatten)]
    pub stack: AuditStackArgs,
    /// Why
    #[arg(long, value_name = "WORDS")]
    pub reason: String,
    /// Only while this is the lock's epoch
    #[arg(long, value_name = "N")]
    pub epoch: Option<u64>,
}
