//! The contract between the engine and a cloud.
//!
//! In: desired identities, as plain values. Out: resources, snapshots, changes, outcomes, as plain values. This crate
//! knows no SDK, no configuration language and no plan; a third party writes a provider with it alone.
//!
//! A provider's powers are split, so that a stage can be handed no more than it needs:
//! [`Realize`] is pure, [`Observe`] only reads, [`Enact`] writes one change, [`Compare`] is pure.
//! The laws a provider must keep stand in [`conformance`] as a suite that it runs on itself.

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
    Condition, Credential, DesiredIdentity, Effect, Federation, Group, Issuer, Kind, Principal, Scope, Statement,
    Trust, TrustedIdentity, Violation,
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
