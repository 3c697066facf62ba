//! The configuration language, from the real program's point of view.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod diagnostics;
mod fmt;
mod modules;
mod places;
#[path = "../support/mod.rs"]
mod support;
mod templates;
