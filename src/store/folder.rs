//! The operations that a folder on disk lacks: replace a file only if it has not changed, and list names in order after a given name.
//!
//! In: a folder, keys and bytes. Out: the same results as a bucket gives. Invariants: a file is replaced by one rename while the lock of
//! `.turn` is held, so a reader sees the old bytes or the new ones. Only plain files of the folder are read and written, never through a
//! link; they have mode 0600, and folders 0700.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use leasehold_files::{PathError, create_private_folder, read_private_file, write_private_file};
use leasehold_provider::Digest;
use object_store::UpdateVersion;

use super::{ObjectVersion, Store, StoreError, WriteOutcome};

/// The file that a writer keeps locked between comparing and replacing. Its content is never read.
const TURN: &str = ".turn";

/// The version of an object in a folder: the digest of its bytes.
pub fn digest_version(bytes: &[u8]) -> ObjectVersion {
    ObjectVersion(UpdateVersion { e_tag: Some(Digest::from_bytes(bytes).to_string()), version: None })
}

/// The largest object that is read, in bytes. The largest are the evidence of an identity and the list of accounts.
const LARGEST_OBJECT: u64 = 64 << 20;

/// Reads one object. `None`: it does not exist.
fn read_object_file(folder: &Path, key: &str) -> std::io::Result<Option<Vec<u8>>> {
    read_private_file(folder, Path::new(key), LARGEST_OBJECT).map_err(to_io_error)
}

fn to_io_error(refused: PathError) -> std::io::Error {
    match refused {
        PathError::Io(error) => error,
        refused => std::io::Error::other(format!("it {refused}")),
    }
}

/// Creates the folder that will contain an object, with mode 0700, and refuses a link on the way.
///
/// # Errors
/// If it cannot be created, or is reached by a link.
pub fn prepare_parent(store: &Store, folder: &Path, key: &str) -> Result<(), StoreError> {
    let prepared = || {
        read_object_file(folder, key)?;
        create_private_folder(file_path(folder, key).parent().unwrap_or(folder))
    };
    prepared().map_err(|error| StoreError::from_io(store.place(), key, "write", &error))
}

/// Opens a file for locking, whose content is never read. Nobody else's file is locked: a link is refused.
fn open_lock_file(folder: &Path, name: &str) -> std::io::Result<File> {
    create_private_folder(folder)?;
    read_object_file(folder, name)?;
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(folder.join(name))
}

/// The file that a process keeps locked while it holds the stack's lock. The operating system releases it when the process ends, in any
/// way.
const LOCK_FILE: &str = ".held";

/// Locks the folder for as long as the returned file is open. `None`: another process has it locked.
///
/// # Errors
/// If the file cannot be opened or locked.
pub fn claim_folder(store: &Store, folder: &Path) -> Result<Option<File>, StoreError> {
    let file = open_lock_file(folder, LOCK_FILE);
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
    let name = key.to_owned();
    let work = move || swap_file(&folder, &name, &bytes, &expected);
    run_blocking(store, key, "write", work).await
}

fn swap_file(folder: &Path, key: &str, bytes: &[u8], expected: &ObjectVersion) -> std::io::Result<WriteOutcome> {
    let turn = open_lock_file(folder, TURN)?;
    turn.lock()?;
    match read_object_file(folder, key)? {
        Some(there) if digest_version(&there) == *expected => {}
        _ => return Ok(WriteOutcome::PreconditionFailed),
    }
    write_private_file(&file_path(folder, key), bytes)?;
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
            // `object_store` puts a `#` in the name of a file that is not completely written; `write_private_file` a dot before it.
            if !name.contains('#') && !name.starts_with('.') && after.as_ref().is_none_or(|after| name > *after) {
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
    let work = move || keys.iter().map(|key| read_object_file(&folder, key)).collect();
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
