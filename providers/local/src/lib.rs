//! The embedded identity directory: a cloud's IAM in one SQLite file. It is the default provider; it needs no account and no
//! network.
//!
//! It is modelled after AWS IAM and is simpler: users and roles with tags, a trust, a boundary, inline policies, attached
//! policies, access keys, a login, and the time of last use. It evaluates nothing; what it is for is to hold a stack's
//! identities, to rehearse a stack before it meets a cloud, and to check on the engine: it refuses by itself any write to an
//! object that does not carry the stack's mark.
//!
//! [`LocalDirectory`] is the provider. [`outside`] is what others do to the directory, [`faults`] makes it fail; both are for
//! rehearsals and tests.

mod columns;
mod compare;
mod directory;
mod documents;
mod enact;
mod expectation;
mod failures;
pub mod faults;
mod groups;
mod issue;
pub mod kinds;
mod limits;
mod observe;
mod order;
pub mod outside;
mod realize;
mod rows;
mod schema;
mod trusts;
mod writer;

pub use directory::{Clock, LocalDirectory};
pub use faults::{FaultKind, Faults};
pub use outside::{Outside, OutsideError};
pub use realize::{KEY_ACTIVE, KEY_INACTIVE};
pub use schema::OpenError;
