//! Checks that involve several blocks. Each check in [`CHECKS`] reads the whole stack and adds its findings to one list.

mod groups;
mod identities;
mod moves;
mod names;

use super::declared::DeclaredStack;
use crate::hcl::diagnostic::Diagnostic;

/// A check of a whole stack.
pub type StackCheck = fn(&DeclaredStack, &mut Vec<Diagnostic>);

/// All checks, in the order in which they run.
pub const CHECKS: &[StackCheck] = &[
    names::check_identity_names,
    names::check_scope_names,
    groups::check_group_members_are_users,
    groups::check_group_accounts,
    groups::check_group_names,
    groups::check_managed_groups,
    moves::check_moves,
    moves::check_released_identities,
    identities::check_users_have_no_trusts,
    identities::check_roles_have_trusts,
    identities::check_roles_have_no_credentials,
    identities::check_leases,
    identities::check_break_glass_leases,
];

/// Runs every check.
pub fn run_checks(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    for check in CHECKS {
        check(declared, findings);
    }
}
