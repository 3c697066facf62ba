//! Cleans values of the environment for the lock, the ledger and the terminal. In: any text. Out: text of limited length, without control
//! characters and without credentials.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::views::inert::is_steering;

/// The longest name that is kept, in characters. Branch names on GitHub have at most 255 bytes, user names of all systems fewer.
const LONGEST_TEXT: usize = 255;

/// The longest URL that is kept, in bytes: browsers open URLs of this length reliably. A longer URL is dropped, because a truncated one
/// would not work.
const LONGEST_LINK: usize = 2000;

/// The characters that are percent-encoded in a part of a path or query.
const PART: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~').remove(b':').remove(b'@');

/// The characters that are percent-encoded in a URL from outside. All others stay, `%` included, because the URL is encoded already.
const LINK: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'\\').add(b'^').add(b'{').add(b'}');

/// The text without the characters that control a terminal, truncated to `LONGEST_LINK` characters.
pub fn clean_text(text: &str) -> String {
    let text: String = text.chars().filter(|c| !is_steering(*c)).take(LONGEST_LINK).collect();
    text.trim().to_owned()
}

/// The same, truncated to `LONGEST_TEXT` characters.
pub fn clean_name(text: &str) -> String {
    clean_text(text).chars().take(LONGEST_TEXT).collect()
}

/// Percent-encodes one part of a URL.
pub fn encode_path_part(text: &str) -> String {
    utf8_percent_encode(&clean_text(text), PART).to_string()
}

/// A URL that a person can open: HTTP or HTTPS, without credentials. `None`: it is not such a URL, or it is too long.
pub fn clean_link(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    if !matches!(scheme, "http" | "https") {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end)?;
    let host = authority.rsplit('@').next().filter(|host| !host.is_empty())?;
    let link = utf8_percent_encode(&format!("{scheme}://{host}{rest}"), LINK).to_string();
    (link.len() <= LONGEST_LINK).then_some(link)
}

/// `owner/name`, from that form or from the URL of a repository. The URL may contain credentials, which are dropped.
pub fn parse_repository_path(text: &str) -> Option<String> {
    let path = match (text.split_once("://"), text.split_once(':')) {
        (Some((_, rest)), _) => rest.split_once('/')?.1,
        // git@host:owner/name.git
        (None, Some((_, path))) => path,
        (None, None) => text,
    };
    let path = path.split(['?', '#']).next()?.trim_matches('/');
    let path = clean_name(path.strip_suffix(".git").unwrap_or(path));
    (!path.is_empty()).then_some(path)
}

/// The id of a commit: at least seven hexadecimal digits, the length to which git abbreviates. `None`: the text is something else. Some
/// systems write other words (`HEAD`), or versions that are not commits, into the same variable.
pub fn parse_commit_id(text: &str) -> Option<String> {
    let text = text.trim();
    let is_id = (7..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_id.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_opened_as_it_is_kept() {
        let kept = |text: &str| clean_link(text);
        assert_eq!(kept("https://u:p@ci.example/job/a b/").as_deref(), Some("https://ci.example/job/a%20b/"));
        assert_eq!(kept("https://ci.example").as_deref(), Some("https://ci.example"));
        assert_eq!(kept("https://ci.example/%20?q=a@b#x").as_deref(), Some("https://ci.example/%20?q=a@b#x"));
        for other in ["javascript:alert(1)", "file:///etc/passwd", "https://", "ci.example/1", "", "https://u@/x"] {
            assert_eq!(kept(other), None, "{other}");
        }
        assert_eq!(kept(&format!("https://ci.example/{}", "a".repeat(3000))), None);
    }

    #[test]
    fn a_repository_is_named_without_its_credentials() {
        for text in [
            "acme/iam",
            "https://oauth2:glpat-secret@git.example/acme/iam.git",
            "git@git.example:acme/iam.git",
            "ssh://git@git.example:22/acme/iam.git",
        ] {
            assert_eq!(parse_repository_path(text).as_deref(), Some("acme/iam"), "{text}");
        }
    }

    #[test]
    fn text_steers_no_terminal_and_has_an_end() {
        assert_eq!(clean_text(" a\u{1b}[31m\u{202e}\nb "), "a[31mb");
        assert_eq!(clean_name(&"é".repeat(10_000)).chars().count(), LONGEST_TEXT);
    }

    #[test]
    fn only_ids_are_commits() {
        assert_eq!(parse_commit_id("0123ABC").as_deref(), Some("0123abc"));
        for other in ["HEAD", "012345", "", "xyzxyzxyz", &"0".repeat(65)] {
            assert_eq!(parse_commit_id(other), None, "{other}");
        }
    }
}
