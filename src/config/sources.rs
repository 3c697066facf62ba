//! The files that make up a stack.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::hcl::files::{ROOT_DIRECTORY, join_path};
use crate::hcl::source::{FileId, SourceFile};

/// The files of a stack, in three groups: the files that declare the stack, sorted by name; then files with values for its variables; then
/// the files of the modules that it calls.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
    /// How many of `files` declare the stack.
    declaring: usize,
    /// How many files after those have variable values.
    values: usize,
    /// The range of `files` for each module, by its directory relative to the stack's; or why they could not be read.
    modules: BTreeMap<String, Result<Range<usize>, String>>,
}

impl Sources {
    /// Creates the sources of a stack. The files may be in any order.
    #[must_use]
    pub fn new(mut files: Vec<SourceFile>) -> Self {
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Self { declaring: files.len(), files, ..Self::default() }
    }

    /// Adds files of `name = value` lines for variables. [`super::ConfigInputs`] decides which of them are used, and in which order.
    #[must_use]
    pub fn with_variable_files(mut self, files: Vec<SourceFile>) -> Self {
        let at = self.declaring.saturating_add(self.values).min(self.files.len());
        self.values = self.values.saturating_add(files.len());
        self.files.splice(at..at, files);
        self
    }

    /// Adds a module's files, or the reason why they cannot be read. They go last, so that existing file numbers stay valid.
    pub fn add_module(&mut self, directory: &str, files: Result<Vec<SourceFile>, String>) {
        let range = files.map(|mut files| {
            files.sort_by(|a, b| a.name.cmp(&b.name));
            let from = self.files.len();
            self.files.append(&mut files);
            from..self.files.len()
        });
        self.modules.insert(directory.to_owned(), range);
    }

    /// The directories of all added modules, relative to the stack's.
    pub fn module_directories(&self) -> impl Iterator<Item = &str> {
        self.modules.keys().map(String::as_str)
    }

    /// The files of a module. `None`: the module was not added. The error is the reason why it cannot be read.
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

    /// Renames the files. Their numbers stay the same.
    #[must_use]
    pub fn with_names(&self, name: impl Fn(&str) -> String) -> Self {
        let mut renamed = self.clone();
        renamed.files.iter_mut().for_each(|file| file.name = name(&file.name));
        renamed
    }

    /// The files that declare the stack.
    pub fn stack_files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> + Clone {
        self.iter().take(self.declaring)
    }

    /// The files with values for variables.
    pub fn variable_files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.iter().skip(self.declaring).take(self.values)
    }

    /// Whether a file has values for variables. No line of it is ever shown: the lines beside a value may be secret.
    #[must_use]
    pub fn is_variable_file(&self, id: FileId) -> bool {
        let after = usize::try_from(id.0).ok().and_then(|index| index.checked_sub(self.declaring));
        after.is_some_and(|index| index < self.values)
    }

    /// Each file with its number.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> + Clone {
        self.files.iter().enumerate().map(|(index, file)| (FileId(u32::try_from(index).unwrap_or(u32::MAX)), file))
    }

    /// The file with that number. `None`: there is none.
    #[must_use]
    pub fn get_file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(usize::try_from(id.0).ok()?)
    }
}

/// Access to files other than the configuration: files that expressions read, for example with `file("policy.json")`, and the files of
/// modules.
///
/// Paths are relative to the stack's directory. Paths of modules outside it start with `..`. The implementation refuses files outside the
/// stack's directory; for module paths, it refuses files outside the repository.
pub trait StackFiles: Sync {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// A sentence for the diagnostic that says why the file cannot be read.
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String>;

    /// Whether there is a file at `path`.
    ///
    /// # Errors
    ///
    /// A sentence for the diagnostic.
    fn contains_file(&self, path: &str) -> Result<bool, String> {
        Ok(self.read_file(path).is_ok())
    }

    /// Lists the files under the folder at `path`, at any depth. The results are relative to it, with `/` as separator.
    ///
    /// # Errors
    ///
    /// A sentence for the diagnostic that says why the files cannot be listed.
    fn list_files(&self, path: &str) -> Result<Vec<String>, String> {
        Err(format!("the files under {path} cannot be listed here"))
    }

    /// Reads the `*.hcl` files of the module in that directory.
    ///
    /// # Errors
    ///
    /// A sentence for the diagnostic that says why the module cannot be read.
    fn read_module(&self, directory: &str) -> Result<Vec<SourceFile>, String> {
        Err(format!("there is no directory {directory}"))
    }

    /// Which of these places contains the file or folder at `path`, after links are resolved. The places are relative to the stack's
    /// directory, or absolute. `None`: none of them.
    ///
    /// # Errors
    ///
    /// A sentence for the diagnostic: a place is refused itself, so it is not known what it contains.
    fn find_protecting_place(&self, path: &str, places: &[String]) -> Result<Option<String>, String> {
        let path = join_path(ROOT_DIRECTORY, path);
        let contains = |place: &&String| {
            let rest = path.strip_prefix(&join_path(ROOT_DIRECTORY, place));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        Ok(places.iter().find(contains).cloned())
    }

    /// Checks a place for records or secrets that the configuration names.
    ///
    /// # Errors
    ///
    /// A sentence for the diagnostic that says why the place is refused, and what to do.
    fn check_place(&self, _path: &str, _kind: PlaceKind) -> Result<(), (String, Option<String>)> {
        Ok(())
    }
}

/// What is at a place for records or secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceKind {
    /// A folder of records or secrets.
    Folder,
    /// One file, with others beside it.
    File,
}

/// No files: every read is an error.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl StackFiles for NoFiles {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("there is no file {path}"))
    }
}
