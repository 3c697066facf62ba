//! Text → [`DeclaredStack`]. In: the stack's files, variables and `now`. Out: what is declared, or every finding at once.
//!
//! ```text
//! bytes ─syntax→ blocks ─schema→ known blocks ─catalog→ index ─eval→ values ─declare→ Declared ─checks→ findings
//! ```
//!
//! This stage never reads a file, the clock or the environment: the edge hands them over as values.

mod catalog;
mod checks;
mod declare;
pub mod declared;
pub mod diagnostic;
pub mod essentials;
pub mod estate;
mod eval;
pub mod format;
mod functions;
mod inputs;
mod load;
mod modules;
mod schema;
pub mod source;
mod syntax;
mod value;

pub use declared::{
    Backend, BlockOrigin, DeclaredGroup, DeclaredIdentity, DeclaredOwner, DeclaredService, DeclaredStack, Lease,
    ProviderBlock,
};
pub use diagnostic::{Diagnostic, DiagnosticSeverity, Location};
pub use estate::{ImportBlock, MovedBlock, RemovedBlock, StateBlocks};
pub use inputs::{ConfigInputs, StackLimits, VariableAssignment};
pub use load::{LoadedConfig, ParsedConfig, evaluate_config, find_nonsensitive_variables, load_config, parse_config};
pub use modules::{gather_modules, join_path};
pub use source::{FileId, NoFiles, SourceFile, Sources, StackFiles};
