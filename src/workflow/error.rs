//! Why a run failed or was refused, as plain data.
//!
//! The text is for logs: the caller renders each variant for its readers, with the names of its own commands and options.

use leasehold_provider::{ObserveError, StackName};

use super::interruption::StopError;
use crate::config::{Diagnostic, Sources};
use crate::ledger::LedgerError;
use crate::plan::check::UnsoundPlanError;
use crate::plan::stale::Staleness;
use crate::rules::Ruling;
use crate::secret_store::SecretStoreError;
use crate::store::lock::{self, LockError, OtherStackError};
use crate::store::{NoRandomnessError, StoreError};

/// Why a step of the workflow failed or was refused.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    /// The configuration is not valid.
    #[error("the configuration is not valid")]
    Findings {
        /// The errors.
        findings: Vec<Diagnostic>,
        /// The files that they refer to.
        sources: Sources,
    },
    /// The cloud could not be read.
    #[error("the cloud could not be read: {0}")]
    Unreadable(ObserveError),
    /// What was written could not be read back. [`RunResult`](super::RunResult) says what was done.
    #[error("what was written could not be read back: {0}")]
    ReadBack(ObserveError),
    /// Rules refuse the plan. Nothing was changed.
    #[error("rules refuse the plan")]
    Ruled(Vec<Ruling>),
    /// The plan is stale. Nothing was changed.
    #[error("the plan is stale")]
    Stale(Vec<Staleness>),
    /// The run was refused for another reason. Nothing was changed.
    #[error("{what}")]
    Refused {
        /// What was refused, and why.
        what: String,
        /// What the user can do.
        help: String,
    },
    /// Another process holds the lock of the stack. Nothing was changed.
    #[error("the stack is locked by another run")]
    Locked {
        /// The stack.
        stack: StackName,
        /// The holder, when it took the lock, and when the lock expires.
        record: Box<lock::LockRecord>,
    },
    /// The stack's records cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret store cannot be used. Nothing was changed.
    #[error(transparent)]
    SecretStorage(#[from] SecretStoreError),
    /// The plan failed its own check, which is a bug. Nothing was changed.
    #[error("the plan failed its own check")]
    Unsound(Vec<UnsoundPlanError>),
    /// The work began and is not complete. [`RunResult`](super::RunResult) says how it ended.
    #[error("the run is not complete")]
    Unfinished,
    /// A signal stopped the run.
    #[error(transparent)]
    Stopped(#[from] StopError),
    /// Any other error.
    #[error("{what}")]
    Failed {
        /// What failed.
        what: String,
        /// Why: the outermost cause first.
        causes: Vec<String>,
    },
}

impl From<anyhow::Error> for WorkflowError {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed { what: error.to_string(), causes: error.chain().skip(1).map(ToString::to_string).collect() }
    }
}

impl From<ObserveError> for WorkflowError {
    fn from(error: ObserveError) -> Self {
        Self::Unreadable(error)
    }
}

impl From<LedgerError> for WorkflowError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Store(error) => Self::Store(error),
            LedgerError::OtherStack(other) => other.into(),
            LedgerError::OtherLineage { .. } | LedgerError::Inventory { .. } => Self::Refused { what: error.to_string(), help: error.help() },
            LedgerError::LockBroken => Self::Refused {
                what: error.to_string(),
                help: "See who broke the lock and why: `leasehold audit list --kind lock_broken`.".to_owned(),
            },
            other => Self::Refused {
                what: other.to_string(),
                help:
                    "Run `leasehold audit verify` to find the fault. Leasehold does not write to the cloud without a valid ledger."
                        .to_owned(),
            },
        }
    }
}

impl From<OtherStackError> for WorkflowError {
    fn from(other: OtherStackError) -> Self {
        Self::Refused { help: format!("{} Nothing was changed.", other.help()), what: other.to_string() }
    }
}

impl From<NoRandomnessError> for WorkflowError {
    fn from(error: NoRandomnessError) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<LockError> for WorkflowError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Store(error) => Self::Store(error),
            LockError::Clock { .. } => Self::Refused {
                what: error.to_string(),
                help: "Set the clock: the expiration of leases depends on it. Nothing was changed.".to_owned(),
            },
            LockError::Unreadable { .. } => Self::Refused {
                what: error.to_string(),
                help: "Use the version of Leasehold that wrote the lock. If no run is active: `leasehold lock break --reason 'unreadable \
                       lock'`. Nothing was changed."
                    .to_owned(),
            },
            LockError::OtherStack(other) => other.into(),
            LockError::Randomness(error) => error.into(),
        }
    }
}
