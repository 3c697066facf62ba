//! Tests of the engine on stacks built as values: its properties, and the phases of identities.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod architecture;
mod laws;
mod lifecycle;
mod order;
mod rules;
mod stacks;
mod world;

/// Parses a time.
fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}
