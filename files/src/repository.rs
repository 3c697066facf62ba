//! Finds the repository that bounds a path.

use std::path::{Component, Path, PathBuf};

use crate::PathError;

/// The nearest directory at or above `path` that contains `.git`, without links: a directory, or the file of an additional work tree.
/// `None`: there is none.
#[must_use]
pub fn find_git_root(path: &Path) -> Option<PathBuf> {
    let whole = path.canonicalize().ok()?;
    whole.ancestors().find(|above| has_git(above)).map(Path::to_path_buf)
}

/// The repository of a path, as [`find_git_root`], for a path that must not leave by a link the repository in which it begins: `repo/a`,
/// where `a` is a link to `/elsewhere`, is refused. `None`: the path is in no repository.
///
/// # Errors
/// The path leaves the repository by a link, or does not exist.
pub fn find_repository(path: &Path) -> Result<Option<PathBuf>, PathError> {
    let typed = remove_dots(&std::path::absolute(path)?);
    let real = path.canonicalize()?;
    if let Some(begins) = typed.ancestors().find(|above| has_git(above)) {
        let begins = begins.canonicalize()?;
        if !real.starts_with(begins) {
            return Err(PathError::LinkOutside("the repository"));
        }
    }
    Ok(real.ancestors().find(|above| has_git(above)).map(Path::to_path_buf))
}

/// A path without `.` and `..`, as it is written: `repo/../values` does not begin in `repo`.
fn remove_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

fn has_git(directory: &Path) -> bool {
    directory.join(".git").exists()
}
