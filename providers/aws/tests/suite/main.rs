//! Tests of the provider on an emulator of AWS IAM.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod common;
mod conformance;
mod costs;
mod faults;
mod lifecycle;
