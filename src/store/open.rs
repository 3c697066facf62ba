//! Opens the place that a stack's `backend` block names.

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use jiff::Timestamp;
use object_store::aws::{AmazonS3Builder, AwsCredential, Checksum, S3ConditionalPut};
use object_store::client::ClientOptions;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{CredentialProvider, RetryConfig};
use tokio::sync::Mutex;

use super::Store;
use super::s3_requests::RequestSettings;
use super::server::{Clock, Connector};
use crate::config::declared::{Backend, Bucket, Place};

/// One request, from connecting to the last byte.
const REQUEST: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(4);

/// Opens the store of a stack in `directory`. `chain` is where AWS settings come from; it is asked for only where they are needed.
/// Nothing is called yet.
pub async fn open(
    backend: &Backend,
    stack: &str,
    directory: &FilePath,
    chain: impl AsyncFnOnce() -> aws_types::SdkConfig,
) -> anyhow::Result<Store> {
    match &backend.place {
        Place::Local { path } => local(&directory.join(path)),
        Place::S3(bucket) => s3(bucket, stack, chain().await),
        #[cfg(feature = "azure")]
        Place::Azure { account, container, prefix } => {
            let builder = object_store::azure::MicrosoftAzureBuilder::from_env()
                .with_account(account)
                .with_container_name(container)
                .with_retry(no_retries())
                .with_http_connector(Connector::default());
            elsewhere(format!("azure://{account}/{container}"), prefix.as_deref(), stack, builder.build())
        }
        #[cfg(feature = "gcs")]
        Place::Gcs { bucket, prefix } => {
            let builder = object_store::gcp::GoogleCloudStorageBuilder::from_env()
                .with_bucket_name(bucket)
                .with_retry(no_retries())
                .with_http_connector(Connector::default());
            elsewhere(format!("gs://{bucket}"), prefix.as_deref(), stack, builder.build())
        }
        #[cfg(not(all(feature = "azure", feature = "gcs")))]
        other => anyhow::bail!("this build of leasehold cannot reach the backend {other:?}"),
    }
}

/// Ours are in `attempt`: only who knows the bytes can settle a lost answer.
fn no_retries() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

#[cfg(any(feature = "azure", feature = "gcs"))]
fn elsewhere<T: object_store::ObjectStore>(
    bucket: String,
    prefix: Option<&str>,
    stack: &str,
    objects: object_store::Result<T>,
) -> anyhow::Result<Store> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let prefix = prefix.map_or_else(|| format!("leasehold/{stack}"), str::to_owned);
    let place = format!("{bucket}/{prefix}");
    let objects = objects.with_context(|| format!("the backend {place} cannot work"))?;
    let root = Path::parse(&prefix).with_context(|| format!("{prefix:?} cannot be a prefix of keys"))?;
    Ok(Store { objects: Arc::new(objects), root, folder: None, server: Clock::default(), place })
}

/// A folder; it is made when it is not there.
fn local(folder: &FilePath) -> anyhow::Result<Store> {
    let place = format!("folder {}", folder.display());
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the {place} for the stack's records"))?;
    let objects = LocalFileSystem::new_with_prefix(folder)
        .with_context(|| format!("cannot use the {place} for the stack's records"))?
        .with_fsync(true);
    let folder = folder.canonicalize().with_context(|| format!("cannot use the {place}"))?;
    Ok(Store {
        objects: Arc::new(objects),
        root: Path::default(),
        folder: Some(folder),
        server: Clock::default(),
        place,
    })
}

fn s3(bucket: &Bucket, stack: &str, chain: aws_types::SdkConfig) -> anyhow::Result<Store> {
    let prefix = bucket.prefix.clone().unwrap_or_else(|| format!("leasehold/{stack}"));
    let place = format!("s3://{}/{prefix}", bucket.name);
    let provider = chain.credentials_provider().context("there is no source of AWS credentials")?;
    let region = bucket.region.clone().or_else(|| chain.region().map(ToString::to_string));
    let region = region.unwrap_or_else(|| "us-east-1".to_owned());
    let credentials = Arc::new(Credentials::of(provider));
    let settings = RequestSettings {
        retention: bucket.retention,
        credentials: Arc::<Credentials>::clone(&credentials),
        region: region.clone(),
    };
    let connector = Connector { s3: Some(settings), clock: Clock::default() };
    let server = connector.clock.clone();
    // reqwest is built without a cryptography of its own; a second call finds it set, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let endpoint = bucket.endpoint.clone().or_else(|| std::env::var("AWS_ENDPOINT_URL_S3").ok());
    let endpoint = endpoint.or_else(|| chain.endpoint_url().map(str::to_owned));
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket.name)
        .with_region(region)
        .with_credentials(credentials)
        // The connector signs, after it has added its headers.
        .with_skip_signature(true)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        // A bucket with object lock asks for a checksum of every object.
        .with_checksum_algorithm(Checksum::SHA256)
        .with_retry(no_retries())
        .with_http_connector(connector);
    let mut options = ClientOptions::new().with_timeout(REQUEST).with_connect_timeout(CONNECT);
    if let Some(endpoint) = &endpoint {
        options = options.with_allow_http(endpoint.starts_with("http://"));
        builder = builder.with_endpoint(endpoint);
    }
    let objects =
        builder.with_client_options(options).build().with_context(|| format!("the backend {place} cannot work"))?;
    let root = Path::parse(&prefix).with_context(|| format!("{prefix:?} cannot be a prefix of keys"))?;
    Ok(Store { objects: Arc::new(objects), root, folder: None, server, place })
}

/// Credentials from the standard chain, kept until shortly before they end.
#[derive(Debug)]
struct Credentials {
    chain: SharedCredentialsProvider,
    kept: Mutex<Option<(Arc<AwsCredential>, Option<Timestamp>)>>,
}

/// How long before their end credentials are asked for anew.
const EARLY: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

impl Credentials {
    fn of(chain: SharedCredentialsProvider) -> Self {
        Self { chain, kept: Mutex::new(None) }
    }
}

#[async_trait]
impl CredentialProvider for Credentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut kept = self.kept.lock().await;
        if let Some((credential, until)) = &*kept
            && until.is_none_or(|until| Timestamp::now().duration_until(until) > EARLY)
        {
            return Ok(Arc::clone(credential));
        }
        let found = self.chain.provide_credentials().await.map_err(|source| object_store::Error::Unauthenticated {
            path: "credentials".to_owned(),
            source: Box::new(source),
        })?;
        let credential = Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        });
        let until = found.expiry().and_then(|at| Timestamp::try_from(at).ok());
        *kept = Some((Arc::clone(&credential), until));
        Ok(credential)
    }
}
