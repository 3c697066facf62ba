//! Opens a regular file without waiting, and reads it within a bound.

use std::fs::{File, FileType, Metadata};
use std::io::Read;
use std::path::Path;

use crate::PathError;

/// What is at a path, for [`PathError::NotAFile`].
pub fn describe_kind(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
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
    match (kind.is_dir(), kind.is_symlink(), kind.is_file()) {
        (true, ..) => "a folder",
        (_, true, _) => "a link",
        (.., true) => "a file",
        _ => "something else",
    }
}

/// Opens a regular file for reading. The last part of the path must not be a link. Opening does not wait for a pipe and does not touch a
/// device.
pub fn open_regular(path: &Path) -> Result<(File, Metadata), PathError> {
    let kind = path.symlink_metadata()?.file_type();
    if kind.is_symlink() {
        return Err(PathError::Link(path.to_owned()));
    }
    if !kind.is_file() {
        return Err(PathError::NotAFile(describe_kind(kind)));
    }
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        options.custom_flags(flags.cast_signed());
    }
    let file = options.open(path)?;
    // Another process may have replaced the file between the two calls.
    let metadata = file.metadata()?;
    match metadata.is_file() {
        true => Ok((file, metadata)),
        false => Err(PathError::NotAFile(describe_kind(metadata.file_type()))),
    }
}

/// Reads at most `limit` bytes; more is an error. `length` is the length that the file claims, in bytes.
pub fn read_within(file: impl Read, length: u64, limit: u64) -> Result<Vec<u8>, PathError> {
    // A sparse file claims any length without using space: it is refused before memory is reserved.
    if length > limit {
        return Err(PathError::TooLarge(limit));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0).saturating_add(1));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(PathError::Io)?;
    match u64::try_from(bytes.len()) {
        Ok(read) if read <= limit => Ok(bytes),
        _ => Err(PathError::TooLarge(limit)),
    }
}
