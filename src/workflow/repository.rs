//! File names for code hosts: relative to the root of the repository, with forward slashes, regardless of the working directory, `-C`, the
//! stack's directory and links. Text for people uses paths relative to the working directory instead.

use std::path::{Component, Path, PathBuf};

use leasehold_files::find_git_root;

use crate::config::Sources;

/// A repository, given by its root.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The directory that paths are relative to: the working directory or the argument of `-C`.
    working_directory: PathBuf,
    /// The path of the root without links.
    root: PathBuf,
}

impl Repository {
    /// The repository that contains `directory`. If there is none, `here` counts as its root.
    pub fn find_for_directory(working_directory: &Path, directory: &Path) -> Self {
        let root = find_git_root(directory)
            .or_else(|| working_directory.canonicalize().ok())
            .unwrap_or_else(|| working_directory.to_owned());
        Self { working_directory: working_directory.to_owned(), root }
    }

    /// The same files with the names that code hosts use.
    pub fn name_files(&self, sources: &Sources) -> Sources {
        sources.with_names(|name| self.path_from_root(Path::new(name)))
    }

    /// The path of a file relative to the root; its absolute path if the file is outside; `path` unchanged if no such file exists. A link
    /// within the repository is resolved to the file that has the text.
    pub fn path_from_root(&self, path: &Path) -> String {
        let full = self.working_directory.join(path);
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

/// The relative path with `/` between its parts.
fn join_with_slashes(path: &Path) -> String {
    let parts = path.components().filter(|part| matches!(part, Component::Normal(_)));
    parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>().join("/")
}
