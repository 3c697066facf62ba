//! Linters for pipelines, from PyPI, in their own environment below the target directory.

use std::path::PathBuf;

use crate::python;

const REQUIREMENTS: &str = include_str!("../linters.txt");

/// The path of a linter: `zizmor` or `check-jsonschema`.
///
/// # Panics
/// The linter cannot be installed.
#[must_use]
pub fn linter(name: &str) -> PathBuf {
    let python = python::environment(REQUIREMENTS);
    python.with_file_name(name)
}
