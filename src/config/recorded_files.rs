//! Records which files the expressions of a stack read, and refuses those in its places for records and secrets. A saved plan pins the
//! digests of the files that were read.

use std::cell::RefCell;
use std::collections::BTreeMap;

use leasehold_provider::Digest;

use super::places::StackPlaces;
use super::sources::StackFiles;
use crate::hcl::files::{ReadableFiles, join_path};

/// The files of a stack, with a record of what was read.
pub struct RecordedFiles<'a> {
    files: &'a dyn StackFiles,
    places: &'a StackPlaces,
    read: RefCell<BTreeMap<String, Digest>>,
}

impl<'a> RecordedFiles<'a> {
    /// Starts an empty record.
    #[must_use]
    pub fn new(files: &'a dyn StackFiles, places: &'a StackPlaces) -> Self {
        Self { files, places, read: RefCell::default() }
    }

    /// The digest of the bytes of each file that was read so far, by path.
    #[must_use]
    pub fn list_read_files(&self) -> BTreeMap<String, Digest> {
        self.read.borrow().clone()
    }
}

impl ReadableFiles for RecordedFiles<'_> {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        self.places.admit_path(self.files, path)?;
        let bytes = self.files.read_file(path)?;
        self.read.borrow_mut().insert(path.to_owned(), Digest::from_bytes(&bytes));
        Ok(bytes)
    }

    fn contains_file(&self, path: &str) -> Result<bool, String> {
        self.places.admit_path(self.files, path)?;
        self.files.contains_file(path)
    }

    fn list_files(&self, path: &str) -> Result<Vec<String>, String> {
        self.places.admit_path(self.files, path)?;
        let mut files = self.files.list_files(path)?;
        files.retain(|file| !self.places.contains_name(&join_path(path, file)));
        Ok(files)
    }
}
