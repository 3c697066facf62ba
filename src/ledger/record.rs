//! What an entry says. Every word here is read by auditors; a field is added with a default, and none is taken away within a format.

use std::collections::BTreeMap;

use jiff::Timestamp;
use leasehold_provider::{Address, ChangeKind, Digest, ResourceId};
use serde::{Deserialize, Serialize};

use crate::diff::{IdentityDelta, Lifecycle};
use crate::rules::RulingDecision;

/// One statement of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LedgerRecord {
    /// A run that may write began.
    RunStarted(Box<RunStarted>),
    /// What the plan decided of one identity, and why.
    Change(Box<RecordedChange>),
    /// What a rule decided of the plan.
    Decided(RecordedDecision),
    /// Somebody said yes.
    Approval(Approval),
    /// A step is about to be written. What follows it, if anything, is its outcome or a resolution.
    Intent(Intent),
    /// How a step went.
    Outcome(RecordedOutcome),
    /// What a later run found of a step whose outcome nobody wrote.
    Resolved(IntentResolution),
    /// A live object was archived.
    Evidence(ArchivedEvidence),
    /// The run is over.
    RunEnded(RunEnded),
    /// The chain up to here was signed.
    Checkpoint(SignedCheckpoint),
    /// Somebody broke the lock of somebody else.
    LockBroken(LockBroken),
}

/// Who runs what, and from where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunStarted {
    /// The command: `apply`, `sweep`, `revoke`.
    pub command: String,
    /// Why, where the command asks for a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The caller, as the cloud knows it.
    pub actor: String,
    /// The provider and the account: `aws 111122223333`.
    pub realm: String,
    /// The machine.
    pub host: String,
    /// The version of this program.
    pub version: String,
    /// The number of the lock's holder; see `lock.json`.
    pub epoch: u64,
    /// The digest of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
    /// The commit of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Whether the work tree held changes that are in no commit. Older entries have it: to know it, git would have to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
    /// What the CI job says about itself: `system` (an id), `name` (of the system), `run` (an address to open), `pull_request`,
    /// `actor`, `repository`, `ref`, `commit`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pipeline: BTreeMap<String, String>,
    /// The last entry that the lock's holder before this one knew of, where it is not in the ledger any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<super::LedgerHead>,
}

/// One identity's part of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedChange {
    /// The identity.
    pub subject: Address,
    /// Its name in the cloud.
    pub name: String,
    /// What sort of event it is.
    pub lifecycle: Lifecycle,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The service it works for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// When its access ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// What the change means for its access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// A request that is newly allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
    /// Why.
    pub reasons: Vec<String>,
}

impl RecordedChange {
    /// What a plan decided of an identity.
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

/// What one rule decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedDecision {
    /// The rule.
    pub rule: String,
    /// The identity it is about; `None`: the plan as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Address>,
    /// What it decided.
    pub verdict: RulingDecision,
    /// On which grounds.
    pub basis: String,
    /// Of which plan.
    pub plan: Digest,
}

/// A yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// What was approved: an identity by name, or the plan as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Who said it, as the cloud knows them.
    pub by: String,
    /// How: `at the terminal`, `--auto-approve`, `--approve`, `--max-leavers 7`, `saved plan`.
    pub how: String,
    /// Of which plan.
    pub plan: Digest,
}

/// A write that is about to be tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// Its number in the run's plan.
    pub step: u32,
    /// The identity or shared object it is part of.
    pub subject: Address,
    /// Create, update, delete, mark.
    pub action: ChangeKind,
    /// The object.
    pub resource: ResourceId,
    /// The digest of the object, or of its marks, as the plan saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Digest>,
    /// The digest that it shall have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Digest>,
}

/// How a write went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedOutcome {
    /// The step.
    pub step: u32,
    /// The identity or shared object it is part of.
    pub subject: Address,
    /// Whether it is done.
    pub done: bool,
    /// How many calls it took.
    #[serde(default)]
    pub calls: u32,
    /// The ids that the cloud gave to its requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
    /// What the provider had to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Why it is not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What became of a write whose outcome nobody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntentResolution {
    /// The run that intended it.
    pub of_run: String,
    /// The step of that run.
    pub step: u32,
    /// The identity or shared object it is part of.
    pub subject: Address,
    /// The object.
    pub resource: ResourceId,
    /// What the cloud shows.
    pub found: ObservedEffect,
}

/// What the cloud shows of an intended write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObservedEffect {
    /// The object is as intended.
    Done,
    /// The object is as it was before.
    NotDone,
    /// The object is neither: the plan that follows deals with it.
    Otherwise,
}

/// An archived object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedEvidence {
    /// The identity.
    pub subject: Address,
    /// Before what: `quarantine`, `deletion`.
    pub before: String,
    /// The digest of the archived bytes; they lie under `evidence/` and this.
    pub digest: Digest,
    /// How many bytes they are.
    pub bytes: u64,
}

/// How a run ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEnded {
    /// Whether all of it is done, and read back.
    pub complete: bool,
    /// Whether it was refused before its first write.
    #[serde(default)]
    pub refused: bool,
    /// Steps done.
    #[serde(default)]
    pub done: usize,
    /// Steps that failed.
    #[serde(default)]
    pub failed: usize,
    /// Steps that were not tried.
    #[serde(default)]
    pub not_tried: usize,
    /// Steps that the cloud does not show as written.
    #[serde(default)]
    pub unverified: usize,
}

/// A signed point of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedCheckpoint {
    /// The number of the last entry that it covers.
    pub number: u64,
    /// The digest of that entry.
    pub digest: Digest,
    /// The fingerprint of the key.
    pub key: String,
    /// The signature in the SSHSIG format, armoured.
    pub signature: String,
}

/// A broken lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockBroken {
    /// Who broke it, on which machine.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Whose it was; `None`: the lock did not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<crate::store::lock::LockHolder>,
    /// Since when it was theirs; `None`: the lock did not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The number of that holder; of the last one that the ledger knows where the lock did not read.
    pub epoch: u64,
    /// Why the lock did not read, where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

impl LedgerRecord {
    /// The identity or shared object that it is about, if it is about one.
    #[must_use]
    pub fn subject(&self) -> Option<&Address> {
        match self {
            Self::Change(change) => Some(&change.subject),
            Self::Decided(decided) => decided.subject.as_ref(),
            Self::Intent(intent) => Some(&intent.subject),
            Self::Outcome(outcome) => Some(&outcome.subject),
            Self::Resolved(resolved) => Some(&resolved.subject),
            Self::Evidence(archived) => Some(&archived.subject),
            _ => None,
        }
    }

    /// Its kind, as it is written.
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
