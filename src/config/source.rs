//! The text that a stack is made of.

use std::ops::Range;
use std::sync::Arc;

/// The number of a file within [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// One file of a stack.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Its path as people know it: relative to where they stand, or as they typed it.
    pub name: String,
    /// Its content. Bytes, because a file that is not UTF-8 is a finding, not a failure to read.
    pub bytes: Arc<[u8]>,
}

/// The files of a stack, in the order of their names, and behind them files that hold values for its variables.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
    /// How many of `files` declare the stack; the rest hold values.
    declaring: usize,
}

impl Sources {
    /// Takes files in any order.
    #[must_use]
    pub fn new(mut files: Vec<SourceFile>) -> Self {
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Self { declaring: files.len(), files }
    }

    /// The same, with files of `name = value` lines for variables. Which of them count, and in which order, is for
    /// [`super::Inputs`] to say.
    #[must_use]
    pub fn with_variable_files(mut self, files: Vec<SourceFile>) -> Self {
        self.files.extend(files);
        self
    }

    /// The files that declare the stack.
    pub fn stack_files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.iter().take(self.declaring)
    }

    /// The files that hold values for variables.
    pub fn variable_files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.iter().skip(self.declaring)
    }

    /// Each file with its number.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(index, file)| (FileId(u32::try_from(index).unwrap_or(u32::MAX)), file))
    }

    /// The file of that number.
    #[must_use]
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(usize::try_from(id.0).ok()?)
    }
}

/// A range of bytes in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Which file.
    pub file: FileId,
    /// Which bytes.
    pub bytes: Range<usize>,
}

/// Files beside the configuration that expressions may read, such as with `file("policy.json")`. Paths are relative to the
/// stack's directory; the edge refuses what lies outside it.
pub trait StackFiles: Sync {
    /// The content of the file at `path`. The error is a sentence for the diagnostic.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;

    /// Whether a file is at `path`.
    fn exists(&self, path: &str) -> Result<bool, String> {
        Ok(self.read(path).is_ok())
    }

    /// The files under the folder at `path`, at any depth, relative to it, with `/` between folders.
    fn list(&self, path: &str) -> Result<Vec<String>, String> {
        Err(format!("the files under {path} cannot be listed here"))
    }
}

/// No files: what reads one is told that there is none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl StackFiles for NoFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("there is no file {path}"))
    }
}
