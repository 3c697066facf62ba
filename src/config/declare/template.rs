//! Reads `template` blocks: attributes that several identities share.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use leasehold_provider::{Address, Digest};
use serde::Serialize;

use super::fields::BlockFields;
use super::parts::{self, IdentityAttributes};
use crate::config::naming::{block_address, qualify_label};
use crate::config::schema::block_types::TEMPLATE;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::{Evaluator, ModuleId};
use crate::hcl::suggest::{find_nearest, join_names};
use crate::hcl::value::BlockRef;
use crate::hcl::value::show::quote_text;

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

/// The templates of a stack and its modules. Each is read once.
#[derive(Debug, Default)]
pub struct IdentityTemplates {
    read: BTreeMap<Address, Rc<IdentityTemplate>>,
}

impl IdentityTemplates {
    /// Reads all templates of a module, so that errors in unused templates are reported too.
    pub fn read_module_templates(&mut self, eval: &Evaluator<'_>, module: ModuleId) {
        let at = eval.module(module);
        for label in at.catalog.named_blocks(&TEMPLATE).keys() {
            let label = label.clone();
            self.read_template(eval, &BlockRef { module: at.path.clone(), of: &TEMPLATE, label, key: None });
        }
    }

    /// The template that an identity uses. `None`: it uses none, or the reference is not valid.
    pub fn find_for_identity(&mut self, fields: &BlockFields<'_, '_>) -> Option<Rc<IdentityTemplate>> {
        fields.find_expr("template")?;
        let block = fields.read_reference("template", &TEMPLATE)?;
        self.read_template(fields.eval, &block)
    }

    fn read_template(&mut self, eval: &Evaluator<'_>, block: &BlockRef) -> Option<Rc<IdentityTemplate>> {
        let address = block_address(block);
        if let Some(known) = self.read.get(&address) {
            return Some(known.clone());
        }
        let module = eval.find_module(block.module.as_ref());
        let declared = eval.catalog(module).named_blocks(&TEMPLATE).get(&*block.label).copied()?;
        let fields = BlockFields::new(eval, module, declared);
        let parts = parts::read_attributes(&fields);
        let adds = read_added_lists(&fields);
        // As a JSON value, the entries are in the order of their names.
        let content = serde_json::json!(TemplateContent { add: &adds, parts: &parts });
        let digest = Digest::from_serializable(&content).to_string();
        let shown: String = digest.chars().filter(char::is_ascii_hexdigit).rev().take(SHOWN).collect();
        let mark = format!("{}@{shown}", qualify_label(eval, module, &block.label));
        let template = Rc::new(IdentityTemplate { parts, adds, mark });
        self.read.insert(address, template.clone());
        Some(template)
    }
}

fn read_added_lists(fields: &BlockFields<'_, '_>) -> BTreeSet<String> {
    let names = fields.read_texts("add").unwrap_or_default();
    for name in names.iter().filter(|name| !LISTS.contains(&name.as_str())) {
        let finding = Diagnostic::error("config::word", format!("cannot add elements to {}", quote_text(name)))
            .with_location(fields.attribute_span("add"), "not a list");
        fields.report_finding(match find_nearest(name, LISTS.into_iter(), Some(&fields.eval.budget)) {
            Some(near) => finding.with_help(format!("did you mean {}?", quote_text(near))),
            None => finding.with_help(format!("the lists are {}", join_names(LISTS.into_iter()))),
        });
    }
    names.into_iter().collect()
}

/// The content of a template, for its digest.
#[derive(Serialize)]
struct TemplateContent<'a> {
    add: &'a BTreeSet<String>,
    #[serde(flatten)]
    parts: &'a IdentityAttributes,
}
