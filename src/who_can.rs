//! In: a snapshot, an action, a resource and an instant. Out: the identities that are allowed the action.
//!
//! Pure. It evaluates the policies that exist in the cloud, not those that are declared.

use jiff::Timestamp;
use leasehold_provider::{
    Address, Answer, Compare, Kind, LiveIdentity, Permission, Principal, Question, Realizer, ResourceId, Snapshot,
};

use crate::diff::access::{self, SharedObjects};

/// An identity that is allowed the action, always or under conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedIdentity {
    /// Its address.
    pub address: Address,
    /// Its name in the cloud, such as the role name.
    pub name: String,
    /// Its kind, from its marks. `None`: the marks do not say.
    pub kind: Option<Kind>,
    /// The owner, from its marks.
    pub owner: Option<String>,
    /// The service it belongs to, from its marks.
    pub service: Option<String>,
    /// The deadline of its lease, from its marks. `None`: it has no lease.
    pub until: Option<Timestamp>,
    /// Whether it is allowed the action, and the statements that decide so.
    pub answer: Answer,
    /// The object that contains each policy of the answer.
    pub sources: Vec<ResourceId>,
    /// Permissions boundaries that must also allow the action. Leasehold does not read their content.
    pub boundaries: Vec<String>,
}

/// A query: one action, one resource, one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhoCanQuery<'a> {
    /// The action, such as `s3:GetObject`.
    pub action: &'a str,
    /// The resource, by its name in the cloud, such as its ARN.
    pub resource: &'a str,
    /// The instant for which date conditions, such as a lease deny, are evaluated.
    pub now: Timestamp,
}

/// Returns the identities of a snapshot that are allowed the action at that instant, sorted by address. Identities that are not allowed
/// are left out. This includes quarantined and expired identities: a policy that denies everything is attached to them.
#[must_use]
pub fn find_allowed_identities(
    snapshot: &Snapshot,
    desired: WhoCanQuery<'_>,
    realize: &Realizer,
    compare: &dyn Compare,
) -> Vec<AllowedIdentity> {
    let shared = SharedObjects::from_live_snapshot(snapshot, realize);
    let mut holders: Vec<AllowedIdentity> = snapshot
        .identities
        .values()
        .map(|live| evaluate_identity(live, &shared, desired, realize, compare))
        .filter(|holder| holder.answer.permission != Permission::No)
        .collect();
    holders.sort_by(|a, b| a.address.cmp(&b.address));
    holders
}

fn evaluate_identity(
    live: &LiveIdentity,
    shared: &SharedObjects<'_>,
    desired: WhoCanQuery<'_>,
    realize: &Realizer,
    compare: &dyn Compare,
) -> AllowedIdentity {
    let held = access::collect_attached_access(live.resources.values(), shared, realize);
    let now = desired.now.to_string();
    let question = Question {
        action: desired.action,
        resource: desired.resource,
        now: &now,
        epoch: desired.now.as_second(),
        user: (live.principal == Principal::User).then_some(live.name.as_str()),
    };
    let mut answer = compare.decide_permission(&held.access, &question);
    if answer.permission == Permission::Yes && !held.boundaries.is_empty() {
        answer.permission = Permission::OnlyIf;
    }
    AllowedIdentity {
        address: live.address().clone(),
        name: live.name.clone(),
        kind: live.marks.kind,
        owner: live.marks.owner.clone(),
        service: live.marks.service.clone(),
        until: live.marks.expires_at,
        answer,
        sources: held.sources,
        boundaries: held.boundaries.into_iter().collect(),
    }
}
