//! Reads a stack's directory: its `*.hcl`, its `*.auto.hclvars`, and the files that expressions name.

use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;

use super::failure::CommandError;
use super::repository::{Repository, find_git_root};
use crate::config::{SourceFile, StackFiles, join_path};

/// A stack's directory.
#[derive(Debug, Clone)]
pub struct StackDirectory {
    /// What names of files are relative to.
    here: PathBuf,
    path: PathBuf,
    shown: PathBuf,
    /// Where the repository begins: modules and their files lie within.
    root: PathBuf,
}

impl StackDirectory {
    /// The directory `dir` as seen from `here`, or `here` itself.
    pub fn open_directory(here: &Path, dir: Option<&Path>) -> Result<Self, CommandError> {
        let path = dir.map_or_else(|| here.to_path_buf(), |dir| super::resolve_path(here, dir));
        let shown = dir.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
        if !path.is_dir() {
            let what = if path.exists() { "is not a directory" } else { "does not exist" };
            return Err(anyhow::anyhow!("{} {what}; a stack is a directory with *.hcl files", path.display()).into());
        }
        let root = find_git_root(&path).unwrap_or_else(|| path.clone());
        Ok(Self { here: here.to_path_buf(), path, shown, root })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The repository around it.
    pub fn repository(&self) -> Repository {
        Repository::find_around(&self.here, &self.path)
    }

    /// The files of the directory itself whose name ends so, read.
    pub fn read_files(&self, ending: &str) -> Result<Vec<SourceFile>, CommandError> {
        Ok(self.read_files_in(&self.path, ".", ending)?)
    }

    /// The files of a directory whose name ends so, read. `within` is the way to it from the stack's directory.
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

    /// A file's name relative to the directory, from its name as people know it.
    pub fn relative_name(&self, name: &str) -> String {
        Path::new(name).strip_prefix(&self.shown).unwrap_or(Path::new(name)).display().to_string()
    }

    fn read_source_file(&self, path: &Path, name: &str) -> anyhow::Result<SourceFile> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(SourceFile { name: self.displayed_name(name), bytes: bytes.into() })
    }

    /// A file's name as people know it: seen from the directory they typed.
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

    /// The real path of what lies at `path`, seen from the stack's directory. What belongs to a module beside the stack begins
    /// with `..` and lies within the repository; all else lies within the stack's directory.
    fn resolve_real_path(&self, path: &str) -> Result<PathBuf, String> {
        let relative = Path::new(path);
        let outside = path == ".." || path.starts_with("../");
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        let mut parts = relative.components().skip_while(|part| *part == Component::ParentDir);
        if !parts.all(plain) {
            return Err(format!("{path:?} lies outside the stack's directory"));
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
            "; no .git is found above the stack, so its own directory counts as the repository"
        } else {
            ""
        };
        Err(format!("{path:?} leads outside the {name}{hint}"))
    }
}

/// The files under a directory, at any depth, by their path from it. Links to directories are not followed.
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

/// How many files `fileset` looks through.
const MOST_LISTED: usize = 100_000;

impl StackFiles for StackDirectory {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        let real = self.resolve_real_path(path)?;
        // A pipe or a device would be read for ever.
        if !real.is_file() {
            return Err(format!("{path:?} is not a file"));
        }
        std::fs::read(real).map_err(|error| format!("{path:?} cannot be read: {error}"))
    }

    fn contains_file(&self, path: &str) -> Result<bool, String> {
        match self.resolve_real_path(path) {
            Ok(real) => Ok(real.is_file()),
            // Where nothing is, nothing is hidden either.
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
