//! The table of providers. To add a provider, add its crate and one line to `provider_table!`.
//!
//! In: the name of a `provider` block. Out: the [`ProviderType`] of its crate, which has the schema of the block, the
//! pure half, and the connection.

use leasehold_provider::block_schema::BlockForm;
use leasehold_provider::{Alias, ProviderFields, ProviderType};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! provider_table {
    ($($provider:path),* $(,)?) => {
        /// Every provider.
        pub static PROVIDERS: &[&ProviderType] = &[$(&$provider),*];

        /// The schemas of the `provider` blocks, in the same order.
        pub const PROVIDER_FORMS: &[BlockForm] = &[$($provider.form),*];
    };
}

provider_table!(leasehold_aws::PROVIDER_TYPE, leasehold_local::PROVIDER_TYPE);

/// The provider of a stack without `provider` blocks: the embedded directory.
pub const DEFAULT_PROVIDER: &ProviderType = &leasehold_local::PROVIDER_TYPE;

/// The provider with this name in the configuration. `None`: there is none.
#[must_use]
pub fn find_provider_type(name: &str) -> Option<&'static ProviderType> {
    PROVIDERS.iter().copied().find(|provider| provider.name() == name)
}

/// A provider and the settings of its block.
///
/// ```
/// use leasehold::providers::ProviderSettings;
///
/// let settings: ProviderSettings = serde_json::from_str(r#"{ "provider": "local", "path": "x.db" }"#)?;
/// assert_eq!(settings.provider.name(), "local");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSettings {
    /// The provider.
    pub provider: &'static ProviderType,
    /// The settings, which the provider has checked.
    pub fields: ProviderFields,
}

impl ProviderSettings {
    /// The reference by which a configuration names the provider: `provider.aws`, or `provider.aws.audit`.
    #[must_use]
    pub fn render_reference(&self, alias: Option<&Alias>) -> String {
        let name = self.provider.name();
        alias.map_or_else(|| format!("provider.{name}"), |alias| format!("provider.{name}.{alias}"))
    }
}

impl Default for ProviderSettings {
    fn default() -> Self {
        let absent = |name: &&str| *name != "alias";
        let names = DEFAULT_PROVIDER.form.attributes.iter().map(|attribute| attribute.name).filter(absent);
        let fields = names.map(|name| (name.to_owned(), serde_json::Value::Null)).collect();
        Self { provider: DEFAULT_PROVIDER, fields }
    }
}

/// The form in saved plans: the fields, and the name as `provider`.
#[derive(Serialize, Deserialize)]
struct SavedSettings {
    provider: String,
    #[serde(flatten)]
    fields: ProviderFields,
}

impl Serialize for ProviderSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SavedSettings { provider: self.provider.name().to_owned(), fields: self.fields.clone() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ProviderSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;

        let SavedSettings { provider, fields } = SavedSettings::deserialize(deserializer)?;
        let provider =
            find_provider_type(&provider).ok_or_else(|| D::Error::custom(format!("no provider {provider:?}")))?;
        match (provider.check_settings)(&fields).into_iter().next() {
            Some(problem) => Err(D::Error::custom(problem.summary)),
            None => Ok(Self { provider, fields }),
        }
    }
}
