//! Files and folders that only their owner can use: records, keys, secrets, plans.
//!
//! Invariant: a file that is created here has mode 0600 and a folder 0700, whatever the umask. A link at the path is never followed.

use std::fs::{DirBuilder, File, Metadata};
use std::io::{self, Write as _};
use std::path::Path;

use crate::PathError;
use crate::regular::{describe_kind, open_regular, read_within};

/// From here on, this process creates files with mode 0600 at most and folders with 0700. Libraries such as SQLite and `object_store`
/// create files themselves and only obey the umask.
pub fn keep_new_files_private() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Creates a folder and its missing parents with mode 0700. One that exists keeps its mode.
///
/// # Errors
/// It cannot be created, or something else is there.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Writes a file with mode 0600, in place of one that may exist. A reader sees the old bytes or the new ones, also after a crash. A link
/// at the path is replaced, not followed.
///
/// # Errors
/// The folder does not exist or cannot be written.
pub fn write_private_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut next = tempfile::Builder::new().prefix(".").suffix(".next").tempfile_in(folder)?;
    restrict_to_owner(next.as_file())?;
    next.write_all(bytes)?;
    next.as_file().sync_all()?;
    next.persist(path)?;
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// `tempfile` asks for mode 0600, of which a umask such as 0277 would remove more.
fn restrict_to_owner(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    let _ = file;
    Ok(())
}

/// Reads a file of a folder of records or secrets, at most `limit` bytes. `name` is relative to the folder. `None`: it does not exist.
///
/// # Errors
/// A part of `name` is a link, it is not a regular file, it is larger, or it cannot be read.
pub fn read_private_file(folder: &Path, name: &Path, limit: u64) -> Result<Option<Vec<u8>>, PathError> {
    let mut path = folder.to_owned();
    let parents = name.parent().unwrap_or(Path::new(""));
    for part in parents {
        path.push(part);
        match path.symlink_metadata() {
            Ok(found) if found.is_symlink() => return Err(PathError::Link(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
    }
    match open_regular(&folder.join(name)) {
        Ok((file, metadata)) => Ok(Some(read_within(file, metadata.len(), limit)?)),
        Err(PathError::Missing) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a plain file of the owner is at the path. `false`: nothing is there.
///
/// # Errors
/// Something else is there, such as a link or a device, or other users can write to it.
pub fn check_plain_file(path: &Path) -> Result<bool, PathError> {
    let metadata = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        metadata => metadata?,
    };
    if metadata.is_symlink() {
        return Err(PathError::Link(path.to_owned()));
    }
    if !metadata.is_file() {
        return Err(PathError::NotAFile(describe_kind(metadata.file_type())));
    }
    refuse_shared_file(path, &metadata)?;
    Ok(true)
}

/// Creates an empty file with mode 0600. One that exists is left as it is.
///
/// # Errors
/// It cannot be created.
pub fn create_private_file(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(file) => restrict_to_owner(&file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Refuses a file or folder that other users can write to.
///
/// # Errors
/// They can.
pub fn refuse_shared_file(path: &Path, metadata: &Metadata) -> Result<(), PathError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o022 != 0 {
            return Err(PathError::SharedWrite { path: path.to_owned(), mode });
        }
    }
    let _ = (path, metadata);
    Ok(())
}
