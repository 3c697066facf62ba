//! Renders blocks as text, in the layout of `leasehold fmt`.

use crate::hidden_characters::is_hidden_char;

/// The body of a block: attributes first, then maps and inner blocks.
#[derive(Debug, Clone, Default)]
pub struct HclBody {
    attributes: Vec<(String, String)>,
    rest: Vec<String>,
}

impl HclBody {
    /// Adds `name = value`. `value` is an expression, not a text.
    pub fn set_attribute(&mut self, name: &str, value: impl Into<String>) {
        self.attributes.push((name.to_owned(), value.into()));
    }

    /// Adds a list of texts on one line. An empty list is left out.
    pub fn set_list<'a>(&mut self, name: &str, items: impl IntoIterator<Item = &'a String>) {
        let items: Vec<String> = items.into_iter().map(|item| quote_text(item)).collect();
        if !items.is_empty() {
            self.set_attribute(name, format!("[{}]", items.join(", ")));
        }
    }

    /// Adds a map with one entry per line. An empty map is left out.
    pub fn set_map<'a>(&mut self, name: &str, entries: impl IntoIterator<Item = (&'a String, &'a String)>) {
        let mut inner = Self::default();
        for (key, value) in entries {
            inner.set_attribute(&if is_name(key) { key.clone() } else { quote_text(key) }, quote_text(value));
        }
        if !inner.attributes.is_empty() {
            self.rest.push(format!("{name} = {{\n{}}}\n", indent_lines(&inner.render_text())));
        }
    }

    /// Adds an inner block.
    pub fn add_block(&mut self, header: &str, body: &Self) {
        self.rest.push(render_block(header, body));
    }

    /// The lines of the body: attributes with aligned equals signs, then maps and blocks, separated by blank lines.
    fn render_text(&self) -> String {
        let width = self.attributes.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let line = |(name, value): &(String, String)| format!("{name:<width$} = {value}\n");
        let head: String = self.attributes.iter().map(line).collect();
        let parts = (!head.is_empty()).then_some(head).into_iter().chain(self.rest.iter().cloned());
        parts.collect::<Vec<_>>().join("\n")
    }
}

/// Renders a block with its header.
#[must_use]
pub fn render_block(header: &str, body: &HclBody) -> String {
    let text = body.render_text();
    if text.is_empty() { format!("{header} {{}}\n") } else { format!("{header} {{\n{}}}\n", indent_lines(&text)) }
}

fn indent_lines(text: &str) -> String {
    let indent = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") };
    text.lines().map(indent).collect()
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// A quoted string literal. `${` and `%{` are escaped.
#[must_use]
pub fn quote_text(text: &str) -> String {
    let mut out = String::from("\"");
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => {
                out.push(c);
                out.push(c);
            }
            c if is_hidden_char(c) && u32::from(c) > 0xffff => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            c if is_hidden_char(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_laid_out_as_fmt_does() {
        let mut condition = HclBody::default();
        condition.set_attribute("test", quote_text("StringLike"));
        condition.set_list("values", &["${aws:username}/*".to_owned(), "a\"b".to_owned()]);
        let mut body = HclBody::default();
        body.set_attribute("kind", quote_text("service"));
        body.set_attribute("permissions_boundary", quote_text("x"));
        body.set_map("tags", [(&"team".to_owned(), &"a".to_owned()), (&"a b".to_owned(), &"c".to_owned())]);
        body.add_block("condition", &condition);
        body.add_block("credential \"login\"", &HclBody::default());
        let text = render_block("identity \"x\"", &body);
        assert_eq!(
            text,
            r#"identity "x" {
  kind                 = "service"
  permissions_boundary = "x"

  tags = {
    team  = "a"
    "a b" = "c"
  }

  condition {
    test   = "StringLike"
    values = ["$${aws:username}/*", "a\"b"]
  }

  credential "login" {}
}
"#
        );
    }
}
