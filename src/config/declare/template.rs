//! Reads `template` blocks: attributes that several identities share.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use leasehold_provider::{Address, Digest};

use super::fields::BlockFields;
use super::parts::{self, IdentityAttributes};
use super::trusts::ParsedTrust;
use crate::config::diagnostic::Diagnostic;
use crate::config::eval::suggest::{find_nearest, join_names};
use crate::config::eval::{Evaluator, ModuleId};
use crate::config::value::show::quote_text;
use crate::config::value::{BlockRef, Keyword};

/// The lists that `add` may name: attributes and blocks with several elements.
const LISTS: [&str; 5] = ["scopes", "managed_policy_arns", "tags", "statement", "trust"];

/// The number of digest characters in a template mark.
const SHOWN: usize = 12;

/// A template.
#[derive(Debug)]
pub struct IdentityTemplate {
    /// Its attributes.
    pub parts: IdentityAttributes,
    /// The lists to which an identity's own elements are added. All other lists of an identity replace the template's.
    pub adds: BTreeSet<String>,
    /// The value of the template mark on its identities: its name and the start of a digest, `ci@1f0c…`.
    pub mark: String,
}

impl IdentityTemplate {
    /// Whether the template sets a required attribute, `kind` or `owner`.
    #[must_use]
    pub fn has_attribute(&self, name: &str) -> bool {
        match name {
            "kind" => self.parts.kind.is_some(),
            "owner" => self.parts.owner.is_some(),
            _ => false,
        }
    }
}

/// The templates of a stack and its modules. Each is read once.
#[derive(Debug, Default)]
pub struct IdentityTemplates {
    read: BTreeMap<Address, Rc<IdentityTemplate>>,
}

impl IdentityTemplates {
    /// Reads all templates of a module, so that errors in unused templates are reported too.
    pub fn read_module_templates(&mut self, eval: &Evaluator<'_>, module: ModuleId) {
        let at = eval.module(module);
        for label in at.catalog.blocks_by_label(Keyword::Template).keys() {
            let label = (*label).into();
            self.read_template(
                eval,
                &BlockRef { module: at.path.clone(), keyword: Keyword::Template, label, key: None },
            );
        }
    }

    /// The template that an identity uses. `None`: it uses none, or the reference is not valid.
    pub fn find_for_identity(&mut self, fields: &BlockFields<'_, '_>) -> Option<Rc<IdentityTemplate>> {
        fields.find_expr("template")?;
        let block = fields.read_reference("template", Keyword::Template)?;
        self.read_template(fields.eval, &block)
    }

    fn read_template(&mut self, eval: &Evaluator<'_>, block: &BlockRef) -> Option<Rc<IdentityTemplate>> {
        let address = block.address();
        if let Some(known) = self.read.get(&address) {
            return Some(known.clone());
        }
        let module = eval.find_module(block.module.as_ref());
        let declared = eval.catalog(module).blocks_by_label(Keyword::Template).get(&*block.label).copied()?;
        let fields = BlockFields::new(eval, module, declared);
        let parts = parts::read_attributes(&fields);
        let adds = read_added_lists(&fields);
        let digest = Digest::from_serializable(&build_digest_content(&parts, &adds)).to_string();
        let shown: String = digest.chars().filter(char::is_ascii_hexdigit).rev().take(SHOWN).collect();
        let mark = format!("{}@{shown}", eval.qualify_label(module, &block.label));
        let template = Rc::new(IdentityTemplate { parts, adds, mark });
        self.read.insert(address, template.clone());
        Some(template)
    }
}

fn read_added_lists(fields: &BlockFields<'_, '_>) -> BTreeSet<String> {
    let names = fields.read_texts("add").unwrap_or_default();
    for name in names.iter().filter(|name| !LISTS.contains(&name.as_str())) {
        let finding = Diagnostic::error("config::word", format!("nothing can be added to {}", quote_text(name)))
            .with_location(fields.attribute_span("add"), "not a list");
        fields.report_finding(match find_nearest(name, LISTS.into_iter(), Some(&fields.eval.budget)) {
            Some(near) => finding.with_help(format!("did you mean {}?", quote_text(near))),
            None => finding.with_help(format!("lists are {}", join_names(LISTS.into_iter()))),
        });
    }
    names.into_iter().collect()
}

/// The content of a template, for its digest.
fn build_digest_content(parts: &IdentityAttributes, adds: &BTreeSet<String>) -> serde_json::Value {
    let trusts = parts.trusts.iter().flatten().map(|trust| match trust {
        ParsedTrust::Done(trust) => serde_json::json!(trust),
        ParsedTrust::Identities(identities) => identities.iter().map(|(block, _)| block.to_string()).collect(),
    });
    let mut content = serde_json::json!({
        "add": adds,
        "kind": parts.kind,
        "owner": parts.owner,
        "service": parts.service,
        "purpose": parts.purpose,
        "environment": parts.environment,
        "principal": parts.principal,
        "ttl": parts.lease.ttl.map(|ttl| ttl.to_string()),
        "expires_at": parts.lease.expires_at,
        "renewed_at": parts.lease.renewed_at,
        "grace": parts.grace.map(|grace| grace.to_string()),
        "statements": parts.statements,
        "scopes": parts.scopes,
        "trusts": trusts.collect::<Vec<_>>(),
        "managed_policy_arns": parts.outside_policies,
        "permissions_boundary": parts.permissions_boundary,
        "tags": parts.tags,
        "max_session_duration": parts.max_session_duration.map(|duration| duration.to_string()),
    });
    // Without `credential` blocks, the content has no such entry: the digest stays the same as in versions without them.
    if let (Some(credentials), Some(content)) = (&parts.credentials, content.as_object_mut()) {
        let terms = credentials.access_key.as_ref();
        let issued = terms.map(|terms| (&terms.store, terms.rotate_every.to_string(), terms.overlap.to_string()));
        content.insert("credentials".to_owned(), serde_json::json!([credentials.keeps, issued]));
    }
    if let (Some(account), Some(content)) = (&parts.account, content.as_object_mut()) {
        content.insert("provider".to_owned(), serde_json::json!(account));
    }
    content
}
