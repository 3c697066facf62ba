//! Why an identity changes, in terms of its lifecycle.
//!
//! In: two states of the marks, the changes of resources, and the state of the access keys. Out: [`ChangeReason`]s,
//! which plans show.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use leasehold_provider::{Address, Aspect, Change, Marks, Realizer};
use serde::{Deserialize, Serialize};

use crate::lifecycle::LeaveReason;
use crate::lifecycle::keys::{DesiredKeys, KeyDeletionReason, KeyDisposition, KeyIssueReason, describe_disabled_key};

/// One reason for a change. A plan lists all that apply.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ChangeReason {
    /// It is quarantined or deleted.
    #[serde(rename = "leaves")]
    Leaver {
        /// The cause.
        why: LeaveReason,
    },
    /// It is imported: it exists without marks, and the stack will manage it.
    #[serde(rename = "adopted")]
    Imported,
    /// It is released: it is no longer managed, and continues to exist.
    Released {
        /// The deadline of its lease deny, which stays in its policy; `None` if it has no lease.
        until: Option<Timestamp>,
    },
    /// It is restored from quarantine.
    Restored {
        /// When the quarantine began.
        since: Timestamp,
    },
    /// Its owner changes.
    Owner {
        /// The old owner; `None` if there was none.
        from: Option<String>,
        /// The new owner; `None` if there is none.
        to: Option<String>,
    },
    /// Its service changes.
    Service {
        /// The old service; `None` if there was none.
        from: Option<String>,
        /// The new service; `None` if there is none.
        to: Option<String>,
    },
    /// Its environment changes.
    Environment {
        /// The old environment; `None` if there was none.
        from: Option<String>,
        /// The new environment; `None` if there is none.
        to: Option<String>,
    },
    /// The deadline of its lease changes.
    Lease {
        /// The old deadline; `None` if it had no lease.
        from: Option<Timestamp>,
        /// The new deadline; `None` if it has no lease any more.
        to: Option<Timestamp>,
    },
    /// The address of its block changes.
    Address {
        /// The old address.
        from: String,
    },
    /// Its template changed.
    Template {
        /// The address of the template.
        template: String,
    },
    /// It uses another template, a template for the first time, or no template any more.
    #[serde(rename = "other_template")]
    TemplateReplaced {
        /// The address of the old template; `None` if it had none.
        from: Option<String>,
        /// The address of the new template; `None` if it has none.
        to: Option<String>,
    },
    /// It gets a new access key.
    NewKey {
        /// Why the key is issued.
        why: KeyIssueReason,
    },
    /// One of its access keys is disabled.
    #[serde(rename = "key_off")]
    KeyDisabled {
        /// The id of the key.
        key: String,
        /// When the key that replaces it was delivered.
        replaced_at: Timestamp,
        /// The last use of the key; `None` if none is known.
        last_used: Option<Timestamp>,
    },
    /// One of its access keys is deleted.
    #[serde(rename = "key_goes")]
    KeyDeleted {
        /// The id of the key.
        key: String,
        /// Why the key is deleted.
        why: KeyDeletionReason,
    },
    /// An aspect of the identity differs.
    Differs {
        /// The aspect: trust, access, boundary, and so on.
        aspect: Aspect,
    },
    /// A scope attached to it changes.
    Scope {
        /// The address of the scope.
        scope: String,
    },
    /// It differs from what was last applied, and no change of the configuration explains that.
    ChangedOutside,
    /// Parts of it are missing: an earlier run stopped early, or they were removed outside Leasehold.
    Unfinished,
}

impl ChangeReason {
    /// Whether the deadline moves to a later instant, or the lease is removed.
    #[must_use]
    pub fn is_lease_extension(&self) -> bool {
        match self {
            Self::Lease { from: Some(_), to: None } => true,
            Self::Lease { from: Some(from), to: Some(to) } => to > from,
            _ => false,
        }
    }
}

impl ChangeReason {
    /// Whether the reason is due because of time alone: the rotation of an access key.
    #[must_use]
    pub fn is_due_by_time(&self) -> bool {
        match self {
            Self::NewKey { why } => why.is_caused_by_time(),
            Self::KeyDisabled { .. } => true,
            Self::KeyDeleted { why, .. } => why.is_caused_by_time(),
            _ => false,
        }
    }
}

impl fmt::Display for ChangeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        match self {
            Self::Leaver { why } => write!(f, "{why}"),
            Self::Imported => f.write_str("import: exists, not yet managed"),
            Self::Released { until: None } => f.write_str("no longer managed → remove its marks, keep everything else"),
            Self::Released { until: Some(at) } => write!(
                f,
                "no longer managed → remove its marks, keep everything else, including the lease deny: no access from {at}"
            ),
            Self::Restored { since } => write!(f, "restored from quarantine (since {since})"),
            Self::Owner { from, to } => write!(f, "owner {} → {}", or_none(from), or_none(to)),
            Self::Service { from, to } => write!(f, "service {} → {}", or_none(from), or_none(to)),
            Self::Environment { from, to } => write!(f, "environment {} → {}", or_none(from), or_none(to)),
            Self::Lease { from, to } => {
                let text = |at: &Option<Timestamp>| at.map_or_else(|| "none".to_owned(), |at| at.to_string());
                let word = if self.is_lease_extension() { "longer lease" } else { "lease" };
                write!(f, "{word} {} → {}", text(from), text(to))
            }
            Self::Template { template } => write!(f, "{template} changed"),
            Self::TemplateReplaced { from, to } => write!(f, "template {} → {}", or_none(from), or_none(to)),
            Self::Address { from } => write!(f, "moved from {from}"),
            Self::NewKey { why } => write!(f, "new access key: {why}"),
            Self::KeyDisabled { key, replaced_at, last_used } => {
                write!(f, "{key} is disabled: {}", describe_disabled_key(*replaced_at, *last_used))
            }
            Self::KeyDeleted { key, why } => write!(f, "{key} is deleted: {why}"),
            Self::Differs { aspect } => f.write_str(match aspect {
                Aspect::Trust => "trust differs",
                Aspect::Access => "access differs",
                Aspect::Boundary => "boundary differs",
                Aspect::Session => "session duration differs",
                Aspect::Credential => "credentials differ",
                Aspect::Tags => "tags differ",
                Aspect::Description => "description differs",
            }),
            Self::Scope { scope } => write!(f, "{scope} changed"),
            Self::ChangedOutside => f.write_str("changed outside Leasehold"),
            Self::Unfinished => {
                f.write_str("parts are missing: removed outside Leasehold, or an earlier run did not complete")
            }
        }
    }
}

/// The address of the template that a mark names.
fn template_address(mark: &str) -> String {
    let name = mark.rsplit_once('@').map_or(mark, |(name, _)| name);
    Address::from_qualified_name("template", name).to_string()
}

/// The reasons that follow from two states of an identity's marks.
#[must_use]
pub fn reasons_from_marks(before: &Marks, after: &Marks) -> BTreeSet<ChangeReason> {
    let mut reasons = BTreeSet::new();
    if before.owner != after.owner {
        reasons.insert(ChangeReason::Owner { from: before.owner.clone(), to: after.owner.clone() });
    }
    if before.service != after.service {
        reasons.insert(ChangeReason::Service { from: before.service.clone(), to: after.service.clone() });
    }
    if before.environment != after.environment {
        reasons.insert(ChangeReason::Environment { from: before.environment.clone(), to: after.environment.clone() });
    }
    if before.expires_at != after.expires_at {
        reasons.insert(ChangeReason::Lease { from: before.expires_at, to: after.expires_at });
    }
    let template = |marks: &Marks| marks.template.as_deref().map(template_address);
    match (template(before), template(after)) {
        (from, to) if from != to => {
            reasons.insert(ChangeReason::TemplateReplaced { from, to });
        }
        (_, Some(template)) if before.template != after.template => {
            reasons.insert(ChangeReason::Template { template });
        }
        _ => {}
    }
    if before.address != after.address {
        reasons.insert(ChangeReason::Address { from: before.address.to_string() });
    }
    reasons
}

/// The reasons for the changes of access keys in `changes`.
#[must_use]
pub fn reasons_from_keys(changes: &[Change], keys: &DesiredKeys) -> BTreeSet<ChangeReason> {
    let reason = |change: &Change| {
        let id = change.id();
        if id.is_new() {
            return keys.new.clone().map(|new| ChangeReason::NewKey { why: new.why });
        }
        let key = id.local_name().to_owned();
        match keys.dispositions.get(id)? {
            KeyDisposition::Active => None,
            KeyDisposition::Disabled { replaced_at, last_used } => {
                Some(ChangeReason::KeyDisabled { key, replaced_at: *replaced_at, last_used: *last_used })
            }
            KeyDisposition::Deleted(why) => Some(ChangeReason::KeyDeleted { key, why: why.clone() }),
        }
    };
    changes.iter().filter_map(reason).collect()
}

/// Whether a change is part of the rotation of an issued key, and was not caused by anyone outside Leasehold.
#[must_use]
pub fn is_key_rotation_change(change: &Change, keys: &DesiredKeys) -> bool {
    match keys.dispositions.get(change.id()) {
        None => change.id().is_new(),
        Some(KeyDisposition::Active | KeyDisposition::Deleted(KeyDeletionReason::NotDelivered)) => false,
        Some(KeyDisposition::Disabled { .. } | KeyDisposition::Deleted(_)) => true,
    }
}

/// The aspects that the changes of an identity's resources affect. To create or delete a part affects the aspects of
/// all its attributes.
#[must_use]
pub fn reasons_from_changes(changes: &[Change], realize: &Realizer) -> BTreeSet<ChangeReason> {
    let mut reasons = BTreeSet::new();
    for change in changes {
        let (before, after) = (change.resource_before(), change.resource_after());
        let names: BTreeSet<&str> =
            before.into_iter().chain(after).flat_map(|r| r.attributes.keys().map(AsRef::as_ref)).collect();
        for name in names {
            if before.and_then(|r| r.get(name)) != after.and_then(|r| r.get(name)) {
                reasons
                    .insert(ChangeReason::Differs { aspect: realize.semantics.classify_attribute(change.id(), name) });
            }
        }
    }
    reasons
}
