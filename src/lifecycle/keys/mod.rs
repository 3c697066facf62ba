//! Which access keys an identity should have: from those that live, what of them was delivered, the declared terms and `now`.
//!
//! Decided by level: nothing remembers that a rotation began. A key counts only once its secret was delivered; one that nobody was given
//! goes. Whoever reads the store holds a key that works for `overlap` more, whatever runs or fails to run: a delivered key is disabled
//! no earlier than `overlap` after the next one was delivered.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use leasehold_provider::{Delivery, LiveKey, ResourceId, Span};
use serde::{Deserialize, Serialize};

use crate::config::declared::KeyTerms;

/// How many access keys a user can have.
pub const MOST: usize = 2;

/// How long a cloud may take to show a key that was just made. AWS names no figure; its tools and ours retry for as long.
const SHOWN_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// For whom, and on which terms, keys are issued.
#[derive(Debug, Clone, Copy)]
pub struct KeyIssue<'a> {
    /// The declared terms.
    pub terms: &'a KeyTerms,
    /// Who answers for the identity.
    pub owner: &'a str,
    /// Where it works.
    pub environment: Option<&'a str>,
    /// What was delivered to it, by key, and is not among its live keys.
    pub not_shown: Option<&'a BTreeMap<String, Delivery>>,
}

/// The keys that an identity should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredKeys {
    /// What shall become of each key that lives.
    pub fates: BTreeMap<ResourceId, KeyFate>,
    /// The key that shall be made.
    pub new: Option<NewKey>,
    /// When time alone brings the next change, as it stands.
    pub next: Option<Timestamp>,
}

/// A key that shall be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// The store that its secret goes to.
    pub store: String,
    /// The owner whom it is for.
    pub owner: String,
    /// The environment that it is for.
    pub environment: Option<String>,
    /// Why.
    pub why: KeyIssueReason,
}

/// What shall become of a key that lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFate {
    /// It works.
    Works,
    /// It is disabled, and can still be switched on again.
    Off {
        /// When the key that replaces it was delivered.
        replaced_at: Timestamp,
        /// When it was last used.
        last_used: Option<Timestamp>,
    },
    /// It goes.
    Goes(KeyDeletionReason),
}

/// Why a key goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum KeyDeletionReason {
    /// No store was given its secret.
    NotDelivered,
    /// Its identity declares no issued keys any more.
    NotDeclared,
    /// A newer one took its place long ago.
    Replaced {
        /// When that was delivered.
        at: Timestamp,
        /// When this one was last used.
        last_used: Option<Timestamp>,
    },
    /// It is replaced and off, and a new one needs its place: a user has two keys at most.
    MakesRoom {
        /// When it was last used.
        last_used: Option<Timestamp>,
    },
}

/// Why a key shall be made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum KeyIssueReason {
    /// The store holds none that works.
    NoneHeld,
    /// The one that it has is too old.
    Old {
        /// Its id.
        key: String,
        /// When it was made.
        created_at: Timestamp,
        /// How old it may become.
        rotate_every: Span,
    },
    /// The one that it has is in another store.
    Elsewhere {
        /// In which.
        store: String,
    },
    /// The one that it has was issued under another owner.
    Owner {
        /// Under whom.
        from: Option<String>,
    },
    /// The one that it has was issued for another environment.
    Environment {
        /// For which.
        from: Option<String>,
    },
}

impl KeyIssueReason {
    /// Whether time alone brought it.
    #[must_use]
    pub fn is_caused_by_time(&self) -> bool {
        matches!(self, Self::Old { .. })
    }
}

impl KeyDeletionReason {
    /// Whether time alone brought it.
    #[must_use]
    pub fn is_caused_by_time(&self) -> bool {
        matches!(self, Self::Replaced { .. } | Self::MakesRoom { .. })
    }
}

/// Says what should become of `live` keys, and whether there should be a new one. Without terms no key is issued, and those that were go.
#[must_use]
pub fn decide_keys(issue: Option<KeyIssue<'_>>, live: &BTreeMap<ResourceId, LiveKey>, now: Timestamp) -> DesiredKeys {
    let mut fates = BTreeMap::new();
    let mut delivered: Vec<DeliveredKey<'_>> = Vec::new();
    for (id, key) in live {
        match (&key.delivered, issue) {
            (None, _) => drop(fates.insert(id.clone(), KeyFate::Goes(KeyDeletionReason::NotDelivered))),
            (Some(_), None) => drop(fates.insert(id.clone(), KeyFate::Goes(KeyDeletionReason::NotDeclared))),
            (Some(delivery), Some(_)) => delivered.push(DeliveredKey { id, key, delivery }),
        }
    }
    let Some(issue) = issue else { return DesiredKeys { fates, new: None, next: None } };
    // No two are delivered at one instant.
    delivered.sort_by_key(|held| (held.delivery.at, held.key.created_at, held.id));
    let mut next: Vec<Timestamp> = Vec::new();
    for (held, newer) in delivered.iter().zip(delivered.iter().skip(1)) {
        let (fate, then) = decide_replaced_key(held, newer, issue.terms, now);
        fates.insert(held.id.clone(), fate);
        next.extend(then);
    }
    if let Some(newest) = delivered.last() {
        fates.insert(newest.id.clone(), KeyFate::Works);
        next.push(issue.terms.rotate_every.instant_after(newest.created_at()));
    }
    // Who was just given one has it, whether or not the cloud shows it yet.
    let shown_at = find_visibility_deadline(issue, now);
    next.extend(shown_at);
    let why = find_issue_reason(delivered.last(), issue, now).filter(|_| shown_at.is_none());
    let new = why.filter(|_| make_room(&mut fates, &delivered)).map(|why| NewKey {
        store: issue.terms.store.clone(),
        owner: issue.owner.to_owned(),
        environment: issue.environment.map(str::to_owned),
        why,
    });
    DesiredKeys { fates, new, next: next.into_iter().filter(|at| *at > now).min() }
}

/// A live key whose secret was delivered.
struct DeliveredKey<'a> {
    id: &'a ResourceId,
    key: &'a LiveKey,
    delivery: &'a Delivery,
}

impl DeliveredKey<'_> {
    fn created_at(&self) -> Timestamp {
        self.key.created_at.unwrap_or(self.delivery.at)
    }
}

/// Until when the key that the store hands out may be one that the cloud does not show yet.
fn find_visibility_deadline(issue: KeyIssue<'_>, now: Timestamp) -> Option<Timestamp> {
    let held = issue.not_shown?.values().filter(|delivery| delivery.held);
    let until = held.map(|delivery| delivery.at.saturating_add(SHOWN_WITHIN).unwrap_or(Timestamp::MAX));
    until.filter(|until| now < *until).max()
}

/// What becomes of a key in whose place another one was delivered, and when that changes next: it works for `overlap` more, then it is off
/// for as long, counted anew from its last use; then it goes.
fn decide_replaced_key(
    held: &DeliveredKey<'_>,
    newer: &DeliveredKey<'_>,
    terms: &KeyTerms,
    now: Timestamp,
) -> (KeyFate, Option<Timestamp>) {
    let replaced_at = newer.delivery.at;
    let works_until = terms.overlap.instant_after(replaced_at);
    if now < works_until {
        return (KeyFate::Works, Some(works_until));
    }
    let last_used = held.key.last_used;
    let off_until = terms.overlap.instant_after(last_used.map_or(works_until, |used| used.max(works_until)));
    if now < off_until {
        (KeyFate::Off { replaced_at, last_used }, Some(off_until))
    } else {
        (KeyFate::Goes(KeyDeletionReason::Replaced { at: replaced_at, last_used }), None)
    }
}

/// Why there should be a new key, given the newest that was delivered.
fn find_issue_reason(newest: Option<&DeliveredKey<'_>>, issue: KeyIssue<'_>, now: Timestamp) -> Option<KeyIssueReason> {
    let Some(newest) = newest.filter(|newest| newest.delivery.held) else { return Some(KeyIssueReason::NoneHeld) };
    let (delivery, terms) = (newest.delivery, issue.terms);
    if delivery.store != terms.store {
        return Some(KeyIssueReason::Elsewhere { store: delivery.store.clone() });
    }
    if delivery.owner.as_deref() != Some(issue.owner) {
        return Some(KeyIssueReason::Owner { from: delivery.owner.clone() });
    }
    if delivery.environment.as_deref() != issue.environment {
        return Some(KeyIssueReason::Environment { from: delivery.environment.clone() });
    }
    let created_at = newest.created_at();
    let old = terms.rotate_every.instant_after(created_at) <= now;
    old.then(|| KeyIssueReason::Old {
        key: newest.id.local_name().to_owned(),
        created_at,
        rotate_every: terms.rotate_every,
    })
}

/// Makes room for one more key among those that stay. Only keys that are replaced and off give way, those that were used least lately
/// first. Whether there is room then: while the last two were both promised to work, a new one has to wait.
fn make_room(fates: &mut BTreeMap<ResourceId, KeyFate>, delivered: &[DeliveredKey<'_>]) -> bool {
    let stays =
        |fates: &BTreeMap<ResourceId, KeyFate>, id: &ResourceId| !matches!(fates.get(id), Some(KeyFate::Goes(_)));
    let mut off: Vec<&DeliveredKey<'_>> =
        delivered.iter().filter(|held| matches!(fates.get(held.id), Some(KeyFate::Off { .. }))).collect();
    off.sort_by_key(|held| (held.key.last_used, held.id));
    let mut off = off.into_iter();
    loop {
        let staying = delivered.iter().filter(|held| stays(fates, held.id)).count();
        if staying < MOST {
            return true;
        }
        let Some(held) = off.next() else { return false };
        let last_used = held.key.last_used;
        fates.insert(held.id.clone(), KeyFate::Goes(KeyDeletionReason::MakesRoom { last_used }));
    }
}

fn describe_last_use(last_used: Option<Timestamp>) -> String {
    last_used.map_or_else(|| "never used".to_owned(), |at| format!("last used {at}"))
}

impl fmt::Display for KeyDeletionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDelivered => f.write_str("no store holds it: made by somebody else, or by a run that broke off"),
            Self::NotDeclared => f.write_str("no longer declared"),
            Self::Replaced { at, last_used } => write!(f, "replaced {at}, {}", describe_last_use(*last_used)),
            Self::MakesRoom { last_used } => {
                write!(
                    f,
                    "replaced and off, {}: a user has two keys at most, and a new one needs its place",
                    describe_last_use(*last_used)
                )
            }
        }
    }
}

impl fmt::Display for KeyIssueReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        match self {
            Self::NoneHeld => f.write_str("the store holds none that lives"),
            Self::Old { key, created_at, rotate_every } => {
                write!(f, "{key} is of {created_at}, and is replaced after {rotate_every}")
            }
            Self::Elsewhere { store } => write!(f, "the one it has is in store.{store}"),
            Self::Owner { from } => write!(f, "the one it has was issued under owner {}", or_none(from)),
            Self::Environment { from } => write!(f, "the one it has was issued for environment {}", or_none(from)),
        }
    }
}

/// What is said of a key that is disabled.
pub(crate) fn describe_disabled_key(replaced_at: Timestamp, last_used: Option<Timestamp>) -> String {
    format!("replaced {replaced_at}, {}", describe_last_use(last_used))
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
