//! The styles that all views share. The code that prints decides whether colour reaches the terminal.

use anstyle::{AnsiColor, Style};

use crate::diff::Lifecycle;

/// Something is created.
pub const ADD: Style = AnsiColor::Green.on_default();
/// Something is changed.
pub const CHANGE: Style = AnsiColor::Yellow.on_default();
/// Something is deleted.
pub const REMOVE: Style = AnsiColor::Red.on_default();
/// Something was changed outside Leasehold.
pub const DRIFT: Style = AnsiColor::Magenta.on_default();
/// Less important text.
pub const FAINT: Style = Style::new().dimmed();
/// Important text.
pub const STRONG: Style = Style::new().bold();

/// The sign and style of a lifecycle event.
#[must_use]
pub fn style_for_lifecycle(lifecycle: Lifecycle) -> (char, &'static str, Style) {
    match lifecycle {
        Lifecycle::Joiner => ('+', "joiner", ADD),
        Lifecycle::Mover => ('~', "mover", CHANGE),
        Lifecycle::Leaver => ('-', "leaver", REMOVE),
        Lifecycle::Released => ('.', "release", CHANGE),
        Lifecycle::Drift => ('!', "drift", DRIFT),
    }
}

/// The text in a style, followed by a reset.
#[must_use]
pub fn paint_text(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
