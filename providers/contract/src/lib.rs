//! The contract between the engine and a cloud provider.
//!
//! In: desired identities, as plain values. Out: resources, snapshots, changes and results, as plain values. This
//! crate does not depend on an SDK, on the configuration language or on plans. A third party can write a provider
//! with this crate alone.
//!
//! A provider implements four traits, so that each stage of the engine gets only the access it needs:
//!
//! - [`Realize`] turns desired identities into resources. It is pure.
//! - [`Observe`] reads the cloud and cannot write.
//! - [`Enact`] writes one change per call.
//! - [`Compare`] compares two accesses. It is pure.
//!
//! ```text
//! desired identities ── Realize ──▶ resources ─┐
//!                                              ├─ the engine's diff and plan ──▶ changes ── Enact ──▶ cloud
//! cloud ── Observe ──▶ snapshot ───────────────┘
//! ```
//!
//! [`conformance`] contains the laws that every provider must keep, as a test suite that a provider runs on itself.

pub mod access;
pub mod address;
pub mod alias;
pub mod change;
pub mod conformance;
pub mod digest;
pub mod document;
pub mod duration;
pub mod identity;
pub mod key;
pub mod marks;
pub mod notice;
pub mod provider;
pub mod quota;
pub mod resource;
pub mod sensitive;
pub mod snapshot;
pub mod statements;
pub mod vault;
pub mod withheld;

pub use access::{
    Access, AccessFinding, AccessLevel, AccessVerdict, Answer, Assessment, Comparison, ContributingStatement,
    Permission, Question, Severity,
};
pub use address::{Address, InvalidNameError, StackName};
pub use alias::Alias;
pub use change::{Change, ChangeKind};
pub use digest::Digest;
pub use document::Document;
pub use duration::Span;
pub use identity::{
    Condition, Credential, DesiredIdentity, Effect, Federation, Group, IdentitySpec, Issuer, Kind, Principal, Scope,
    Statement, Trust, TrustedIdentity, Violation,
};
pub use key::Key;
pub use marks::{Marks, Quarantine};
pub use notice::{Notices, ThrottledCall};
pub use provider::{
    Aspect, Compare, Custody, Enact, EnactError, EnactErrorKind, Enacted, Observe, ObserveError, ObserveErrorKind,
    ObserveRequest, Provider, Realize,
};
pub use quota::{Quota, QuotaScope};
pub use resource::{Attributes, Resource, ResourceId, ResourceKind, Value};
pub use snapshot::{LiveIdentity, LiveKey, LiveShared, ObjectName, Realm, Snapshot, Stranger, Unmarked};
pub use vault::{Delivery, DeliveryIndex, DepositError, Vault};
pub use withheld::{DenyExtent, InterimDeny, NarrowedPrincipal};
