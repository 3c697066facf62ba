//! The law that a plan shows what it does: the changes that its views list are the changes that its steps make.
//!
//! In: a plan. Out: whether the listed changes are the net effect of the steps. The builder lists the changes first and
//! makes the steps from them; a file contains both, and may have been edited.
//!
//! # Example
//!
//! A policy changes through an interim state. The two steps are one listed change:
//!
//! ```text
//! steps   update orders: allow * -> allow get     update orders: allow get -> allow get, put
//! listed  update orders: allow * -> allow get, put
//! ```

use std::collections::BTreeMap;

use leasehold_provider::{Address, Change, Resource, ResourceId};

use super::Plan;

/// The net effect on one object.
#[derive(Default, PartialEq, Eq)]
struct NetChange<'a> {
    before: Option<&'a Resource>,
    after: Option<&'a Resource>,
    /// The writes of marks. They change nothing else.
    marks: Vec<&'a Change>,
}

type NetChanges<'a> = BTreeMap<(&'a Address, &'a ResourceId), NetChange<'a>>;

/// Whether the changes that the deltas of a plan list are the net effect of its steps.
#[must_use]
pub fn shows_its_steps(plan: &Plan) -> bool {
    let identities = plan.identities.iter().map(|delta| (&delta.address, &delta.changes));
    let shared = plan.shared.iter().map(|delta| (&delta.address, &delta.changes));
    let listed = identities.chain(shared).flat_map(|(address, changes)| changes.iter().map(move |c| (address, c)));
    let made = plan.steps.iter().map(|step| (&step.subject, &step.change));
    add_up_changes(listed) == add_up_changes(made)
}

fn add_up_changes<'a>(changes: impl Iterator<Item = (&'a Address, &'a Change)>) -> NetChanges<'a> {
    let mut net = NetChanges::new();
    for (subject, change) in changes {
        let seen = net.contains_key(&(subject, change.id()));
        let entry = net.entry((subject, change.id())).or_default();
        match change {
            Change::Create { .. } | Change::Update { .. } | Change::Delete { .. } => {
                if !seen || (entry.before.is_none() && entry.after.is_none()) {
                    entry.before = change.resource_before();
                }
                entry.after = change.resource_after();
            }
            Change::Mark { .. } | Change::Import { .. } | Change::Release { .. } => entry.marks.push(change),
        }
    }
    for entry in net.values_mut() {
        entry.marks.sort_by_key(|change| change.kind());
    }
    // An object that only has an interim state ends as it began.
    net.retain(|_, entry| entry.before != entry.after || !entry.marks.is_empty());
    net
}
