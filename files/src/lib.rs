//! The gate for files: every path that text can name is opened here.
//!
//! In: a path, and what may be at it. Out: bytes, names, or a [`PathError`] that says why the path is refused and what to do. Invariants:
//!
//! - A path of the repository's text ([`BoundedFolder`]) never leads out of its folder, neither by `..` nor by a link, and never to a hidden
//!   name, a device, a pipe or a socket.
//! - A place for records or secrets ([`resolve_place`]) is not reached by a link, and other users cannot write to it. Its files have mode
//!   0600 and its folders 0700 ([`write_private_file`], [`create_private_folder`]).
//! - A path on the command line ([`read_argument`], [`write_output`]) may be anywhere, but a path into a repository does not leave it by a
//!   link.
//! - Every read is bounded in size and does not wait for a pipe.
//!
//! | who names the path | function | may be |
//! | --- | --- | --- |
//! | sources, modules, `file()` | [`BoundedFolder::read_file`] | in the repository, without hidden names |
//! | `backend`, `store`, `provider "local"` | [`resolve_place`] | relative in the repository, or absolute; no links |
//! | the objects in such a place | [`read_private_file`] | a plain file of that folder; no links |
//! | the command line | [`read_argument`], [`write_output`] | anywhere |
//!
//! ```no_run
//! use leasehold_files::BoundedFolder;
//!
//! let stack = BoundedFolder::open_folder("stacks/payments".as_ref(), "the stack's directory")?;
//! let file = stack.locate("policies/read.json".as_ref())?;
//! let bytes = stack.read_file(&file, 1 << 20)?;
//! # Ok::<(), leasehold_files::PathError>(())
//! ```
#![allow(clippy::disallowed_methods, reason = "this crate is the edge at which files are opened")]

mod argument;
mod bounded;
mod error;
mod place;
mod private;
mod regular;
mod repository;

pub use argument::{read_argument, read_argument_text, write_output};
pub use bounded::{BoundedFolder, FolderEntry, MAX_LISTED};
pub use error::PathError;
pub use place::{check_place_folder, resolve_place};
pub use private::{
    check_plain_file, create_private_file, create_private_folder, keep_new_files_private, read_private_file,
    refuse_shared_file, write_private_file,
};
pub use repository::{find_git_root, find_repository};
