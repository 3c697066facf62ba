//! A store in a directory, with one file for each identity.
//!
//! In: entries. Out: files. Invariant: only the owner can read them: directories have mode 0700, and files 0600. A file is written
//! under another name, synchronized to the disk, and renamed, so that a reader sees the complete old file or the complete new one, even
//! after a crash.
#![allow(clippy::disallowed_methods, reason = "this module reads and writes the files of stores")]

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretSlice};
use tempfile::NamedTempFile;

use super::entry::{DeliveryRecords, StoreEntry};
use super::{KeyIdentity, SecretStoreError};

/// The extension of entries.
const ENTRY: &str = ".json";
/// The extension of a file until it is complete and renamed.
const HALF: &str = ".half";
/// The file that keeps secrets out of version control.
const IGNORE: &str = ".gitignore";

/// A directory of entries.
#[derive(Debug, Clone)]
pub struct SecretFolder {
    store: String,
    path: PathBuf,
}

impl SecretFolder {
    /// The directory of a store. It need not exist yet.
    pub fn for_store(store: &str, path: PathBuf) -> Self {
        Self { store: store.to_owned(), path }
    }

    /// The path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The delivery records of all entries, with the name of the user. Empty if the directory does not exist.
    ///
    /// # Errors
    /// If the directory cannot be read, or an entry cannot be parsed.
    pub fn read_all_records(&self) -> Result<Vec<(String, DeliveryRecords)>, SecretStoreError> {
        let mut books = Vec::new();
        for file in self.list_files()? {
            if let Some(name) = file.strip_suffix(ENTRY).filter(|name| !name.is_empty()) {
                books.extend(self.read_records(name)?.map(|read| (name.to_owned(), read)));
            }
        }
        Ok(books)
    }

    /// The delivery records of one entry. `None`: it does not exist.
    ///
    /// # Errors
    /// If the entry cannot be read or parsed.
    pub fn read_records(&self, name: &str) -> Result<Option<DeliveryRecords>, SecretStoreError> {
        let Some(bytes) = self.read_entry_text(name)? else { return Ok(None) };
        DeliveryRecords::parse_records(bytes.expose_secret())
            .map(Some)
            .map_err(|problem| self.unreadable_entry_error(name, &problem))
    }

    /// Checks that an entry with this name, if there is one, belongs to this identity.
    ///
    /// # Errors
    /// If the entry belongs to another identity, or cannot be read.
    pub fn refuse_other_owners(&self, holder: &KeyIdentity) -> Result<(), SecretStoreError> {
        match self.read_records(&holder.name)? {
            Some(books) if !books.belongs_to_identity(holder) => Err(SecretStoreError {
                store: self.store.clone(),
                problem: format!(
                    "{} contains the keys of {}",
                    self.entry_path(&holder.name).display(),
                    books.describe_owner()
                ),
                help: "set another `path` for one of the two secret stores".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Creates the directory if it is missing, and checks that it can be written, and only by its owner.
    ///
    /// # Errors
    /// If the directory cannot be created or written, or others may write to it.
    pub fn prepare_directory(&self) -> Result<(), SecretStoreError> {
        let cannot = |what: &str, error: &io::Error| self.to_secret_store_error(what, error);
        make_directory(&self.path).map_err(|error| cannot("cannot be created", &error))?;
        let metadata = fs::metadata(&self.path).map_err(|error| cannot("cannot be inspected", &error))?;
        if is_writable_by_others(&metadata) {
            return Err(SecretStoreError {
                store: self.store.clone(),
                problem: format!("other users can write to {}", self.path.display()),
                help: format!("remove their write permission: chmod go-w '{}'", self.path.display()),
            });
        }
        if !self.path.join(IGNORE).exists() {
            self.put_file(IGNORE, b"*\n").map_err(|error| cannot("cannot be written to", &error))?;
        }
        // Only a write shows whether there is space and the right to write.
        let tried = self.write_partial_file(&[0; 4096]).and_then(NamedTempFile::close);
        tried.map_err(|error| cannot("cannot be written to", &error))
    }

    /// Writes an entry, and replaces the existing one.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_entry(&self, name: &str, entry: &StoreEntry) -> Result<(), SecretStoreError> {
        let text = entry.to_secret_text().map_err(|problem| self.unreadable_entry_error(name, &problem))?;
        make_directory(&self.path)
            .and_then(|()| self.put_file(&format!("{name}{ENTRY}"), text.expose_secret().as_bytes()))
            .map_err(|error| self.to_secret_store_error("cannot be written to", &error))
    }

    /// Removes keys from an entry, and deletes the entry with its last key.
    ///
    /// # Errors
    /// If the entry cannot be read, parsed or written.
    pub fn remove_keys(&self, name: &str, keys: &BTreeSet<String>) -> Result<(), SecretStoreError> {
        let Some(bytes) = self.read_entry_text(name)? else { return Ok(()) };
        let mut entry = StoreEntry::parse_entry(bytes.expose_secret())
            .map_err(|problem| self.unreadable_entry_error(name, &problem))?;
        entry.books.keys.retain(|key, _| !keys.contains(key));
        entry.current = entry.current.filter(|(key, _)| !keys.contains(key));
        if !entry.books.keys.is_empty() {
            return self.write_entry(name, &entry);
        }
        let removed = fs::remove_file(self.entry_path(name)).and_then(|()| self.sync_directory());
        removed.map_err(|error| self.to_secret_store_error("cannot be written to", &error))
    }

    /// Removes the incomplete files of a run that was killed.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub fn remove_partial_files(&self) -> Result<(), SecretStoreError> {
        for file in self.list_files()?.iter().filter(|file| file.ends_with(HALF)) {
            fs::remove_file(self.path.join(file))
                .map_err(|error| self.to_secret_store_error("cannot be written to", &error))?;
        }
        Ok(())
    }

    fn entry_path(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}{ENTRY}"))
    }

    /// The names of all files, sorted. Empty if the directory does not exist.
    fn list_files(&self) -> Result<BTreeSet<String>, SecretStoreError> {
        let cannot = |error: &io::Error| self.to_secret_store_error("cannot be read", error);
        let listed = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
            listed => listed.map_err(|error| cannot(&error))?,
        };
        listed
            .map(|file| Ok(file.map_err(|error| cannot(&error))?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn read_entry_text(&self, name: &str) -> Result<Option<SecretSlice<u8>>, SecretStoreError> {
        match fs::read(self.entry_path(name)) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.to_secret_store_error("cannot be read", &error)),
        }
    }

    fn put_file(&self, file: &str, bytes: &[u8]) -> io::Result<()> {
        self.write_partial_file(bytes)?.persist(self.path.join(file))?;
        self.sync_directory()
    }

    /// Writes a file that only its owner can read. Unless it gets its final name, it is removed when it is dropped.
    fn write_partial_file(&self, bytes: &[u8]) -> io::Result<NamedTempFile> {
        let mut file = tempfile::Builder::new().prefix(".").suffix(HALF).tempfile_in(&self.path)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(file)
    }

    /// Synchronizes the directory's list of names to the disk.
    fn sync_directory(&self) -> io::Result<()> {
        if cfg!(unix) { File::open(&self.path)?.sync_all() } else { Ok(()) }
    }

    fn to_secret_store_error(&self, what: &str, error: &io::Error) -> SecretStoreError {
        SecretStoreError {
            store: self.store.clone(),
            problem: format!("{} {what}: {error}", self.path.display()),
            help: "allow the user that runs Leasehold to read and write it, or set another `path`".to_owned(),
        }
    }

    fn unreadable_entry_error(&self, name: &str, problem: &str) -> SecretStoreError {
        SecretStoreError {
            store: self.store.clone(),
            problem: format!("{}: {problem}", self.entry_path(name).display()),
            help: "restore the file as Leasehold wrote it, or delete it, and its keys are replaced".to_owned(),
        }
    }
}

/// Creates a directory and its parents, with access for their owner only.
fn make_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(unix)]
fn is_writable_by_others(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o022 != 0
}

#[cfg(not(unix))]
fn is_writable_by_others(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use leasehold_provider::{Address, StackName};

    use super::super::entry::RecordedDelivery;
    use super::*;

    fn holder() -> KeyIdentity {
        let (stack, address) = (StackName::new("s").unwrap(), Address::for_identity("ci", None));
        KeyIdentity { stack, realm: "local embedded".to_owned(), address, name: "ci".to_owned() }
    }

    fn entry(keys: &[&str]) -> StoreEntry {
        let mut books = DeliveryRecords::for_identity(&holder());
        let delivered_at = "2026-01-01T00:00:00Z".parse().unwrap();
        let kept = RecordedDelivery { delivered_at, owner: None, environment: None };
        books.keys.extend(keys.iter().map(|key| ((*key).to_owned(), kept.clone())));
        let current = keys.last().map(|key| ((*key).to_owned(), format!("secret of {key}").into()));
        StoreEntry { current, books }
    }

    fn text(folder: &SecretFolder) -> String {
        fs::read_to_string(folder.path().join("ci.json")).unwrap()
    }

    fn folder(home: &tempfile::TempDir) -> SecretFolder {
        SecretFolder::for_store("vault", home.path().join("a/b"))
    }

    #[test]
    fn missing_directory_reads_as_empty_and_is_not_created() {
        let home = tempfile::tempdir().unwrap();
        let folder = folder(&home);
        assert_eq!(folder.read_all_records().unwrap(), []);
        assert_eq!(folder.read_records("ci").unwrap(), None);
        assert!(!home.path().join("a").exists());
    }

    #[test]
    fn keys_are_removed_individually_and_the_file_with_the_last() {
        let home = tempfile::tempdir().unwrap();
        let folder = folder(&home);
        folder.write_entry("ci", &entry(&["K1", "K2"])).unwrap();
        let strike = |key: &str| folder.remove_keys("ci", &BTreeSet::from([key.to_owned()])).unwrap();
        strike("K1");
        assert!(text(&folder).contains("secret of K2") && !text(&folder).contains("K1"));
        strike("K3");
        strike("K2");
        assert!(!folder.path().join("ci.json").exists());
        strike("K2");
    }

    #[test]
    fn secret_is_deleted_with_its_key_but_other_records_stay() {
        let home = tempfile::tempdir().unwrap();
        let folder = folder(&home);
        folder.write_entry("ci", &entry(&["K1", "K2"])).unwrap();
        folder.remove_keys("ci", &BTreeSet::from(["K2".to_owned()])).unwrap();
        assert!(!text(&folder).contains("secret of") && text(&folder).contains("K1"));
        let books = folder.read_records("ci").unwrap().unwrap();
        assert_eq!(books.deliveries_to_store("vault").map(|(_, delivery)| delivery.held).collect::<Vec<_>>(), [false]);
    }

    #[test]
    fn what_was_half_written_is_no_entry_and_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let folder = folder(&home);
        folder.write_entry("ci", &entry(&["K1"])).unwrap();
        let half = folder.path().join(".ci.json.half");
        fs::write(&half, "{\"SecretAccessKey\": \"hal").unwrap();
        assert_eq!(folder.read_all_records().unwrap().len(), 1);
        folder.write_entry("ci", &entry(&["K1", "K2"])).unwrap();
        folder.remove_partial_files().unwrap();
        assert!(!half.exists() && folder.path().join("ci.json").exists());
    }

    #[test]
    fn store_with_shared_access_or_not_a_directory_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let folder = folder(&home);
        folder.prepare_directory().unwrap();
        folder.prepare_directory().unwrap();
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(left, [IGNORE], "probing leaves nothing");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o770)).unwrap();
            assert!(folder.prepare_directory().unwrap_err().problem.contains("other users can write"));
        }
        let file = home.path().join("file");
        fs::write(&file, "x").unwrap();
        assert!(SecretFolder::for_store("vault", file.clone()).prepare_directory().is_err());
        assert!(
            SecretFolder::for_store("vault", file).read_all_records().unwrap_err().problem.contains("cannot be read")
        );
    }
}
