//! The credentials that sign calls: where they came from, and a check that an HTTP request can carry them.

use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

use crate::environment::is_header_value;

/// Where credentials come from. The advice for refused credentials depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialSource {
    /// `AWS_ACCESS_KEY_ID` and the variables that belong to it.
    Environment,
    /// Access keys in a profile.
    Profile,
    /// IAM Identity Center: `aws sso login`.
    Sso,
    /// The `credential_process` of a profile.
    Process,
    /// A role session obtained with an OIDC token.
    WebIdentity,
    /// A role session obtained with other credentials.
    AssumedRole,
    /// The container endpoint of ECS or EKS Pod Identity, or another local endpoint.
    Container,
    /// The instance metadata service of EC2.
    Instance,
}

impl CredentialSource {
    /// The source that the SDK records on credentials for its user agent. `None` if it records none.
    fn from_credentials(credentials: &Credentials) -> Option<Self> {
        use AwsCredentialFeature as Feature;
        let features = credentials.get_property::<Vec<AwsCredentialFeature>>()?;
        // The order matters: the SDK records a profile's source together with the profile, and a role together with the source of its
        // caller. The more specific feature must be found first.
        let sources = [
            (Feature::CredentialsStsAssumeRole, Self::AssumedRole),
            (Feature::CredentialsStsAssumeRoleWebId, Self::WebIdentity),
            (Feature::CredentialsEnvVarsStsWebIdToken, Self::WebIdentity),
            (Feature::CredentialsProfileStsWebIdToken, Self::WebIdentity),
            (Feature::CredentialsSso, Self::Sso),
            (Feature::CredentialsProcess, Self::Process),
            (Feature::CredentialsHttp, Self::Container),
            (Feature::CredentialsImds, Self::Instance),
            (Feature::CredentialsEnvVars, Self::Environment),
            (Feature::CredentialsProfile, Self::Profile),
        ];
        let source = sources.iter().find(|(feature, _)| features.contains(feature)).map(|(_, source)| *source);
        // For a role that a profile assumes, the SDK records only the profile. A role session has an expiry; keys in a file do not.
        source.map(|source| match source {
            Self::Profile if credentials.expiry().is_some() => Self::AssumedRole,
            source => source,
        })
    }
}

/// The source of the credentials that were loaded last.
#[derive(Debug, Clone, Default)]
pub struct SeenSource(Arc<Mutex<Option<CredentialSource>>>);

impl SeenSource {
    /// The source. `None` before any credentials were loaded, or if the SDK does not record it.
    pub fn last_source(&self) -> Option<CredentialSource> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record_source(&self, source: Option<CredentialSource>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = source;
    }
}

/// Wraps a credentials provider and rejects credentials that a request cannot carry. The SDK's signer panics on them.
#[derive(Debug)]
pub struct CheckedCredentials {
    inner: SharedCredentialsProvider,
    seen: SeenSource,
}

impl CheckedCredentials {
    /// Wraps `inner`: checks the credentials that it provides and records their source in `seen`.
    pub fn new(inner: SharedCredentialsProvider, seen: SeenSource) -> Self {
        Self { inner, seen }
    }

    async fn load_credentials(&self) -> Result<Credentials, CredentialsError> {
        let credentials = self.inner.provide_credentials().await?;
        let parts = [Some(credentials.access_key_id()), credentials.session_token()];
        if !parts.into_iter().flatten().all(is_header_value) {
            return Err(CredentialsError::invalid_configuration(INVALID_HEADER_VALUE));
        }
        self.seen.record_source(CredentialSource::from_credentials(&credentials));
        Ok(credentials)
    }
}

impl ProvideCredentials for CheckedCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.load_credentials())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.inner.fallback_on_interrupt()
    }
}

const INVALID_HEADER_VALUE: &str =
    "the access key or session token contains a character that is not allowed in an HTTP header";

#[cfg(test)]
mod tests {
    use super::*;

    fn load(
        key: &str,
        features: &[AwsCredentialFeature],
    ) -> (Result<Credentials, CredentialsError>, Option<CredentialSource>) {
        let seen = SeenSource::default();
        let mut credentials = Credentials::new(key, "secret", None, None, "test");
        *credentials.get_property_mut_or_default::<Vec<AwsCredentialFeature>>() = features.to_vec();
        let checked = CheckedCredentials::new(SharedCredentialsProvider::new(credentials), seen.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        (runtime.block_on(checked.provide_credentials()), seen.last_source())
    }

    #[test]
    fn the_source_is_noted() {
        use AwsCredentialFeature::{CredentialsEnvVars, CredentialsProfile, CredentialsSso, CredentialsStsAssumeRole};
        let (loaded, source) = load("AKIAEXAMPLE", &[CredentialsEnvVars]);
        assert_eq!(loaded.unwrap().access_key_id(), "AKIAEXAMPLE");
        assert_eq!(source, Some(CredentialSource::Environment));
        let chained = [CredentialsSso, CredentialsProfile, CredentialsStsAssumeRole];
        assert_eq!(load("ASIAEXAMPLE", &chained).1, Some(CredentialSource::AssumedRole));
        assert_eq!(load("ASIAEXAMPLE", &chained[..2]).1, Some(CredentialSource::Sso));
    }

    #[test]
    fn what_a_header_cannot_carry_is_refused_and_not_quoted() {
        for key in ["AKIA\nX", "\u{201c}AKIA\u{201d}", "AKIA\u{0}"] {
            let error = load(key, &[]).0.unwrap_err();
            let text = crate::error_chain::describe_chain(&error);
            assert!(text.contains("HTTP header") && !text.contains("AKIA"), "{text}");
        }
    }
}
