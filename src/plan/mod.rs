//! The stage that turns deltas into a [`Plan`]: the writes in a safe order, each with its reason and its
//! precondition.
//!
//! In: the declared stack, the snapshot of the live objects, and the instant to plan for ([`PlanInputs`]).
//! Out: a [`Plan`], or the findings for which there is none ([`BuildPlanError`]).
//!
//! A plan is a value: apply makes no decisions of its own, and a plan can be saved to a file and read back
//! ([`saved`]). Two invariants hold for every plan:
//!
//! - The steps can run one after the other in the order of their numbers: each step comes after the steps that it
//!   needs.
//! - At no point between two steps does an identity have access that it has neither before nor after the plan
//!   ([`edges`] explains how the order ensures this).
//!
//! The way from deltas to steps:
//!
//! ```text
//! deltas ─classify→ facts ─transition→ drafts ─edges→ drafts that wait for each other ─order→ steps
//! ```
//!
//! [`check`] verifies the structure of each plan (preconditions, marks) before anybody sees it.

pub mod build;
mod canonical;
pub mod check;
mod classify;
pub mod compare;
mod context;
mod cycle_errors;
mod edge_reason;
mod edges;
mod identity_plan;
mod inputs;
pub mod name_conflicts;
mod order;
pub mod quotas;
pub mod revoke;
pub mod saved;
pub mod sealed;
pub mod select;
pub mod settings;
mod shown;
pub mod stale;
mod steps;
pub mod sweep;
mod transition;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold_provider::{Address, Alias, Digest, Realm, ResourceId, StackName};
use serde::{Deserialize, Serialize};

use crate::config::declared::{Backend, Providers, SecretStore};
use crate::diff::{IdentityDelta, SharedDelta};
use crate::ownership::OwnershipFinding;
use crate::providers::ProviderSettings;

use select::PlanSelection;
use settings::SettingChange;

pub use build::{BuildPlanError, build_plan};
pub use edge_reason::{EdgeReason, EdgeReasons};
pub use inputs::PlanInputs;
pub use steps::{InvalidStepsError, Step, StepId, Steps};
pub use transition::InterimState;

/// The inputs of a plan. To apply a saved plan, the inputs of now must be the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanBasis {
    /// The version of Leasehold that made the plan.
    pub version: String,
    /// The stack's directory, relative to the directory in which the program ran; includes `-C`.
    pub directory: String,
    /// The digest of each configuration file, by name relative to the stack's directory.
    pub files: BTreeMap<String, Digest>,
    /// The digest of the value of each variable of the stack; `None` for a value with sensitive content. The values
    /// themselves are not recorded: a run that applies the plan gets them from its own caller, not from the file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Option<Digest>>,
    /// The provider of the stack's first account.
    pub provider: ProviderSettings,
    /// The alias of the first account; `None` if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<Alias>,
    /// The providers of the other accounts, by alias.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<Alias, ProviderSettings>,
    /// Where the stack's lock and ledger are.
    pub backend: Backend,
    /// The secret stores to which issued keys are delivered, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stores: BTreeMap<String, SecretStore>,
}

impl PlanBasis {
    /// The providers of all accounts that the plan is for.
    #[must_use]
    pub fn basis_providers(&self) -> Providers {
        Providers { first: self.provider.clone(), alias: self.alias.clone(), others: self.others.clone() }
    }
}

/// All writes of a run, and why they are needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The stack that the plan is for.
    pub stack: StackName,
    /// The cloud that the plan is for, and the caller that read it.
    pub realm: Realm,
    /// The instant that the plan was made for: it decides which leases and grace periods are over.
    pub now: Timestamp,
    /// The inputs of the plan, to detect that it is stale.
    pub basis: PlanBasis,
    /// The part of the whole plan that `--target` and `--exclude` selected.
    #[serde(default, skip_serializing_if = "PlanSelection::is_everything")]
    pub selection: PlanSelection,
    /// The changes of settings that say where the stack's records, secrets and accounts are. `None`: they were not
    /// compared with the recorded ones, and applying the plan records none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Vec<SettingChange>>,
    /// The changes of identities, ordered by address.
    pub identities: Vec<IdentityDelta>,
    /// The changes of shared objects: scopes, groups, federations.
    pub shared: Vec<SharedDelta>,
    /// The writes, each after the steps that it needs.
    pub steps: Steps,
    /// The number of live identities of the stack when the plan was made.
    pub managed: usize,
    /// Quarantined identities that the plan does not change, with their grace periods.
    pub quarantined: BTreeMap<Address, GracePeriod>,
    /// What is wrong with the marks of live objects: somebody else edited, copied or removed them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ownership: Vec<OwnershipFinding>,
    /// The objects that an earlier version of Leasehold wrote, without a record of their unique ids. Applying the plan records them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub taken_over: BTreeSet<Address>,
    /// Why the record of the stack's objects could not be read, so that marks decided what belongs to the stack. Such a plan cannot be
    /// applied. `None`: the record was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_verified: Option<String>,
    /// Shared objects that are no longer declared and are not deleted, because principals outside this stack use
    /// them; with the names of those principals.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<Address, BTreeSet<String>>,
    /// Unreachable accounts, such as `aws 111122223333`: the stack has objects there, but no `provider` block
    /// configures the account any more. The value is the last known alias of the account. Their objects cannot be
    /// read, so no step changes them. Applying the plan removes these accounts from the ledger.
    #[serde(default, rename = "out_of_sight", skip_serializing_if = "BTreeMap::is_empty")]
    pub unreachable_accounts: BTreeMap<String, Option<Alias>>,
}

/// The principal that each changed object is, or is attached to, by object. A policy that only has an interim change
/// is in no delta; its principal is found through its dependencies.
fn principals_by_object<'a>(
    identities: &'a [IdentityDelta],
    steps: &'a [Step],
) -> BTreeMap<&'a ResourceId, &'a ResourceId> {
    let changed = identities.iter().flat_map(|delta| delta.changes.iter().map(|change| (change.id(), &delta.id)));
    let mut ownership: BTreeMap<&ResourceId, &ResourceId> = changed.collect();
    let principals: BTreeSet<&ResourceId> = identities.iter().map(|delta| &delta.id).collect();
    for step in steps.iter().filter(|step| step.interim_state.is_some()) {
        let needs = step.change.resource_after().into_iter().flat_map(|after| &after.depends_on);
        if let Some(principal) = needs.filter_map(|id| principals.get(id)).next() {
            ownership.entry(step.change.id()).or_insert(principal);
        }
    }
    ownership
}

/// The grace period of a quarantined identity that the plan does not change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GracePeriod {
    /// When the quarantine began.
    pub since: Timestamp,
    /// The reason for the quarantine, as written in the mark.
    pub reason: String,
    /// The earliest instant of deletion; `None` while the identity is still declared.
    pub delete_after: Option<Timestamp>,
    /// The last use after the quarantine began, which prevents deletion although the grace period is over; `None` if
    /// there is none.
    #[serde(rename = "held_by_use")]
    pub last_use: Option<Timestamp>,
}

/// The digest of a whole plan. Approvals and other decisions refer to a plan by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanDigest(pub Digest);

impl Plan {
    /// Whether the plan has no steps, no changes of settings, and no accounts to remove from the ledger.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
            && self.unreachable_accounts.is_empty()
            && self.setting_changes().is_empty()
            && self.taken_over.is_empty()
    }

    /// The changes of settings; empty if they were not compared.
    #[must_use]
    pub fn setting_changes(&self) -> &[SettingChange] {
        self.settings.as_deref().unwrap_or_default()
    }

    /// The digest of the canonical form of the plan: of everything that decides what is applied, without sensitive
    /// values. A plan and the same plan made again at apply have the same digest.
    #[must_use]
    pub fn plan_digest(&self) -> PlanDigest {
        if sealed::contains_secrets(self) {
            PlanDigest(Digest::from_serializable(&canonical::canonical_form(&sealed::redact_plan(self))))
        } else {
            PlanDigest(Digest::from_serializable(&canonical::canonical_form(self)))
        }
    }

    /// The identities that this plan quarantines or deletes.
    pub fn leaving_identities(&self) -> impl Iterator<Item = &IdentityDelta> {
        self.identities.iter().filter(|delta| delta.lifecycle == crate::diff::Lifecycle::Leaver)
    }

    /// Every object that the plan writes, with the digest that it had when the plan was made; `None` if it did not
    /// exist.
    #[must_use]
    pub fn preconditions(&self) -> BTreeMap<&ResourceId, Option<Digest>> {
        self.steps.iter().map(|step| (step.change.id(), step.precondition)).collect()
    }
}
