//! Findings about marks that somebody else edited, copied, moved or removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use leasehold_provider::{Address, Marks, OwnedObjects, Snapshot, StackName};
use serde::{Deserialize, Serialize};

use super::{LiveObject, list_live_objects};

/// A finding about the ownership of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OwnershipFinding {
    /// What was found.
    pub kind: OwnershipFindingKind,
    /// The address that the stack recorded for the object; for an object that the stack does not own, the address that its marks name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The object's name in the cloud, such as its ARN.
    pub object: String,
    /// A sentence for people.
    pub message: String,
}

/// What was found about the ownership of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnershipFindingKind {
    /// Another object has the name or the marks of an object of the stack.
    Replaced,
    /// An object that the stack does not own carries marks of the stack. It is never written.
    UnownedMark,
    /// The marks of an object of the stack were edited. The next apply writes them again.
    MarkChanged,
    /// The marks of an object of the stack were removed. The next apply writes them again.
    MarkRemoved,
}

impl OwnershipFindingKind {
    /// Its name in output and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::UnownedMark => "unowned-mark",
            Self::MarkChanged => "mark-changed",
            Self::MarkRemoved => "mark-removed",
        }
    }
}

impl fmt::Display for OwnershipFindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Every finding about the ownership of live objects, sorted. The snapshot was read with the record `owned` of the stack.
#[must_use]
pub fn find_ownership_problems(stack: &StackName, snapshot: &Snapshot, owned: &OwnedObjects) -> Vec<OwnershipFinding> {
    let live = list_live_objects(snapshot);
    let mut findings: Vec<OwnershipFinding> = live.iter().filter_map(|live| find_mark_problem(live, owned)).collect();
    let live_ids: BTreeSet<&str> = live.iter().map(|live| live.unique_id).collect();
    // Objects of the stack that are gone, or that are without marks: another object may have taken their place.
    let displaced = owned.objects.iter().filter(|(unique_id, _)| !live_ids.contains(unique_id.as_str()));
    let displaced: BTreeMap<_, _> = displaced.map(|(_, object)| (&object.resource, &object.marks.address)).collect();
    let without_marks = live.iter().filter(|live| live.found.is_none() && !live.has_unread_tags);
    let vacant: BTreeSet<&Address> =
        without_marks.map(|live| live.address).chain(displaced.values().copied()).collect();
    for (id, object) in &snapshot.unmanaged_objects {
        let marked = object.stack.as_ref() == Some(stack);
        let named = object.address.as_ref().filter(|_| marked);
        let kind = match (displaced.get(id), named) {
            (Some(address), _) => Some((OwnershipFindingKind::Replaced, Some(*address))),
            (None, Some(address)) if vacant.contains(address) => Some((OwnershipFindingKind::Replaced, Some(address))),
            (None, address) => marked.then_some((OwnershipFindingKind::UnownedMark, address)),
        };
        findings.extend(kind.map(|(kind, address)| OwnershipFinding {
            kind,
            address: address.cloned(),
            object: object.arn.clone(),
            message: describe_unowned(kind, address),
        }));
    }
    findings.sort();
    findings
}

fn describe_unowned(kind: OwnershipFindingKind, address: Option<&Address>) -> String {
    match (kind, address) {
        (OwnershipFindingKind::Replaced, Some(address)) => format!(
            "it has the name or the marks of {address}, but is not the object that this stack created. It is not changed; to manage it, \
             import it"
        ),
        (_, Some(address)) => {
            format!("it carries the marks of {address}, but this stack did not create or import it. It is not changed")
        }
        (_, None) => {
            "it carries marks of this stack, but this stack did not create or import it. It is not changed".to_owned()
        }
    }
}

/// The difference between the marks in an object's tags and the marks that the stack recorded.
fn find_mark_problem(live: &LiveObject<'_>, owned: &OwnedObjects) -> Option<OwnershipFinding> {
    let recorded = live.recorded?;
    let unsettled = owned.objects.get(live.unique_id).and_then(|object| object.unsettled.as_deref());
    let (kind, message) = match live.found {
        None if live.has_unread_tags => return None,
        None => {
            let message =
                "its marks were removed outside Leasehold, or cannot be read. The next apply writes them again"
                    .to_owned();
            (OwnershipFindingKind::MarkRemoved, message)
        }
        Some(found) if found == recorded || Some(found) == unsettled => return None,
        Some(found) => {
            let keys = list_changed_keys(found, recorded);
            if keys.is_empty() {
                return None;
            }
            let message = format!(
                "its marks were changed outside Leasehold ({}). They have no effect, and the next apply writes them again",
                keys.join(", ")
            );
            (OwnershipFindingKind::MarkChanged, message)
        }
    };
    Some(OwnershipFinding { kind, address: Some(live.address.clone()), object: live.resource.to_string(), message })
}

/// The keys of the marks that differ, without their prefix.
fn list_changed_keys(found: &Marks, recorded: &Marks) -> Vec<String> {
    let (found, recorded) = (found.to_tags(), recorded.to_tags());
    let keys: BTreeSet<&String> = found.keys().chain(recorded.keys()).collect();
    let changed = keys.into_iter().filter(|key| found.get(*key) != recorded.get(*key));
    changed.map(|key| key.trim_start_matches(leasehold_provider::marks::PREFIX).to_owned()).collect()
}
