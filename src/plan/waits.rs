//! `depends_on` between identities: one that joins waits until those it names stand.
//!
//! Only joining waits. What takes access away, and what changes one that lives, must not wait for another's success. Where a wait
//! would close a circle with the order that access demands, that order stays and the wait is dropped.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::Address;

use super::{Step, StepId};
use crate::diff::{IdentityDelta, Lifecycle};

/// By address: the identities that one names in `depends_on`.
pub type DependsOn<'a> = BTreeMap<&'a Address, &'a BTreeSet<Address>>;

/// One step that waits for another.
pub type Wait = (StepId, StepId);

/// The waits of the joiners among `identities`: the first steps of each for the last of those it depends on, as far as they do not leave.
pub fn of_joiners(steps: &[Step], identities: &[IdentityDelta], depends_on: &DependsOn<'_>) -> Vec<Wait> {
    let mut joiners = identities
        .iter()
        .filter(|delta| delta.lifecycle == Lifecycle::Joiner)
        .filter_map(|delta| Some((&delta.address, *depends_on.get(&delta.address)?)))
        .filter(|(_, on)| !on.is_empty())
        .peekable();
    if joiners.peek().is_none() {
        return Vec::new();
    }
    let stays = |delta: &&IdentityDelta| !matches!(delta.lifecycle, Lifecycle::Leaver | Lifecycle::Released);
    let staying: BTreeSet<&Address> = identities.iter().filter(stays).map(|delta| &delta.address).collect();
    let ends = ends(steps);
    let mut waits = Vec::new();
    for (joiner, on) in joiners {
        let Some(first) = ends.get(joiner).map(|ends| &ends.first) else { continue };
        for last in on.iter().filter(|on| staying.contains(on)).filter_map(|on| Some(&ends.get(on)?.last)) {
            waits.extend(first.iter().flat_map(|first| last.iter().map(|last| (*first, *last))));
        }
    }
    waits
}

/// The steps of one subject that wait for none of its own, and those that none of its own waits for.
#[derive(Default)]
struct Ends {
    first: Vec<StepId>,
    last: BTreeSet<StepId>,
}

fn ends(steps: &[Step]) -> BTreeMap<&Address, Ends> {
    let mut own: BTreeMap<&Address, BTreeSet<StepId>> = BTreeMap::new();
    for step in steps {
        own.entry(&step.subject).or_default().insert(step.id);
    }
    let mut ends: BTreeMap<&Address, Ends> =
        own.iter().map(|(subject, steps)| (*subject, Ends { first: Vec::new(), last: steps.clone() })).collect();
    for step in steps {
        let (Some(own), Some(ends)) = (own.get(&step.subject), ends.get_mut(&step.subject)) else { continue };
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
