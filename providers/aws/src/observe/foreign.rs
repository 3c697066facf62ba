//! Groups that are not the stack's, for what they deny to members who are.

use std::collections::BTreeMap;

use leasehold_provider::{DenyExtent, Document};
use serde_json::{Value as Json, json};

use super::authorization::may_affect_order;
use crate::document;
use crate::realize::managed;

/// A group that is not the stack's, as far as it bears on a member.
pub struct ForeignGroup {
    /// Its name, which an attachment of a member says.
    pub name: String,
    /// The policies inside it, by name.
    pub inline: Vec<(String, Document)>,
    /// The ARNs of those attached to it.
    pub attached: Vec<String>,
}

impl ForeignGroup {
    /// What the group does to its members, in one document, where it denies something or reads their tags. `denying`: managed policies of the account that do, the
    /// stack's among them.
    /// What other managed policies allow is stood for by an action that there is not; what one of AWS denies, by everything.
    pub fn to_deny_document(&self, denying: &[&BTreeMap<String, Document>]) -> Option<Document> {
        let mut documents: Vec<Document> = self.inline.iter().map(|(_, document)| document.clone()).collect();
        let statement = |effect: &str, action: &str| {
            document::build_policy(vec![json!({ "Effect": effect, "Action": action, "Resource": "*" })])
        };
        for policy in &self.attached {
            let (by_name, read) =
                (managed::classify_managed_policy(policy), denying.iter().find_map(|of| of.get(policy)));
            documents.extend(read.cloned());
            documents.extend((by_name != DenyExtent::Nothing).then(|| statement("Deny", "*")));
            let gives = read.is_none() && by_name != DenyExtent::Only;
            documents.extend(gives.then(|| statement("Allow", "none:null")));
        }
        let bears = documents.iter().any(|document| may_affect_order(document.canonical_text()));
        let statements = |document: &Document| {
            document::policy_statements(&document::parse_uncached(document)).cloned().collect::<Vec<_>>()
        };
        bears.then(|| document::build_policy(documents.iter().flat_map(statements).map(strip_sid).collect()))
    }
}

/// Names are unique within a policy only.
fn strip_sid(mut statement: Json) -> Json {
    if let Some(fields) = statement.as_object_mut() {
        fields.remove("Sid");
    }
    statement
}
