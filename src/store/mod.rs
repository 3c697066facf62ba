//! The storage of ledger, lock and evidence: a few operations on objects in a local folder or a bucket.
//!
//! In: keys and bytes. Out: the stored object, or an error that says why its state is unknown. Invariant: every write is conditional,
//! or its key is the digest of its bytes. If the answer to a write is lost, the object is read back to find out whether the write took
//! effect. This module is an edge: it reads files and the network, and it does not interpret the objects.
#![allow(clippy::disallowed_methods, reason = "this is an edge")]

mod attempt;
mod error;
mod folder;

pub mod lock;
mod open;
mod pages;
mod s3;
mod server;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use leasehold_provider::Lineage;
use object_store::list::PaginatedListStore;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, UpdateVersion};

pub use error::{StoreError, StoreErrorKind};
pub use open::open_backend;
pub use s3::AwsAccess;

/// The number of objects that are read from a bucket concurrently.
const CONCURRENT_READS: usize = 64;

/// A configured place for objects. Opening it sends no request.
#[derive(Debug, Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    root: Path,
    /// The absolute path of the folder; `None` for a bucket.
    folder: Option<PathBuf>,
    server: server::ServerClock,
    place: String,
    /// Whether the store has answered any request of this run. It decides how long a network failure is retried.
    answered: Arc<AtomicBool>,
    outages: Option<Arc<dyn OutageNotices>>,
    /// The pages of lists. `None`: the store lists in one piece, or its library reads the pages.
    pages: Option<pages::PageSource>,
}

/// Receives a notice each time a request to the store is retried.
pub trait OutageNotices: std::fmt::Debug + Send + Sync {
    /// A request failed with `error` and will be retried. `spent` is the time since its first attempt.
    fn report_outage(&self, error: &StoreError, spent: Duration);
}

/// Identifies one state of an object, for conditional writes. Two writes never have the same version, because their bytes always differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectVersion(UpdateVersion);

/// The result of reading an object.
#[derive(Debug, Clone)]
pub struct StoredObject {
    /// The content of the object.
    pub bytes: Vec<u8>,
    /// The version to pass to [`Store::replace_object`].
    pub version: ObjectVersion,
}

/// The result of a conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    /// This write took effect. The value is the new version.
    Written(ObjectVersion),
    /// The condition was not met: another writer's object is there, or the object to replace is gone.
    PreconditionFailed,
}

impl Store {
    fn new(
        objects: Arc<dyn ObjectStore>,
        root: Path,
        folder: Option<PathBuf>,
        server: server::ServerClock,
        place: String,
    ) -> Self {
        Self { objects, root, folder, server, place, answered: Arc::default(), outages: None, pages: None }
    }

    /// The same store, whose lists are read page by page.
    fn with_pages(self, bucket: Arc<dyn PaginatedListStore>) -> Self {
        Self { pages: Some(pages::PageSource::from_bucket(bucket)), ..self }
    }

    /// The same store, which reports its outages to `notices`.
    #[must_use]
    pub fn report_outages_to(self, notices: Arc<dyn OutageNotices>) -> Self {
        Self { outages: Some(notices), ..self }
    }

    fn has_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    fn note_answer(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    fn announce_outage(&self, error: &StoreError, spent: Duration) {
        if let Some(notices) = &self.outages {
            notices.report_outage(error, spent);
        }
    }

    /// The place for display: `folder .leasehold`, `s3://bucket/prefix`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// How far this machine's clock is ahead of the store's, from the last response with a `Date` header; negative if it is behind.
    /// `None`: no response had one yet, or the store is a folder and has no clock of its own.
    #[must_use]
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        self.server.measured_skew()
    }

    fn object_path(&self, key: &str) -> Path {
        key.split('/').fold(self.root.clone(), Path::join)
    }

    /// Reads the object with that key. `None`: it does not exist.
    ///
    /// # Errors
    /// If the store refuses the request, or does not answer in time.
    pub async fn read_object(&self, key: &str) -> Result<Option<StoredObject>, StoreError> {
        attempt::retry_request(self, || self.read_object_once(key)).await
    }

    /// Reads several objects, in the order of `keys`. `None` for a key that does not exist.
    ///
    /// # Errors
    /// If any of the reads fails.
    pub async fn read_objects(&self, keys: Vec<String>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if let Some(folder) = &self.folder {
            return folder::read_files(self, folder, keys).await;
        }
        let reads = keys.iter().map(|key| async move { Ok(self.read_object(key).await?.map(|object| object.bytes)) });
        futures::stream::iter(reads).buffered(CONCURRENT_READS).try_collect().await
    }

    async fn read_object_once(&self, key: &str) -> Result<Option<StoredObject>, StoreError> {
        if let Some(folder) = &self.folder {
            let read = folder::read_files(self, folder, vec![key.to_owned()]).await?.into_iter().next().flatten();
            return Ok(read.map(|bytes| StoredObject { version: folder::digest_version(&bytes), bytes }));
        }
        let got = match self.objects.get(&self.object_path(key)).await {
            Ok(got) => got,
            Err(error) => {
                let error = self.to_store_error(key, "read", error);
                return if error.kind == StoreErrorKind::Absent { Ok(None) } else { Err(error) };
            }
        };
        let meta = got.meta.clone();
        let bytes = got.bytes().await.map_err(|error| self.to_store_error(key, "read", error))?.to_vec();
        let version = ObjectVersion(UpdateVersion { e_tag: meta.e_tag, version: meta.version });
        Ok(Some(StoredObject { bytes, version }))
    }

    /// Creates an object if none has that key.
    ///
    /// # Errors
    /// If the store refuses the request, or does not answer in time.
    pub async fn create_object(&self, key: &str, bytes: &[u8]) -> Result<WriteOutcome, StoreError> {
        self.put_new_object(key, bytes, PutMode::Create.into()).await
    }

    /// Creates an object that is never replaced, if none has that key. A bucket with object lock retains it for the period in the
    /// configuration.
    ///
    /// # Errors
    /// If the store refuses the request, or does not answer in time.
    pub async fn create_retained_object(&self, key: &str, bytes: &[u8]) -> Result<WriteOutcome, StoreError> {
        let mut options = PutOptions::from(PutMode::Create);
        options.extensions.insert(s3::requests::WrittenOnce);
        self.put_new_object(key, bytes, options).await
    }

    async fn put_new_object(&self, key: &str, bytes: &[u8], options: PutOptions) -> Result<WriteOutcome, StoreError> {
        if let Some(folder) = &self.folder {
            folder::prepare_parent(self, folder, key)?;
        }
        let options = &options;
        attempt::settle_write(self, key, bytes, None, || async move {
            let put = self.objects.put_opts(&self.object_path(key), to_payload(bytes), options.clone()).await;
            put.map(|put| self.written_version(put, bytes)).map_err(|error| self.to_store_error(key, "write", error))
        })
        .await
    }

    /// Replaces an object if it still has that `version`.
    ///
    /// # Errors
    /// If the store refuses the request, or does not answer in time.
    pub async fn replace_object(
        &self,
        key: &str,
        bytes: &[u8],
        version: &ObjectVersion,
    ) -> Result<WriteOutcome, StoreError> {
        if let Some(folder) = &self.folder {
            return folder::replace_file(self, folder, key, bytes, version).await;
        }
        attempt::settle_write(self, key, bytes, Some(version), || async move {
            let options = PutOptions::from(PutMode::Update(version.0.clone()));
            let put = self.objects.put_opts(&self.object_path(key), to_payload(bytes), options).await;
            put.map(|put| self.written_version(put, bytes)).map_err(|error| self.to_store_error(key, "write", error))
        })
        .await
    }

    /// The names of all objects below `prefix`, sorted.
    ///
    /// # Errors
    /// If the store refuses the request, or does not answer in time.
    pub async fn list_names(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.list_names_after(prefix, None, usize::MAX).await
    }

    /// The first `limit` names below `prefix` that sort after `after`, sorted.
    ///
    /// # Errors
    /// If the store refuses the request, or does not answer in time.
    pub async fn list_names_after(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        if let Some(folder) = &self.folder {
            return folder::list_files(self, folder, prefix, after, limit).await;
        }
        let below = &self.object_path(prefix);
        attempt::retry_request(self, || async move {
            if let Some(pages) = &self.pages {
                let after = after.map(|after| below.clone().join(after));
                return pages.list_names((&self.place, prefix), below, after.as_ref(), limit).await;
            }
            let names = match after {
                Some(after) => self.objects.list_with_offset(Some(below), &below.clone().join(after)),
                None => self.objects.list(Some(below)),
            };
            let mut names = names.map_err(|error| self.to_store_error(prefix, "list", error));
            let mut found = Vec::new();
            while found.len() < limit
                && let Some(meta) = names.try_next().await?
            {
                found.extend(meta.location.filename().map(str::to_owned));
            }
            found.sort();
            Ok(found)
        })
        .await
    }

    fn written_version(&self, put: object_store::PutResult, bytes: &[u8]) -> ObjectVersion {
        match self.folder {
            Some(_) => folder::digest_version(bytes),
            None => ObjectVersion(UpdateVersion { e_tag: put.e_tag, version: put.version }),
        }
    }

    fn to_store_error(&self, key: &str, doing: &'static str, error: object_store::Error) -> StoreError {
        StoreError::from_objects(&self.place, key, doing, &error)
    }
}

fn to_payload(bytes: &[u8]) -> PutPayload {
    PutPayload::from(bytes.to_vec())
}

/// The current time by this machine's clock.
#[must_use]
pub fn wall_clock() -> Timestamp {
    Timestamp::now()
}

/// A unique id: 128 random bits as 32 hexadecimal digits.
///
/// # Errors
/// If the operating system gives no random bytes.
pub fn generate_random_id() -> Result<String, NoRandomnessError> {
    generate_random_bytes::<16>().map(hex::encode)
}

/// A new lineage, for a stack whose store has none yet.
///
/// # Errors
/// If the operating system gives no random bytes.
pub fn generate_lineage() -> Result<Lineage, NoRandomnessError> {
    generate_random_bytes::<16>().map(Lineage::from_random_bytes)
}

/// Bytes from the random source of the operating system.
///
/// # Errors
/// If the operating system gives no random bytes.
pub fn generate_random_bytes<const N: usize>() -> Result<[u8; N], NoRandomnessError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| NoRandomnessError(error.to_string()))?;
    Ok(bytes)
}

/// The operating system gave no random bytes. The text is its error message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read random data from the operating system: {0}")]
pub struct NoRandomnessError(String);
