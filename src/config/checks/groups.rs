//! Checks the members, names and accounts of groups.

use std::collections::HashMap;

use leasehold_provider::{Alias, Principal};

use crate::config::declared::{DeclaredGroup, DeclaredStack, ProviderBlock};
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::value::show::quote_text;

/// Members of a group must be users: IAM groups have no roles.
pub fn check_group_members_are_users(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    for DeclaredGroup { group, members, origin, .. } in declared.groups.values() {
        for member in members {
            let Some(identity) = declared.identities.get(member).filter(|i| i.spec.principal == Principal::Role) else {
                continue;
            };
            findings.push(
                Diagnostic::error(
                    "config::not_a_user",
                    format!("{member} is a role, but the members of {} must be users", group.address),
                )
                .with_location(origin.part_span("members"), "a member is a role")
                .with_related(
                    identity.origin.header_span(),
                    format!("kind = \"{}\" makes it a role", identity.spec.kind),
                )
                .with_help("attach the scopes directly: scopes = [scope.NAME] in the identity block"),
            );
        }
    }
    let roles = declared.identities.values().filter(|identity| identity.spec.principal == Principal::Role);
    for identity in roles.filter(|identity| identity.origin.parts.iter().any(|(part, _)| *part == "managed_groups")) {
        findings.push(
            Diagnostic::error(
                "config::not_a_user",
                format!("{} is a role, and a role cannot be a member of a group", identity.spec.address),
            )
            .with_location(identity.origin.part_span("managed_groups"), "only allowed for users")
            .with_help("remove `managed_groups`"),
        );
    }
}

/// Group names must be unique in an account. IAM ignores their case.
pub fn check_group_names(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    let mut taken: HashMap<(Option<&Alias>, String), &DeclaredGroup> = HashMap::new();
    for group in declared.groups.values() {
        if let Some(first) = taken.insert((group.group.account.as_ref(), group.group.name.to_lowercase()), group) {
            findings.push(
                Diagnostic::error(
                    "config::duplicate_name",
                    format!("two groups have the name {}", quote_text(&group.group.name)),
                )
                .with_location(group.origin.part_span("name"), format!("the name of {}", group.group.address))
                .with_related(first.origin.part_span("name"), format!("the name of {}", first.group.address))
                .with_help("change the `name` of one of them; names in the cloud are case-insensitive"),
            );
        }
    }
}

/// A group and its members must be in the same account.
pub fn check_group_accounts(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    let name = |account: &Option<Alias>| {
        let block = declared.providers.iter().find(|block| block.alias == *account);
        block.or(declared.providers.first()).map_or_else(String::new, ProviderBlock::render_reference)
    };
    for DeclaredGroup { group, members, origin, .. } in declared.groups.values() {
        let members = members.iter().filter_map(|member| declared.identities.get(member));
        for identity in members.filter(|identity| identity.spec.account != group.account) {
            let summary = format!("{} and {} are in different accounts", group.address, identity.spec.address);
            let finding = Diagnostic::error("config::other_account", summary)
                .with_location(origin.part_span("members"), format!("the group is in {}", name(&group.account)))
                .with_related(
                    identity.origin.part_span("provider"),
                    format!("{} is in {}", identity.spec.address, name(&identity.spec.account)),
                )
                .with_help("declare a group in each account; both can have the same scopes");
            findings.push(identity.origin.add_module_calls(finding));
        }
    }
}

/// `managed_groups` of an identity must not name a group of this stack.
pub fn check_managed_groups(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    for group in declared.groups.values() {
        let strays = declared.identities.values().filter(|identity| {
            identity.spec.groups.contains(&group.group.name)
                && identity.spec.account == group.group.account
                && !group.members.contains(&identity.spec.address)
        });
        for identity in strays {
            findings.push(
                Diagnostic::error(
                    "config::conflict",
                    format!(
                        "{}, with the name {}, is declared in this stack",
                        group.group.address,
                        quote_text(&group.group.name)
                    ),
                )
                .with_location(
                    identity.origin.part_span("managed_groups"),
                    "only for groups that this stack does not manage",
                )
                .with_related(group.origin.header_span(), "declared here")
                .with_help(format!("add {} to the members of the group", identity.spec.address)),
            );
        }
    }
}
