//! Where a declared block is written, so that later stages can report findings about it.

use std::ops::Range;
use std::sync::Arc;

use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::source::{FileId, FileSpan};

/// Where a block, its attributes and its inner blocks are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockOrigin {
    /// The file.
    pub file: FileId,
    /// The byte range of the block's header: its type and labels.
    pub header: Range<usize>,
    /// The byte range of each attribute's value and of each inner block's header, by name. Several of one name are in order. Instances of
    /// one block share this list.
    pub parts: Arc<[(&'static str, Range<usize>)]>,
    /// For a block in a module: the `module` calls that lead to it, innermost first, each with a label. Empty in the stack itself.
    pub calls: Arc<[(FileSpan, String)]>,
}

impl BlockOrigin {
    /// The place of the block's header.
    #[must_use]
    pub fn header_span(&self) -> FileSpan {
        FileSpan { file: self.file, bytes: self.header.clone() }
    }

    /// Adds the `module` calls that lead to the block to a finding.
    #[must_use]
    pub fn add_module_calls(&self, finding: Diagnostic) -> Diagnostic {
        self.calls.iter().fold(finding, |finding, (span, label)| finding.with_related(span.clone(), label.as_str()))
    }

    /// The place of the first attribute or inner block with that name; the header if there is none.
    #[must_use]
    pub fn part_span(&self, name: &str) -> FileSpan {
        let range = self.parts.iter().find(|(part, _)| *part == name).map_or(&self.header, |(_, range)| range);
        FileSpan { file: self.file, bytes: range.clone() }
    }
}
