//! [`PathError`]: why a path is refused, in words that follow the name of the path.

use std::io;
use std::path::PathBuf;

/// Why a path is refused. The text is a predicate: `"x.hcl" links to a path outside the repository`. It quotes nothing of the file.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// Nothing is there.
    #[error("does not exist")]
    Missing,
    /// The path itself leads out of the folder that bounds it.
    #[error("is outside {0}")]
    Outside(&'static str),
    /// A link leads out of the folder that bounds it.
    #[error("links to a path outside {0}")]
    LinkOutside(&'static str),
    /// A part of the path, after links are resolved, begins with a dot.
    #[error("is a hidden file or in a hidden folder ({0:?}), which is never read")]
    Hidden(String),
    /// A link to a file of another kind.
    #[error("is a link to a file whose name does not end in {0}")]
    OtherEnding(String),
    /// The path must not be or contain a link, and this part of it is one.
    #[error("is reached by the link {}", .0.display())]
    Link(PathBuf),
    /// Too many links, which is usually a circle.
    #[error("is reached by a circle of links")]
    LinkCircle,
    /// Something other than a file is there: `a folder`, `a pipe`.
    #[error("is not a file but {0}")]
    NotAFile(&'static str),
    /// Something other than a folder is there.
    #[error("is not a folder but {0}")]
    NotAFolder(&'static str),
    /// The file has more bytes than are read.
    #[error("is larger than {0} bytes")]
    TooLarge(u64),
    /// All sources of a stack together have more bytes than are read.
    #[error("makes the sources of the stack larger than {0} bytes")]
    StackTooLarge(u64),
    /// There are more names than are read.
    #[error("has more than {0} files")]
    TooMany(usize),
    /// Other users can write to this file or folder. The number is its mode.
    #[error("can be written by other users ({}, mode {mode:03o})", path.display())]
    SharedWrite {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The path contains a part that no place for records may have.
    #[error("has the part {0:?}, which cannot hold records or secrets")]
    Reserved(String),
    /// The place is the stack's directory or contains it.
    #[error("contains the stack's own files")]
    ContainsStack,
    /// The operating system refused.
    #[error("cannot be read: {0}")]
    Io(io::Error),
}

impl PathError {
    /// What the user can do. `None`: the text says enough, or the operating system's message does.
    #[must_use]
    pub fn help_text(&self) -> Option<String> {
        Some(match self {
            Self::Outside(_) | Self::LinkOutside(_) => {
                "copy the file into the directory; links and `..` must stay inside".to_owned()
            }
            Self::Hidden(_) => "move the file to a name without a dot at the start".to_owned(),
            Self::OtherEnding(_) => "remove the link, or rename the file that it leads to".to_owned(),
            Self::Link(_) => "write the path without links".to_owned(),
            Self::LinkCircle => "remove the links".to_owned(),
            Self::SharedWrite { path, .. } => format!("remove their permission: chmod go-w '{}'", path.display()),
            Self::Reserved(_) => "choose another folder, such as .leasehold".to_owned(),
            Self::ContainsStack => "choose a folder of its own, such as .leasehold".to_owned(),
            Self::NotAFile(_) | Self::NotAFolder(_) | Self::TooLarge(_) | Self::StackTooLarge(_) => {
                "remove it, or name another path".to_owned()
            }
            Self::Missing | Self::TooMany(_) | Self::Io(_) => return None,
        })
    }

    /// The error for an error of the operating system. `bound` is the folder that the path must not leave.
    pub(crate) fn from_io(error: io::Error, bound: &'static str) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            // `cap-std` reports an escape by this kind without a number of the operating system.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => Self::LinkOutside(bound),
            _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => Self::LinkCircle,
            _ => Self::Io(error),
        }
    }
}

impl From<io::Error> for PathError {
    fn from(error: io::Error) -> Self {
        Self::from_io(error, "its folder")
    }
}
