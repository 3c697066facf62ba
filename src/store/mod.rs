//! Where ledger, lock and evidence live: a few operations on objects, over a local folder or a bucket.
//!
//! In: keys and bytes. Out: what is there, or an error that says why it cannot be known. Every write is conditional, or its key is
//! the digest of its bytes; a write whose answer was lost is settled by reading back. An edge: it reads files and the network, and
//! decides nothing about what the objects mean.
#![allow(clippy::disallowed_methods, reason = "this is an edge")]

mod attempt;
mod error;
mod folder;

pub mod lineage;
pub mod lock;
mod open;
mod s3;
mod server;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, UpdateVersion};

pub use error::{StoreError, StoreErrorKind};
pub use open::{AwsAccess, open_backend};

/// How many objects of a bucket are asked for at once.
const AT_ONCE: usize = 64;

/// A place for objects, reached and not yet asked.
#[derive(Debug, Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    root: Path,
    /// The folder on disk, when the place is one.
    folder: Option<PathBuf>,
    server: server::ServerClock,
    place: String,
    /// Whether the place ever answered in this run.
    answered: Arc<AtomicBool>,
    outages: Option<Arc<dyn OutageNotices>>,
}

/// What is informed when a store does not answer.
pub trait OutageNotices: std::fmt::Debug + Send + Sync {
    /// A request failed with `error`, `spent` after its first attempt, and is about to be tried again.
    fn report_outage(&self, error: &StoreError, spent: Duration);
}

/// Which state of an object somebody saw. Two writes never share one, for bodies always differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectVersion(UpdateVersion);

/// An object as it was read.
#[derive(Debug, Clone)]
pub struct StoredObject {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Which state of it this is.
    pub version: ObjectVersion,
}

/// How a conditional write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It is there, by this write.
    Yes(ObjectVersion),
    /// Somebody else's is there.
    Taken,
}

impl Store {
    fn new(
        objects: Arc<dyn ObjectStore>,
        root: Path,
        folder: Option<PathBuf>,
        server: server::ServerClock,
        place: String,
    ) -> Self {
        Self { objects, root, folder, server, place, answered: Arc::default(), outages: None }
    }

    /// The same store, which reports its outages.
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

    /// The place for people: `folder .leasehold`, `s3://bucket/prefix`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// How far this machine's clock is ahead of the store's, by the last answer that said. `None`: it has none of its own.
    #[must_use]
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        self.server.measured_skew()
    }

    fn object_path(&self, key: &str) -> Path {
        key.split('/').fold(self.root.clone(), Path::join)
    }

    /// The object of that key; `None`: there is none.
    pub async fn read_object(&self, key: &str) -> Result<Option<StoredObject>, StoreError> {
        attempt::retry_request(self, || self.read_object_once(key)).await
    }

    /// The bytes of several objects, in the order of their keys; `None` where there is none.
    pub async fn read_objects(&self, keys: Vec<String>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if let Some(folder) = &self.folder {
            return folder::read_files(self, folder, keys).await;
        }
        let reads = keys.iter().map(|key| async move { Ok(self.read_object(key).await?.map(|object| object.bytes)) });
        futures::stream::iter(reads).buffered(AT_ONCE).try_collect().await
    }

    async fn read_object_once(&self, key: &str) -> Result<Option<StoredObject>, StoreError> {
        let got = match self.objects.get(&self.object_path(key)).await {
            Ok(got) => got,
            Err(error) => {
                let error = self.to_store_error(key, "read", error);
                return if error.kind == StoreErrorKind::Absent { Ok(None) } else { Err(error) };
            }
        };
        let meta = got.meta.clone();
        let bytes = got.bytes().await.map_err(|error| self.to_store_error(key, "read", error))?.to_vec();
        let version = self.object_version(&meta, &bytes);
        Ok(Some(StoredObject { bytes, version }))
    }

    /// A folder has no versions of its own; the digest of the bytes is one, for bodies always differ.
    fn object_version(&self, meta: &ObjectMeta, bytes: &[u8]) -> ObjectVersion {
        match self.folder {
            Some(_) => folder::digest_version(bytes),
            None => ObjectVersion(UpdateVersion { e_tag: meta.e_tag.clone(), version: meta.version.clone() }),
        }
    }

    /// Makes an object where none is.
    pub async fn create_object(&self, key: &str, bytes: &[u8]) -> Result<WriteOutcome, StoreError> {
        self.put_new_object(key, bytes, PutMode::Create.into()).await
    }

    /// Makes an object where none is, which is never written again: a bucket with object lock keeps it as long as the
    /// configuration says.
    pub async fn create_retained_object(&self, key: &str, bytes: &[u8]) -> Result<WriteOutcome, StoreError> {
        let mut options = PutOptions::from(PutMode::Create);
        options.extensions.insert(s3::requests::WrittenOnce);
        self.put_new_object(key, bytes, options).await
    }

    async fn put_new_object(&self, key: &str, bytes: &[u8], options: PutOptions) -> Result<WriteOutcome, StoreError> {
        let options = &options;
        attempt::settle_write(self, key, bytes, None, || async move {
            let put = self.objects.put_opts(&self.object_path(key), to_payload(bytes), options.clone()).await;
            put.map(|put| self.written_version(put, bytes)).map_err(|error| self.to_store_error(key, "write", error))
        })
        .await
    }

    /// Writes an object anew, if it is still in the state that `version` names.
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

    /// The names of the objects below `prefix`, in order.
    pub async fn list_names(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.list_names_after(prefix, None, usize::MAX).await
    }

    /// The first `limit` names below `prefix` that come after `after`, in order.
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

/// The present moment by this machine's clock.
#[must_use]
pub fn wall_clock() -> Timestamp {
    Timestamp::now()
}

/// 128 random bits as 32 hexadecimal digits: a name that no other has.
///
/// # Errors
/// Where the operating system gives no randomness.
pub fn generate_random_id() -> Result<String, NoRandomnessError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| NoRandomnessError(error.to_string()))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// The operating system gives no randomness.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no randomness: {0}")]
pub struct NoRandomnessError(String);
