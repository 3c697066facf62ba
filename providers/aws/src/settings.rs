//! What a `provider "aws"` block says.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::environment::VariableError;

/// Where and as whom to work. What is not said comes from the standard chain: environment, profiles, SSO.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwsSettings {
    /// The region; it decides the partition and the endpoint of STS.
    pub region: Option<String>,
    /// The profile of the AWS configuration files.
    pub profile: Option<String>,
    /// The accounts that may be worked on; empty: any.
    pub allowed_account_ids: BTreeSet<String>,
    /// The role to take on first.
    pub assume_role: Option<AssumeRoleSettings>,
}

/// A role that is taken on before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumeRoleSettings {
    /// Its ARN.
    pub role_arn: String,
    /// The external id its trust asks for.
    pub external_id: Option<String>,
    /// The name of the session, as CloudTrail shows it; default `leasehold`.
    pub session_name: Option<String>,
}

/// Settings that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The role to take on is not named by an ARN.
    #[error("assume_role: {0:?} is not the ARN of a role, such as arn:aws:iam::111122223333:role/leasehold")]
    RoleArn(String),
    /// An environment variable has a value that cannot be used.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// The certificates to trust cannot be used.
    #[error("{setting} names {}, which cannot be used: {problem}. Name a file of PEM certificates", path.display())]
    CaBundle {
        /// What names the file: a variable, or a key of a profile.
        setting: String,
        /// The file.
        path: PathBuf,
        /// Why it cannot be used.
        problem: String,
    },
    /// The AWS configuration files cannot be used.
    #[error("the AWS configuration files cannot be used: {0}")]
    Profile(String),
    /// The profile to use does not exist.
    #[error(
        "the profile {name:?} (from {setting}) does not exist in the AWS configuration files (AWS_CONFIG_FILE, \
         AWS_SHARED_CREDENTIALS_FILE; else ~/.aws/config, ~/.aws/credentials); {known}"
    )]
    NoProfile {
        /// Its name.
        name: String,
        /// What names it.
        setting: &'static str,
        /// Which profiles exist, as a sentence.
        known: String,
    },
    /// A URL of a service in the AWS configuration files cannot be used.
    #[error(
        "endpoint_url of profile {profile:?} for {service} is {url:?}; expected an http or https URL. Correct or remove it"
    )]
    EndpointUrl {
        /// The profile.
        profile: String,
        /// The service.
        service: &'static str,
        /// Its value.
        url: String,
    },
    /// An account that cannot be one.
    #[error("allowed_account_ids: {0:?} is not an account id of 12 digits")]
    AccountId(String),
}

impl ConnectError {
    /// Whether the cause is outside the configuration: in the environment or the AWS configuration files.
    #[must_use]
    pub fn is_environment_error(&self) -> bool {
        !matches!(self, Self::RoleArn(_) | Self::AccountId(_))
    }
}

impl AwsSettings {
    /// Finds what cannot work before any call.
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
