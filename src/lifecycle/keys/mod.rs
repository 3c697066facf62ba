//! Decides which access keys an identity should have.
//!
//! In: the live keys, what was delivered of them, the declared terms, and `now`. Out: the fate of each live key, and the key to create.
//!
//! The decision depends only on these inputs; no record says that a rotation began. A key counts only once its secret was delivered to a
//! store; an undelivered key is deleted. The invariant: a key that a consumer reads from the store works for at least `overlap` from then
//! on, whatever runs or fails. A delivered key is therefore disabled no earlier than `overlap` after the delivery of the next one.
//!
//! Example with `overlap = "2d"` (a late use of A extends the time it is disabled):
//!
//! ```text
//! 1 May   B is delivered, A still works
//! 3 May   A is disabled
//! 5 May   A is deleted
//! ```

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use leasehold_provider::{Delivery, LiveKey, ResourceId, Span};
use serde::{Deserialize, Serialize};

use crate::config::declared::KeyRotation;

/// The maximum number of access keys of an IAM user.
pub const MAX_KEYS_PER_USER: usize = 2;

/// How long AWS may take to list a new key. AWS documents no figure; AWS's own tools and Leasehold retry for this long.
const KEY_LIST_DELAY: SignedDuration = SignedDuration::from_mins(2);

/// The terms on which an identity is issued keys.
#[derive(Debug, Clone, Copy)]
pub struct KeyIssue<'a> {
    /// The declared terms.
    pub terms: &'a KeyRotation,
    /// The label of the owner of the identity.
    pub owner: &'a str,
    /// The environment of the identity.
    pub environment: Option<&'a str>,
    /// Deliveries, by key id, of keys that AWS does not list. `None`: there are none.
    pub unlisted_deliveries: Option<&'a BTreeMap<String, Delivery>>,
}

/// The keys that an identity should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredKeys {
    /// What becomes of each live key.
    pub dispositions: BTreeMap<ResourceId, KeyDisposition>,
    /// The key to create. `None`: no new key is needed, or there is no room for one.
    pub new: Option<NewKey>,
    /// When the next change because of time alone is due. `None`: none is.
    pub next: Option<Timestamp>,
}

/// A key to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// The label of the store that receives its secret.
    pub store: String,
    /// The owner it is issued for.
    pub owner: String,
    /// The environment it is issued for.
    pub environment: Option<String>,
    /// Why it is created.
    pub why: KeyIssueReason,
}

/// What becomes of a live key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyDisposition {
    /// It is active.
    Active,
    /// It is disabled, and can be enabled again.
    Disabled {
        /// When the key that replaces it was delivered.
        replaced_at: Timestamp,
        /// When it was last used. `None`: never.
        last_used: Option<Timestamp>,
    },
    /// It is deleted.
    Deleted(KeyDeletionReason),
}

/// Why a key is deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum KeyDeletionReason {
    /// Its secret was delivered to no store.
    NotDelivered,
    /// Its identity no longer declares issued keys.
    NotDeclared,
    /// A newer key replaced it, and the overlap and the time it is disabled are over.
    Replaced {
        /// When the newer key was delivered.
        at: Timestamp,
        /// When this key was last used. `None`: never.
        last_used: Option<Timestamp>,
    },
    /// It is replaced and disabled, and a new key needs its place: IAM allows two keys per user.
    #[serde(rename = "makes_room")]
    QuotaReached {
        /// When it was last used. `None`: never.
        last_used: Option<Timestamp>,
    },
}

/// Why a key is created.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum KeyIssueReason {
    /// The store has no key that works.
    #[serde(rename = "none_held")]
    NoActiveKey,
    /// The current key is older than `rotate_every`.
    #[serde(rename = "old")]
    TooOld {
        /// The id of the current key.
        key: String,
        /// When the current key was created.
        created_at: Timestamp,
        /// The maximum age of a key.
        rotate_every: Span,
    },
    /// The current key is in another store.
    #[serde(rename = "elsewhere")]
    OtherStore {
        /// The label of that store.
        store: String,
    },
    /// The current key was issued under another owner.
    Owner {
        /// That owner. `None`: the delivery has no owner.
        from: Option<String>,
    },
    /// The current key was issued for another environment.
    Environment {
        /// That environment. `None`: the delivery has no environment.
        from: Option<String>,
    },
}

impl KeyIssueReason {
    /// Whether time alone caused it, without a change of the configuration.
    #[must_use]
    pub fn is_caused_by_time(&self) -> bool {
        matches!(self, Self::TooOld { .. })
    }
}

impl KeyDeletionReason {
    /// Whether time alone caused it, without a change of the configuration.
    #[must_use]
    pub fn is_caused_by_time(&self) -> bool {
        matches!(self, Self::Replaced { .. } | Self::QuotaReached { .. })
    }
}

/// Decides the fate of each key in `live`, and whether to create one. Without `issue`, no key is created and every live key is deleted.
#[must_use]
pub fn decide_keys(issue: Option<KeyIssue<'_>>, live: &BTreeMap<ResourceId, LiveKey>, now: Timestamp) -> DesiredKeys {
    let mut dispositions = BTreeMap::new();
    let mut delivered: Vec<DeliveredKey<'_>> = Vec::new();
    for (id, key) in live {
        match (&key.delivered, issue) {
            (None, _) => {
                dispositions.insert(id.clone(), KeyDisposition::Deleted(KeyDeletionReason::NotDelivered));
            }
            (Some(_), None) => {
                dispositions.insert(id.clone(), KeyDisposition::Deleted(KeyDeletionReason::NotDeclared));
            }
            (Some(delivery), Some(_)) => delivered.push(DeliveredKey { id, key, delivery }),
        }
    }
    let Some(issue) = issue else { return DesiredKeys { dispositions, new: None, next: None } };
    // Each delivery has its own instant, so the order by delivery is total.
    delivered.sort_by_key(|held| (held.delivery.at, held.key.created_at, held.id));
    let mut next: Vec<Timestamp> = Vec::new();
    for (held, newer) in delivered.iter().zip(delivered.iter().skip(1)) {
        let (disposition, then) = decide_replaced_key(held, newer, issue.terms, now);
        dispositions.insert(held.id.clone(), disposition);
        next.extend(then);
    }
    if let Some(newest) = delivered.last() {
        dispositions.insert(newest.id.clone(), KeyDisposition::Active);
        next.push(issue.terms.rotate_every.instant_after(newest.created_at()));
    }
    // A key that was just delivered counts, even if AWS does not list it yet. Otherwise the identity would be issued another one.
    let shown_at = find_visibility_deadline(issue, now);
    next.extend(shown_at);
    let why = find_issue_reason(delivered.last(), issue, now).filter(|_| shown_at.is_none());
    let new = why.filter(|_| free_key_slot(&mut dispositions, &delivered)).map(|why| NewKey {
        store: issue.terms.store.clone(),
        owner: issue.owner.to_owned(),
        environment: issue.environment.map(str::to_owned),
        why,
    });
    DesiredKeys { dispositions, new, next: next.into_iter().filter(|at| *at > now).min() }
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

/// Until when AWS may not yet list the key that the store currently has. `None`: there is no such key.
fn find_visibility_deadline(issue: KeyIssue<'_>, now: Timestamp) -> Option<Timestamp> {
    let held = issue.unlisted_deliveries?.values().filter(|delivery| delivery.held);
    let until = held.map(|delivery| delivery.at.saturating_add(KEY_LIST_DELAY).unwrap_or(Timestamp::MAX));
    until.filter(|until| now < *until).max()
}

/// The fate of a key that `newer` replaced, and when that fate changes next. The key works for `overlap` after the delivery of `newer`,
/// then it is disabled for `overlap`, counted from its last use if that is later, then it is deleted.
fn decide_replaced_key(
    held: &DeliveredKey<'_>,
    newer: &DeliveredKey<'_>,
    terms: &KeyRotation,
    now: Timestamp,
) -> (KeyDisposition, Option<Timestamp>) {
    let replaced_at = newer.delivery.at;
    let works_until = terms.overlap.instant_after(replaced_at);
    if now < works_until {
        return (KeyDisposition::Active, Some(works_until));
    }
    let last_used = held.key.last_used;
    let off_until = terms.overlap.instant_after(last_used.map_or(works_until, |used| used.max(works_until)));
    if now < off_until {
        (KeyDisposition::Disabled { replaced_at, last_used }, Some(off_until))
    } else {
        (KeyDisposition::Deleted(KeyDeletionReason::Replaced { at: replaced_at, last_used }), None)
    }
}

/// Why a new key is needed, given the newest delivered key. `None`: none is needed.
fn find_issue_reason(newest: Option<&DeliveredKey<'_>>, issue: KeyIssue<'_>, now: Timestamp) -> Option<KeyIssueReason> {
    let Some(newest) = newest.filter(|newest| newest.delivery.held) else { return Some(KeyIssueReason::NoActiveKey) };
    let (delivery, terms) = (newest.delivery, issue.terms);
    if delivery.store != terms.store {
        return Some(KeyIssueReason::OtherStore { store: delivery.store.clone() });
    }
    if delivery.owner.as_deref() != Some(issue.owner) {
        return Some(KeyIssueReason::Owner { from: delivery.owner.clone() });
    }
    if delivery.environment.as_deref() != issue.environment {
        return Some(KeyIssueReason::Environment { from: delivery.environment.clone() });
    }
    let created_at = newest.created_at();
    let old = terms.rotate_every.instant_after(created_at) <= now;
    old.then(|| KeyIssueReason::TooOld {
        key: newest.id.local_name().to_owned(),
        created_at,
        rotate_every: terms.rotate_every,
    })
}

/// Makes room for one more key: replaced and disabled keys are deleted, the least recently used first. Returns whether there is room.
/// There is none while two keys are still within their overlap; the new key then has to wait.
fn free_key_slot(dispositions: &mut BTreeMap<ResourceId, KeyDisposition>, delivered: &[DeliveredKey<'_>]) -> bool {
    let stays = |dispositions: &BTreeMap<ResourceId, KeyDisposition>, id: &ResourceId| {
        !matches!(dispositions.get(id), Some(KeyDisposition::Deleted(_)))
    };
    let mut off: Vec<&DeliveredKey<'_>> = delivered
        .iter()
        .filter(|held| matches!(dispositions.get(held.id), Some(KeyDisposition::Disabled { .. })))
        .collect();
    off.sort_by_key(|held| (held.key.last_used, held.id));
    let mut off = off.into_iter();
    loop {
        let staying = delivered.iter().filter(|held| stays(dispositions, held.id)).count();
        if staying < MAX_KEYS_PER_USER {
            return true;
        }
        let Some(held) = off.next() else { return false };
        let last_used = held.key.last_used;
        dispositions.insert(held.id.clone(), KeyDisposition::Deleted(KeyDeletionReason::QuotaReached { last_used }));
    }
}

fn describe_last_use(last_used: Option<Timestamp>) -> String {
    last_used.map_or_else(|| "never used".to_owned(), |at| format!("last used {at}"))
}

impl fmt::Display for KeyDeletionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDelivered => {
                f.write_str("in no secret store: created outside Leasehold, or by a run that did not complete")
            }
            Self::NotDeclared => f.write_str("no longer declared"),
            Self::Replaced { at, last_used } => write!(f, "replaced {at}, {}", describe_last_use(*last_used)),
            Self::QuotaReached { last_used } => {
                write!(
                    f,
                    "replaced and disabled, {}: a user can have only two keys, and a new one is due",
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
            Self::NoActiveKey => f.write_str("the secret store has no valid key"),
            Self::TooOld { key, created_at, rotate_every } => {
                write!(f, "{key} was created {created_at}, rotation every {rotate_every}")
            }
            Self::OtherStore { store } => write!(f, "the current key is in store.{store}"),
            Self::Owner { from } => write!(f, "the current key was issued for owner {}", or_none(from)),
            Self::Environment { from } => write!(f, "the current key was issued for environment {}", or_none(from)),
        }
    }
}

/// The text of a plan for a disabled key.
pub(crate) fn describe_disabled_key(replaced_at: Timestamp, last_used: Option<Timestamp>) -> String {
    format!("replaced {replaced_at}, {}", describe_last_use(last_used))
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
