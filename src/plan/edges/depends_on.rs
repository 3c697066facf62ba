//! `depends_on` between identities: a joiner waits until the identities that it names exist.
//!
//! In: the steps, the deltas, and `depends_on` of each identity. Out: edges from the first steps of a joiner to the
//! last steps of the identities that it names. An arrow points from a step to the step that it waits for:
//!
//! ```text
//! create role db ◄── attach scope to db ◄── create role api ◄── attach scope to api      (identity.api depends on identity.db)
//! ```
//!
//! Only joiners wait. Steps that take access away or change a live identity must not depend on the success of another
//! identity. If an edge would close a cycle with the edges that access requires, it is dropped.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, ResourceId};

use crate::diff::{IdentityDelta, Lifecycle};
use crate::plan::{Step, StepId};

/// By address: the identities that the identity names in `depends_on`.
pub type DependsOn<'a> = BTreeMap<&'a Address, &'a BTreeSet<Address>>;

/// A step that waits, and the step that it waits for.
pub type StepEdge = (StepId, StepId);

/// The edges of the joiners among `identities`: the first steps of each wait for the last steps of the identities
/// that it depends on, except those that leave.
pub fn edges_for_joiners(steps: &[Step], identities: &[IdentityDelta], depends_on: &DependsOn<'_>) -> Vec<StepEdge> {
    let names_others = |delta: &&IdentityDelta| {
        delta.lifecycle == Lifecycle::Joiner && depends_on.get(&delta.address).is_some_and(|on| !on.is_empty())
    };
    if !identities.iter().any(|delta| names_others(&delta)) {
        return Vec::new();
    }
    let ends = find_end_steps(steps, identities);
    let stays = |delta: &&IdentityDelta| !matches!(delta.lifecycle, Lifecycle::Leaver | Lifecycle::Released);
    let mut last: BTreeMap<&Address, Vec<StepId>> = BTreeMap::new();
    for delta in identities.iter().filter(stays) {
        let of = ends.get(&delta.id).into_iter().flat_map(|ends| &ends.last);
        last.entry(&delta.address).or_default().extend(of);
    }
    let mut waits = Vec::new();
    for delta in identities.iter().filter(names_others) {
        let (Some(on), Some(EndSteps { first, .. })) = (depends_on.get(&delta.address), ends.get(&delta.id)) else {
            continue;
        };
        for last in on.iter().filter_map(|on| last.get(on)) {
            waits.extend(first.iter().flat_map(|first| last.iter().map(|last| (*first, *last))));
        }
    }
    waits
}

/// The steps of one principal that wait for none of its other steps, and those that none of its other steps waits
/// for.
#[derive(Default)]
struct EndSteps {
    first: Vec<StepId>,
    last: BTreeSet<StepId>,
}

/// The first and last steps by principal. The key is not the address, because two principals can have the same one:
/// an identity that leaves, and one with another name that joins in its place.
fn find_end_steps<'a>(steps: &'a [Step], identities: &'a [IdentityDelta]) -> BTreeMap<&'a ResourceId, EndSteps> {
    let whose = crate::plan::principals_by_object(identities, steps);
    let mut own: BTreeMap<&ResourceId, BTreeSet<StepId>> = BTreeMap::new();
    for step in steps {
        if let Some(principal) = whose.get(step.change.id()) {
            own.entry(principal).or_default().insert(step.id);
        }
    }
    let mut ends: BTreeMap<&ResourceId, EndSteps> = own
        .iter()
        .map(|(principal, steps)| (*principal, EndSteps { first: Vec::new(), last: steps.clone() }))
        .collect();
    for step in steps {
        let Some(principal) = whose.get(step.change.id()) else { continue };
        let (Some(own), Some(ends)) = (own.get(principal), ends.get_mut(principal)) else { continue };
        let mut waits_for = step.needs.intersection(own).peekable();
        if waits_for.peek().is_none() {
            ends.first.push(step.id);
        }
        for earlier in waits_for {
            ends.last.remove(earlier);
        }
    }
    ends
}
