//! The embedded identity directory: users, roles, groups and policies in one SQLite file. It is the default provider
//! and needs no account and no network.
//!
//! The model is a subset of AWS IAM: users and roles with tags, a trust policy, a permissions boundary, inline
//! policies, attached policies, access keys, a login, and the time of last use. The directory evaluates no policy and
//! authenticates nobody. It holds a stack's identities, so that a stack can be tried out before it is applied to a
//! cloud, and it tests the engine: it rejects every write to an object that does not carry the stack's marks.
//!
//! [`LocalDirectory`] reads and writes the file, and [`LocalRealizer`] is the pure half of the provider.
//! [`LocalDirectory::into_provider`] joins them. [`external_admin`] makes changes that bypass Leasehold, and [`faults`] makes
//! writes fail; both are for tests.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//!
//! use leasehold_local::LocalDirectory;
//! use leasehold_provider::{Observe as _, ObserveRequest, StackName};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let directory = LocalDirectory::new("no-such-file.db", "jane", Arc::new(jiff::Timestamp::now));
//! let (stack, shared) = (StackName::new("payments")?, BTreeMap::new());
//! let snapshot = directory.observe_stack(ObserveRequest::for_plan(&stack, &shared)).await?;
//! // A missing file reads as an empty directory. The first change creates it.
//! assert!(snapshot.identities.is_empty());
//! # Ok(())
//! # })
//! # }
//! ```

mod clock;
mod columns;
mod compare;
mod dependencies;
mod directory;
mod documents;
mod enact;
mod errors;
pub mod external_admin;
pub mod faults;
mod group_parts;
mod issue_key;
pub mod kinds;
mod limits;
mod observe;
mod owned_ids;
mod precondition;
mod provider_type;
mod realize;
mod rows;
mod schema;
mod semantics;
mod trusts;
mod writer;

pub use clock::DirectoryClock;
pub use directory::LocalDirectory;
pub use external_admin::{ExternalAdmin, ExternalAdminError};
pub use faults::{FaultKind, Faults};
pub use provider_type::PROVIDER_TYPE;
pub use realize::{KEY_ACTIVE, KEY_INACTIVE, LocalRealizer, build_realizer};
pub use schema::OpenError;
