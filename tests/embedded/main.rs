//! Tests that run the real program on the embedded directory, without an emulator.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod bad_input;
mod bounds;
mod crowded;
mod embedded_story;
mod estate_story;
mod hidden;
mod language;
mod policy_commands;
