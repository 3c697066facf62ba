//! Files that the command line names. The operator chose the path, but in a repository the author of a pull request chooses what is there:
//! a path that begins in a repository does not leave it by a link, and an output replaces a link rather than following it.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use crate::PathError;
use crate::private::write_private_file;
use crate::regular::{describe_kind, open_regular, read_within};
use crate::repository::find_repository;

/// Reads a file that the command line names; at most `limit` bytes. A pipe of the caller, such as `/dev/stdin` or the `/dev/fd/63` of
/// `<(…)`, is read to its end.
///
/// # Errors
/// The path leaves its repository by a link, is not a regular file, is larger, or cannot be read.
pub fn read_argument(path: &Path, limit: u64) -> Result<Vec<u8>, PathError> {
    if is_own_descriptor(path) {
        let file = File::open(path)?;
        return read_within(file, 0, limit);
    }
    find_repository(path)?;
    let (file, metadata) = open_regular(&path.canonicalize()?)?;
    read_within(file, metadata.len(), limit)
}

/// As [`read_argument`], for a text of the operator's own: a key, a list of signers.
///
/// # Errors
/// As [`read_argument`], and if the bytes are not UTF-8.
pub fn read_argument_text(path: &Path, limit: u64) -> Result<String, PathError> {
    let bytes = read_argument(path, limit)?;
    String::from_utf8(bytes).map_err(|_| PathError::Io(std::io::Error::other("it is not UTF-8 text")))
}

/// Writes a file that the command line names, with mode 0600. `/dev/null` and the caller's own descriptors, such as `/dev/stdout`, are
/// written to.
///
/// # Errors
/// A link, a folder, a pipe or a device is there, the folder is left by a link, or the file cannot be written.
pub fn write_output(path: &Path, bytes: &[u8]) -> Result<(), PathError> {
    if path == Path::new("/dev/null") || is_own_descriptor(path) {
        return Ok(File::options().write(true).open(path)?.write_all(bytes)?);
    }
    match path.symlink_metadata() {
        Ok(there) if there.is_symlink() => return Err(PathError::Link(path.to_owned())),
        Ok(there) if !there.is_file() => return Err(PathError::NotAFile(describe_kind(there.file_type()))),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    find_repository(folder)?;
    Ok(write_private_file(path, bytes)?)
}

/// Whether a path is a descriptor that the caller opened for this process.
fn is_own_descriptor(path: &Path) -> bool {
    let named = |folder: &str| {
        let number = path.strip_prefix(folder).ok().and_then(Path::to_str);
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let streams = ["/dev/stdin", "/dev/stdout", "/dev/stderr"];
    streams.iter().any(|stream| path == Path::new(stream)) || named("/dev/fd") || named("/proc/self/fd")
}
