//! The objects of a stack as if every identity joined now: what can be computed without access to the cloud.

use leasehold_provider::{Realm, Snapshot};
use rayon::prelude::*;

use crate::config::declared::Providers;
use crate::config::{DeclaredStack, Diagnostic};
use crate::lifecycle;
use crate::providers::ProviderSettings;
use crate::realize::{self, ResourceMap};
use crate::workflow::build_realizer;

/// Returns all objects that the stack would create, and a finding for each limit of the provider that they would exceed.
pub fn plan_as_joiners(declared: &DeclaredStack, now: jiff::Timestamp) -> (ResourceMap, Vec<Diagnostic>) {
    let providers = Providers::from_blocks(&declared.providers);
    let realize = build_realizer(&providers);
    // An unknown AWS account number becomes twelve zeros: sizes do not depend on the digits.
    let guess_realm = |settings: &ProviderSettings| (settings.provider.guess_realm)(&settings.fields);
    let others = providers.others.iter().map(|(alias, settings)| (alias.clone(), guess_realm(settings))).collect();
    let realm = Realm { others, ..guess_realm(&providers.first) };
    let (mut resources, mut findings) = realize::realize_shared_objects(declared, &realize, &realm);
    let snapshot = Snapshot::for_realm(realm);
    let principal_id = |principal, name: &str| realize.ids.principal_id(principal, name);
    // Whether a lease has expired depends on the live state, which is not known here.
    let (statuses, _) = lifecycle::decide_phases(declared, &snapshot, now, principal_id);
    let realized: Vec<(ResourceMap, Vec<Diagnostic>)> =
        statuses.par_iter().map(|status| realize::realize_identity(status, &realize, &snapshot.realm)).collect();
    for (parts, broken) in realized {
        resources.extend(parts);
        findings.extend(broken);
    }
    (resources, findings)
}
