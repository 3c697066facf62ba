//! A second provider, which has no IAM policies: database roles with grants, in memory. It passes the conformance
//! suite without a dummy, because it declares what it does not have.
//!
//! A user is a role that can log in. Its deadline is the validity date of the role, and quarantine disables its login.
//! A scope is a role without login that has grants, and users are members of it. There are no roles that others assume,
//! no groups, no federations, no issued keys, and no policies that deny.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod database;
mod realize;
mod world;

use leasehold_provider::conformance::{self, Law, LawViolation};
use leasehold_provider::{Realizer, ResourceId};
use world::{DatabaseFlaw, Databases};

fn block_on<T>(scenario: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(scenario)
}

fn violations(flaw: Option<DatabaseFlaw>) -> Vec<LawViolation> {
    block_on(conformance::check_all_laws(&Databases { flaw }))
}

#[test]
fn database_roles_conform() {
    let lines: Vec<String> = violations(None).iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn login_left_enabled_in_quarantine_is_detected() {
    let found = violations(Some(DatabaseFlaw::QuarantineKeepsLogin));
    assert!(found.iter().any(|violation| violation.law == Law::QuarantineDenies), "{found:?}");
}

#[test]
fn missing_validity_date_is_detected() {
    let found = violations(Some(DatabaseFlaw::NoValidityDate));
    assert!(found.iter().any(|violation| violation.law == Law::LeaseDenied), "{found:?}");
}

#[test]
fn what_the_system_lacks_is_none() {
    let Realizer { policies, trusts, groups, federations, keys, .. } = realize::build_realizer();
    assert!(policies.is_none() && trusts.is_none() && groups.is_none() && federations.is_none() && keys.is_none());
    assert_eq!(realize::build_realizer().key_id("ci", ResourceId::NEW), None);
}
