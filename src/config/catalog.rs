//! Indexes the blocks of a stack by name. In: parsed blocks. Out: an index, and a finding for every duplicate.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::Diagnostic;
use super::source::FileId;
use super::syntax::{Attribute, Block, ExprKind, ParsedFiles};
use super::value::Keyword;

/// The blocks of one module (or of the stack itself), by name.
#[derive(Debug, Default)]
pub struct BlockCatalog<'a> {
    /// The `leasehold` block.
    pub leasehold: Option<&'a Block>,
    /// `variable` blocks by label.
    pub variables: BTreeMap<&'a str, &'a Block>,
    /// Attributes of all `locals` blocks by name.
    pub locals: BTreeMap<&'a str, (FileId, &'a Attribute)>,
    /// `module` blocks by label.
    pub modules: BTreeMap<&'a str, &'a Block>,
    /// `output` blocks by label.
    pub outputs: BTreeMap<&'a str, &'a Block>,
    /// `provider` blocks in the order of the files.
    pub providers: Vec<&'a Block>,
    /// `group` blocks by label.
    pub groups: BTreeMap<&'a str, &'a Block>,
    /// `federation` blocks by their second label.
    pub federations: BTreeMap<&'a str, &'a Block>,
    /// `moved` blocks in the order of the files.
    pub moved: Vec<&'a Block>,
    /// `import` blocks in the order of the files.
    pub imports: Vec<&'a Block>,
    /// `removed` blocks in the order of the files.
    pub removed: Vec<&'a Block>,
    owners: BTreeMap<&'a str, &'a Block>,
    services: BTreeMap<&'a str, &'a Block>,
    scopes: BTreeMap<&'a str, &'a Block>,
    identities: BTreeMap<&'a str, &'a Block>,
    templates: BTreeMap<&'a str, &'a Block>,
    stores: BTreeMap<&'a str, &'a Block>,
    none: BTreeMap<&'a str, &'a Block>,
    /// Headers of blocks that could not be parsed. A reference to one of them is not reported as an error.
    broken: BTreeSet<&'a (String, String)>,
}

impl<'a> BlockCatalog<'a> {
    /// Indexes blocks and reports duplicates.
    pub fn new(parsed: &'a ParsedFiles, findings: &mut Vec<Diagnostic>) -> Self {
        let mut catalog = Self { broken: parsed.broken.iter().collect(), ..Self::default() };
        for block in &parsed.blocks {
            match &*block.keyword.text {
                "leasehold" => match catalog.leasehold {
                    Some(first) => findings.push(diagnose_duplicate_block("the `leasehold` block", block, first)),
                    None => catalog.leasehold = Some(block),
                },
                "locals" => {
                    for attribute in &block.body.attributes {
                        catalog.index_local(block.file, attribute, findings);
                    }
                }
                "provider" => catalog.providers.push(block),
                "group" => insert_by_first_label(&mut catalog.groups, block, findings),
                "federation" => insert_by_label(1, &mut catalog.federations, block, findings),
                "moved" => catalog.moved.push(block),
                "import" => catalog.imports.push(block),
                "removed" => catalog.removed.push(block),
                "variable" => insert_by_first_label(&mut catalog.variables, block, findings),
                "module" => insert_by_first_label(&mut catalog.modules, block, findings),
                "output" => insert_by_first_label(&mut catalog.outputs, block, findings),
                "owner" => insert_by_first_label(&mut catalog.owners, block, findings),
                "service" => insert_by_first_label(&mut catalog.services, block, findings),
                "scope" => insert_by_first_label(&mut catalog.scopes, block, findings),
                "template" => insert_by_first_label(&mut catalog.templates, block, findings),
                "identity" => insert_by_first_label(&mut catalog.identities, block, findings),
                // The first label of a `store` is its type, the second its name.
                "store" => insert_by_label(1, &mut catalog.stores, block, findings),
                _ => {}
            }
        }
        catalog
    }

    /// Whether a block of that type and label exists but could not be parsed. An empty label means any.
    #[must_use]
    pub fn is_broken(&self, keyword: &str, label: &str) -> bool {
        self.broken.iter().any(|(word, name)| word == keyword && (label.is_empty() || name == label))
    }

    /// The references to the providers, without the first word: `aws`, `aws.audit`.
    pub fn provider_names(&self) -> Vec<String> {
        let alias = |block: &Block| match block.body.find_attribute("alias").map(|alias| &alias.value.kind) {
            Some(ExprKind::String(alias)) => format!(".{alias}"),
            _ => String::new(),
        };
        self.providers.iter().map(|block| format!("{}{}", block.label(0), alias(block))).collect()
    }

    fn index_local(&mut self, file: FileId, attribute: &'a Attribute, findings: &mut Vec<Diagnostic>) {
        let name = &*attribute.name.text;
        if let Some((first_file, first)) = self.locals.get(name) {
            findings.push(
                Diagnostic::error("config::duplicate_local", format!("local.{name} is set twice"))
                    .with_location(attribute.name.place.to_span(file), "set again here")
                    .with_related(first.name.place.to_span(*first_file), "first set here")
                    .with_help("keep one of them, or give one another name"),
            );
        } else {
            self.locals.insert(name, (file, attribute));
        }
    }

    /// The blocks of a type that expressions can refer to, by label.
    #[must_use]
    pub fn blocks_by_label(&self, keyword: Keyword) -> &BTreeMap<&'a str, &'a Block> {
        match keyword {
            Keyword::Owner => &self.owners,
            Keyword::Service => &self.services,
            Keyword::Scope => &self.scopes,
            Keyword::Identity => &self.identities,
            Keyword::Template => &self.templates,
            Keyword::Store => &self.stores,
            Keyword::Provider => &self.none,
        }
    }
}

fn insert_by_first_label<'a>(
    blocks: &mut BTreeMap<&'a str, &'a Block>,
    block: &'a Block,
    findings: &mut Vec<Diagnostic>,
) {
    insert_by_label(0, blocks, block, findings);
}

/// Indexes a block by its label with the index `naming`, or reports a duplicate.
fn insert_by_label<'a>(
    naming: usize,
    blocks: &mut BTreeMap<&'a str, &'a Block>,
    block: &'a Block,
    findings: &mut Vec<Diagnostic>,
) {
    let Some(label) = block.labels.get(naming) else { return };
    match blocks.get(&*label.text) {
        Some(first) => {
            let name = format!("{} {}", block.keyword.text, super::value::show::quote_text(&label.text));
            findings.push(diagnose_duplicate_block(&name, block, first));
        }
        None => {
            blocks.insert(&label.text, block);
        }
    }
}

fn diagnose_duplicate_block(name: &str, block: &Block, first: &Block) -> Diagnostic {
    Diagnostic::error("config::duplicate_block", format!("{name} is declared twice"))
        .with_location(block.span(), "declared again here")
        .with_related(first.span(), "first declared here")
        .with_help("keep one of them, or give one another label")
}
