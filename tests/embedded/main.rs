//! Tests that run the real program on the embedded directory, without an emulator.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod bad_input;
mod embedded_story;
mod estate_story;
mod language;
mod ownership;
mod policy_commands;
