//! Keeps expressions away from records and secrets.
//!
//! In: the blocks of a stack. Out: its places for records and secrets, before any expression has read a file. Invariant: `file()` and
//! related functions read nothing in these places. Therefore the paths of the places are determined first, without reading files. If that
//! is impossible, no file is read at all, and the configuration has an error.

use super::sources::{PlaceKind, StackFiles};
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::files::{ROOT_DIRECTORY, join_path};
use crate::hcl::source::FileSpan;

/// Why no file is read.
pub const UNKNOWN: &str = "no file is read until the `path` of each store, backend and provider is known: such a path must not depend on the \
                       content of a file";

/// A place for records or secrets.
#[derive(Debug, Clone)]
pub struct DeclaredPlace {
    /// Its path: relative to the stack's directory, or absolute.
    pub path: String,
    /// What is there.
    pub kind: PlaceKind,
    /// Where its path is written, otherwise its block. `None`: the default of a stack without such a block.
    pub span: Option<FileSpan>,
}

/// The default folder of records, which also contains the default places of stores and of the embedded directory.
pub const DEFAULT_PLACE: &str = ".leasehold";

/// The places for records and secrets of a stack. The default knows no place, and refuses every read.
#[derive(Default)]
pub struct StackPlaces {
    places: Vec<DeclaredPlace>,
    known: bool,
}

impl StackPlaces {
    /// The places of a stack. `known` is false if the path of one cannot be determined.
    pub fn new(places: Vec<DeclaredPlace>, known: bool) -> Self {
        Self { places, known }
    }

    /// The findings about places that are refused.
    pub fn check_places(&self, files: &dyn StackFiles) -> Vec<Diagnostic> {
        let check = |place: &DeclaredPlace| {
            let (problem, help) = files.check_place(&place.path, place.kind).err()?;
            let finding = Diagnostic::error("config::place", format!("the path {problem}"));
            let finding = match place.span.clone() {
                Some(span) => finding.with_location(span, "not a place for records or secrets"),
                None => {
                    finding.with_detail(format!("Records are in {DEFAULT_PLACE} unless a block names another path."))
                }
            };
            Some(match help {
                Some(help) => finding.with_help(help),
                None => finding,
            })
        };
        self.places.iter().filter_map(check).collect()
    }

    /// Whether the name of a file, without links and relative to the stack's directory, is in one of the places.
    pub fn contains_name(&self, path: &str) -> bool {
        let contains = |place: &DeclaredPlace| {
            let rest = path.strip_prefix(&join_path(ROOT_DIRECTORY, &place.path));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.places.iter().any(contains)
    }

    /// Refuses a path in one of the places.
    ///
    /// # Errors
    ///
    /// A sentence for the diagnostic.
    pub fn admit_path(&self, files: &dyn StackFiles, path: &str) -> Result<(), String> {
        if !self.known {
            return Err(UNKNOWN.to_owned());
        }
        let places: Vec<String> = self.places.iter().map(|place| place.path.clone()).collect();
        match files.find_protecting_place(path, &places)? {
            Some(place) => Err(format!(
                "{path:?} is in {place:?}, which holds secrets or records of the stack; files there are not read"
            )),
            None => Ok(()),
        }
    }
}
