//! Values as people and machines read them. A view renders; it decides nothing.

pub mod diagnostics;
