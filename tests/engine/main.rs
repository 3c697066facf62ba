//! The engine on stacks made as values: its laws, and the phases of identities.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod architecture;
mod laws;
mod lifecycle;
mod order;
mod stacks;
mod world;

/// An instant.
fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}
