//! What a run is for, and the part of the stack that its lock and its ledger name.

use std::path::Path;

use leasehold_provider::StackName;

use crate::config::declared::{Backend, Providers};

/// The command that begins a new record of what the stack owns.
pub const RECOVER: &str = "recover";

/// The purpose of a run.
pub struct RunPurpose<'a> {
    /// The command: `apply`, `sweep`, `revoke`, `restore`.
    pub command: &'a str,
    /// The reason that the user gave, for commands that require one.
    pub reason: Option<&'a str>,
    /// The stack.
    pub stack: &'a StackName,
    /// The place of its records.
    pub backend: &'a Backend,
    /// Its providers.
    pub providers: Providers,
    /// The stack's directory.
    pub directory: &'a Path,
}
