//! Leasehold's provider for AWS IAM: roles, users and groups, their policies and credentials, and scopes as customer-managed policies.
//!
//! In: the desired identities of a stack, and an AWS account. Out: the observed resources of the account, and the API calls that make it
//! match. Invariant: the provider writes only objects that carry the stack's mark, or get it by being created or imported.
//!
//! - [`AwsSettings`] says which region, profile and role to use; [`AwsProvider::connect`] builds the clients.
//! - `realize` turns desired identities into resources and is pure. `document` defines the form of policy documents, `arn` and `kinds`
//!   define names, `links` defines the order in which resources are created and deleted.
//! - `observe` reads the account in bulk and makes no write calls.
//! - `enact` carries out one change with the fewest calls.
//! - `environment` lists the variables that decide how AWS is reached and rejects values that cannot work; `ca_bundle`, `profile` and
//!   `http_client` apply them.
//! - `complete_response` rejects answers that are cut off.
//! - `retry` is the only module that waits and repeats calls; `failure` explains a failed call and what to do about it.
//!
//! ```
//! use leasehold_provider::{Principal, StackName};
//!
//! // The pure half needs no account.
//! let realizer = leasehold_aws::build_realizer();
//! assert_eq!(realizer.ids.principal_id(Principal::Role, "ci").to_string(), "aws_iam_role ci");
//! let scope = realizer.ids.scope_id(&StackName::new("payments")?, "orders_read");
//! assert_eq!(scope.kind.as_str(), "aws_iam_policy");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arn;
mod ca_bundle;
mod compare;
mod complete_response;
mod connect;
mod credentials;
mod document;
mod enact;
pub mod environment;
mod error_chain;
mod failure;
mod http_client;
mod kinds;
mod links;
mod observe;
pub mod partition;
mod profile;
mod provider;
mod provider_type;
mod realize;
mod retry;
pub mod rights;
mod settings;
mod skew;

pub use ca_bundle::{CaBundle, load_ca_bundle};
pub use connect::load_sdk_config;
pub use provider::AwsProvider;
pub use provider_type::PROVIDER_TYPE;
pub use realize::{AwsRealizer, build_realizer};
pub use settings::{AssumeRoleSettings, AwsSettings, ConnectError};
