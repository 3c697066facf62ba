//! What must hold across blocks. One table; each check looks at the whole stack and pushes what it finds into one list.

mod groups;
mod identities;
mod moves;
mod names;

use super::declared::Declared;
use super::diagnostic::Diagnostic;

/// Looks at a stack.
pub type Check = fn(&Declared, &mut Vec<Diagnostic>);

/// Every check.
pub const CHECKS: &[Check] = &[
    names::identities_have_names_of_their_own,
    names::scopes_have_names_of_their_own,
    groups::members_are_users,
    groups::members_live_with_their_group,
    groups::groups_have_names_of_their_own,
    groups::managed_groups_are_others,
    moves::moves_lead_somewhere,
    moves::released_are_not_declared,
    identities::only_roles_are_trusted_upon,
    identities::roles_trust_somebody,
    identities::only_users_have_credentials,
    identities::every_identity_has_a_lease,
    identities::emergency_accounts_do_not_expire,
];

/// Runs every check.
pub fn run(declared: &Declared, findings: &mut Vec<Diagnostic>) {
    for check in CHECKS {
        check(declared, findings);
    }
}
