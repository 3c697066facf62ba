//! Leasehold's provider for AWS IAM: roles, users, their policies and credentials, scopes as customer-managed policies.
//!
//! - [`AwsSettings`] say where and as whom; [`AwsProvider::connect`] makes the clients.
//! - `realize` turns desired identities into resources: pure. `document` holds what policies look like, `arn` and `kinds`
//!   how things are named, `links` in what order they come and go.
//! - `observe` reads the account in bulk; it has no way to write.
//! - `enact` carries out one change with the fewest calls, and never writes what does not carry the stack's mark.
//! - `environment` lists the variables that decide how AWS is reached, and refuses values that cannot work; `ca_bundle`, `profile`
//!   and `http_client` carry them out.
//! - `retry` is the one place that waits and repeats; `failure` says what a failed call means, and what to do.

mod arn;
mod ca_bundle;
mod compare;
mod connect;
mod credentials;
mod document;
mod enact;
pub mod environment;
mod failure;
mod http_client;
mod kinds;
mod links;
mod observe;
pub mod partition;
mod profile;
mod provider;
mod realize;
mod retry;
pub mod rights;
mod settings;
mod skew;

pub use ca_bundle::{CaBundle, load_ca_bundle};
pub use connect::load_sdk_config;
pub use provider::AwsProvider;
pub use realize::AwsRealizer;
pub use settings::{AssumeRoleSettings, AwsSettings, ConnectError};
