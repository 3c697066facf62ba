//! Reads a stack's directory: its `*.hcl` and `*.auto.hclvars` files, and the files that expressions name.
//!
//! In: the path of the directory. Out: files with the names that the user knows. Invariant: a file that an expression names is inside the
//! stack's directory, a module and its files are inside the repository, also after links are resolved.
#![allow(clippy::disallowed_methods, reason = "reads the stack's files")]

use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;

use super::error::WorkflowError;
use super::repository::{Repository, find_git_root};
use crate::config::{SourceFile, StackFiles, join_path};

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
    /// The root of the repository. Modules and their files must be inside it.
    root: PathBuf,
}

impl StackDirectory {
    /// Opens the directory `dir` relative to `here`, or `here` itself.
    ///
    /// # Errors
    /// The path is not a directory.
    pub fn open_directory(working_directory: &Path, dir: Option<&Path>) -> Result<Self, WorkflowError> {
        let path = dir.map_or_else(|| working_directory.to_path_buf(), |dir| resolve_path(working_directory, dir));
        let shown = dir.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
        if !path.is_dir() {
            let what = if path.exists() { "is not a directory" } else { "does not exist" };
            return Err(anyhow::anyhow!("{} {what}; a stack is a directory with *.hcl files", path.display()).into());
        }
        let root = find_git_root(&path).unwrap_or_else(|| path.clone());
        Ok(Self { working_directory: working_directory.to_path_buf(), path, shown, root })
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
    /// The directory or a file cannot be read.
    pub fn read_files(&self, ending: &str) -> Result<Vec<SourceFile>, WorkflowError> {
        Ok(self.read_files_in(&self.path, ".", ending)?)
    }

    /// Reads the files of a directory whose names have this ending. `within` is the path of the directory relative to the stack's
    /// directory.
    fn read_files_in(&self, directory: &Path, within: &str, ending: &str) -> anyhow::Result<Vec<SourceFile>> {
        let entries = std::fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?;
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", directory.display()))?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(ending) && !name.starts_with('.') && path.is_file() {
                files.push(self.read_source_file(&path, &join_path(within, &name))?);
            }
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    /// The name of a file relative to the stack's directory, from the name that is shown to the user.
    pub fn relative_name(&self, name: &str) -> String {
        Path::new(name).strip_prefix(&self.shown).unwrap_or(Path::new(name)).display().to_string()
    }

    fn read_source_file(&self, path: &Path, name: &str) -> anyhow::Result<SourceFile> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(SourceFile { name: self.displayed_name(name), bytes: bytes.into() })
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

    /// The path without links of the file at `path`, which is relative to the stack's directory. A path to a module outside the stack's
    /// directory starts with `..` and must be inside the repository. Any other path must be inside the stack's directory.
    fn resolve_real_path(&self, path: &str) -> Result<PathBuf, String> {
        let relative = Path::new(path);
        let outside = path == ".." || path.starts_with("../");
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        let mut parts = relative.components().skip_while(|part| *part == Component::ParentDir);
        if !parts.all(plain) {
            return Err(format!("{path:?} is outside the stack's directory"));
        }
        let (bound, name) = if outside { (&self.root, "repository") } else { (&self.path, "stack's directory") };
        let (real, bound) = match (self.path.join(relative).canonicalize(), bound.canonicalize()) {
            (Ok(real), Ok(bound)) => (real, bound),
            (Err(error), _) | (_, Err(error)) => return Err(format!("{path:?} cannot be read: {error}")),
        };
        if real.starts_with(&bound) {
            return Ok(real);
        }
        let hint = if outside && self.root == self.path {
            "; no .git exists in a parent directory, so the stack's directory is treated as the repository root"
        } else {
            ""
        };
        Err(format!("{path:?} links to a path outside the {name}{hint}"))
    }
}

/// Collects the files below a directory, at any depth, by their path relative to it. Links to directories are not followed.
fn walk_files(directory: &Path, within: &str, into: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let name = if within.is_empty() { name } else { format!("{within}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk_files(&entry.path(), &name, into)?;
        } else if entry.path().is_file() {
            into.push(name);
        }
        if into.len() > MOST_LISTED {
            return Ok(());
        }
    }
    Ok(())
}

/// The maximum number of files that `fileset` searches.
const MOST_LISTED: usize = 100_000;

impl StackFiles for StackDirectory {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        let real = self.resolve_real_path(path)?;
        // Reading a pipe or a device would never end.
        if !real.is_file() {
            return Err(format!("{path:?} is not a file"));
        }
        std::fs::read(real).map_err(|error| format!("{path:?} cannot be read: {error}"))
    }

    fn contains_file(&self, path: &str) -> Result<bool, String> {
        match self.resolve_real_path(path) {
            Ok(real) => Ok(real.is_file()),
            // A path at which nothing exists is not an error: the answer is `false`.
            Err(_) if !self.path.join(path).exists() => Ok(false),
            Err(problem) => Err(problem),
        }
    }

    fn list_files(&self, path: &str) -> Result<Vec<String>, String> {
        let real = self.resolve_real_path(path)?;
        let mut files = Vec::new();
        walk_files(&real, "", &mut files)
            .map_err(|error| format!("the files under {path:?} cannot be listed: {error}"))?;
        if files.len() > MOST_LISTED {
            return Err(format!("there are more than {MOST_LISTED} files under {path:?}"));
        }
        files.sort();
        Ok(files)
    }

    fn read_module(&self, directory: &str) -> Result<Vec<SourceFile>, String> {
        let real = self.resolve_real_path(directory)?;
        if !real.is_dir() {
            return Err(format!("{directory:?} is not a directory"));
        }
        self.read_files_in(&real, directory, ".hcl").map_err(|problem| format!("{problem:#}"))
    }
}
