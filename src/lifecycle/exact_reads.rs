//! Whose credentials a bulk reading may leave open and a plan must know.

use std::collections::BTreeSet;

use jiff::Timestamp;
use leasehold_provider::{Credential, Realize, ResourceId, Snapshot};

use super::{LifecyclePhase, decide_phases};
use crate::config::DeclaredStack;

/// The live principals whose every credential must be known: who leaves is shut and deleted whole, and who is declared to hold a sort that
/// no report tells keeps just those.
#[must_use]
pub fn find_exact_read_principals(
    declared: &DeclaredStack,
    snapshot: &Snapshot,
    now: Timestamp,
    realize: &dyn Realize,
) -> BTreeSet<ResourceId> {
    let (standings, _) =
        decide_phases(declared, snapshot, now, |principal, name| realize.principal_id(principal, name));
    let told = [Credential::AccessKey, Credential::Login];
    standings
        .into_iter()
        .filter(|standing| standing.live.is_some())
        .filter(|standing| match &standing.phase {
            LifecyclePhase::Active(active) => active.identity.keeps.iter().any(|sort| !told.contains(sort)),
            LifecyclePhase::Quarantined(_) | LifecyclePhase::Absent { .. } | LifecyclePhase::Released => true,
        })
        .map(|standing| standing.id)
        .collect()
}
