//! Names of files for code hosts: relative to the root of the repository, with forward slashes, whatever the working directory, `-C`, the
//! stack's directory or links on the way. People get paths as seen from where they are instead.

use std::path::{Component, Path, PathBuf};

use crate::config::Sources;

/// A repository, by its root.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The directory that paths are relative to: the working directory, or that of `-C`.
    here: PathBuf,
    /// The real path of the root.
    root: PathBuf,
}

/// The nearest directory at or above `path` that holds `.git`, a directory or the file of a further work tree.
pub fn find_git_root(path: &Path) -> Option<PathBuf> {
    let whole = path.canonicalize().ok()?;
    whole.ancestors().find(|above| above.join(".git").exists()).map(Path::to_path_buf)
}

impl Repository {
    /// The repository around `directory`; without one, `here` counts as its root.
    pub fn find_around(here: &Path, directory: &Path) -> Self {
        let root = find_git_root(directory).or_else(|| here.canonicalize().ok()).unwrap_or_else(|| here.to_owned());
        Self { here: here.to_owned(), root }
    }

    /// The same files, named for code hosts.
    pub fn name_files(&self, sources: &Sources) -> Sources {
        sources.with_names(|name| self.path_from_root(Path::new(name)))
    }

    /// A file's path from the root; its absolute path where it lies outside, and `path` itself where there is no such file. A link
    /// within the repository leads to the file that has the text.
    pub fn path_from_root(&self, path: &Path) -> String {
        let full = self.here.join(path);
        let beside = || Some(full.parent()?.canonicalize().ok()?.join(full.file_name()?));
        let real = full.canonicalize().ok();
        let whole = real.iter().cloned().chain(beside());
        let mut inside = whole.filter_map(|whole| Some(whole.strip_prefix(&self.root).ok()?.to_owned()));
        match inside.next() {
            Some(inside) => join_with_slashes(&inside),
            None => real.as_deref().unwrap_or(path).display().to_string(),
        }
    }
}

/// A relative path with `/` between its parts.
fn join_with_slashes(path: &Path) -> String {
    let parts = path.components().filter(|part| matches!(part, Component::Normal(_)));
    parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>().join("/")
}
