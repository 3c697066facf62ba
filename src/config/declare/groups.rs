//! `group` blocks: what their members may do together.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Group};

use super::fields::Fields;
use super::statements::statements;
use super::{addresses, providers};
use crate::config::declared::{DeclaredGroup, DeclaredIdentity};
use crate::config::eval::instances::default_name;
use crate::config::eval::{Evaluator, ModuleId};
use crate::config::schema;
use crate::config::value::Keyword;

/// All groups of one module, by the names that the model knows them by.
pub fn groups(eval: &Evaluator<'_>, module: ModuleId) -> BTreeMap<String, DeclaredGroup> {
    let Some(schema) = schema::top("group") else { return BTreeMap::new() };
    let blocks = eval.catalog(module).groups.iter();
    blocks
        .map(|(label, block)| {
            let fields = Fields::new(eval, module, block);
            let origin = fields.origin(schema);
            let name = eval.qualified(module, label);
            let scopes = fields.references("scopes", Keyword::Scope).into_iter();
            let group = Group {
                address: Address::qualified("group", &name),
                name: fields
                    .filled_text("name")
                    .unwrap_or_else(|| default_name(&eval.module(module).prefix, label, None)),
                statements: statements(&fields),
                scopes: scopes.map(|(scope, _)| fields.known_as(&scope)).collect(),
                managed_policy_arns: fields.texts("managed_policy_arns").unwrap_or_default().into_iter().collect(),
                account: providers::named(&fields).flatten(),
            };
            // Said for people who read the configuration; the cloud has no room for it.
            let _ = fields.text("purpose");
            let owner = fields.reference("owner", Keyword::Owner).map(|owner| fields.known_as(&owner));
            let members: BTreeSet<Address> = addresses(&fields, "members");
            (name, DeclaredGroup { group, owner, members, origin })
        })
        .collect()
}

/// Writes into each identity the groups that name it.
pub fn enter(groups: &BTreeMap<String, DeclaredGroup>, identities: &mut BTreeMap<Address, DeclaredIdentity>) {
    for group in groups.values() {
        for member in &group.members {
            if let Some(identity) = identities.get_mut(member).filter(|member| member.account == group.group.account) {
                identity.groups.insert(group.group.name.clone());
            }
        }
    }
}
