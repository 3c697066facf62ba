//! Enforces the operator's bounds before anything is read, sent or written.
//!
//! In: the bounds, and the providers, the backend and the stores that a command is about to use, from a configuration or from a saved plan.
//! Out: nothing, or a refusal that names both places. Invariant: a connection to a provider and an open store exist only within the bounds,
//! because the functions that make them call this module first.
#![allow(clippy::disallowed_methods, reason = "resolves the path of the operator's file")]

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use leasehold_provider::StackName;

use super::error::WorkflowError;
use super::event::WorkflowContext;
use crate::config::declared::{Backend, Providers};
use crate::config::operator::{BoundViolation, OperatorBounds};
use crate::config::{DeclaredStack, Diagnostic};
use leasehold_files::find_git_root;

/// The findings about a whole stack.
pub fn find_violations(bounds: &OperatorBounds, declared: &DeclaredStack, now: Timestamp) -> Vec<Diagnostic> {
    let stores = declared.stores.iter().map(|(label, store)| (label, &store.settings));
    let mut violations = bounds.check_backend(&declared.backend, &declared.stack);
    violations.extend(bounds.check_providers(&Providers::from_blocks(&declared.providers)));
    violations.extend(bounds.check_secret_stores(stores));
    violations.extend(bounds.check_leases(declared, now));
    violations.iter().map(|violation| violation.to_diagnostic(declared)).collect()
}

/// Checks the providers of the stack in `directory` before a connection to them.
///
/// # Errors
/// One of them goes beyond the bounds, or the bounds are in the stack's repository.
pub fn check_providers(
    providers: &Providers,
    directory: &Path,
    context: &WorkflowContext,
) -> Result<(), WorkflowError> {
    refuse_file_of_repository(&context.bounds, directory)?;
    refuse_violations(&context.bounds.check_providers(providers))
}

/// Checks the place of the records of the stack in `directory` before it is opened.
///
/// # Errors
/// It goes beyond the bounds, or the bounds are in the stack's repository.
pub fn check_backend(
    backend: &Backend,
    stack: &StackName,
    directory: &Path,
    context: &WorkflowContext,
) -> Result<(), WorkflowError> {
    refuse_file_of_repository(&context.bounds, directory)?;
    refuse_violations(&context.bounds.check_backend(backend, stack))
}

fn refuse_violations(violations: &[BoundViolation]) -> Result<(), WorkflowError> {
    let Some(first) = violations.first() else { return Ok(()) };
    let describe = |violation: &BoundViolation| match &violation.bound {
        Some(bound) => format!("{} ({bound})", violation.summary),
        None => violation.summary.clone(),
    };
    Err(WorkflowError::Refused {
        what: violations.iter().map(describe).collect::<Vec<_>>().join("; "),
        help: format!("{} Nothing was sent.", capitalize_sentence(&first.help)),
    })
}

fn capitalize_sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}

/// Refuses an operator's file in the repository of the stack: whoever changes the stack could change its bounds.
///
/// # Errors
/// The file, or a link on the way to it, is in the repository that contains `directory`. Without a repository: in `directory` itself.
pub fn refuse_file_of_repository(bounds: &OperatorBounds, directory: &Path) -> Result<(), WorkflowError> {
    let Some(file) = &bounds.file else { return Ok(()) };
    let Ok(directory) = directory.canonicalize() else { return Ok(()) };
    let root = find_git_root(&directory).unwrap_or(directory);
    if !list_real_places(file).iter().any(|place| *place != root && place.starts_with(&root)) {
        return Ok(());
    }
    Err(WorkflowError::Refused {
        what: format!(
            "the operator's file {} is in the stack's repository {}, so a pull request could change it",
            file.display(),
            root.display()
        ),
        help: "Keep the operator's file outside the repository, and set LEASEHOLD_OPERATOR to its path. Nothing was changed."
            .to_owned(),
    })
}

/// Where a path and everything on its way really is: each part of the path in its folder without links, and the file itself.
fn list_real_places(path: &Path) -> Vec<PathBuf> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let parts =
        absolute.ancestors().filter_map(|part| Some(part.parent()?.canonicalize().ok()?.join(part.file_name()?)));
    parts.chain(absolute.canonicalize().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn operators_file_in_the_repository_is_refused_also_through_links() {
        let home = tempfile::TempDir::new().unwrap();
        let at = |name: &str| home.path().join(name);
        std::fs::create_dir_all(at("repo/.git")).unwrap();
        std::fs::create_dir_all(at("repo/live")).unwrap();
        std::fs::create_dir(at("outside")).unwrap();
        for file in ["repo/o.hcl", "repo/live/o.hcl", "outside/o.hcl"] {
            std::fs::write(at(file), "allow {}").unwrap();
        }
        std::os::unix::fs::symlink(at("outside/o.hcl"), at("repo/link.hcl")).unwrap();
        std::os::unix::fs::symlink(at("outside"), at("repo/folder")).unwrap();
        std::os::unix::fs::symlink(at("repo/o.hcl"), at("outside/link.hcl")).unwrap();
        let is_refused = |file: &str| {
            let bounds = OperatorBounds { file: Some(at(file)), ..OperatorBounds::default() };
            refuse_file_of_repository(&bounds, &at("repo/live")).is_err()
        };
        for file in [
            "repo/o.hcl",
            "repo/live/o.hcl",
            "repo/link.hcl",
            "repo/folder/o.hcl",
            "outside/link.hcl",
            "outside/../repo/o.hcl",
        ] {
            assert!(is_refused(file), "{file}");
        }
        assert!(!is_refused("outside/o.hcl"));
    }
}
