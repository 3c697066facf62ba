//! Linters of pipelines, from PyPI, in an environment of their own below the target directory.

use std::path::PathBuf;

use crate::python;

const REQUIREMENTS: &str = include_str!("../linters.txt");

/// The linter of that name: `zizmor`, `check-jsonschema`.
///
/// # Panics
/// Where it cannot be installed.
#[must_use]
pub fn linter(name: &str) -> PathBuf {
    let python = python::environment(REQUIREMENTS);
    python.with_file_name(name)
}
