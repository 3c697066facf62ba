//! The laws that every provider must keep, as a test suite that a provider runs on itself.
//!
//! In: [`Worlds`], which creates empty clouds and acts in them as other users would. Out: a list of
//! [`LawViolation`]s, each with the law that was broken; the list is empty if the provider conforms.
//!
//! The suite computes its changes itself (in the module `diff`) instead of using the engine, so that the suite and
//! the engine check each other. It never panics and does not depend on an async runtime:
//! `check_all_laws(&worlds).await` is the only call needed. A law may need several worlds; each scenario runs in a
//! world of its own.

mod accounts;
mod diff;
mod fixtures;
mod interim_states;
mod key_delivery;
mod lifecycle;
mod ownership_changes;
mod realization;
mod scenario;
mod unmanaged_objects;

use std::fmt;

use async_trait::async_trait;

use crate::{Condition, Effect, Principal, Provider, StackName, Statement};

/// A rule that every provider must keep, whatever its cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// Equal arguments realize to equal resources.
    Deterministic,
    /// An identity's resources have distinct ids, one of them is the principal with the given marks, and each of them
    /// names the identity it is part of.
    WellFormed,
    /// The dependencies between resources have no cycle.
    Ordered,
    /// An identity with a deadline has a deny that takes effect at the deadline and is created before anything that
    /// grants access. A role's trust policy ends at the deadline too.
    LeaseDenied,
    /// Between two states of a policy there is an interim policy that grants no more than either. The provider
    /// reports what a policy denies, not counting a lease deny. Each principal has a policy of its own.
    InterimStates,
    /// What an object means does not depend on its account: with an account in the ids, the provider gives the same
    /// answers as without, and the ids that it derives are in the same account.
    IgnoresAccounts,
    /// Every change in the suite's ordinary lifecycle succeeds.
    Enacts,
    /// Enacted resources are observed as they were realized, including marks and their digest.
    ReadsBack,
    /// Once a state is reached, no changes are left.
    Settles,
    /// To make a change twice has the same effect as to make it once.
    Repeatable,
    /// If a run stops between any two changes, a new run reaches the desired state.
    Resumes,
    /// Objects that others attach to an identity are observed as part of it and can be deleted.
    FindsUnmanaged,
    /// A quarantine denies access, disables credentials and is recorded in the marks. Applied to its own result, it
    /// changes nothing.
    QuarantineDenies,
    /// Objects that leave are deleted, and are not in the snapshot any more.
    DeletesLeavers,
    /// An object without the stack's mark is observed as a stranger, and never changes, whatever the stack does.
    KeepsUnmanaged,
    /// A write to an object without the stack's mark is refused with [`crate::EnactErrorKind::NotManaged`].
    RefusesUnmanaged,
    /// A principal without marks that is requested is observed completely. Imported, it belongs to the stack and is
    /// otherwise unchanged. Released, it belongs to no stack and is otherwise unchanged. A principal of another stack
    /// is never imported.
    ImportsAndReleases,
    /// The objects of one stack are strangers to another stack.
    SeparatesStacks,
    /// A new access key works and is observed, and its secret is in the secret store. If the store does not accept
    /// the secret, the key is deleted. Not checked for a provider that does not issue keys.
    DeliversSecrets,
    /// The worlds that the test supplies work. This is not a law of the provider: a violation is a fault of the test.
    TestWorld,
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A broken law.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LawViolation {
    /// The law.
    pub law: Law,
    /// The scenario, and how the law was broken.
    pub detail: String,
}

impl fmt::Display for LawViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.law, self.detail)
    }
}

/// A failure of a world, outside the provider.
pub type WorldError = Box<dyn std::error::Error + Send + Sync>;

/// The permissions that the suite grants and denies. Each system has its own actions and resources.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// What the first scope of the cast allows.
    pub read: Statement,
    /// What the second scope of the cast allows: other actions on the same resource.
    pub write: Statement,
    /// Another permission, which a scope gains.
    pub widen: Statement,
    /// A user's own statement.
    pub own: Statement,
    /// A group's own statement.
    pub group: Statement,
    /// A role's own statement.
    pub role: Statement,
    /// The own statement of an identity that has moved.
    pub moved: Statement,
    /// A statement that denies. `None` if [`Realizer::policies`](crate::Realizer::policies) is `None`.
    pub deny: Option<Statement>,
    /// A statement that applies only to principals with a certain value of the tag `team`. `None` if
    /// [`Realizer::policies`](crate::Realizer::policies) is `None`.
    pub tagged: Option<Statement>,
}

impl Vocabulary {
    /// The words of the IAM policy language.
    #[must_use]
    pub fn for_iam() -> Self {
        let condition = |test: &str, variable: &str, value: &str| Condition {
            test: test.to_owned(),
            variable: variable.to_owned(),
            values: vec![value.to_owned()],
        };
        let secure = condition("Bool", "aws:SecureTransport", "true");
        let team = condition("StringEquals", "aws:PrincipalTag/team", "orders");
        let list = allow_statement(&["s3:ListBucket"], "arn:aws:s3:::acme-orders");
        let deny = allow_statement(&["kms:Decrypt", "kms:CreateGrant"], "*");
        let objects = "arn:aws:s3:::acme-orders/*";
        Self {
            read: allow_statement(&["s3:GetObject"], objects),
            write: allow_statement(&["s3:PutObject", "s3:DeleteObject"], objects),
            widen: allow_statement(&["s3:GetObjectVersion"], objects),
            own: Statement { conditions: vec![secure], ..list },
            group: allow_statement(&["sns:ListTopics"], "*"),
            role: allow_statement(&["sqs:SendMessage", "sqs:ReceiveMessage"], "*"),
            moved: allow_statement(&["sns:Publish"], "*"),
            deny: Some(Statement { sid: Some("NoKeys".to_owned()), effect: Effect::Deny, ..deny }),
            tagged: Some(Statement { conditions: vec![team], ..allow_statement(&["s3:GetObject"], "*") }),
        }
    }
}

fn allow_statement(actions: &[&str], resource: &str) -> Statement {
    Statement {
        sid: None,
        effect: Effect::Allow,
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        not_actions: Vec::new(),
        resources: vec![resource.to_owned()],
        not_resources: Vec::new(),
        conditions: Vec::new(),
        sensitive: false,
    }
}

/// Creates worlds.
#[async_trait]
pub trait Worlds: Send + Sync {
    /// A cloud without objects of the suite's stacks, and without unmarked objects of an earlier world.
    ///
    /// # Errors
    /// The world could not be created.
    async fn create_world(&self) -> Result<Box<dyn World>, WorldError>;
}

/// One cloud, the provider that works on it, and the actions of other users in it.
#[async_trait]
pub trait World: Send + Sync {
    /// The provider under test: the value that its crate builds for the program.
    fn provider(&self) -> &Provider;

    /// The permissions that the suite grants, in the words of the system.
    fn vocabulary(&self) -> Vocabulary;

    /// The name of a policy that Leasehold does not manage and that can be attached. `None`: the suite does not test
    /// such attachments.
    fn outside_policy(&self) -> Option<String>;

    /// The name of a policy that can be a boundary. `None`: the suite does not test boundaries.
    fn boundary_policy(&self) -> Option<String>;

    /// Creates a principal without marks, with an inline policy, and with a credential if it is a user.
    ///
    /// # Errors
    /// The world failed.
    async fn add_unmanaged_principal(&self, principal: Principal, name: &str) -> Result<(), WorldError>;

    /// Creates a policy without marks, with the name that a scope with this label would have.
    ///
    /// # Errors
    /// The world failed.
    async fn add_unmanaged_policy(&self, stack: &StackName, scope: &str) -> Result<(), WorldError>;

    /// Creates a group without marks, with an inline policy.
    ///
    /// # Errors
    /// The world failed.
    async fn add_unmanaged_group(&self, name: &str) -> Result<(), WorldError>;

    /// A text that describes all unmarked principals and policies and everything attached to them. The text changes
    /// only if one of them changes.
    ///
    /// # Errors
    /// The world failed.
    async fn describe_unmanaged_objects(&self) -> Result<String, WorldError>;

    /// Gives an existing principal access of every kind that the provider observes: another inline policy, another
    /// attachment.
    ///
    /// # Errors
    /// The world failed.
    async fn add_unmanaged_access(&self, principal: Principal, name: &str) -> Result<(), WorldError>;

    /// Gives an existing user working credentials of every kind that the provider observes.
    ///
    /// # Errors
    /// The world failed.
    async fn add_credentials(&self, user: &str) -> Result<(), WorldError>;

    /// The number of working credentials of a user.
    ///
    /// # Errors
    /// The world failed.
    async fn count_working_credentials(&self, user: &str) -> Result<usize, WorldError>;
}

/// Checks a provider against every law: runs [`check_realize_laws`], [`check_lifecycle_laws`] and
/// [`check_ownership_laws`] in this order.
pub async fn check_all_laws(worlds: &dyn Worlds) -> Vec<LawViolation> {
    let mut failures = check_realize_laws(worlds).await;
    failures.extend(check_lifecycle_laws(worlds).await);
    failures.extend(check_ownership_laws(worlds).await);
    failures
}

/// Checks the laws about what a provider realizes. It writes nothing.
pub async fn check_realize_laws(worlds: &dyn Worlds) -> Vec<LawViolation> {
    let mut failures = Vec::new();
    realization::check_realization(worlds, &mut failures).await;
    failures
}

/// Checks the laws about a stack's own identities, from joining to leaving. This is the longest part, with some
/// thousand changes.
pub async fn check_lifecycle_laws(worlds: &dyn Worlds) -> Vec<LawViolation> {
    let mut failures = Vec::new();
    lifecycle::check_identity_lifecycle(worlds, &mut failures).await;
    failures
}

/// Checks the laws about objects outside the stack, about import and release, and about the delivery of access keys.
pub async fn check_ownership_laws(worlds: &dyn Worlds) -> Vec<LawViolation> {
    let mut failures = Vec::new();
    unmanaged_objects::check_foreign_objects(worlds, &mut failures).await;
    ownership_changes::check_ownership_changes(worlds, &mut failures).await;
    key_delivery::check_key_delivery(worlds, &mut failures).await;
    failures
}
