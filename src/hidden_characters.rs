//! Characters that a reader does not see as what they are. In: characters and text from any source. Out: whether a character is hidden, and
//! text in which hidden characters are written as escapes.
//!
//! A reviewer approves what is shown, and the cloud gets what is written: `s3:Get\u{200b}Object` looks like an action and is none, and a
//! character that reverses the direction shows one resource and grants another. Names, actions, resources and conditions with hidden
//! characters are refused; every view escapes them in other text. The Unicode data is that of the crate `icu_properties`.

use std::borrow::Cow;

use icu_properties::props::{
    BidiControl, DefaultIgnorableCodePoint, GeneralCategory, PrependedConcatenationMark, WhiteSpace,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Why a character is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HiddenCharacter {
    /// It controls a terminal or a printer; a line break is one.
    Control,
    /// It changes the direction in which text around it is shown.
    Direction,
    /// It is shown as nothing.
    Invisible,
    /// It is shown as a blank, and is not U+0020.
    Blank,
}

/// A blank that Unicode classifies as a symbol: the pattern of Braille without a dot.
const BRAILLE_BLANK: char = '\u{2800}';

impl HiddenCharacter {
    /// The class of a character. `None`: a reader sees it.
    #[must_use]
    pub fn classify_char(c: char) -> Option<Self> {
        if c.is_ascii() && !c.is_ascii_control() {
            return None;
        }
        let category = CodePointMapData::<GeneralCategory>::new().get(c);
        let format =
            category == GeneralCategory::Format && !CodePointSetData::new::<PrependedConcatenationMark>().contains(c);
        if category == GeneralCategory::Control {
            Some(Self::Control)
        } else if CodePointSetData::new::<BidiControl>().contains(c) {
            Some(Self::Direction)
        } else if CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) || format {
            Some(Self::Invisible)
        } else if CodePointSetData::new::<WhiteSpace>().contains(c) || c == BRAILLE_BLANK {
            Some(Self::Blank)
        } else {
            None
        }
    }

    /// What the character does, for a diagnostic.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Control => "a control character",
            Self::Direction => "changes the direction of text",
            Self::Invisible => "shown as nothing",
            Self::Blank => "looks like a blank",
        }
    }
}

/// Whether a reader does not see a character as what it is.
#[must_use]
pub fn is_hidden_char(c: char) -> bool {
    HiddenCharacter::classify_char(c).is_some()
}

/// The first hidden character of a text, with its class. `None`: there is none.
#[must_use]
pub fn find_hidden_char(text: &str) -> Option<(char, HiddenCharacter)> {
    text.chars().find_map(|c| HiddenCharacter::classify_char(c).map(|class| (c, class)))
}

/// The text with each hidden character as its escape, such as `\u{202e}`.
#[must_use]
pub fn escape_hidden_chars(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden_char) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden_char(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_characters() {
        let class = HiddenCharacter::classify_char;
        for c in ['\0', '\n', '\u{1b}', '\u{7f}', '\u{9b}'] {
            assert_eq!(class(c), Some(HiddenCharacter::Control), "{c:?}");
        }
        for c in ['\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'] {
            assert_eq!(class(c), Some(HiddenCharacter::Direction), "{c:?}");
        }
        let invisible = ['\u{ad}', '\u{34f}', '\u{115f}', '\u{17b4}', '\u{180e}', '\u{200b}', '\u{200d}', '\u{2060}'];
        let more = ['\u{3164}', '\u{fe0f}', '\u{feff}', '\u{ffa0}', '\u{fff9}', '\u{1d173}', '\u{e0041}', '\u{e0100}'];
        for c in invisible.into_iter().chain(more) {
            assert_eq!(class(c), Some(HiddenCharacter::Invisible), "{c:?}");
        }
        for c in ['\u{a0}', '\u{1680}', '\u{2003}', '\u{2028}', '\u{202f}', '\u{205f}', '\u{2800}', '\u{3000}'] {
            assert_eq!(class(c), Some(HiddenCharacter::Blank), "{c:?}");
        }
        for c in " ~aéжش你👍·\u{301}\u{600}".chars() {
            assert_eq!(class(c), None, "{c:?}");
        }
    }

    #[test]
    fn escapes_are_shown_and_text_stays() {
        assert_eq!(escape_hidden_chars("\u{1b}[31mred\u{202e}\n"), "\\u{1b}[31mred\\u{202e}\\u{a}");
        assert!(matches!(escape_hidden_chars("Zoë · naïve"), Cow::Borrowed(_)));
    }

    proptest::proptest! {
        #[test]
        fn escaped_text_has_nothing_hidden(text: String) {
            proptest::prop_assert_eq!(find_hidden_char(&escape_hidden_chars(&text)), None);
        }
    }
}
