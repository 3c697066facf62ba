//! Reads a stack's directory: its `*.hcl`, its `*.auto.hclvars`, and the files that expressions name.

use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;

use super::failure::Failure;
use crate::config::{SourceFile, StackFiles};

/// A stack's directory.
#[derive(Debug, Clone)]
pub struct StackDirectory {
    path: PathBuf,
    shown: PathBuf,
}

impl StackDirectory {
    /// The directory `dir` as seen from `here`, or `here` itself.
    pub fn open(here: &Path, dir: Option<&Path>) -> Result<Self, Failure> {
        let path = dir.map_or_else(|| here.to_path_buf(), |dir| super::below(here, dir));
        let shown = dir.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
        if !path.is_dir() {
            let what = if path.exists() { "is not a directory" } else { "does not exist" };
            return Err(anyhow::anyhow!("{} {what}; a stack is a directory with *.hcl files", path.display()).into());
        }
        Ok(Self { path, shown })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory as it was typed.
    pub fn shown(&self) -> String {
        self.shown.display().to_string()
    }

    /// The files of the directory itself whose name ends so, read.
    pub fn files(&self, ending: &str) -> Result<Vec<SourceFile>, Failure> {
        let entries = std::fs::read_dir(&self.path).with_context(|| format!("cannot list {}", self.path.display()))?;
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", self.path.display()))?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(ending) && !name.starts_with('.') && path.is_file() {
                files.push(self.read(&path, &name)?);
            }
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    /// A file's name relative to the directory, from its name as people know it.
    pub fn relative(&self, name: &str) -> String {
        Path::new(name).strip_prefix(&self.shown).unwrap_or(Path::new(name)).display().to_string()
    }

    fn read(&self, path: &Path, name: &str) -> Result<SourceFile, Failure> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(SourceFile { name: self.name_of(name), bytes: bytes.into() })
    }

    /// A file's name as people know it: below the directory they typed.
    fn name_of(&self, name: &str) -> String {
        if self.shown == Path::new(".") { name.to_owned() } else { self.shown.join(name).display().to_string() }
    }
}

impl StackFiles for StackDirectory {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let relative = Path::new(path);
        let inside = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !inside {
            return Err(format!("{path:?} lies outside the stack's directory"));
        }
        let full = self.path.join(relative);
        let (real, root) = match (full.canonicalize(), self.path.canonicalize()) {
            (Ok(real), Ok(root)) => (real, root),
            (Err(error), _) | (_, Err(error)) => return Err(format!("{path:?} cannot be read: {error}")),
        };
        if !real.starts_with(&root) {
            return Err(format!("{path:?} leads outside the stack's directory"));
        }
        std::fs::read(&real).map_err(|error| format!("{path:?} cannot be read: {error}"))
    }
}
