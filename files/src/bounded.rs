//! [`BoundedFolder`]: a folder that paths of the repository's text do not leave.
//!
//! A path is used in two steps. [`BoundedFolder::locate`] resolves its links within the folder and refuses what leads out or is hidden.
//! Its result has no links; [`BoundedFolder::read_file`] opens it part by part and follows none, so that a link that somebody creates in
//! between is an error:
//!
//! ```text
//! policies/read.json ─locate→ shared/read.json ─read_file→ open(root) → open(shared) → open(read.json)
//! ```

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use cap_fs_ext::{DirExt as _, FollowSymlinks, OpenOptionsFollowExt as _, OpenOptionsSyncExt as _};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use crate::PathError;
use crate::regular::read_within;

/// The maximum number of names that a listing visits.
pub const MAX_LISTED: usize = 100_000;

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FolderEntry {
    /// The name.
    pub name: OsString,
    /// Whether it is a folder itself, not a link to one.
    pub is_folder: bool,
    /// Whether it is a regular file itself, not a link to one.
    pub is_file: bool,
}

/// An open folder. Paths relative to it never lead out of it.
#[derive(Debug, Clone)]
pub struct BoundedFolder {
    dir: Arc<Dir>,
    path: PathBuf,
    /// The stack's directory relative to the folder. It may be in a hidden folder itself, such as `.github`.
    home: PathBuf,
    /// Its name in errors: `the repository`.
    bound: &'static str,
}

impl BoundedFolder {
    /// Opens the folder at `path`, whose links are followed: its name comes from the command line. `bound` is its name in errors.
    ///
    /// # Errors
    /// It is not a folder or cannot be opened.
    pub fn open_folder(path: &Path, bound: &'static str) -> Result<Self, PathError> {
        let path = path.canonicalize()?;
        let dir = Dir::open_ambient_dir(&path, ambient_authority())?;
        Ok(Self { dir: Arc::new(dir), path, home: PathBuf::new(), bound })
    }

    /// The same folder, for the stack in `home`, a path relative to the folder without links: hidden folders that contain the stack count as
    /// visible.
    #[must_use]
    pub fn with_home(self, home: &Path) -> Self {
        Self { home: home.to_owned(), ..self }
    }

    /// The stack's directory relative to the folder.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The folder's absolute path, without links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Resolves the links of a path relative to the folder. The result has no links, and no `..`.
    ///
    /// # Errors
    /// Nothing is there, the path leads out, or a part of it is hidden.
    pub fn locate(&self, relative: &Path) -> Result<PathBuf, PathError> {
        let relative = normalize(relative).ok_or(PathError::Outside(self.bound))?;
        self.refuse_hidden(&relative)?;
        if relative.as_os_str().is_empty() {
            return Ok(relative);
        }
        let real = self.dir.canonicalize(&relative).map_err(|error| PathError::from_io(error, self.bound))?;
        let real = normalize(&real).ok_or(PathError::LinkOutside(self.bound))?;
        self.refuse_hidden(&real)?;
        Ok(real)
    }

    /// Whether a regular file is at a path that [`BoundedFolder::locate`] returned.
    ///
    /// # Errors
    /// The path cannot be inspected.
    pub fn is_file(&self, located: &Path) -> Result<bool, PathError> {
        let (folder, name) = self.open_parent(located)?;
        Ok(folder.symlink_metadata(name)?.is_file())
    }

    /// Reads the regular file at a path that [`BoundedFolder::locate`] returned; at most `limit` bytes.
    ///
    /// # Errors
    /// It is not a regular file, is larger, or cannot be read.
    pub fn read_file(&self, located: &Path, limit: u64) -> Result<Vec<u8>, PathError> {
        let (folder, name) = self.open_parent(located)?;
        let there = folder.symlink_metadata(&name)?;
        if !there.is_file() {
            return Err(PathError::NotAFile(describe_kind(there.file_type())));
        }
        let mut options = OpenOptions::new();
        options.read(true).follow(FollowSymlinks::No).nonblock(true);
        let file = folder.open_with(&name, &options)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(PathError::NotAFile(describe_kind(metadata.file_type())));
        }
        read_within(file, metadata.len(), limit)
    }

    /// The names in the folder at a path that [`BoundedFolder::locate`] returned, sorted, without hidden ones.
    ///
    /// # Errors
    /// It is not a folder, cannot be read, or has more than [`MAX_LISTED`] names.
    pub fn list_folder(&self, located: &Path) -> Result<Vec<FolderEntry>, PathError> {
        let folder = self.open_walk(located)?;
        let mut entries = Vec::new();
        for entry in folder.entries()? {
            let entry = entry?;
            let name = entry.file_name();
            if is_hidden(&name) {
                continue;
            }
            let kind = entry.file_type()?;
            entries.push(FolderEntry { name, is_folder: kind.is_dir(), is_file: kind.is_file() });
            if entries.len() > MAX_LISTED {
                return Err(PathError::TooMany(MAX_LISTED));
            }
        }
        entries.sort();
        Ok(entries)
    }

    /// The paths of all files below a folder, at any depth, relative to it and sorted. A link counts if it leads to a file within the bound;
    /// links to folders are not followed. Hidden names are left out.
    ///
    /// # Errors
    /// A folder cannot be read, or more than [`MAX_LISTED`] names are visited.
    pub fn list_files(&self, located: &Path) -> Result<Vec<PathBuf>, PathError> {
        let mut waiting = vec![PathBuf::new()];
        let (mut files, mut visited) = (Vec::new(), 0_usize);
        while let Some(below) = waiting.pop() {
            let entries = self.list_folder(&located.join(&below))?;
            visited = visited.saturating_add(entries.len());
            if visited > MAX_LISTED {
                return Err(PathError::TooMany(MAX_LISTED));
            }
            for FolderEntry { name, is_folder, is_file } in entries {
                let path = below.join(&name);
                if is_folder {
                    waiting.push(path);
                } else if is_file || self.is_link_to_file(&located.join(&path)) {
                    files.push(path);
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// Refuses a hidden name in a path, except for those that lead to the stack's own directory.
    fn refuse_hidden(&self, path: &Path) -> Result<(), PathError> {
        let shared = path.iter().zip(self.home.iter()).take_while(|(name, own)| name == own).count();
        match path.iter().skip(shared).find(|name| is_hidden(name)) {
            Some(name) => Err(PathError::Hidden(name.to_string_lossy().into_owned())),
            None => Ok(()),
        }
    }

    /// Whether a link leads to a regular file within the bound.
    fn is_link_to_file(&self, path: &Path) -> bool {
        self.locate(path).and_then(|real| self.is_file(&real)).unwrap_or(false)
    }

    /// The folder that contains the last part of a path, and that part.
    fn open_parent(&self, located: &Path) -> Result<(Dir, OsString), PathError> {
        let Some(name) = located.file_name() else { return Err(PathError::NotAFile("a folder")) };
        Ok((self.open_walk(located.parent().unwrap_or(Path::new("")))?, name.to_owned()))
    }

    /// Opens a folder part by part. No part may be a link.
    fn open_walk(&self, located: &Path) -> Result<Dir, PathError> {
        let mut dir = self.dir.try_clone()?;
        for part in located.components() {
            let Component::Normal(name) = part else { return Err(PathError::Outside(self.bound)) };
            let next = dir.open_dir_nofollow(name);
            dir = next.map_err(|error| match error.kind() {
                io::ErrorKind::NotADirectory => PathError::NotAFolder("a file"),
                _ => PathError::from_io(error, self.bound),
            })?;
        }
        Ok(dir)
    }
}

/// A relative path without `.` and `..`. `None`: it is absolute or leads above its start.
fn normalize(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => normal.push(name),
            Component::ParentDir => {
                if !normal.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(normal)
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn describe_kind(kind: cap_std::fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use cap_std::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_block_device() || kind.is_char_device() {
            return "a device";
        }
    }
    match (kind.is_dir(), kind.is_symlink()) {
        (true, _) => "a folder",
        (_, true) => "a link",
        _ => "something else",
    }
}
