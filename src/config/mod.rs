//! The configuration model of Leasehold: what the blocks of a stack mean. Text → [`DeclaredStack`].
//!
//! In: the stack's files, values for its variables, and `now`. Out: what the stack declares, or all findings at once.
//!
//! ```text
//! files ─load, modules→ blocks ─schema→ known blocks ─declare→ DeclaredStack ─checks→ findings
//! ```
//!
//! The language itself is [`crate::hcl`], which knows no block of this model. It gets the types of blocks from `schema::block_types`, and
//! asks `stack_model` for modules and for attributes that a block does not set.
//!
//! Example: the block `identity "ci"` with `owner = owner.jane` becomes the [`DeclaredIdentity`] with the address `identity.ci`, the name
//! `ci` and the owner `jane`. If the block has no `ttl`, the lease has the default from `defaults { ttl = "90d" }`.
//!
//! This stage never reads a file, the clock or the environment. The caller passes them in as values ([`Sources`], [`ConfigInputs`]).

mod checks;
mod declare;
pub mod declared;
pub mod essentials;
pub mod estate;
mod inputs;
mod load;
mod modules;
mod naming;
pub mod operator;
mod origin;
mod places;
mod recorded_files;
mod schema;
mod sources;
mod stack_model;

pub use crate::hcl::files::join_path;
pub use crate::hcl::{Diagnostic, DiagnosticSeverity, FileId, Location, SourceFile};
pub use declared::{
    Backend, DeclaredGroup, DeclaredIdentity, DeclaredOwner, DeclaredService, DeclaredStack, Lease, ProviderBlock,
};
pub use estate::{ImportBlock, MovedBlock, RemovedBlock, StateBlocks};
pub use inputs::{ConfigInputs, StackLimits, VariableAssignment};
pub use load::{
    LoadedConfig, ParsedConfig, conceal_variable_file, evaluate_config, find_nonsensitive_variables, load_config,
    parse_config,
};
pub use modules::gather_modules;
pub use origin::BlockOrigin;
pub use sources::{NoFiles, PlaceKind, Sources, StackFiles};
