//! The configuration stage as its callers see it: text in, `Declared` or drawn findings out.

mod bad_input;
mod credentials;
mod declared;
mod evaluation;
mod fuzz;
mod hostile;
mod modules;
pub mod stack;
mod templates;
mod views;
