//! Reads a stack's directory: its `*.hcl` and `*.auto.hclvars` files, and the files that expressions name.
//!
//! In: the path of the directory. Out: files with the names that the user knows. Invariant: a file that an expression names is inside the
//! stack's directory; sources, modules and their files are inside the repository, also after links are resolved. Hidden names, devices and
//! pipes are refused. `leasehold_files` enforces this; a refused file is not read, so no diagnostic quotes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use leasehold_files::{BoundedFolder, PathError, check_place_folder, find_repository, resolve_place};

use super::error::WorkflowError;
use super::repository::Repository;
use crate::config::{Diagnostic, FileId, PlaceKind, SourceFile, Sources, StackFiles, join_path};
use crate::hcl::budget::LONGEST_STRING;
use crate::hcl::source::FileSpan;
use crate::secret_store::is_secret_entry;

/// The most that is read of all sources of a stack together, in bytes: about 250,000 identities.
const LARGEST_STACK: u64 = 64 << 20;

/// The largest file that an expression reads, in bytes: the longest string of the language.
const LARGEST_READ: u64 = LONGEST_STRING as u64;

/// Resolves `path` relative to `here`, without a needless `./` in front.
#[must_use]
pub fn resolve_path(working_directory: &Path, path: &Path) -> PathBuf {
    if working_directory == Path::new(".") { path.to_path_buf() } else { working_directory.join(path) }
}

/// A stack's directory.
#[derive(Debug, Clone)]
pub struct StackDirectory {
    /// The directory that file names are relative to.
    working_directory: PathBuf,
    path: PathBuf,
    shown: PathBuf,
    /// The root of the repository, which bounds modules and links. Without a repository, the stack's directory.
    root: BoundedFolder,
    /// Whether `root` is the root of a repository.
    in_repository: bool,
    /// The bytes of sources that were read so far.
    source_bytes: Arc<AtomicU64>,
    /// The places for records and secrets that were resolved so far.
    places: Arc<Mutex<BTreeMap<String, Option<PathBuf>>>>,
}

/// A source, and why it was not read.
struct ReadSource {
    /// The file; empty if it is refused.
    file: SourceFile,
    /// `None`: it was read.
    refused: Option<PathError>,
}

impl StackDirectory {
    /// Opens the directory `dir` relative to `here`, or `here` itself.
    ///
    /// # Errors
    /// The path is not a directory, or leaves its repository by a link.
    pub fn open_directory(working_directory: &Path, dir: Option<&Path>) -> Result<Self, WorkflowError> {
        let path = dir.map_or_else(|| working_directory.to_path_buf(), |dir| resolve_path(working_directory, dir));
        let shown = dir.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
        if !path.is_dir() {
            let what = if path.exists() { "is not a directory" } else { "does not exist" };
            return Err(anyhow::anyhow!("{} {what}; a stack is a directory with *.hcl files", path.display()).into());
        }
        let (root, in_repository) =
            open_root(&path).map_err(|refused| anyhow::anyhow!("{} {refused}", path.display()))?;
        let working_directory = working_directory.to_path_buf();
        let (source_bytes, places) = (Arc::default(), Arc::default());
        Ok(Self { working_directory, path, shown, root, in_repository, source_bytes, places })
    }

    /// The path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The repository that contains the directory.
    pub fn repository(&self) -> Repository {
        Repository::find_for_directory(&self.working_directory, &self.path)
    }

    /// Reads the files directly in the directory whose names have this ending.
    ///
    /// # Errors
    /// The directory or a file cannot be read, or is refused. The error names all refused files.
    pub fn read_files(&self, ending: &str) -> Result<Vec<SourceFile>, WorkflowError> {
        let read = self.read_files_in(self.root.home(), ".", ending);
        let read = read.map_err(|refused| anyhow::anyhow!("{} {refused}", self.path.display()))?;
        match refused_files_error(&read) {
            Some(error) => Err(error),
            None => Ok(read.into_iter().map(|source| source.file).collect()),
        }
    }

    /// Reads the files of a directory whose names have this ending. `located` is the directory relative to the root, without links;
    /// `within` its path relative to the stack's directory. A refused file is empty.
    fn read_files_in(&self, located: &Path, within: &str, ending: &str) -> Result<Vec<ReadSource>, PathError> {
        let mut files = Vec::new();
        for entry in self.root.list_folder(located)? {
            let name = entry.name.to_string_lossy();
            if entry.is_folder || !name.ends_with(ending) {
                continue;
            }
            let shown = self.displayed_name(&join_path(within, &name));
            let (bytes, refused) = match self.read_source_bytes(&located.join(&entry.name), ending) {
                Ok(bytes) => (bytes, None),
                Err(refused) => (Vec::new(), Some(refused)),
            };
            files.push(ReadSource { file: SourceFile { name: shown, bytes: bytes.into() }, refused });
        }
        files.sort_by(|a, b| a.file.name.cmp(&b.file.name));
        Ok(files)
    }

    /// Reads a source. A link must lead to a file with the same ending: `x.hcl` must not show another file as a source.
    fn read_source_bytes(&self, path: &Path, ending: &str) -> Result<Vec<u8>, PathError> {
        let real = self.root.locate(path)?;
        if !real.to_string_lossy().ends_with(ending) {
            return Err(PathError::OtherEnding(ending.to_owned()));
        }
        let room = LARGEST_STACK.saturating_sub(self.source_bytes.load(Ordering::Relaxed));
        let bytes = self.root.read_file(&real, room).map_err(|refused| match refused {
            PathError::TooLarge(_) => PathError::StackTooLarge(LARGEST_STACK),
            refused => refused,
        })?;
        self.source_bytes.fetch_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(bytes)
    }

    /// The name of a file relative to the stack's directory, from the name that is shown to the user.
    pub fn relative_name(&self, name: &str) -> String {
        Path::new(name).strip_prefix(&self.shown).unwrap_or(Path::new(name)).display().to_string()
    }

    /// The name of a file that is shown to the user: it starts with the directory as the user typed it.
    fn displayed_name(&self, name: &str) -> String {
        if self.shown == Path::new(".") {
            return name.to_owned();
        }
        let shown = self.shown.display().to_string();
        if !name.starts_with("../") {
            return self.shown.join(name).display().to_string();
        }
        let joined = join_path(&shown, name);
        if shown.starts_with('/') { format!("/{joined}") } else { joined }
    }

    /// The file at `path`, which is relative to the stack's directory, as a path without links relative to the root. A path to a module
    /// outside the stack's directory starts with `..` and must be inside the repository. Any other path must be inside the stack's
    /// directory.
    fn locate(&self, path: &str) -> Result<PathBuf, PathError> {
        let outside = path == ".." || path.starts_with("../");
        let real = self.root.locate(&self.root.home().join(path))?;
        match outside || real.starts_with(self.root.home()) {
            true => Ok(real),
            false => Err(PathError::LinkOutside("the stack's directory")),
        }
    }

    /// The absolute path of a place for records or secrets. `None`: the place is refused. The answer is kept, because an expression may
    /// read very many files.
    fn resolve_known_place(&self, text: &str) -> Option<PathBuf> {
        let mut known = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(text.to_owned()).or_insert_with(|| resolve_place(&self.path, text).ok()).clone()
    }

    /// The sentence for a diagnostic about a refused path.
    fn describe_refusal(&self, path: &str, refused: &PathError) -> String {
        let leaves = matches!(refused, PathError::Outside(_) | PathError::LinkOutside(_));
        let hint = match leaves && path.starts_with("..") && !self.in_repository {
            true => {
                "; no .git exists in a parent directory, so the stack's directory is treated as the repository root"
            }
            false => "",
        };
        format!("{path:?} {refused}{hint}")
    }
}

/// The folder that bounds the stack in `path`: its repository, or the directory itself. The second value is whether it is a repository.
fn open_root(path: &Path) -> Result<(BoundedFolder, bool), PathError> {
    let real = path.canonicalize()?;
    let repository = find_repository(path)?;
    let in_repository = repository.is_some();
    let bound = if in_repository { "the repository" } else { "the stack's directory" };
    let root = BoundedFolder::open_folder(repository.as_deref().unwrap_or(&real), bound)?;
    let home = real.strip_prefix(root.path()).map_err(|_| PathError::LinkOutside(bound))?;
    let root = root.clone().with_home(home);
    Ok((root, in_repository))
}

/// The error for refused files, each with its name and no text. `None`: no file is refused.
fn refused_files_error(read: &[ReadSource]) -> Option<WorkflowError> {
    let (mut files, mut findings) = (Vec::new(), Vec::new());
    let refused = read.iter().filter_map(|source| Some((&source.file, source.refused.as_ref()?)));
    for (index, (file, why)) in refused.enumerate() {
        let span = FileSpan { file: FileId(u32::try_from(index).unwrap_or(u32::MAX)), bytes: 0..0 };
        let finding = Diagnostic::error("config::refused_file", format!("{} {why}", file.name));
        let finding = finding.with_location(span, "not read");
        findings.push(match why.help_text() {
            Some(help) => finding.with_help(help),
            None => finding,
        });
        files.push(file.clone());
    }
    (!findings.is_empty()).then(|| WorkflowError::Findings { findings, sources: Sources::new(files) })
}

impl StackFiles for StackDirectory {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        let read = self.locate(path).and_then(|real| self.root.read_file(&real, LARGEST_READ));
        let bytes = read.map_err(|refused| self.describe_refusal(path, &refused))?;
        // A copy, or the store of another stack in the repository.
        if is_secret_entry(&bytes) {
            return Err(format!("{path:?} is an entry of a secret store, which is never read"));
        }
        Ok(bytes)
    }

    fn contains_file(&self, path: &str) -> Result<bool, String> {
        match self.locate(path).and_then(|real| self.root.is_file(&real)) {
            // A path at which nothing exists is not an error: the answer is `false`.
            Err(PathError::Missing | PathError::NotAFile(_)) => Ok(false),
            answer => answer.map_err(|refused| self.describe_refusal(path, &refused)),
        }
    }

    fn list_files(&self, path: &str) -> Result<Vec<String>, String> {
        let listed = self.locate(path).and_then(|real| self.root.list_files(&real));
        let listed = listed.map_err(|refused| self.describe_refusal(path, &refused))?;
        Ok(listed.into_iter().filter_map(|file| file.into_os_string().into_string().ok()).collect())
    }

    fn read_module(&self, directory: &str) -> Result<Vec<SourceFile>, String> {
        let read = self.locate(directory).and_then(|real| self.read_files_in(&real, directory, ".hcl"));
        let mut files = Vec::new();
        for ReadSource { file, refused } in read.map_err(|refused| self.describe_refusal(directory, &refused))? {
            if let Some(refused) = refused {
                return Err(format!("{} {refused}", file.name));
            }
            files.push(file);
        }
        Ok(files)
    }

    fn find_protecting_place(&self, path: &str, places: &[String]) -> Result<Option<String>, String> {
        let Ok(real) = self.locate(path) else { return Ok(None) };
        let real = self.root.path().join(real);
        for text in places {
            let place = self.resolve_known_place(text);
            let place = place
                .ok_or_else(|| format!("no file is read while the path {text:?} of a store or backend is refused"))?;
            if real.starts_with(place) {
                return Ok(Some(text.clone()));
            }
        }
        Ok(None)
    }

    fn check_place(&self, path: &str, kind: PlaceKind) -> Result<(), (String, Option<String>)> {
        let checked = resolve_place(&self.path, path).and_then(|place| match kind {
            PlaceKind::Folder => check_place_folder(&place),
            PlaceKind::File => Ok(()),
        });
        checked.map_err(|refused| (format!("{path:?} {refused}"), refused.help_text()))
    }
}
