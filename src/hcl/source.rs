//! Source files and places in them.

use std::ops::Range;
use std::sync::Arc;

/// The number of a file among the files of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// One file of a configuration.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Its path for diagnostics: relative to the working directory, or as the user typed it.
    pub name: String,
    /// Its content. Bytes, because a file that is not UTF-8 is a finding and not a read error.
    pub bytes: Arc<[u8]>,
}

/// A range of bytes in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSpan {
    /// Which file.
    pub file: FileId,
    /// The byte range.
    pub bytes: Range<usize>,
}
