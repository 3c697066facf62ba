//! The configuration stage as its callers see it: text in, `Declared` or drawn findings out.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "config/bad_input.rs"]
mod bad_input;
#[path = "config/credentials.rs"]
mod credentials;
#[path = "config/declared.rs"]
mod declared;
#[path = "config/evaluation.rs"]
mod evaluation;
#[path = "config/fuzz.rs"]
mod fuzz;
#[path = "config/hostile.rs"]
mod hostile;
#[path = "config/modules.rs"]
mod modules;
#[path = "config/stack.rs"]
mod stack;
#[path = "config/templates.rs"]
mod templates;
#[path = "config/views.rs"]
mod views;
