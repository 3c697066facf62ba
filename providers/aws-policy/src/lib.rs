//! The IAM policy language: parse, canonical form, evaluate, compare, lint. Text and values in, values out; no I/O, no
//! clock, no network, and nothing of the rest of the workspace, so that the crate is usable alone.
//!
//! | step | module | question it answers |
//! | --- | --- | --- |
//! | read | [`parse`](document::Document::parse) | is this a policy, and if not, where is it wrong |
//! | canonical form | [`canonical`] | does AWS treat these two documents as the same |

pub mod canonical;
pub mod document;
pub mod error;
mod json;
pub mod operator;
mod parse;
pub mod pattern;
pub mod principal;

pub use canonical::equivalent;
pub use document::{Clause, Condition, Document, Effect, PolicyKind, Statement, Version};
pub use error::{JsonPath, ParseError, Problem};
pub use operator::{Operator, Quantifier, Test};
pub use pattern::{Pattern, Token};
pub use principal::{AccountId, Principal};
