//! Indexes the blocks of one module by type and name. In: parsed blocks, and the types of blocks that the model knows. Out: an index, and a
//! finding for every duplicate. Variables, locals, modules and outputs belong to the language itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::diagnostic::{Diagnostic, add_bounded_finding};
use super::source::FileId;
use super::syntax::{Attribute, Block, ExprKind, ParsedFiles};
use super::value::show::quote_text;
use super::value::{BlockNaming, BlockType};

/// The blocks of one type, by name.
pub type NamedBlocks<'a> = BTreeMap<Arc<str>, &'a Block>;

/// The blocks of one module, by type and name.
#[derive(Debug, Default)]
pub struct BlockCatalog<'a> {
    /// `variable` blocks by label.
    pub variables: NamedBlocks<'a>,
    /// Attributes of all `locals` blocks by name.
    pub locals: BTreeMap<&'a str, (FileId, &'a Attribute)>,
    /// `module` blocks by label.
    pub modules: NamedBlocks<'a>,
    /// `output` blocks by label.
    pub outputs: NamedBlocks<'a>,
    /// The blocks of the model's types with their names, by the word of the type.
    named: BTreeMap<&'static str, NamedBlocks<'a>>,
    /// All blocks of the model's types in the order of the files, by the word of the type.
    listed: BTreeMap<&'static str, Vec<&'a Block>>,
    /// What a type without blocks has.
    none: NamedBlocks<'a>,
    /// Headers of blocks that could not be parsed. A reference to one of them is not reported as an error.
    broken: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> BlockCatalog<'a> {
    /// Indexes blocks and reports duplicates. Blocks of unknown types are skipped; the check of the schema reports them.
    pub fn new(parsed: &'a ParsedFiles, types: &[&'static BlockType], findings: &mut Vec<Diagnostic>) -> Self {
        let mut catalog =
            Self { broken: parsed.broken.iter().map(|(word, name)| (&**word, &**name)).collect(), ..Self::default() };
        for block in &parsed.blocks {
            match &*block.keyword.text {
                "locals" => {
                    for attribute in &block.body.attributes {
                        catalog.index_local(block.file, attribute, findings);
                    }
                }
                "variable" => insert_by_label(0, &mut catalog.variables, block, findings),
                "module" => insert_by_label(0, &mut catalog.modules, block, findings),
                "output" => insert_by_label(0, &mut catalog.outputs, block, findings),
                word => {
                    if let Some(of) = types.iter().find(|of| of.word == word) {
                        catalog.index_block(of, block, findings);
                    }
                }
            }
        }
        catalog
    }

    fn index_block(&mut self, of: &'static BlockType, block: &'a Block, findings: &mut Vec<Diagnostic>) {
        let listed = self.listed.entry(of.word).or_default();
        match of.naming {
            BlockNaming::Label(index) => {
                insert_by_label(index, self.named.entry(of.word).or_default(), block, findings);
            }
            BlockNaming::Alias => {
                self.named.entry(of.word).or_default().entry(read_alias_name(block)).or_insert(block);
            }
            BlockNaming::Single => {
                if let Some(first) = listed.first() {
                    add_bounded_finding(
                        findings,
                        diagnose_duplicate_block(&format!("the `{}` block", of.word), block, first),
                    );
                }
            }
            BlockNaming::Unnamed => {}
        }
        listed.push(block);
    }

    fn index_local(&mut self, file: FileId, attribute: &'a Attribute, findings: &mut Vec<Diagnostic>) {
        let name = &*attribute.name.text;
        if let Some((first_file, first)) = self.locals.get(name) {
            add_bounded_finding(
                findings,
                Diagnostic::error("config::duplicate_local", format!("local.{name} is set twice"))
                    .with_location(attribute.name.place.to_span(file), "set again here")
                    .with_related(first.name.place.to_span(*first_file), "first set here")
                    .with_help("keep one of them, or rename one"),
            );
        } else {
            self.locals.insert(name, (file, attribute));
        }
    }

    /// Whether a block of that type and label exists but could not be parsed. An empty label means any.
    #[must_use]
    pub fn is_broken(&self, keyword: &str, label: &str) -> bool {
        match label {
            "" => self.broken.range((keyword, "")..).next().is_some_and(|(word, _)| *word == keyword),
            _ => self.broken.contains(&(keyword, label)),
        }
    }

    /// The blocks of a type by name. Empty for a type whose blocks have no names.
    #[must_use]
    pub fn named_blocks(&self, of: &BlockType) -> &NamedBlocks<'a> {
        self.named.get(of.word).unwrap_or(&self.none)
    }

    /// The blocks of a type in the order of the files, duplicates included.
    #[must_use]
    pub fn list_blocks(&self, of: &BlockType) -> &[&'a Block] {
        self.listed.get(of.word).map_or(&[], Vec::as_slice)
    }
}

/// The name of a block with an optional `alias`: `aws`, `aws.audit`.
fn read_alias_name(block: &Block) -> Arc<str> {
    match block.body.find_attribute("alias").map(|alias| &alias.value.kind) {
        Some(ExprKind::String(alias)) => format!("{}.{alias}", block.label(0)).into(),
        _ => block.label(0).into(),
    }
}

/// Indexes a block by its label with the index `naming`, or reports a duplicate.
fn insert_by_label<'a>(naming: usize, blocks: &mut NamedBlocks<'a>, block: &'a Block, findings: &mut Vec<Diagnostic>) {
    let Some(label) = block.labels.get(naming) else { return };
    match blocks.get(&*label.text) {
        Some(first) => {
            let name = format!("{} {}", block.keyword.text, quote_text(&label.text));
            add_bounded_finding(findings, diagnose_duplicate_block(&name, block, first));
        }
        None => {
            blocks.insert(label.text.clone(), block);
        }
    }
}

fn diagnose_duplicate_block(name: &str, block: &Block, first: &Block) -> Diagnostic {
    Diagnostic::error("config::duplicate_block", format!("{name} is declared twice"))
        .with_location(block.span(), "declared again here")
        .with_related(first.span(), "first declared here")
        .with_help("keep one of them, or change the label of one")
}
