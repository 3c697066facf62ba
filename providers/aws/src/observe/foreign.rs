//! Groups that the stack does not manage: what they deny to members that the stack manages.

use std::collections::BTreeMap;

use leasehold_provider::{DenyExtent, Document};
use serde_json::{Value as Json, json};

use crate::document;
use crate::realize::managed;

/// A group that the stack does not manage, with the parts that affect its members.
pub struct ForeignGroup {
    /// The group's name, as in the memberships of users.
    pub name: String,
    /// The group's inline policies, by name.
    pub inline: Vec<(String, Document)>,
    /// The ARNs of the managed policies attached to the group.
    pub attached: Vec<String>,
}

impl ForeignGroup {
    /// The effect of the group on its members as one document. `None` if the group denies nothing and reads no principal tags. `denying`
    /// contains the managed policies of the account that do, including the stack's.
    ///
    /// The text of other managed policies is not known. What they allow is represented by an action that does not exist; what an AWS
    /// managed policy denies is represented by a Deny of everything.
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

/// Whether a policy of others affects the order of changes when it is attached or detached, or when its principal's tags change: true if it
/// contains a Deny or reads principal tags. The text may be URL-encoded; URL encoding does not change letters.
pub fn may_affect_order(text: &str) -> bool {
    text.contains("Deny") || text.to_ascii_lowercase().contains("principaltag")
}

/// Removes the `Sid`: it is unique only within one policy, and the merged document would contain duplicates.
fn strip_sid(mut statement: Json) -> Json {
    if let Some(fields) = statement.as_object_mut() {
        fields.remove("Sid");
    }
    statement
}
