//! The credentials of calls: where they came from, and a check that a request can carry them.

use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

use crate::environment::is_header_value;

/// Where credentials come from. It decides what to do when they are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialSource {
    /// `AWS_ACCESS_KEY_ID` and its kin.
    Environment,
    /// Keys in a profile.
    Profile,
    /// IAM Identity Center: `aws sso login`.
    Sso,
    /// The `credential_process` of a profile.
    Process,
    /// A role session for an OIDC token.
    WebIdentity,
    /// A role session for other credentials.
    AssumedRole,
    /// ECS, EKS Pod Identity, or another local endpoint.
    Container,
    /// The metadata of an EC2 instance.
    Instance,
}

impl CredentialSource {
    /// The source that the SDK notes on credentials, for its user agent; `None` where it notes none.
    fn from_credentials(credentials: &Credentials) -> Option<Self> {
        use AwsCredentialFeature as Feature;
        let features = credentials.get_property::<Vec<AwsCredentialFeature>>()?;
        // In this order: a profile's source is noted beside the profile, and a role's before that of its caller.
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
        // The SDK notes no more of a role that a profile assumes; unlike keys in a file, its session has an expiry.
        source.map(|source| match source {
            Self::Profile if credentials.expiry().is_some() => Self::AssumedRole,
            source => source,
        })
    }
}

/// The source of the credentials that were last loaded.
#[derive(Debug, Clone, Default)]
pub struct SeenSource(Arc<Mutex<Option<CredentialSource>>>);

impl SeenSource {
    /// The source; `None` before any credentials were loaded, and where the SDK does not note it.
    pub fn last_source(&self) -> Option<CredentialSource> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record_source(&self, source: Option<CredentialSource>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = source;
    }
}

/// Credentials from another provider that a request can carry. The SDK's signer panics on others.
#[derive(Debug)]
pub struct CheckedCredentials {
    inner: SharedCredentialsProvider,
    seen: SeenSource,
}

impl CheckedCredentials {
    /// Checks what `inner` provides, and notes its source in `seen`.
    pub fn new(inner: SharedCredentialsProvider, seen: SeenSource) -> Self {
        Self { inner, seen }
    }

    async fn load_credentials(&self) -> Result<Credentials, CredentialsError> {
        let credentials = self.inner.provide_credentials().await?;
        let parts = [Some(credentials.access_key_id()), credentials.session_token()];
        if !parts.into_iter().flatten().all(is_header_value) {
            return Err(CredentialsError::invalid_configuration(UNSENDABLE));
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

const UNSENDABLE: &str = "the access key or session token holds a character that an HTTP header cannot carry";

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
            let text = crate::failure::describe_chain(&error);
            assert!(text.contains("HTTP header") && !text.contains("AKIA"), "{text}");
        }
    }
}
