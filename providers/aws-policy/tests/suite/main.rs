//! Tests of the policy language. `tests/hostile.rs` is a program of its own because it measures the memory of its process.
#![allow(clippy::disallowed_methods, reason = "environment variables set the number of cases")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod canonical;
#[path = "../common/mod.rs"]
mod common;
mod compare;
mod differential;
mod evaluate;
mod lint;
mod managed;
mod parse;
mod trim;
