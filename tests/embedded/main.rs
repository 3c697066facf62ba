//! Tests that run the real program on the embedded directory, without an emulator.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod bad_input;
mod bounds;
mod crowded;
mod earlier_version;
mod embedded_story;
mod estate_story;
mod evidence;
mod fixed_store;
mod hidden;
mod hostile_repository;
mod language;
mod operator_bounds;
mod ownership;
mod policy_commands;
mod private_files;
