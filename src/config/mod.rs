//! Reads a stack's configuration: text → [`DeclaredStack`].
//!
//! In: the stack's files, values for its variables, and `now`. Out: what the stack declares, or all findings at once.
//!
//! ```text
//! bytes ─syntax→ blocks ─schema→ known blocks ─catalog→ index ─eval→ values ─declare→ DeclaredStack ─checks→ findings
//! ```
//!
//! Example: the block `identity "ci"` with `owner = owner.jane` becomes the [`DeclaredIdentity`] with the address `identity.ci`, the name
//! `ci` and the owner `jane`. If the block has no `ttl`, the lease has the default from `defaults { ttl = "90d" }`.
//!
//! This stage never reads a file, the clock or the environment. The caller passes them in as values ([`Sources`], [`ConfigInputs`]).

mod budget;
mod catalog;
mod checks;
mod declare;
pub mod declared;
mod deep_stack;
pub mod diagnostic;
pub mod essentials;
pub mod estate;
mod eval;
mod eval_error;
mod files;
pub mod format;
mod functions;
mod inputs;
mod load;
mod modules;
mod naming;
mod origin;
mod recorded_files;
mod schema;
pub mod source;
mod sources;
mod stack_model;
mod suggest;
mod syntax;
mod value;

pub use declared::{
    Backend, DeclaredGroup, DeclaredIdentity, DeclaredOwner, DeclaredService, DeclaredStack, Lease, ProviderBlock,
};
pub use diagnostic::{Diagnostic, DiagnosticSeverity, Location};
pub use estate::{ImportBlock, MovedBlock, RemovedBlock, StateBlocks};
pub use files::join_path;
pub use inputs::{ConfigInputs, StackLimits, VariableAssignment};
pub use load::{LoadedConfig, ParsedConfig, evaluate_config, find_nonsensitive_variables, load_config, parse_config};
pub use modules::gather_modules;
pub use origin::BlockOrigin;
pub use source::{FileId, SourceFile};
pub use sources::{NoFiles, Sources, StackFiles};
