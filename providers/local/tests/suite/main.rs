//! Tests of the embedded directory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod common;
mod conformance;
mod crash;
mod faults;
mod ownership;
mod properties;
