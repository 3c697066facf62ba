//! `group` blocks: what their members may do together.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Group};

use super::addresses;
use super::fields::Fields;
use super::statements::statements;
use crate::config::declared::{DeclaredGroup, DeclaredIdentity};
use crate::config::eval::Evaluator;
use crate::config::schema;
use crate::config::value::Keyword;

/// All groups of the stack.
pub fn groups(eval: &Evaluator<'_>) -> BTreeMap<String, DeclaredGroup> {
    let Some(schema) = schema::top("group") else { return BTreeMap::new() };
    let blocks = eval.catalog.groups.iter();
    blocks
        .map(|(label, block)| {
            let fields = Fields::new(eval, block);
            let origin = fields.origin(schema);
            let scopes = fields.references("scopes", Keyword::Scope).into_iter();
            let group = Group {
                address: Address::from_text(format!("group.{label}")),
                name: fields.filled_text("name").unwrap_or_else(|| (*label).to_owned()),
                statements: statements(&fields),
                scopes: scopes.map(|(scope, _)| scope.label.to_string()).collect(),
                managed_policy_arns: fields.texts("managed_policy_arns").unwrap_or_default().into_iter().collect(),
            };
            // Said for people who read the configuration; the cloud has no room for it.
            let _ = fields.text("purpose");
            let owner = fields.reference("owner", Keyword::Owner).map(|owner| owner.label.to_string());
            let members: BTreeSet<Address> = addresses(&fields, "members");
            ((*label).to_owned(), DeclaredGroup { group, owner, members, origin })
        })
        .collect()
}

/// Writes into each identity the groups that name it.
pub fn enter(groups: &BTreeMap<String, DeclaredGroup>, identities: &mut BTreeMap<Address, DeclaredIdentity>) {
    for group in groups.values() {
        for member in &group.members {
            if let Some(identity) = identities.get_mut(member) {
                identity.groups.insert(group.group.name.clone());
            }
        }
    }
}
