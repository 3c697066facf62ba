//! The schema of the language: which blocks, labels, attributes and inner blocks exist, as static tables.
//!
//! Every check uses these tables: [`check`] reports what they do not contain, suggests names from them, and reports names that the
//! language reserves for a later version. A test compares the tables with `docs/language.md`.

pub mod block_types;
mod blocks;
pub mod check;

pub use leasehold_provider::block_schema::{AttributeSchema, BlockForm, BlockSchema, InnerBlockSchema};

pub use blocks::{BACKEND, TOP, TOP_LATER};

/// The attributes and inner blocks of a block whose first label is `label`. `None`: the block has forms, and none has this label.
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

/// The schema of a top-level block. `None`: there is no such block.
#[must_use]
pub fn find_block_schema(keyword: &str) -> Option<&'static BlockSchema> {
    TOP.iter().copied().find(|schema| schema.keyword == keyword)
}

/// The static name of an attribute or inner block. `None`: the schema does not contain `name`.
#[must_use]
pub fn find_part_name(schema: &'static BlockSchema, label: &str, name: &str) -> Option<&'static str> {
    let (attributes, blocks) = find_content(schema, label)?;
    let attribute = attributes.iter().map(|attribute| attribute.name);
    attribute.chain(blocks.iter().map(|inner| inner.schema.keyword)).find(|part| *part == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `found` with the name of every block and attribute in a schema, at any depth.
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
            // The word must appear in code, as a whole word.
            document
                .split('`')
                .skip(1)
                .step_by(2)
                .any(|code| code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|each| each == word))
        };
        let mut missing = Vec::new();
        for schema in TOP {
            words(schema, &mut |word| {
                // Reserved for a later version, so this version does not document it.
                if !named(word) && word != "on_owner_exit" {
                    missing.push(format!("{}: {word}", schema.keyword));
                }
            });
        }
        assert!(missing.is_empty(), "docs/language.md does not name {missing:?}");
    }
}
