//! The part of a plan that decides what is applied.
//!
//! In: a plan without sensitive values. Out: its canonical form, to be serialized. Two runs that would apply the same
//! have the same form, also if another caller makes the plan in another working directory.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold_provider::{Address, Alias, Digest, Realm, StackName};
use serde::Serialize;

use super::select::PlanSelection;
use super::settings::SettingChange;
use super::{GracePeriod, Plan, PlanBasis, Steps};
use crate::config::declared::{Backend, SecretStore};
use crate::diff::{IdentityDelta, SharedDelta};
use crate::providers::ProviderSettings;

/// The parts of a plan that decide what is applied, in the order of [`Plan`].
#[derive(Serialize)]
pub struct CanonicalPlan<'a> {
    stack: &'a StackName,
    realm: Realm,
    now: Timestamp,
    basis: CanonicalBasis<'a>,
    selection: &'a PlanSelection,
    settings: Option<&'a [SettingChange]>,
    identities: &'a [IdentityDelta],
    shared: &'a [SharedDelta],
    steps: &'a Steps,
    managed: usize,
    quarantined: &'a BTreeMap<Address, GracePeriod>,
    kept: &'a BTreeMap<Address, BTreeSet<String>>,
    unreachable_accounts: &'a BTreeMap<String, Option<Alias>>,
    taken_over: &'a BTreeSet<Address>,
}

#[derive(Serialize)]
struct CanonicalBasis<'a> {
    version: &'a str,
    files: &'a BTreeMap<String, Digest>,
    variables: &'a BTreeMap<String, Option<Digest>>,
    provider: &'a ProviderSettings,
    alias: Option<&'a Alias>,
    others: &'a BTreeMap<Alias, ProviderSettings>,
    backend: &'a Backend,
    stores: &'a BTreeMap<String, SecretStore>,
}

/// The canonical form of a plan. It leaves out who read the cloud and the path by which the stack's directory was
/// found: the role that applies a plan is another one than the role that makes it.
pub fn canonical_form(plan: &Plan) -> CanonicalPlan<'_> {
    let Plan {
        stack,
        realm,
        now,
        basis,
        selection,
        settings,
        identities,
        shared,
        steps,
        managed,
        quarantined,
        kept,
        unreachable_accounts,
        taken_over,
        // Anybody who may tag can add such a finding between the review and the apply. It changes no step.
        ownership: _,
        not_verified: _,
    } = plan;
    let PlanBasis { version, directory: _, files, variables, provider, alias, others, backend, stores } = basis;
    CanonicalPlan {
        stack,
        realm: without_callers(realm),
        now: *now,
        basis: CanonicalBasis { version, files, variables, provider, alias: alias.as_ref(), others, backend, stores },
        selection,
        settings: settings.as_deref(),
        identities,
        shared,
        steps,
        managed: *managed,
        quarantined,
        kept,
        unreachable_accounts,
        taken_over,
    }
}

fn without_callers(realm: &Realm) -> Realm {
    let others = realm.others.iter().map(|(alias, other)| (alias.clone(), without_callers(other))).collect();
    Realm { actor: String::new(), others, ..realm.clone() }
}
