//! Which attributes were made from sensitive values. The configuration says so for what it declares. For a live object whose configuration
//! has changed since, the last apply recorded it: see `names_applied_as_sensitive`. This decides what views hide. Evidence hides nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Change, Document, LiveIdentity, Resource, ResourceId, Snapshot, Value};

/// The text that replaces a hidden value.
pub const HIDDEN: &str = "(sensitive value)";

/// The attribute that counts as sensitive if nothing is known: the policy of an object that is no longer declared and
/// whose marks were not read.
const UNKNOWN: &str = "policy";

/// Records in the marks of `root` which attributes of `resources` are sensitive.
pub fn record_sensitive(resources: &mut [Resource], root: &ResourceId) {
    let names: Vec<String> = resources.iter().flat_map(|resource| resource.sensitive.iter().cloned()).collect();
    let marks = resources.iter_mut().find(|resource| resource.id == *root).and_then(|resource| resource.marks.as_mut());
    if let Some(marks) = marks {
        marks.sensitive.extend(names);
    }
}

/// The names of the attributes that the last apply of an identity made from sensitive values. The only place that decides this for live
/// identities: the record is in the marks.
fn names_applied_as_sensitive(live: &LiveIdentity) -> BTreeSet<String> {
    live.marks.sensitive.clone()
}

impl Snapshot {
    /// Flags the attributes of live objects as sensitive that the last apply, or the declared objects in `desired`,
    /// record as sensitive.
    pub fn restore_sensitive(&mut self, desired: &BTreeMap<ResourceId, Resource>) {
        for live in self.identities.values_mut() {
            let recorded = names_applied_as_sensitive(live);
            for resource in live.resources.values_mut().filter(|_| !recorded.is_empty()) {
                let names = recorded.iter().filter(|name| resource.attributes.contains_key(name.as_str()));
                resource.sensitive.extend(names.cloned());
            }
        }
        for (id, shared) in &mut self.shared {
            let recorded = shared.recorded.clone();
            let resource = &mut shared.resource;
            let desired = desired.get(id);
            resource.sensitive.extend(desired.into_iter().flat_map(|desired| &desired.sensitive).cloned());
            // What the stack recorded counts, not what the tags say.
            match (desired, recorded.as_ref().or(resource.marks.as_ref())) {
                (_, Some(marks)) => resource.sensitive.extend(marks.sensitive.iter().cloned()),
                (None, None) if resource.attributes.contains_key(UNKNOWN) => {
                    resource.sensitive.insert(UNKNOWN.to_owned());
                }
                (_, None) => {}
            }
        }
    }
}

impl Resource {
    /// Replaces the values of sensitive attributes with [`HIDDEN`]. The keys of a map are kept.
    pub fn redact_sensitive(&mut self) {
        for name in &self.sensitive {
            if let Some(value) = self.attributes.get_mut(name.as_str()) {
                *value = match value {
                    Value::Document(_) => Value::Document(Document::new(HIDDEN.into())),
                    Value::Map(entries) => Value::Map(entries.keys().map(|key| (key.clone(), HIDDEN.into())).collect()),
                    _ => Value::Text(HIDDEN.to_owned()),
                };
            }
        }
    }
}

impl Change {
    /// The resources before and after the change, for modification. Empty for changes of marks only.
    pub fn sides_mut(&mut self) -> impl Iterator<Item = &mut Resource> {
        let (before, after) = match self {
            Self::Create { after } => (None, Some(after)),
            Self::Update { before, after } => (Some(before), Some(after)),
            Self::Delete { before } => (Some(before), None),
            Self::Mark { .. } | Self::Import { .. } | Self::Release { .. } => (None, None),
        };
        before.into_iter().chain(after).map(AsMut::as_mut)
    }
}
