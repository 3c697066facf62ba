//! Tests that run the real program on emulators of AWS, and the tests that share their fixtures. Each test starts its own emulator.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod aws_cost;
mod aws_story;
mod faults;
mod imported_on_aws;
mod keys;
mod pipelines;
mod records;
