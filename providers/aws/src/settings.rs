//! The settings of a `provider "aws"` block.

use std::collections::BTreeSet;
use std::path::PathBuf;

use leasehold_provider::{EndpointError, EndpointRule, ProviderFields};
use serde::Deserialize;

use crate::environment::VariableError;

/// Which account to work in and as which principal. Settings that are absent come from the standard chain: environment, profiles, SSO.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct AwsSettings {
    /// The region. It decides the partition and the STS endpoint. `None`: from the standard chain.
    pub region: Option<String>,
    /// The profile of the AWS configuration files. `None`: from the standard chain.
    pub profile: Option<String>,
    /// The ids of the accounts that Leasehold may work in. Empty: any account.
    #[serde(default)]
    pub allowed_account_ids: BTreeSet<String>,
    /// The role to assume before any other call.
    pub assume_role: Option<AssumeRoleSettings>,
    /// Which endpoints the environment and the AWS configuration files may name. It is not part of the block: the operator decides.
    #[serde(skip)]
    pub endpoints: EndpointRule,
}

/// A role to assume before any other call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AssumeRoleSettings {
    /// The role's ARN.
    pub role_arn: String,
    /// The external id that the role's trust policy requires.
    pub external_id: Option<String>,
    /// The session name, as CloudTrail shows it. `None`: `leasehold`.
    pub session_name: Option<String>,
}

/// A setting that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The role to assume is not named by an ARN.
    #[error("assume_role: {0:?} is not the ARN of a role, such as arn:aws:iam::111122223333:role/leasehold")]
    RoleArn(String),
    /// An environment variable has a value that cannot be used.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// The file of trusted certificates cannot be used.
    #[error("{setting} is {}, which cannot be used: {problem}. Use a file with PEM certificates", path.display())]
    CaBundle {
        /// What names the file: an environment variable, or a key of a profile.
        setting: String,
        /// The path of the file.
        path: PathBuf,
        /// Why it cannot be used.
        problem: String,
    },
    /// The AWS configuration files cannot be used.
    #[error("the AWS configuration files cannot be used: {0}")]
    Profile(String),
    /// The selected profile does not exist.
    #[error(
        "the profile {name:?} (from {setting}) does not exist in the AWS configuration files (AWS_CONFIG_FILE, \
         AWS_SHARED_CREDENTIALS_FILE; else ~/.aws/config, ~/.aws/credentials); {known}"
    )]
    NoProfile {
        /// The profile's name.
        name: String,
        /// The setting that names the profile.
        setting: &'static str,
        /// The profiles that exist, as a sentence.
        known: String,
    },
    /// A service URL in the AWS configuration files cannot be used.
    #[error(
        "endpoint_url of profile {profile:?} for {service} is {url:?}; expected an http or https URL. Correct or remove it"
    )]
    EndpointUrl {
        /// The profile that contains the URL.
        profile: String,
        /// The service that the URL is for.
        service: &'static str,
        /// The value as written.
        url: String,
    },
    /// A service URL in the AWS configuration files must not be used.
    #[error("endpoint_url of profile {profile:?} for {service} is {url:?}: {problem}. {}", problem.help())]
    EndpointNotAllowed {
        /// The profile that contains the URL.
        profile: String,
        /// The service that the URL is for.
        service: &'static str,
        /// The value as written.
        url: String,
        /// Why it must not be used.
        problem: EndpointError,
    },
    /// An allowed account id is not 12 digits.
    #[error("allowed_account_ids: {0:?} is not an account id of 12 digits")]
    AccountId(String),
}

impl ConnectError {
    /// Whether the cause is outside the Leasehold configuration: in the environment or the AWS configuration files.
    #[must_use]
    pub fn is_environment_error(&self) -> bool {
        !matches!(self, Self::RoleArn(_) | Self::AccountId(_))
    }
}

impl AwsSettings {
    /// The settings of a `provider "aws"` block.
    ///
    /// # Errors
    /// A field does not have the type that the schema gives it.
    pub fn from_fields(fields: &ProviderFields) -> Result<Self, serde_json::Error> {
        serde_json::from_value(fields.clone().into())
    }

    /// Finds settings that cannot work, before any call.
    pub(crate) fn check_settings(&self) -> Result<(), ConnectError> {
        let wrong = |id: &&String| id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(id) = self.allowed_account_ids.iter().find(wrong) {
            return Err(ConnectError::AccountId(id.clone()));
        }
        match &self.assume_role {
            Some(role)
                if !crate::arn::IamArn::parse_arn(&role.role_arn).is_some_and(|a| a.resource.starts_with("role/")) =>
            {
                Err(ConnectError::RoleArn(role.role_arn.clone()))
            }
            _ => Ok(()),
        }
    }
}
