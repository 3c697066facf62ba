//! Groups that are not the stack's, for what they deny to members who are.

use std::collections::BTreeMap;

use leasehold_provider::{Document, Withholds};
use serde_json::{Value as Json, json};

use super::authorization::bears_on_order;
use crate::document;
use crate::realize::managed;

/// A group that is not the stack's, as far as it bears on a member.
pub struct Foreign {
    /// Its name, which an attachment of a member says.
    pub name: String,
    /// The policies inside it, by name.
    pub inline: Vec<(String, Document)>,
    /// The ARNs of those attached to it.
    pub attached: Vec<String>,
}

impl Foreign {
    /// What the group does to its members, in one document, where it denies something or reads their tags. `denying`: managed policies of the account that do, the
    /// stack's among them.
    /// What other managed policies allow is stood for by an action that there is not; what one of AWS denies, by everything.
    pub fn denial(&self, denying: &[&BTreeMap<String, Document>]) -> Option<Document> {
        let mut documents: Vec<Document> = self.inline.iter().map(|(_, document)| document.clone()).collect();
        let statement = |effect: &str, action: &str| {
            document::policy(vec![json!({ "Effect": effect, "Action": action, "Resource": "*" })])
        };
        for policy in &self.attached {
            let (by_name, read) = (managed::withholds(policy), denying.iter().find_map(|of| of.get(policy)));
            documents.extend(read.cloned());
            documents.extend((by_name != Withholds::Nothing).then(|| statement("Deny", "*")));
            let gives = read.is_none() && by_name != Withholds::Only;
            documents.extend(gives.then(|| statement("Allow", "none:null")));
        }
        let bears = documents.iter().any(|document| bears_on_order(document.text()));
        let statements =
            |document: &Document| document::statements(&document::glance(document)).cloned().collect::<Vec<_>>();
        bears.then(|| document::policy(documents.iter().flat_map(statements).map(without_sid).collect()))
    }
}

/// Names are unique within a policy only.
fn without_sid(mut statement: Json) -> Json {
    if let Some(fields) = statement.as_object_mut() {
        fields.remove("Sid");
    }
    statement
}
