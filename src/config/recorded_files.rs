//! Records which files the expressions of a stack read. A saved plan pins the digests of these files.

use std::cell::RefCell;
use std::collections::BTreeMap;

use leasehold_provider::Digest;

use super::sources::StackFiles;
use crate::hcl::files::ReadableFiles;

/// The files of a stack, with a record of what was read.
pub struct RecordedFiles<'a> {
    files: &'a dyn StackFiles,
    read: RefCell<BTreeMap<String, Digest>>,
}

impl<'a> RecordedFiles<'a> {
    /// Starts an empty record.
    #[must_use]
    pub fn new(files: &'a dyn StackFiles) -> Self {
        Self { files, read: RefCell::default() }
    }

    /// The digest of the bytes of each file that was read so far, by path.
    #[must_use]
    pub fn list_read_files(&self) -> BTreeMap<String, Digest> {
        self.read.borrow().clone()
    }
}

impl ReadableFiles for RecordedFiles<'_> {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        let bytes = self.files.read_file(path)?;
        self.read.borrow_mut().insert(path.to_owned(), Digest::from_bytes(&bytes));
        Ok(bytes)
    }

    fn contains_file(&self, path: &str) -> Result<bool, String> {
        self.files.contains_file(path)
    }

    fn list_files(&self, path: &str) -> Result<Vec<String>, String> {
        self.files.list_files(path)
    }
}
