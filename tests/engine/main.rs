//! Tests of the stages that are functions of their arguments: configurations from text, and the engine on stacks built as values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod architecture;
mod commands;
mod config;
mod edited_plans;
mod laws;
mod lifecycle;
mod missing_parts;
mod order;
mod ownership_law;
mod rules;
mod stacks;
mod threat_model;
mod world;

/// Parses a time.
fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}
