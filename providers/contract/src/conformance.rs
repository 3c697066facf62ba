//! The laws every provider keeps, as a suite that a provider's tests run on it.
//!
//! In: [`Worlds`], which makes clouds with nothing in them and acts there as others would. Out: [`LawViolation`]s, each with the
//! law it breaks; none, when the provider conforms. The suite decides for itself what to change (`diff`), apart from the
//! engine, so that each is a check on the other. It never panics and knows no runtime: `check(&worlds).await` is all.
//!
//! A law may need several worlds; a world is never used for two scenarios.

mod between;
mod cast;
mod diff;
mod keys;
mod life;
mod ownership_changes;
mod pure;
mod stage;
mod strangers;

use std::fmt;

use async_trait::async_trait;

use crate::{Principal, Provider, StackName};

/// What a provider must do, whatever its cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// The same arguments realize to the same resources.
    Deterministic,
    /// An identity's resources have distinct ids, the principal is among them with the marks that were given, and each of
    /// them says whose it is.
    WellFormed,
    /// What resources need of each other has no cycle.
    Ordered,
    /// An identity with a deadline has something that ends its access there, put on before what gives access; a role's trust
    /// ends there too.
    Fenced,
    /// Between two states of a policy there is one that gives no more than either. What denies something says so, a fence aside; and each
    /// principal has a policy of its own.
    Between,
    /// Every step of the suite's ordinary life succeeds.
    Enacts,
    /// What was enacted is observed as it was realized, marks and their digest included.
    ReadsBack,
    /// Once a state is reached, nothing is left to change.
    Settles,
    /// Doing a change twice is doing it once.
    Repeatable,
    /// Stopped between any two changes, a new run reaches the state.
    Resumes,
    /// What others put on an identity is observed as part of it, and can be removed.
    ManagesWhole,
    /// Quarantine shuts access, switches credentials off, says so in the marks, and is the same when done to its own result.
    QuarantineShuts,
    /// What leaves is gone, and gone from the snapshot.
    Leaves,
    /// What does not carry the stack's mark is observed as a stranger and is the same afterwards, whatever was done.
    SparesStrangers,
    /// A write to what does not carry the stack's mark is refused as [`crate::EnactErrorKind::NotOurs`].
    RefusesStrangers,
    /// A principal without marks that is asked for is observed whole; adopted, it is the stack's and otherwise as it was; let go of,
    /// it is nobody's and otherwise as it was. Another stack's is never adopted.
    ChangesHands,
    /// One stack's objects are strangers to another.
    SeparatesStacks,
    /// An access key that is made works, is observed, and its secret is in the vault; one whose secret the vault does not take is
    /// gone. Not asked of a provider that issues no keys.
    Delivers,
    /// The suite's worlds do what is asked of them. Not a law of the provider: a failure here is the test's own.
    Scenery,
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A law that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LawViolation {
    /// Which.
    pub law: Law,
    /// In what situation, and how.
    pub detail: String,
}

impl fmt::Display for LawViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.law, self.detail)
    }
}

/// What went wrong in a world, outside of the provider.
pub type WorldError = Box<dyn std::error::Error + Send + Sync>;

/// Makes worlds.
#[async_trait]
pub trait Worlds: Send + Sync {
    /// A cloud that holds nothing of the suite's stacks and nothing unmarked that an earlier world left.
    async fn create_world(&self) -> Result<Box<dyn World>, WorldError>;
}

/// One cloud, the provider that works on it, and what others do there.
#[async_trait]
pub trait World: Send + Sync {
    /// The provider under test.
    fn provider(&self) -> &dyn Provider;

    /// A policy that others manage and that can be attached, by ARN. `None`: this is not tried.
    fn managed_policy_arn(&self) -> Option<String> {
        None
    }

    /// A policy that can be a boundary, by ARN. `None`: this is not tried.
    fn boundary_arn(&self) -> Option<String> {
        None
    }

    /// Makes a principal without marks, with an inline policy, and with a credential if it is a user.
    async fn add_stranger(&self, principal: Principal, name: &str) -> Result<(), WorldError>;

    /// Makes a policy without marks, of the name that a scope of this label would have.
    async fn add_stranger_policy(&self, stack: &StackName, scope: &str) -> Result<(), WorldError>;

    /// Makes a group without marks, with an inline policy.
    async fn add_stranger_group(&self, name: &str) -> Result<(), WorldError>;

    /// Everything that is and hangs on unmarked principals and policies, as text: the same text, if nobody touched them.
    async fn describe_strangers(&self) -> Result<String, WorldError>;

    /// Gives an existing principal access of every sort the provider observes: another inline policy, another attachment.
    async fn add_unmanaged_access(&self, principal: Principal, name: &str) -> Result<(), WorldError>;

    /// Gives an existing user working credentials of every sort the provider observes.
    async fn add_credentials(&self, user: &str) -> Result<(), WorldError>;

    /// How many working credentials a user has.
    async fn count_working_credentials(&self, user: &str) -> Result<usize, WorldError>;
}

/// Holds a provider against every law: [`check_realize_laws`], [`check_lifecycle_laws`] and [`check_ownership_laws`] one after the other.
pub async fn check_all_laws(worlds: &dyn Worlds) -> Vec<LawViolation> {
    let mut failures = check_realize_laws(worlds).await;
    failures.extend(check_lifecycle_laws(worlds).await);
    failures.extend(check_ownership_laws(worlds).await);
    failures
}

/// The laws about what a provider makes of decisions. They write nothing.
pub async fn check_realize_laws(worlds: &dyn Worlds) -> Vec<LawViolation> {
    let mut failures = Vec::new();
    pure::check_realization(worlds, &mut failures).await;
    failures
}

/// The laws about a stack's own identities, from joining to leaving. The longest part: some thousand changes.
pub async fn check_lifecycle_laws(worlds: &dyn Worlds) -> Vec<LawViolation> {
    let mut failures = Vec::new();
    life::check_identity_lifecycle(worlds, &mut failures).await;
    failures
}

/// The laws about what is not the stack's.
pub async fn check_ownership_laws(worlds: &dyn Worlds) -> Vec<LawViolation> {
    let mut failures = Vec::new();
    strangers::check_foreign_objects(worlds, &mut failures).await;
    ownership_changes::check_ownership_changes(worlds, &mut failures).await;
    keys::check_key_delivery(worlds, &mut failures).await;
    failures
}
