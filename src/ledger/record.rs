//! The records in an entry of the ledger.
//!
//! Auditors read every word here. Invariant: within one version of the format, a field may be added, with a default, and none is removed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use leasehold_provider::{Address, ChangeKind, Digest, Marks, ResourceId};
use serde::{Deserialize, Serialize};

use crate::diff::{IdentityDelta, Lifecycle};
use crate::ownership::OwnershipChange;
use crate::plan::settings::SettingChange;
use crate::rules::RulingDecision;

/// One record of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LedgerRecord {
    /// A run that may write has started.
    RunStarted(Box<RunStarted>),
    /// What the plan decided for one identity, and why.
    Change(Box<RecordedChange>),
    /// What a rule decided about the plan.
    Decided(RecordedDecision),
    /// A principal approved the plan, or a part of it.
    Approval(Approval),
    /// A step is about to be written. An outcome or a resolution follows it, unless the run was killed.
    Intent(Intent),
    /// The result of a step.
    Outcome(RecordedOutcome),
    /// What a later run found about a step without an outcome.
    Resolved(IntentResolution),
    /// What the stack owns has changed without a write: a creation was confirmed, or a person recovered the ledger.
    Ownership(Box<OwnershipChange>),
    /// A live identity was archived.
    Evidence(ArchivedEvidence),
    /// The run has ended.
    RunEnded(RunEnded),
    /// The chain up to an entry was signed.
    Checkpoint(SignedCheckpoint),
    /// A principal broke the lock of another run.
    LockBroken(LockBroken),
}

/// The command, its caller and its environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunStarted {
    /// The command: `apply`, `sweep`, `revoke`.
    pub command: String,
    /// The reason. `None`: the command does not ask for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The principal, as the cloud names it.
    pub actor: String,
    /// The provider and the account: `aws 111122223333`.
    pub realm: String,
    /// The name of the machine.
    pub host: String,
    /// The version of leasehold.
    pub version: String,
    /// The epoch of the lock: the number of its holders so far; see `lock.json`.
    pub epoch: u64,
    /// The digest of the plan. `None`: the run has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
    /// The changes of settings in the plan. A run that is not refused records them as the settings of the stack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SettingChange>,
    /// The git commit of the configuration. `None`: it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Whether the work tree had uncommitted changes. Only older entries have it, because it requires running git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
    /// Details of the CI job: `system` (an id), `name` (of the system), `run` (a URL), `pull_request`, `actor`, `repository`, `ref`,
    /// `commit`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pipeline: BTreeMap<String, String>,
    /// The last entry that the previous holder of the lock knew, if it is not in the ledger any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<super::LedgerHead>,
}

/// One identity's part of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedChange {
    /// The address of the identity.
    pub subject: Address,
    /// The name of the identity in the cloud.
    pub name: String,
    /// The kind of change: joiner, mover, leaver, and so on.
    pub lifecycle: Lifecycle,
    /// The owner of the identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The service that the identity belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// When its access expires. `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// How its access changes, as the verdict of the policy comparison. `None`: its access was not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// A request that is allowed after the change and not before. `None`: there is none, or none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
    /// Why the identity changes, one sentence for each cause.
    pub reasons: Vec<String>,
}

impl RecordedChange {
    /// The record of what a plan decided for an identity.
    #[must_use]
    pub fn from_delta(delta: &IdentityDelta) -> Self {
        Self {
            subject: delta.address.clone(),
            name: delta.id.display_name().into_owned(),
            lifecycle: delta.lifecycle,
            owner: delta.owner.clone(),
            service: delta.service.clone(),
            deadline: delta.deadline,
            access: delta.access.as_ref().map(|access| to_serialized_word(&access.verdict)),
            witness: delta.access.as_ref().and_then(|access| access.witness.clone()),
            reasons: delta.reasons.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The decision of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedDecision {
    /// The name of the rule.
    pub rule: String,
    /// The identity that the decision is about. `None`: the plan as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Address>,
    /// The decision of the rule.
    pub verdict: RulingDecision,
    /// The facts that the decision is based on.
    pub basis: String,
    /// The digest of the plan.
    pub plan: Digest,
}

/// An approval of a plan, or of a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The name of the identity that was approved. `None`: the plan as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The principal that approved, as the cloud names it.
    pub by: String,
    /// How it was approved: `at the terminal`, `--auto-approve`, `--approve`, `--max-leavers 7`, `saved plan`.
    pub how: String,
    /// The digest of the plan.
    pub plan: Digest,
}

/// A write that is about to be tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// The number of the step in the run's plan.
    pub step: usize,
    /// The identity or shared object it is part of.
    pub subject: Address,
    /// The kind of write: create, update, delete, mark.
    pub action: ChangeKind,
    /// The id of the object.
    pub resource: ResourceId,
    /// The digest of the object, or of its marks, as the plan saw it. `None`: there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Digest>,
    /// The digest that the object, or its marks, must have after the write. `None` for a deletion or a new key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Digest>,
    /// The marks that the object has after the write. `None`: the write does not change marks, or an earlier version recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marks: Option<Box<Marks>>,
    /// The instant by the clock of the system that is written, if it has another clock than the one that dates entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// The result of a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedOutcome {
    /// The number of the step in the run's plan.
    pub step: usize,
    /// The identity or shared object it is part of.
    pub subject: Address,
    /// Whether the write succeeded.
    pub done: bool,
    /// The number of API calls.
    #[serde(default)]
    pub calls: u32,
    /// The request ids that the cloud returned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
    /// A note of the provider, such as the id of an object that it created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Why the write failed. `None`: it succeeded, or was not tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether a failed write may have taken effect, because its response was lost.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncertain: bool,
    /// The unique id of the object that was created or imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_id: Option<String>,
}

/// What a later run found about a write without an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntentResolution {
    /// The run that wrote the intent.
    pub of_run: String,
    /// The number of the step in that run's plan.
    pub step: usize,
    /// The identity or shared object it is part of.
    pub subject: Address,
    /// The id of the object.
    pub resource: ResourceId,
    /// Whether the write took effect, from the live state.
    pub found: ObservedEffect,
}

/// What the cloud shows about an intended write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObservedEffect {
    /// The object is as intended: the write took effect.
    Done,
    /// The object is as before: the write did not take effect.
    NotDone,
    /// The object is in another state. The next plan corrects it.
    #[serde(rename = "otherwise")]
    OtherState,
}

/// An archived identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedEvidence {
    /// The address of the archived identity.
    pub subject: Address,
    /// The reason for archiving it: `quarantine`, `deletion`.
    pub before: String,
    /// The digest of the archived bytes, which is also their key below `evidence/`.
    pub digest: Digest,
    /// The number of archived bytes.
    pub bytes: u64,
}

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEnded {
    /// Whether all steps are done and were read back from the cloud.
    pub complete: bool,
    /// Whether the run was refused before its first write.
    #[serde(default)]
    pub refused: bool,
    /// The number of steps that are done.
    #[serde(default)]
    pub done: usize,
    /// The number of steps that failed.
    #[serde(default)]
    pub failed: usize,
    /// The number of steps that were not tried.
    #[serde(default)]
    pub not_tried: usize,
    /// The number of steps whose effect the cloud does not show.
    #[serde(default)]
    pub unverified: usize,
    /// The digest of the inventory after this entry. `None`: an earlier version wrote the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Digest>,
}

/// A signed checkpoint of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedCheckpoint {
    /// The number of the last entry that it covers.
    pub number: u64,
    /// The digest of that entry.
    pub digest: Digest,
    /// The fingerprint of the key that signed.
    pub key: String,
    /// The armored signature in the SSHSIG format.
    pub signature: String,
}

/// The record of a broken lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockBroken {
    /// The principal that broke it, and the machine.
    pub by: String,
    /// The reason that the principal gave.
    pub reason: String,
    /// The holder of the lock. `None`: the lock could not be parsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<crate::store::lock::LockHolder>,
    /// When that holder took it. `None`: the lock could not be parsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The epoch of the lock. If it could not be parsed: the epoch of the last holder in the ledger.
    pub epoch: u64,
    /// Why the lock could not be parsed. `None`: it could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

impl LedgerRecord {
    /// The identity or shared object that the record is about. `None`: it is about the run or the plan as a whole.
    #[must_use]
    pub fn subject(&self) -> Option<&Address> {
        match self {
            Self::Change(change) => Some(&change.subject),
            Self::Decided(decided) => decided.subject.as_ref(),
            Self::Intent(intent) => Some(&intent.subject),
            Self::Outcome(outcome) => Some(&outcome.subject),
            Self::Resolved(resolved) => Some(&resolved.subject),
            Self::Ownership(change) => Some(&change.marks.address),
            Self::Evidence(archived) => Some(&archived.subject),
            _ => None,
        }
    }

    /// The kind of the record, as it is written in the ledger.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RunStarted(_) => "run_started",
            Self::Change(_) => "change",
            Self::Decided(_) => "decided",
            Self::Approval(_) => "approval",
            Self::Intent(_) => "intent",
            Self::Outcome(_) => "outcome",
            Self::Resolved(_) => "resolved",
            Self::Ownership(_) => "ownership",
            Self::Evidence(_) => "evidence",
            Self::RunEnded(_) => "run_ended",
            Self::Checkpoint(_) => "checkpoint",
            Self::LockBroken(_) => "lock_broken",
        }
    }
}

fn to_serialized_word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
