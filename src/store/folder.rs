//! What a folder on disk does not do by itself: write only if nothing changed, and list in order from a place on.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use leasehold_provider::Digest;
use object_store::UpdateVersion;

use super::{ObjectVersion, Store, StoreError, WriteOutcome};

/// The file whose lock a writer holds between looking and writing. It is never read.
const TURN: &str = ".turn";

/// The state of an object in a folder: the digest of its bytes.
pub fn digest_version(bytes: &[u8]) -> ObjectVersion {
    ObjectVersion(UpdateVersion { e_tag: Some(Digest::from_bytes(bytes).to_string()), version: None })
}

/// The file whose lock says that a process holds the stack's lock: the system frees it when that process ends, however it ends.
const HELD: &str = ".held";

/// Holds a folder's lock for as long as the file is open; `None`: another process does.
pub fn claim_folder(store: &Store, folder: &Path) -> Result<Option<File>, StoreError> {
    let file = File::options().create(true).truncate(false).write(true).open(folder.join(HELD));
    let file = file.map_err(|error| StoreError::from_io(store.place(), HELD, "write", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(StoreError::from_io(store.place(), HELD, "lock", &error)),
    }
}

/// Writes an object anew if it is still as `version` says. Processes take turns by the lock of a file, which the system frees when
/// its holder ends; the new bytes take the place of the old ones in one rename.
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
        Ok(there) if digest_version(&there) != *expected => return Ok(WriteOutcome::Taken),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(WriteOutcome::Taken),
        there => there?,
    };
    // One writer at a time stands here, so that the name needs not be unique.
    let next = folder.join(".next");
    let mut new = File::create(&next)?;
    new.write_all(bytes)?;
    new.sync_all()?;
    std::fs::rename(&next, file)?;
    Ok(WriteOutcome::Yes(digest_version(bytes)))
}

/// The first `limit` names below `prefix` after `after`, in order. No folder: no names.
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
            // What is being written has a `#` in its name until it is whole.
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

/// The bytes of several objects. One visit of the disk for all of them: a ledger has very many small files.
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
