//! The writes that delete an identity.
//!
//! In: the changes of an identity whose principal is deleted. Out: its drafts. If something that denies is deleted or
//! detached, and the own policy does not deny everything as in a quarantine, the own policy is made to deny
//! everything first.
//!
//! # Example
//!
//! An identity is deleted while an attached scope denies it something. Detaching the scope first would allow what it
//! denies, so the own policy denies everything until all else is gone. An arrow points from a step to the step that
//! it waits for:
//!
//! ```text
//! own policy: deny everything ◄── delete keys, detach scopes ◄── delete own policy ◄── delete the principal
//! ```
//!
//! [`crate::plan::edges`] makes these edges.

use std::borrow::Cow;

use leasehold_provider::{Change, DenyExtent, Realizer, Resource};

use super::graph::Draft;
use super::interim;
use super::staged_change::InterimState;
use crate::plan::classify::SubjectFacts;

/// The writes that delete a subject. If its own policy denies everything meanwhile, the write of that policy comes
/// first and its deletion last.
pub fn draft_deletion<'a>(subject: &SubjectFacts<'a>, removes_denial: bool, realize: &Realizer) -> Vec<Draft<'a>> {
    let drafts = Draft::for_changes(subject);
    let Some((first, closed)) = deny_everything_first(subject, removes_denial, realize) else {
        return drafts.collect();
    };
    let of_own_policy = |change, interim| Draft {
        subject: subject.address,
        change: Cow::Owned(change),
        is_access: true,
        interim,
        stage: None,
    };
    let first = of_own_policy(first, Some(InterimState::DeniesEverything));
    let others = drafts.filter(|draft| *draft.change.id() != closed.id);
    let last = of_own_policy(Change::Delete { before: Box::new(closed.clone()) }, None);
    std::iter::once(first).chain(others).chain(std::iter::once(last)).collect()
}

/// The write that makes the own policy deny everything, and the policy after it; `None` if it is not needed.
fn deny_everything_first(
    subject: &SubjectFacts<'_>,
    removes_denial: bool,
    realize: &Realizer,
) -> Option<(Change, Resource)> {
    if !removes_denial {
        return None;
    }
    let empty = realize.empty_own_policy(subject.id)?;
    let own = subject.changes.iter().find(|facts| *facts.change.id() == empty.id);
    if own.is_some_and(|own| own.denied_before == DenyExtent::Everything) {
        return None;
    }
    let live = own.and_then(|own| own.change.resource_before());
    let closed = interim::deny_everything(live.unwrap_or(&empty), realize)?;
    let closed = Resource { identity: Some(subject.address.clone()), ..closed };
    let first = match live {
        Some(live) => Change::Update { before: Box::new(live.clone()), after: Box::new(closed.clone()) },
        None => Change::Create { after: Box::new(closed.clone()) },
    };
    Some((first, closed))
}
