//! Text → [`Declared`]. In: the stack's files, variables and `now`. Out: what is declared, or every finding at once.
//!
//! This stage never reads a file, the clock or the environment: the edge hands them over as values.

pub mod declared;
pub mod diagnostic;
pub mod source;

pub use declared::{Backend, Declared, DeclaredIdentity, Lease, Origin, Owner, ProviderBlock, Service};
pub use diagnostic::{Diagnostic, Location, Severity};
pub use source::{FileId, SourceFile, Sources, StackFiles};
