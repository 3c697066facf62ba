//! What a `provider "aws"` block says.

use std::collections::BTreeSet;

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
    pub assume_role: Option<AssumeRole>,
}

/// A role that is taken on before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumeRole {
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
    /// The environment asks for a number of attempts that is none.
    #[error("AWS_MAX_ATTEMPTS: {0:?} is not a number of attempts, such as 3")]
    MaxAttempts(String),
    /// An account that cannot be one.
    #[error("allowed_account_ids: {0:?} is not an account id of 12 digits")]
    AccountId(String),
}

impl AwsSettings {
    /// Finds what cannot work before any call.
    pub(crate) fn check(&self) -> Result<(), ConnectError> {
        let wrong = |id: &&String| id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(id) = self.allowed_account_ids.iter().find(wrong) {
            return Err(ConnectError::AccountId(id.clone()));
        }
        match &self.assume_role {
            Some(role) if !crate::arn::Arn::parse(&role.role_arn).is_some_and(|a| a.resource.starts_with("role/")) => {
                Err(ConnectError::RoleArn(role.role_arn.clone()))
            }
            _ => Ok(()),
        }
    }
}
