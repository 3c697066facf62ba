//! [`Enact`] and [`IssueKeys`], the parts of a provider that write the system.
//!
//! In: one change per call. Out: what was done, or why it failed. Invariant: an object is only written if the last
//! observation found that the stack owns it, if this provider created it since, or if the change imports it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Change, ResourceId, SecretStorage, StackName};

/// Writes the cloud, one change per call.
#[async_trait]
pub trait Enact: Send + Sync {
    /// Makes one change to an object of `stack`. It is idempotent: two calls have the effect of one.
    ///
    /// # Errors
    /// The stack does not own the object ([`EnactErrorKind::NotManaged`]; nothing is written), or the cloud
    /// refuses the change or does not answer.
    async fn enact_change(&self, stack: &StackName, change: &Change) -> Result<Enacted, EnactError>;
}

/// Creates access keys.
#[async_trait]
pub trait IssueKeys: Send + Sync {
    /// Creates an access key whose id the cloud chooses, gives its secret to `vault`, and returns the id in
    /// [`Enacted::made`].
    ///
    /// It is not idempotent: two calls create two keys. If the cloud's response to the creation was lost, the
    /// provider deletes the key that the vault did not receive before it creates another one, or returns
    /// [`EnactErrorKind::Unreachable`]; the next run then reads the actual state.
    ///
    /// # Errors
    /// The key cannot be created, or the vault does not accept the secret. In the second case the key is deleted
    /// before the error is returned.
    async fn issue_access_key(
        &self,
        stack: &StackName,
        change: &Change,
        vault: &dyn SecretStorage,
    ) -> Result<Enacted, EnactError>;
}

/// The result of a change that succeeded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enacted {
    /// The number of API calls that were made.
    pub calls: u32,
    /// A remark for people, such as that the object was already in this state.
    pub note: Option<String>,
    /// The cloud's request ids. Empty: the cloud returns none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
    /// The object that was created, if the cloud chose its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<ResourceId>,
    /// The unique id of the principal or shared object that was created or imported. `None`: the change was of another kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_id: Option<String>,
}

/// Why a change failed, or may have failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct EnactError {
    /// The kind of failure.
    pub kind: EnactErrorKind,
    /// The operation, as the cloud names it: `iam:CreateRole`.
    pub operation: String,
    /// What happened, as reported by the cloud.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The cloud's request ids. Empty: the cloud returns none.
    pub requests: Vec<String>,
}

/// Kinds of write failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnactErrorKind {
    /// The stack does not own the object.
    NotManaged,
    /// The caller is not allowed to write this.
    Denied,
    /// The change would exceed a quota or size limit.
    Limit,
    /// The object has changed since the plan was made.
    Conflict,
    /// The service still throttled the caller after the last retry.
    Throttled,
    /// There was no response, so the change may or may not have been made. The next run reads the actual state.
    Unreachable,
    /// Anything else.
    Other,
}
