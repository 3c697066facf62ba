//! The configuration language, from the real program's point of view.

mod diagnostics;
mod fmt;
mod modules;
mod places;
mod templates;
