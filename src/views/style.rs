//! The few styles all views share. Whether colour reaches the terminal is decided where the text is printed.

use anstyle::{AnsiColor, Style};

use crate::diff::Lifecycle;

/// Something new.
pub const ADD: Style = AnsiColor::Green.on_default();
/// Something else.
pub const CHANGE: Style = AnsiColor::Yellow.on_default();
/// Something gone.
pub const REMOVE: Style = AnsiColor::Red.on_default();
/// Changed by somebody else.
pub const DRIFT: Style = AnsiColor::Magenta.on_default();
/// What a reader may pass over.
pub const FAINT: Style = Style::new().dimmed();
/// What a reader must see.
pub const STRONG: Style = Style::new().bold();

/// The sign and style of a lifecycle event.
#[must_use]
pub fn style_for_lifecycle(lifecycle: Lifecycle) -> (char, &'static str, Style) {
    match lifecycle {
        Lifecycle::Joiner => ('+', "joiner", ADD),
        Lifecycle::Mover => ('~', "mover", CHANGE),
        Lifecycle::Leaver => ('-', "leaver", REMOVE),
        Lifecycle::Released => ('.', "let go", CHANGE),
        Lifecycle::Drift => ('!', "drift", DRIFT),
    }
}

/// The text in a style, with the style closed after it.
#[must_use]
pub fn paint_text(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
