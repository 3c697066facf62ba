//! Finds the principals whose credentials must be read one by one, because a bulk read does not return all of them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use leasehold_provider::{Credential, Realizer, ResourceId, Snapshot};

use super::{LifecyclePhase, decide_phases};
use crate::config::DeclaredStack;

/// The live principals whose credentials must all be known. Identities that leave need it because every credential is disabled or deleted.
/// Active identities need it if they keep a kind of credential that the bulk report does not contain.
#[must_use]
pub fn find_exact_read_principals(
    declared: &DeclaredStack,
    snapshot: &Snapshot,
    now: Timestamp,
    realize: &Realizer,
) -> BTreeSet<ResourceId> {
    let (statuses, _) =
        decide_phases(declared, snapshot, now, |principal, name| realize.ids.principal_id(principal, name));
    let reported = [Credential::AccessKey, Credential::Login];
    statuses
        .into_iter()
        .filter(|status| status.live.is_some())
        .filter(|status| match &status.phase {
            LifecyclePhase::Active(active) => {
                active.identity.spec.retained_credentials.iter().any(|sort| !reported.contains(sort))
            }
            LifecyclePhase::Quarantined(_) | LifecyclePhase::Absent { .. } | LifecyclePhase::Released => true,
        })
        .map(|status| status.id)
        .collect()
}
