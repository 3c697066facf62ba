//! Places for records and secrets: the folder of a `backend` or `store`, the file of the embedded directory.
//!
//! The rule:
//!
//! ```text
//! relative path   inside the repository of the stack (without one: inside the stack's directory); `..` is allowed within it
//! absolute path   anywhere
//! both            no link on the way, no `.git`, not the stack's own directory or a folder above it; other users cannot write to it
//! ```
//!
//! Links in the root folder are followed, because only the administrator creates them: `/tmp` on macOS is one.

use std::path::{Component, Path, PathBuf};

use crate::PathError;
use crate::private::refuse_shared_file;
use crate::regular::describe_kind;
use crate::repository::find_repository;

/// The absolute path of a place that the stack in `directory` names. Nothing needs to be there yet.
///
/// # Errors
/// The rule above is broken. Permissions are checked by [`check_place_folder`].
pub fn resolve_place(directory: &Path, text: &str) -> Result<PathBuf, PathError> {
    let root = find_repository(directory)?;
    let directory = directory.canonicalize()?;
    let root = root.unwrap_or_else(|| directory.clone());
    let named = Path::new(text);
    let bound = if root == directory { "the stack's directory" } else { "the repository" };
    let path = if named.is_absolute() {
        walk_absolute(named)?
    } else {
        let path = join_within(&directory, named).filter(|path| path.starts_with(&root));
        path.ok_or(PathError::Outside(bound))?
    };
    let reserved = path.iter().find(|part| part.eq_ignore_ascii_case(".git"));
    if let Some(part) = reserved {
        return Err(PathError::Reserved(part.to_string_lossy().into_owned()));
    }
    if directory.starts_with(&path) {
        return Err(PathError::ContainsStack);
    }
    let known = if path.starts_with(&root) { root } else { first_folder(&path) };
    refuse_links(&path, &known)?;
    Ok(path)
}

/// Checks the folder of a place, if it exists: it is a folder, and other users cannot write to it.
///
/// # Errors
/// It is not, or they can.
pub fn check_place_folder(folder: &Path) -> Result<(), PathError> {
    let metadata = match folder.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    if metadata.is_symlink() {
        return Err(PathError::Link(folder.to_owned()));
    }
    if !metadata.is_dir() {
        return Err(PathError::NotAFolder(describe_kind(metadata.file_type())));
    }
    refuse_shared_file(folder, &metadata)
}

/// A path relative to a folder, without `.` and `..`. `None`: it leads above `/`.
fn join_within(directory: &Path, relative: &Path) -> Option<PathBuf> {
    let mut path = directory.to_owned();
    for part in relative.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => path.push(name),
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// An absolute path without `..`, with a link in the root folder resolved.
fn walk_absolute(path: &Path) -> Result<PathBuf, PathError> {
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(PathError::Outside("the folder before its `..`"));
    }
    let first = first_folder(path);
    match (first.canonicalize(), path.strip_prefix(&first)) {
        (Ok(real), Ok(rest)) => Ok(real.join(rest)),
        _ => Ok(path.to_owned()),
    }
}

/// The folder of the root folder that contains an absolute path: `/srv` of `/srv/leasehold`.
fn first_folder(path: &Path) -> PathBuf {
    path.components().take(2).collect()
}

/// Refuses a link on the way from `known`, whose links are trusted, to `path`, and at `path` itself.
fn refuse_links(path: &Path, known: &Path) -> Result<(), PathError> {
    let mut way = known.to_owned();
    for part in path.strip_prefix(known).unwrap_or(path) {
        way.push(part);
        match way.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() => return Err(PathError::Link(way)),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
                return Err(PathError::NotAFolder("a file"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
