//! AWS credentials for the bucket.
//!
//! In: the standard credential chain of the AWS SDK. Out: credentials, cached until shortly before they expire.

use std::sync::Arc;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use jiff::{SignedDuration, Timestamp};
use object_store::aws::AwsCredential;
use tokio::sync::Mutex;

/// Credentials are replaced this long before they expire: as long as S3 accepts a request after it was signed.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// The credential chain, and the credentials that it gave last.
#[derive(Debug)]
pub struct S3Credentials {
    chain: SharedCredentialsProvider,
    kept: Mutex<Option<CachedCredentials>>,
}

#[derive(Debug)]
struct CachedCredentials {
    credential: Arc<AwsCredential>,
    /// When the credentials expire. `None`: never.
    expires: Option<Timestamp>,
}

impl S3Credentials {
    pub fn from_chain(chain: SharedCredentialsProvider) -> Self {
        Self { chain, kept: Mutex::new(None) }
    }

    /// The cached credentials, or new ones from the chain if those expire within 5 minutes.
    ///
    /// # Errors
    /// If no source in the chain has credentials.
    pub async fn current_credentials(&self) -> Result<Arc<AwsCredential>, CredentialsError> {
        let mut kept = self.kept.lock().await;
        let is_fresh =
            |kept: &&CachedCredentials| kept.expires.is_none_or(|at| Timestamp::now().duration_until(at) > EARLY);
        if let Some(kept) = kept.as_ref().filter(is_fresh) {
            return Ok(Arc::clone(&kept.credential));
        }
        let found = self.chain.provide_credentials().await?;
        let credential = Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        });
        let expires = found.expiry().and_then(|at| Timestamp::try_from(at).ok());
        *kept = Some(CachedCredentials { credential: Arc::clone(&credential), expires });
        Ok(credential)
    }

    /// New credentials after S3 has refused `refused` as expired. `None`: the chain gives the same ones again.
    ///
    /// # Errors
    /// As [`Self::current_credentials`].
    pub async fn replace_refused(
        &self,
        refused: &AwsCredential,
    ) -> Result<Option<Arc<AwsCredential>>, CredentialsError> {
        {
            let mut kept = self.kept.lock().await;
            if kept.as_ref().is_some_and(|kept| *kept.credential == *refused) {
                *kept = None;
            }
        }
        let found = self.current_credentials().await?;
        Ok((*found != *refused).then_some(found))
    }
}
