//! The contract between the engine and a cloud provider.
//!
//! In: desired identities, as plain values. Out: resources, snapshots, changes and results, as plain values. This
//! crate does not depend on an SDK, on the configuration language or on plans. A third party can write a provider
//! with this crate alone.
//!
//! A provider crate builds a [`Provider`] from its parts, so that each stage of the engine gets only the access it
//! needs:
//!
//! - [`Realizer`] turns desired identities into resources, and knows what they mean. It is pure.
//! - [`Observe`] reads the cloud and cannot write.
//! - [`Enact`] writes one change per call, and [`IssueKeys`] creates access keys.
//! - [`Compare`] compares two accesses. It is pure.
//!
//! ```text
//! desired identities ── Realizer ──▶ resources ─┐
//!                                               ├─ the engine's diff and plan ──▶ changes ── Enact ──▶ cloud
//! cloud ── Observe ──▶ snapshot ────────────────┘
//! ```
//!
//! Example: the marks that a provider writes to an identity, as tags, comments or metadata of its system, and reads back.
//!
//! ```
//! use leasehold_provider::{Address, Marks, StackName};
//!
//! let marks = Marks::new(StackName::new("payments")?, Address::for_identity("ci", None));
//! let tags = marks.to_tags();
//! assert_eq!(tags.get("leasehold:stack").map(String::as_str), Some("payments"));
//! assert_eq!(tags.get("leasehold:address").map(String::as_str), Some("identity.ci"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`conformance`] contains the laws that every provider must keep, as a test suite that a provider runs on itself.

pub mod access;
pub mod address;
pub mod alias;
pub mod block_schema;
pub mod change;
pub mod compare;
pub mod conformance;
pub mod digest;
pub mod document;
pub mod duration;
pub mod enact;
pub mod endpoint;
pub mod identity;
pub mod key;
pub mod lineage;
pub mod marks;
pub mod notice;
pub mod observe;
pub mod ownership;
pub mod policy_semantics;
pub mod provider;
pub mod provider_type;
pub mod quota;
pub mod realize;
pub mod resource;
pub mod secret_store;
pub mod sensitive;
pub mod snapshot;
pub mod statements;
pub mod withheld;

pub use access::{
    Access, AccessFinding, AccessLevel, AccessVerdict, Answer, Assessment, Comparison, ContributingStatement,
    Permission, Question, Severity,
};
pub use address::{Address, InvalidNameError, StackName};
pub use alias::Alias;
pub use change::{Change, ChangeKind};
pub use compare::Compare;
pub use digest::Digest;
pub use document::Document;
pub use duration::Span;
pub use enact::{Enact, EnactError, EnactErrorKind, Enacted, IssueKeys};
pub use endpoint::{EndpointError, EndpointPattern, EndpointRule};
pub use identity::{
    Condition, Credential, DesiredIdentity, Effect, Federation, Group, IdentitySpec, Issuer, Kind, Principal, Scope,
    Statement, Trust, TrustedIdentity, Violation,
};
pub use key::Key;
pub use lineage::{InvalidLineageError, Lineage};
pub use marks::{Marks, Quarantine};
pub use notice::{Notices, ThrottledCall};
pub use observe::{Observe, ObserveError, ObserveErrorKind, ObserveRequest};
pub use ownership::{ForeignMarks, ObjectOwner, OwnedObject, OwnedObjects, UnconfirmedCreation};
pub use policy_semantics::{Aspect, PolicyDocuments, PolicySemantics, RoleTrusts};
pub use provider::{Provider, Realizer};
pub use provider_type::{
    ConnectRequest, Connecting, ProviderConnectError, ProviderFields, ProviderType, SettingProblem,
};
pub use quota::{Quota, QuotaScope};
pub use realize::{
    CheckLimits, CloudNames, Custody, KeyIds, ObjectIds, RealizeFederations, RealizeGroups, RealizeObjects,
};
pub use resource::{Attributes, Resource, ResourceId, ResourceKind, Value};
pub use secret_store::{Delivery, DeliveryIndex, DepositError, SecretStorage};
pub use snapshot::{LiveIdentity, LiveKey, LiveShared, ObjectName, Realm, Snapshot, UnmanagedObject, Unmarked};
pub use withheld::{DenyExtent, InterimDeny, NarrowedPrincipal};
