//! What may stand in a stack: blocks, their labels, attributes and inner blocks, as tables.
//!
//! The tables drive everything: the check that nothing unknown stands anywhere, what is suggested instead, and what is said of
//! words that the language has and this version does not.

mod blocks;
pub mod check;

use super::value::Keyword;

/// A type of block.
#[derive(Debug)]
pub struct BlockSchema {
    /// The word it begins with.
    pub keyword: &'static str,
    /// Its labels, in words: what each stands for.
    pub labels: &'static [&'static str],
    /// Its attributes.
    pub attributes: &'static [AttributeSchema],
    /// Its inner blocks.
    pub blocks: &'static [InnerBlockSchema],
    /// Attributes may have any name.
    pub open: bool,
    /// Where its first label decides what stands in it: the labels and their tables.
    pub forms: &'static [BlockForm],
}

/// One form of a block that its first label picks.
#[derive(Debug)]
pub struct BlockForm {
    /// The label.
    pub label: &'static str,
    /// Its attributes.
    pub attributes: &'static [AttributeSchema],
    /// Its inner blocks.
    pub blocks: &'static [InnerBlockSchema],
    /// This version knows the word and nothing more.
    pub later: bool,
}

/// An attribute.
#[derive(Debug)]
pub struct AttributeSchema {
    /// Its name.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// An example for the diagnostic that it is missing.
    pub example: &'static str,
    /// This version knows the name and nothing more.
    pub later: bool,
}

/// An inner block.
#[derive(Debug)]
pub struct InnerBlockSchema {
    /// What it is.
    pub schema: &'static BlockSchema,
    /// Whether there may be several.
    pub many: bool,
    /// This version knows the name and nothing more.
    pub later: bool,
}

pub use blocks::{TOP, TOP_LATER};

/// The attributes and inner blocks of a block whose first label is `label`. `None`: the label picks no form.
#[must_use]
pub fn find_content(
    schema: &'static BlockSchema,
    label: &str,
) -> Option<(&'static [AttributeSchema], &'static [InnerBlockSchema])> {
    if schema.forms.is_empty() {
        return Some((schema.attributes, schema.blocks));
    }
    schema.forms.iter().find(|form| form.label == label).map(|form| (form.attributes, form.blocks))
}

/// The table of a top-level block.
#[must_use]
pub fn find_block_schema(keyword: &str) -> Option<&'static BlockSchema> {
    TOP.iter().copied().find(|schema| schema.keyword == keyword)
}

/// The name of a part of a block as the tables hold it.
#[must_use]
pub fn find_part_name(schema: &'static BlockSchema, label: &str, name: &str) -> Option<&'static str> {
    let (attributes, blocks) = find_content(schema, label)?;
    let attribute = attributes.iter().map(|attribute| attribute.name);
    attribute.chain(blocks.iter().map(|inner| inner.schema.keyword)).find(|part| *part == name)
}

/// The attributes that expressions may read from a block of that type, such as `owner.jane.email`.
#[must_use]
pub fn list_readable_attributes(keyword: Keyword) -> &'static [&'static str] {
    match keyword {
        Keyword::Owner => &["name", "email", "team"],
        Keyword::Service => &["owner", "status"],
        Keyword::Scope => &["description"],
        Keyword::Identity => &["name", "kind", "owner", "service", "purpose", "environment", "principal", "ttl"],
        Keyword::Template => &["kind", "owner", "service", "purpose", "environment", "principal", "ttl"],
        Keyword::Provider | Keyword::Store => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `found` with the name of every block and attribute that a table and those within it hold.
    fn words(schema: &'static BlockSchema, found: &mut dyn FnMut(&'static str)) {
        found(schema.keyword);
        let forms = schema.forms.iter().filter(|form| !form.later).map(|form| (form.attributes, form.blocks));
        for (attributes, blocks) in forms.chain([(schema.attributes, schema.blocks)]) {
            attributes.iter().for_each(|attribute| found(attribute.name));
            blocks.iter().for_each(|inner| words(inner.schema, found));
        }
    }

    #[test]
    fn the_reference_names_every_block_and_attribute() {
        let document = include_str!("../../../docs/language.md");
        let named = |word: &str| {
            // Within code, as a word of its own.
            document
                .split('`')
                .skip(1)
                .step_by(2)
                .any(|code| code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|each| each == word))
        };
        let mut missing = Vec::new();
        for schema in TOP {
            words(schema, &mut |word| {
                // What a later version does is that version's to tell.
                if !named(word) && word != "on_owner_exit" {
                    missing.push(format!("{}: {word}", schema.keyword));
                }
            });
        }
        assert!(missing.is_empty(), "docs/language.md does not name {missing:?}");
    }
}
