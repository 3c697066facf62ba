//! The configuration language: HCL with Terraform's expressions, functions, variables, locals and modules.
//!
//! In: the bytes of files. Out: values, or diagnostics with the exact place.
//!
//! ```text
//! bytes ─syntax→ blocks ─catalog→ index ─eval→ values
//!                  └────format→ the same text with other blanks
//! ```
//!
//! Example: `locals { a = 1 + 2 }` is parsed into a block with the attribute `a`; `local.a` evaluates to the number 3.
//!
//! The language knows no model: which types of blocks exist, what they mean and where modules are, comes in as a table of
//! [`value::BlockType`]s and an [`eval::BlockModel`]. `config` is such a model. Nothing here reads a file or the clock: the caller passes in
//! [`files::ReadableFiles`] and the time.

pub mod budget;
pub mod catalog;
pub mod deep_stack;
pub mod diagnostic;
pub mod eval;
pub mod eval_error;
pub mod files;
pub mod format;
pub mod functions;
pub mod instant;
pub mod source;
pub mod suggest;
pub mod syntax;
pub mod value;

pub use diagnostic::{Diagnostic, DiagnosticSeverity, Location};
pub use source::{FileId, FileSpan, SourceFile};
