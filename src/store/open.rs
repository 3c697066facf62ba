//! Opens the store that a stack's `backend` block names.
//!
//! In: the parsed `backend` block, the stack's name and its directory. Out: a [`Store`]. No request is sent.

use std::path::Path as FilePath;
use std::sync::Arc;

use anyhow::Context as _;
use leasehold_files::{PathError, check_place_folder, resolve_place};
#[cfg(any(feature = "azure", feature = "gcs"))]
use object_store::RetryConfig;
use object_store::local::LocalFileSystem;
use object_store::path::Path;

use super::Store;
use super::s3::{self, AwsAccess};
#[cfg(any(feature = "azure", feature = "gcs"))]
use super::server::DatedConnector;
use super::server::ServerClock;
use crate::config::declared::{Backend, BackendLocation};

/// Opens the store of a stack in `directory`. `aws` is called only if the backend is in AWS. No request is sent.
///
/// # Errors
/// If the folder cannot be created, or the settings of the bucket are invalid.
pub async fn open_backend<A: Into<AwsAccess>>(
    backend: &Backend,
    stack: &str,
    directory: &FilePath,
    aws: impl AsyncFnOnce() -> A,
) -> anyhow::Result<Store> {
    match &backend.place {
        BackendLocation::Local { path } => open_local_folder(directory, path),
        BackendLocation::S3(bucket) => s3::open_bucket(bucket, stack, &aws().await.into()),
        #[cfg(feature = "azure")]
        BackendLocation::Azure { account, container, prefix } => {
            let builder = object_store::azure::MicrosoftAzureBuilder::from_env()
                .with_account(account)
                .with_container_name(container)
                .with_retry(disable_retries())
                .with_http_connector(DatedConnector::default());
            open_other_bucket(format!("azure://{account}/{container}"), prefix.as_deref(), stack, builder.build())
        }
        #[cfg(feature = "gcs")]
        BackendLocation::Gcs { bucket, prefix } => {
            let builder = object_store::gcp::GoogleCloudStorageBuilder::from_env()
                .with_bucket_name(bucket)
                .with_retry(disable_retries())
                .with_http_connector(DatedConnector::default());
            open_other_bucket(format!("gs://{bucket}"), prefix.as_deref(), stack, builder.build())
        }
        #[cfg(not(all(feature = "azure", feature = "gcs")))]
        other => anyhow::bail!("this build of Leasehold does not support the backend {other:?}"),
    }
}

/// Disables the retries of `object_store`. The module `attempt` retries instead: only it knows the bytes, which it needs to decide
/// whether a write with a lost answer took effect.
#[cfg(any(feature = "azure", feature = "gcs"))]
fn disable_retries() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

#[cfg(any(feature = "azure", feature = "gcs"))]
fn open_other_bucket<T: object_store::ObjectStore>(
    bucket: String,
    prefix: Option<&str>,
    stack: &str,
    objects: object_store::Result<T>,
) -> anyhow::Result<Store> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let prefix = prefix.map_or_else(|| format!("leasehold/{stack}"), str::to_owned);
    let place = format!("{bucket}/{prefix}");
    let objects = objects.with_context(|| format!("the backend {place} is not valid"))?;
    let root = Path::parse(&prefix).with_context(|| format!("{prefix:?} is not a valid key prefix"))?;
    Ok(Store::new(Arc::new(objects), root, None, ServerClock::default(), place))
}

/// Opens the local folder that a stack in `directory` names. The first write creates it.
fn open_local_folder(directory: &FilePath, named: &str) -> anyhow::Result<Store> {
    let shown = directory.join(named);
    let place = format!("folder {}", shown.display());
    let folder = resolve_place(directory, named).and_then(|folder| check_place_folder(&folder).map(|()| folder));
    let folder = folder.map_err(|refused| refused_place_error(&place, &refused))?;
    let root = Path::from_absolute_path(&folder).with_context(|| format!("cannot use the {place}"))?;
    let objects = LocalFileSystem::new().with_fsync(true);
    Ok(Store::new(Arc::new(objects), root, Some(folder), ServerClock::default(), place))
}

fn refused_place_error(place: &str, refused: &PathError) -> anyhow::Error {
    let help = refused.help_text().map_or_else(String::new, |help| format!(". To continue: {help}"));
    anyhow::anyhow!("the {place} for the stack's records {refused}{help}")
}
