//! The text that a stack is made of.

use std::collections::BTreeMap;
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

/// The files of a stack, in the order of their names, behind them files that hold values for its variables, and behind those
/// the files of the modules that it calls.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
    /// How many of `files` declare the stack.
    declaring: usize,
    /// How many after them hold values.
    values: usize,
    /// Which of `files` each module has, by its directory relative to the stack's; or why they could not be read.
    modules: BTreeMap<String, Result<Range<usize>, String>>,
}

impl Sources {
    /// Takes files in any order.
    #[must_use]
    pub fn new(mut files: Vec<SourceFile>) -> Self {
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Self { declaring: files.len(), files, ..Self::default() }
    }

    /// The same, with files of `name = value` lines for variables. Which of them count, and in which order, is for
    /// [`super::Inputs`] to say.
    #[must_use]
    pub fn with_variable_files(mut self, files: Vec<SourceFile>) -> Self {
        let at = self.declaring.saturating_add(self.values).min(self.files.len());
        self.values = self.values.saturating_add(files.len());
        self.files.splice(at..at, files);
        self
    }

    /// Adds a module's files, or why they cannot be read. It comes last: the numbers of other files stay.
    pub fn add_module(&mut self, directory: &str, files: Result<Vec<SourceFile>, String>) {
        let range = files.map(|mut files| {
            files.sort_by(|a, b| a.name.cmp(&b.name));
            let from = self.files.len();
            self.files.append(&mut files);
            from..self.files.len()
        });
        self.modules.insert(directory.to_owned(), range);
    }

    /// The directories of the modules that were asked for, relative to the stack's.
    pub fn module_directories(&self) -> impl Iterator<Item = &str> {
        self.modules.keys().map(String::as_str)
    }

    /// The files of a module. `None`: nobody asked for it; the error is why it cannot be read.
    #[must_use]
    pub fn find_module(&self, directory: &str) -> Option<Result<Vec<(FileId, &SourceFile)>, &str>> {
        let range = self.modules.get(directory)?.as_ref();
        Some(range.map_err(String::as_str).map(|range| self.iter().skip(range.start).take(range.len()).collect()))
    }

    /// The files of all modules, each with its path relative to the stack's directory.
    pub fn module_files(&self) -> impl Iterator<Item = (String, &SourceFile)> {
        self.modules.iter().flat_map(|(directory, range)| {
            let files = range.as_ref().ok().and_then(|range| self.files.get(range.clone())).unwrap_or_default();
            files.iter().map(move |file| {
                let name = file.name.rsplit('/').next().unwrap_or(&file.name);
                (format!("{directory}/{name}"), file)
            })
        })
    }

    /// The same files under other names, their numbers unchanged.
    #[must_use]
    pub fn with_names(&self, name: impl Fn(&str) -> String) -> Self {
        let mut renamed = self.clone();
        renamed.files.iter_mut().for_each(|file| file.name = name(&file.name));
        renamed
    }

    /// The files that declare the stack.
    pub fn stack_files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.iter().take(self.declaring)
    }

    /// The files that hold values for variables.
    pub fn variable_files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.iter().skip(self.declaring).take(self.values)
    }

    /// Each file with its number.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(index, file)| (FileId(u32::try_from(index).unwrap_or(u32::MAX)), file))
    }

    /// The file of that number.
    #[must_use]
    pub fn get_file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(usize::try_from(id.0).ok()?)
    }
}

/// A range of bytes in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSpan {
    /// Which file.
    pub file: FileId,
    /// Which bytes.
    pub bytes: Range<usize>,
}

/// Files beside the configuration that expressions may read, such as with `file("policy.json")`, and the files of modules.
/// Paths are relative to the stack's directory; what belongs to a module outside of it begins with `..`. The edge refuses what
/// lies outside of the stack's directory, or for such paths outside of the repository.
pub trait StackFiles: Sync {
    /// The content of the file at `path`. The error is a sentence for the diagnostic.
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String>;

    /// Whether a file is at `path`.
    fn contains_file(&self, path: &str) -> Result<bool, String> {
        Ok(self.read_file(path).is_ok())
    }

    /// The files under the folder at `path`, at any depth, relative to it, with `/` between folders.
    fn list_files(&self, path: &str) -> Result<Vec<String>, String> {
        Err(format!("the files under {path} cannot be listed here"))
    }

    /// The `*.hcl` files of the module in that directory.
    fn read_module(&self, directory: &str) -> Result<Vec<SourceFile>, String> {
        Err(format!("there is no directory {directory}"))
    }
}

/// No files: what reads one is told that there is none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl StackFiles for NoFiles {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("there is no file {path}"))
    }
}
