//! Generates configuration blocks for objects that exist.
//!
//! Pure. In: `import` blocks without a block for their address, and the live objects they name. Out: configuration text that
//! [`crate::config`] reads, and a sentence for everything that no block can express.

pub mod hcl;
mod identity;

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Alias, Realizer, ResourceId, Snapshot, Value};

use crate::config::{DeclaredStack, Diagnostic, ImportBlock};
use crate::lifecycle::imports::{self, ImportedObject};
use hcl::{HclBody, render_block};

/// The generated blocks.
#[derive(Debug, Default)]
pub struct GeneratedBlocks {
    /// The text of the blocks; empty if every import has its block.
    pub text: String,
    /// The number of blocks.
    pub blocks: usize,
    /// What no block can express, each with the address it belongs to.
    pub unsaid: Vec<String>,
}

/// Generates a block for each import that has none.
///
/// # Errors
///
/// A finding for each import whose block cannot be generated.
pub fn generate_blocks(
    declared: &DeclaredStack,
    snapshot: &Snapshot,
    realize: &Realizer,
) -> Result<GeneratedBlocks, Vec<Diagnostic>> {
    let groups: BTreeSet<&Address> = declared.groups.values().map(|group| &group.group.address).collect();
    let has_block = |to: &Address| declared.identities.contains_key(to) || groups.contains(to);
    let missing: Vec<&ImportBlock> = declared.estate.imports.iter().filter(|import| !has_block(&import.to)).collect();
    let (mut findings, mut found) = (Vec::new(), Vec::new());
    for import in missing {
        match find_block_label(import)
            .and_then(|label| Ok((label, imports::find_imported_object(import, declared, snapshot, realize)?)))
        {
            Ok((label, what)) => found.push((import, label, what)),
            Err(finding) => findings.push(*finding),
        }
    }
    let task = BlockGenerator { declared, snapshot, realize, members: collect_members(&found) };
    let mut generated = GeneratedBlocks::default();
    for (import, label, what) in &found {
        match task.render_import(import, label, *what, &mut generated.unsaid) {
            Ok(text) => {
                generated.text.push_str(if generated.text.is_empty() { "" } else { "\n" });
                generated.text.push_str(&text);
                generated.blocks = generated.blocks.saturating_add(1);
            }
            Err(finding) => findings.push(*finding),
        }
    }
    if findings.is_empty() { Ok(generated) } else { Err(findings) }
}

/// The label of the block for an import.
fn find_block_label(import: &ImportBlock) -> Result<String, Box<Diagnostic>> {
    let text = import.to.as_str();
    match text.split_once('.') {
        Some((_, label)) if !label.contains(['.', '[']) => Ok(label.to_owned()),
        _ => Err(Box::new(
            Diagnostic::error("lifecycle::import", format!("cannot generate a block for {}", import.to))
                .with_location(import.origin.part_span("to"), "an instance of a block, or in a module")
                .with_help("write the block yourself, or import to a plain address: to = identity.NAME"),
        )),
    }
}

/// The members of each imported group, by account and group name: the addresses of the users that are imported too.
type ImportedMembers = BTreeMap<(Option<Alias>, String), BTreeSet<Address>>;

fn collect_members(found: &[(&ImportBlock, String, ImportedObject<'_>)]) -> ImportedMembers {
    let groups = found.iter().filter_map(|(_, _, what)| match what {
        ImportedObject::Group(id) => Some(((id.account.clone(), id.name.clone()), BTreeSet::new())),
        ImportedObject::Principal(_) => None,
    });
    let mut members: ImportedMembers = groups.collect();
    for (import, _, what) in found {
        let ImportedObject::Principal(found) = what else { continue };
        for group in found.resources.values().filter_map(|part| part.get("group")?.as_text()) {
            if let Some(members) = members.get_mut(&(found.id.account.clone(), group.to_owned())) {
                members.insert(import.to.clone());
            }
        }
    }
    members
}

struct BlockGenerator<'a> {
    declared: &'a DeclaredStack,
    snapshot: &'a Snapshot,
    realize: &'a Realizer,
    members: ImportedMembers,
}

impl BlockGenerator<'_> {
    fn render_import(
        &self,
        import: &ImportBlock,
        label: &str,
        what: ImportedObject<'_>,
        unsaid: &mut Vec<String>,
    ) -> Result<String, Box<Diagnostic>> {
        match what {
            ImportedObject::Group(id) => Ok(self.render_group(import, label, id, unsaid)),
            ImportedObject::Principal(found) => self.render_identity(import, label, found, unsaid),
        }
    }

    fn render_group(&self, import: &ImportBlock, label: &str, id: &ResourceId, unsaid: &mut Vec<String>) -> String {
        let mut body = HclBody::default();
        let parts = self.snapshot.shared.values().map(|shared| &shared.resource);
        let parts: Vec<_> = parts.filter(|part| self.realize.ids.shared_root_id(&part.id) == *id).collect();
        let members =
            self.members.get(&(id.account.clone(), id.name.clone())).into_iter().flatten().map(ToString::to_string);
        body.set_attribute("members", format!("[{}]", members.collect::<Vec<_>>().join(", ")));
        if id.name != label {
            body.set_attribute("name", hcl::quote_text(&id.name));
        }
        if let Some(provider) = self.declared.find_provider_reference(id.account.as_ref()) {
            body.set_attribute("provider", provider);
        }
        let policy = |name: &str| {
            let texts = parts.iter().filter_map(|part| part.get(name)?.as_text().map(str::to_owned));
            texts.collect::<BTreeSet<String>>()
        };
        let attached: BTreeSet<String> = policy("policy_arn").union(&policy("policy")).cloned().collect();
        body.set_list("managed_policy_arns", &attached);
        let documents = parts.iter().filter_map(|part| match part.get("policy") {
            Some(Value::Document(document)) => Some((&part.id, document)),
            _ => None,
        });
        identity::write_statements(&mut body, documents, &import.to, unsaid);
        render_block(&format!("group \"{label}\""), &body)
    }
}
