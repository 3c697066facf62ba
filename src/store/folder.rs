//! The operations that a folder on disk lacks: replace a file only if it has not changed, and list names in order after a given name.
//!
//! In: a folder, keys and bytes. Out: the same results as a bucket gives. Invariant: a file is replaced by one rename while the lock of
//! `.turn` is held, so a reader sees the old bytes or the new ones.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use leasehold_provider::Digest;
use object_store::UpdateVersion;

use super::{ObjectVersion, Store, StoreError, WriteOutcome};

/// The file that a writer keeps locked between comparing and replacing. Its content is never read.
const TURN: &str = ".turn";

/// The version of an object in a folder: the digest of its bytes.
pub fn digest_version(bytes: &[u8]) -> ObjectVersion {
    ObjectVersion(UpdateVersion { e_tag: Some(Digest::from_bytes(bytes).to_string()), version: None })
}

/// The file that a process keeps locked while it holds the stack's lock. The operating system releases it when the process ends, in any
/// way.
const LOCK_FILE: &str = ".held";

/// Locks the folder for as long as the returned file is open. `None`: another process has it locked.
///
/// # Errors
/// If the file cannot be opened or locked.
pub fn claim_folder(store: &Store, folder: &Path) -> Result<Option<File>, StoreError> {
    let file = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK_FILE));
    let file = file.map_err(|error| StoreError::from_io(store.place(), LOCK_FILE, "write", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(StoreError::from_io(store.place(), LOCK_FILE, "lock", &error)),
    }
}

/// Replaces an object if it still has that `version`. Processes take turns by locking a file, which the operating system releases when
/// the process ends. One rename puts the new bytes in place.
///
/// # Errors
/// If the file cannot be read or written.
pub async fn replace_file(
    store: &Store,
    folder: &Path,
    key: &str,
    bytes: &[u8],
    version: &ObjectVersion,
) -> Result<WriteOutcome, StoreError> {
    let (folder, bytes, expected) = (folder.to_owned(), bytes.to_vec(), version.clone());
    let file = file_path(&folder, key);
    let work = move || swap_file(&folder, &file, &bytes, &expected);
    run_blocking(store, key, "write", work).await
}

fn swap_file(folder: &Path, file: &Path, bytes: &[u8], expected: &ObjectVersion) -> std::io::Result<WriteOutcome> {
    std::fs::create_dir_all(folder)?;
    let turn = File::options().create(true).truncate(false).write(true).open(folder.join(TURN))?;
    turn.lock()?;
    match std::fs::read(file) {
        Ok(there) if digest_version(&there) != *expected => return Ok(WriteOutcome::PreconditionFailed),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(WriteOutcome::PreconditionFailed),
        there => there?,
    };
    // The lock admits one writer at a time, so this name need not be unique.
    let next = folder.join(".next");
    let mut new = File::create(&next)?;
    new.write_all(bytes)?;
    new.sync_all()?;
    std::fs::rename(&next, file)?;
    Ok(WriteOutcome::Written(digest_version(bytes)))
}

/// The first `limit` names below `prefix` that sort after `after`, sorted. Empty if the folder does not exist.
///
/// # Errors
/// If the folder exists and cannot be read.
pub async fn list_files(
    store: &Store,
    folder: &Path,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let (below, after) = (file_path(folder, prefix), after.map(str::to_owned));
    let work = move || {
        let entries = match std::fs::read_dir(&below) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            // `object_store` puts a `#` in the name of a file that is not completely written.
            if !name.contains('#') && after.as_ref().is_none_or(|after| name > *after) {
                names.push(name);
            }
        }
        names.sort_unstable();
        names.truncate(limit);
        Ok(names)
    };
    run_blocking(store, prefix, "list", work).await
}

/// Reads several objects. One blocking task reads all of them, because a ledger has very many small files.
///
/// # Errors
/// If a file exists and cannot be read.
pub async fn read_files(store: &Store, folder: &Path, keys: Vec<String>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
    let first = keys.first().cloned().unwrap_or_default();
    let folder = folder.to_owned();
    let work = move || {
        let read = |key: &String| match std::fs::read(file_path(&folder, key)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        keys.iter().map(read).collect()
    };
    run_blocking(store, &first, "read", work).await
}

fn file_path(folder: &Path, key: &str) -> PathBuf {
    key.split('/').fold(folder.to_owned(), |path, part| path.join(part))
}

async fn run_blocking<T: Send + 'static>(
    store: &Store,
    key: &str,
    doing: &'static str,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let done = match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(std::io::Error::other(error)),
    };
    done.map_err(|error| StoreError::from_io(store.place(), key, doing, &error))
}
