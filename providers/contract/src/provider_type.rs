//! [`ProviderType`]: what the program needs to know of a provider before it connects. Each provider crate has one
//! constant of this type, and the program lists these constants in one table.
//!
//! In: the settings of a `provider` block, read by the schema in [`ProviderType::form`]. Out: problems of the
//! settings, the pure half, or a connected [`Provider`].

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;

use crate::block_schema::BlockForm;
use crate::{Alias, EndpointRule, Notices, Provider, Realizer, Realm};

/// The settings of a `provider` block without its alias: by attribute, a text, a list of texts, an object for an inner
/// block, or null for what is absent.
pub type ProviderFields = serde_json::Map<String, serde_json::Value>;

/// One kind of provider, such as `aws`.
#[derive(Debug)]
pub struct ProviderType {
    /// The system's name for people, such as `AWS`.
    pub title: &'static str,
    /// The schema of the `provider` block. Its label is the provider's name. It includes `alias`.
    pub form: BlockForm,
    /// The attributes that are lists of texts. All others are texts.
    pub lists: &'static [&'static str],
    /// Whether the provider works at the time that a run is given (`--now`). False: it works at the present only.
    pub has_given_time: bool,
    /// What is wrong with the settings. Empty: nothing.
    pub check_settings: fn(&ProviderFields) -> Vec<SettingProblem>,
    /// What is wrong with the second of two blocks of one stack. `None`: nothing.
    pub find_clash: fn(&ProviderFields, &ProviderFields) -> Option<SettingProblem>,
    /// The realm as far as the settings give it. Its sizes are those of a real one.
    pub guess_realm: fn(&ProviderFields) -> Realm,
    /// The pure half, without a connection.
    pub build_realizer: fn() -> Realizer,
    /// Connects. It does not need to call the system yet.
    pub connect: fn(ConnectRequest) -> Connecting,
}

impl ProviderType {
    /// The name in the configuration, such as `aws`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.form.label
    }
}

impl PartialEq for ProviderType {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for ProviderType {}

/// The result of [`ProviderType::connect`].
pub type Connecting = Pin<Box<dyn Future<Output = Result<Provider, ProviderConnectError>> + Send>>;

/// What a provider needs to connect.
pub struct ConnectRequest {
    /// The settings of the `provider` block.
    pub settings: ProviderFields,
    /// The stack's directory. Paths in the settings are relative to it.
    pub directory: PathBuf,
    /// The alias of the account if the stack has several. `None`: the stack has one, or this is the first.
    pub account: Option<Alias>,
    /// The name of the person or program that makes changes, where the system does not know it.
    pub actor: String,
    /// The instant of the run.
    pub now: Timestamp,
    /// Which endpoints the environment and configuration files outside the stack may name.
    pub endpoints: EndpointRule,
    /// Receives notices about throttled calls.
    pub notices: Arc<dyn Notices>,
}

/// A problem with the settings of a `provider` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingProblem {
    /// The code of the diagnostic, such as `config::account`.
    pub code: &'static str,
    /// The attribute.
    pub attribute: &'static str,
    /// What is wrong.
    pub summary: String,
    /// The label of the attribute in the source.
    pub label: &'static str,
    /// What to do.
    pub help: String,
}

/// Why a provider cannot connect.
#[derive(Debug)]
pub struct ProviderConnectError {
    /// Whether the cause is in the settings of the block, not in the environment.
    pub is_in_settings: bool,
    /// The cause.
    pub cause: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for ProviderConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl Error for ProviderConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}
