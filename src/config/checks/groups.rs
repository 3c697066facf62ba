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
            let Some(identity) = declared.identities.get(member).filter(|i| i.principal == Principal::Role) else {
                continue;
            };
            findings.push(
                Diagnostic::error(
                    "config::not_a_user",
                    format!("{member} is a role, and {} has users only", group.address),
                )
                .with_location(origin.part_span("members"), "a role among the members")
                .with_related(identity.origin.header_span(), format!("kind = \"{}\" makes it a role", identity.kind))
                .with_help("give it the scopes themselves: scopes = [scope.NAME] in its own block"),
            );
        }
    }
    let roles = declared.identities.values().filter(|identity| identity.principal == Principal::Role);
    for identity in roles.filter(|identity| identity.origin.parts.iter().any(|(part, _)| *part == "managed_groups")) {
        findings.push(
            Diagnostic::error(
                "config::not_a_user",
                format!("{} is a role, and a role is in no group", identity.address),
            )
            .with_location(identity.origin.part_span("managed_groups"), "for users only")
            .with_help("leave `managed_groups` out"),
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
                    format!("two groups are named {}", quote_text(&group.group.name)),
                )
                .with_location(group.origin.part_span("name"), format!("the name of {}", group.group.address))
                .with_related(first.origin.part_span("name"), format!("the name of {}", first.group.address))
                .with_help("give one of them another `name`; the cloud takes upper and lower case for the same"),
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
        for identity in members.filter(|identity| identity.account != group.account) {
            let summary = format!("{} and {} live in two accounts", group.address, identity.address);
            let finding = Diagnostic::error("config::other_account", summary)
                .with_location(origin.part_span("members"), format!("the group is in {}", name(&group.account)))
                .with_related(
                    identity.origin.part_span("provider"),
                    format!("{} is in {}", identity.address, name(&identity.account)),
                )
                .with_help("make a group in each of the two accounts; they can hold the same scopes");
            findings.push(identity.origin.add_module_calls(finding));
        }
    }
}

/// `managed_groups` of an identity must not name a group of this stack.
pub fn check_managed_groups(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    for group in declared.groups.values() {
        let strays = declared.identities.values().filter(|identity| {
            identity.groups.contains(&group.group.name)
                && identity.account == group.group.account
                && !group.members.contains(&identity.address)
        });
        for identity in strays {
            findings.push(
                Diagnostic::error(
                    "config::conflict",
                    format!(
                        "{} is named {}: it is this stack's group",
                        group.group.address,
                        quote_text(&group.group.name)
                    ),
                )
                .with_location(identity.origin.part_span("managed_groups"), "for groups that others manage")
                .with_related(group.origin.header_span(), "declared here")
                .with_help(format!("add {} to its members", identity.address)),
            );
        }
    }
}
