//! Reads `group` blocks.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Group};

use super::fields::BlockFields;
use super::statements::read_statements;
use super::{providers, read_addresses};
use crate::config::declared::{DeclaredGroup, DeclaredIdentity};
use crate::config::naming::{derive_default_name, qualify_label};
use crate::config::schema;
use crate::config::schema::block_types::{GROUP, OWNER, SCOPE};
use crate::hcl::eval::{Evaluator, ModuleId};

/// Reads the groups of one module, by qualified name.
pub fn read_groups(eval: &Evaluator<'_>, module: ModuleId) -> BTreeMap<String, DeclaredGroup> {
    let Some(schema) = schema::find_block_schema("group") else { return BTreeMap::new() };
    let blocks = eval.catalog(module).named_blocks(&GROUP).iter();
    blocks
        .map(|(label, block)| {
            let fields = BlockFields::new(eval, module, block);
            let origin = fields.locate_block(schema);
            let name = qualify_label(eval, module, label);
            let scopes = fields.read_references("scopes", &SCOPE).into_iter();
            let group = Group {
                address: Address::from_qualified_name("group", &name),
                name: fields.read_filled_text("name").unwrap_or_else(|| derive_default_name(eval, module, label, None)),
                statements: read_statements(&fields),
                scopes: scopes.map(|(scope, _)| fields.qualified_name(&scope)).collect(),
                outside_policies: fields.read_texts("managed_policy_arns").unwrap_or_default().into_iter().collect(),
                account: providers::read_provider_alias(&fields).flatten(),
            };
            // `purpose` is only for readers of the configuration: IAM groups have no tags for it. It is read so that errors are reported.
            let _ = fields.read_prose("purpose");
            let owner = fields.read_reference("owner", &OWNER).map(|owner| fields.qualified_name(&owner));
            let members: BTreeSet<Address> = read_addresses(&fields, "members");
            (name, DeclaredGroup { group, owner, members, origin })
        })
        .collect()
}

/// Adds each group's name to its members in the same account.
pub fn add_groups_to_members(
    groups: &BTreeMap<String, DeclaredGroup>,
    identities: &mut BTreeMap<Address, DeclaredIdentity>,
) {
    for group in groups.values() {
        for member in &group.members {
            if let Some(identity) =
                identities.get_mut(member).filter(|member| member.spec.account == group.group.account)
            {
                identity.spec.groups.insert(group.group.name.clone());
            }
        }
    }
}
