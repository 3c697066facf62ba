//! Deltas → [`Plan`]: steps in an order that holds, each with its reason and what must still be true when it runs.
//!
//! A plan is a value. It leaves no choice to whoever carries it out, and it can be kept in a file and read back.

pub mod build;
pub mod check;
mod circle;
mod denials;
mod dependencies;
mod drafts;
mod interim;
pub mod names;
pub mod order;
mod part;
pub mod quotas;
mod rank;
pub mod revoke;
pub mod saved;
pub mod sealed;
pub mod select;
mod sequence;
mod shared_edges;
pub mod stale;
pub mod sweep;
mod tags;
mod transition_guard;
mod waits;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold_provider::{Address, Alias, Change, Digest, Realm, ResourceId, StackName};
use serde::{Deserialize, Serialize};

use crate::config::declared::{Backend, ProviderSettings, Providers, SecretStore};
use crate::diff::{IdentityDelta, SharedDelta};

pub use build::{BuildPlanError, build_plan};
pub use interim::InterimState;

/// The number of a step within its plan. Its order is one in which the steps could run one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub u32);

/// One write, with what it waits for and what must be true of the object before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// The identity or shared object whose change it is part of.
    pub subject: Address,
    /// The write.
    pub change: Change,
    /// What it does, in a few words, where the attributes do not say it.
    pub note: Option<String>,
    /// The digest of the live object as the plan saw it; `None`: it was not there.
    pub precondition: Option<Digest>,
    /// What the object is until a later step of the plan makes it what it shall be; `None`: it is that after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meanwhile: Option<InterimState>,
    /// Steps that must have succeeded before.
    pub needs: BTreeSet<StepId>,
}

/// What a plan was made from, to be held against the same when it is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanBasis {
    /// The version of this program.
    pub version: String,
    /// The stack's directory, as seen from where the program ran; `-C` is part of it.
    pub directory: String,
    /// The digest of each file that went into the configuration, by name relative to the directory.
    pub files: BTreeMap<String, Digest>,
    /// The provider of the stack's first account.
    pub provider: ProviderSettings,
    /// That one's alias, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<Alias>,
    /// The providers of the other accounts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<Alias, ProviderSettings>,
    /// Where the stack's lock and ledger are.
    pub backend: Backend,
    /// Where the secrets of issued keys go.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stores: BTreeMap<String, SecretStore>,
}

impl PlanBasis {
    /// The accounts that the plan is for.
    #[must_use]
    pub fn basis_providers(&self) -> Providers {
        Providers { first: self.provider.clone(), alias: self.alias.clone(), others: self.others.clone() }
    }
}

/// All that a run would do, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The stack.
    pub stack: StackName,
    /// The cloud it is for, and as whom it was looked at.
    pub realm: Realm,
    /// The instant it was made for.
    pub now: Timestamp,
    /// What it was made from.
    pub basis: PlanBasis,
    /// What happens to identities, in the order of addresses.
    pub identities: Vec<IdentityDelta>,
    /// What happens to what they share.
    pub shared: Vec<SharedDelta>,
    /// The writes, in an order that holds.
    pub steps: Vec<Step>,
    /// How many identities of the stack live now.
    pub managed: usize,
    /// Quarantined identities that stay as they are: who, and from when each may be deleted.
    pub quarantined: BTreeMap<Address, GracePeriod>,
    /// Shared objects that are no longer declared and stay, because somebody holds them who is not this stack's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<Address, BTreeSet<String>>,
    /// Accounts such as `aws 111122223333` in which the stack has something, and that no `provider` block leads to any more, with the
    /// alias that each had last: nothing in them is seen, so nothing in them is part of this plan. Carried out, the plan lets go of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub out_of_sight: BTreeMap<String, Option<Alias>>,
}

/// By object that is changed: the principal that it is or hangs on. A policy that changes only meanwhile is in no delta, and hangs on it.
fn principals_by_object<'a>(
    identities: &'a [IdentityDelta],
    steps: &'a [Step],
) -> BTreeMap<&'a ResourceId, &'a ResourceId> {
    let changed = identities.iter().flat_map(|delta| delta.changes.iter().map(|change| (change.id(), &delta.id)));
    let mut whose: BTreeMap<&ResourceId, &ResourceId> = changed.collect();
    let principals: BTreeSet<&ResourceId> = identities.iter().map(|delta| &delta.id).collect();
    for step in steps.iter().filter(|step| step.meanwhile.is_some()) {
        let needs = step.change.resource_after().into_iter().flat_map(|after| &after.depends_on);
        if let Some(principal) = needs.filter_map(|id| principals.get(id)).next() {
            whose.entry(step.change.id()).or_insert(principal);
        }
    }
    whose
}

/// A quarantined identity that this plan leaves as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GracePeriod {
    /// Since when.
    pub since: Timestamp,
    /// Why, as it was marked.
    pub reason: String,
    /// From when it may be deleted; `None`: not while its block stands.
    pub delete_after: Option<Timestamp>,
    /// The last use that keeps it although its grace is over.
    pub held_by_use: Option<Timestamp>,
}

/// The digest of a whole plan: the name by which decisions refer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanDigest(pub Digest);

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.out_of_sight.is_empty()
    }

    /// The plan's name. Sensitive values do not go into it.
    #[must_use]
    pub fn plan_digest(&self) -> PlanDigest {
        if sealed::holds_secrets(self) {
            PlanDigest(Digest::from_serializable(&sealed::redact_plan(self)))
        } else {
            PlanDigest(Digest::from_serializable(self))
        }
    }

    /// Identities that leave by this plan: into quarantine, or away.
    pub fn leaving_identities(&self) -> impl Iterator<Item = &IdentityDelta> {
        self.identities.iter().filter(|delta| delta.lifecycle == crate::diff::Lifecycle::Leaver)
    }

    /// Every object the plan writes, with the digest it had when the plan was made.
    #[must_use]
    pub fn preconditions(&self) -> BTreeMap<&ResourceId, Option<Digest>> {
        self.steps.iter().map(|step| (step.change.id(), step.precondition)).collect()
    }
}
