//! A store in a directory, with one file for each identity.
//!
//! In: entries. Out: files. Invariants: only the owner can read them: directories have mode 0700, and files 0600. No link is followed. A
//! file is written under another name, synchronized to the disk, and renamed, so that a reader sees the complete old file or the complete
//! new one, even after a crash.
#![allow(clippy::disallowed_methods, reason = "this module reads and writes the files of stores")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use leasehold_files::{
    PathError, check_place_folder, create_private_folder, read_private_file, resolve_place, write_private_file,
};
use secrecy::{ExposeSecret as _, SecretSlice};

use super::entry::{DeliveryRecords, StoreEntry};
use super::{KeyIdentity, SecretStoreError};

/// The extension of entries.
const ENTRY: &str = ".json";
/// The extensions of a file until it is complete and renamed: of this version, and of earlier ones.
const HALF: [&str; 2] = [".next", ".half"];
/// The file that is written to find out whether the directory can be written.
const PROBE: &str = ".probe.next";
/// The largest entry that is read, in bytes. An entry has one secret and a record of each key.
const LARGEST_ENTRY: u64 = 16 << 20;
/// The file that keeps secrets out of version control.
const IGNORE: &str = ".gitignore";

/// A directory of entries.
#[derive(Debug, Clone)]
pub struct SecretFolder {
    store: String,
    /// The stack's directory.
    home: PathBuf,
    /// The path as the `store` block names it, relative to `home`.
    named: String,
}

impl SecretFolder {
    /// The directory of a store that the stack in `home` names. It need not exist yet.
    pub fn for_store(store: &str, home: &Path, named: &str) -> Self {
        Self { store: store.to_owned(), home: home.to_owned(), named: named.to_owned() }
    }

    /// The path of the directory, for display.
    pub fn path(&self) -> PathBuf {
        self.home.join(Path::new(&self.named).components().collect::<PathBuf>())
    }

    /// The path of the directory, which is not reached by a link, and which other users cannot write to.
    fn open(&self) -> Result<PathBuf, SecretStoreError> {
        let opened = resolve_place(&self.home, &self.named).and_then(|path| {
            check_place_folder(&path)?;
            Ok(path)
        });
        opened.map_err(|refused| self.refused_error(&self.path(), &refused))
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
        let path = self.open()?;
        create_private_folder(&path).map_err(|error| cannot("cannot be created", &error))?;
        if path.join(IGNORE).symlink_metadata().is_err() {
            write_private_file(&path.join(IGNORE), b"*\n").map_err(|error| cannot("cannot be written to", &error))?;
        }
        // Only a write shows whether there is space and the right to write.
        let probe = path.join(PROBE);
        let tried = write_private_file(&probe, &[0; 4096]).and_then(|()| fs::remove_file(&probe));
        tried.map_err(|error| cannot("cannot be written to", &error))
    }

    /// Writes an entry, and replaces the existing one.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_entry(&self, name: &str, entry: &StoreEntry) -> Result<(), SecretStoreError> {
        let text = entry.to_secret_text().map_err(|problem| self.unreadable_entry_error(name, &problem))?;
        let path = self.open()?;
        create_private_folder(&path)
            .and_then(|()| write_private_file(&path.join(format!("{name}{ENTRY}")), text.expose_secret().as_bytes()))
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
        let path = self.open()?;
        let sync = || if cfg!(unix) { File::open(&path)?.sync_all() } else { Ok(()) };
        let removed = fs::remove_file(path.join(format!("{name}{ENTRY}"))).and_then(|()| sync());
        removed.map_err(|error| self.to_secret_store_error("cannot be written to", &error))
    }

    /// Removes the incomplete files of a run that was killed.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub fn remove_partial_files(&self) -> Result<(), SecretStoreError> {
        let path = self.open()?;
        for file in self.list_files()?.iter().filter(|file| HALF.iter().any(|half| file.ends_with(half))) {
            fs::remove_file(path.join(file))
                .map_err(|error| self.to_secret_store_error("cannot be written to", &error))?;
        }
        Ok(())
    }

    fn entry_path(&self, name: &str) -> PathBuf {
        self.path().join(format!("{name}{ENTRY}"))
    }

    /// The names of all files, sorted. Empty if the directory does not exist.
    fn list_files(&self) -> Result<BTreeSet<String>, SecretStoreError> {
        let cannot = |error: &io::Error| self.to_secret_store_error("cannot be read", error);
        let listed = match fs::read_dir(self.open()?) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
            listed => listed.map_err(|error| cannot(&error))?,
        };
        listed
            .map(|file| Ok(file.map_err(|error| cannot(&error))?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn read_entry_text(&self, name: &str) -> Result<Option<SecretSlice<u8>>, SecretStoreError> {
        let file = format!("{name}{ENTRY}");
        match read_private_file(&self.open()?, Path::new(&file), LARGEST_ENTRY) {
            Ok(bytes) => Ok(bytes.map(Into::into)),
            Err(PathError::Io(error)) => Err(self.to_secret_store_error("cannot be read", &error)),
            Err(refused) => Err(self.refused_error(&self.entry_path(name), &refused)),
        }
    }

    fn refused_error(&self, path: &Path, refused: &PathError) -> SecretStoreError {
        let help = refused.help_text().unwrap_or_else(|| "set another `path`".to_owned());
        SecretStoreError { store: self.store.clone(), problem: format!("{} {refused}", path.display()), help }
    }

    fn to_secret_store_error(&self, what: &str, error: &io::Error) -> SecretStoreError {
        SecretStoreError {
            store: self.store.clone(),
            problem: format!("{} {what}: {error}", self.path().display()),
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
        SecretFolder::for_store("vault", home.path(), "a/b")
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
            assert!(folder.prepare_directory().unwrap_err().problem.contains("can be written by other users"));
        }
        let file = home.path().join("file");
        fs::write(&file, "x").unwrap();
        assert!(SecretFolder::for_store("vault", home.path(), "file").prepare_directory().is_err());
        assert!(
            SecretFolder::for_store("vault", home.path(), "file")
                .read_all_records()
                .unwrap_err()
                .problem
                .contains("is not a folder but a file")
        );
    }
}
