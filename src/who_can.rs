//! Snapshot + question → who may. Pure; it looks at what lives, not at what is declared.

use jiff::Timestamp;
use leasehold_provider::{
    Address, Answer, Compare, Kind, LiveIdentity, Permission, Principal, Question, Realize, ResourceId, Snapshot,
};

use crate::diff::access::{self, SharedObjects};

/// An identity that may, or may under conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedIdentity {
    /// Its address.
    pub address: Address,
    /// Its name in the cloud.
    pub name: String,
    /// What sort of actor it is.
    pub kind: Option<Kind>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it works for.
    pub service: Option<String>,
    /// When its lease ends.
    pub until: Option<Timestamp>,
    /// Whether it may, and by which statements.
    pub answer: Answer,
    /// The object that each policy of the answer stands in.
    pub sources: Vec<ResourceId>,
    /// The boundaries that must allow it as well; their content is not read.
    pub boundaries: Vec<String>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhoCanQuery<'a> {
    /// The action, such as `s3:GetObject`.
    pub action: &'a str,
    /// The resource, by its name in the cloud.
    pub resource: &'a str,
    /// At which instant.
    pub now: Timestamp,
}

/// The identities of a snapshot that may at that instant, in the order of addresses. Those that may not are left out: who is
/// quarantined, or whose lease is over, holds a policy that denies everything.
#[must_use]
pub fn find_allowed_identities(
    snapshot: &Snapshot,
    wanted: WhoCanQuery<'_>,
    realize: &dyn Realize,
    compare: &dyn Compare,
) -> Vec<AllowedIdentity> {
    let shared = SharedObjects::from_live_snapshot(snapshot, realize);
    let mut holders: Vec<AllowedIdentity> = snapshot
        .identities
        .values()
        .map(|live| evaluate_identity(live, &shared, wanted, realize, compare))
        .filter(|holder| holder.answer.permission != Permission::No)
        .collect();
    holders.sort_by(|a, b| a.address.cmp(&b.address));
    holders
}

fn evaluate_identity(
    live: &LiveIdentity,
    shared: &SharedObjects<'_>,
    wanted: WhoCanQuery<'_>,
    realize: &dyn Realize,
    compare: &dyn Compare,
) -> AllowedIdentity {
    let held = access::collect_holdings(live.resources.values(), shared, realize);
    let now = wanted.now.to_string();
    let question = Question {
        action: wanted.action,
        resource: wanted.resource,
        now: &now,
        epoch: wanted.now.as_second(),
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
