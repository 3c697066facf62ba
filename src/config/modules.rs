//! Finds the modules that a stack calls.
//!
//! In: the stack's files. Out: the same with the files of every module, and an index of each module's blocks.
//!
//! Example: `source = "../team"` in the module `./modules/app` is the directory `modules/team`, relative to the stack's.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::sources::{Sources, StackFiles};
use crate::hcl::catalog::BlockCatalog;
use crate::hcl::deep_stack::run_on_deep_stack;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::CalledModule;
use crate::hcl::files::{ROOT_DIRECTORY, join_path};
use crate::hcl::source::SourceFile;
use crate::hcl::syntax::parse::parse_module_sources;
use crate::hcl::syntax::{Block, ExprKind};

/// The maximum number of module directories of one stack. Without it, symbolic links that form a cycle would never end.
const MOST_DIRECTORIES: usize = 1_000;

/// Adds the files of all modules that a stack calls, directly or through other modules.
#[must_use]
pub fn gather_modules(mut sources: Sources, files: &dyn StackFiles) -> Sources {
    let mut known: BTreeSet<String> = BTreeSet::from([ROOT_DIRECTORY.to_owned()]);
    let mut waiting: VecDeque<String> =
        sources.stack_files().flat_map(|(_, file)| find_called_directories(file, ROOT_DIRECTORY)).collect();
    while let Some(directory) = waiting.pop_front() {
        if !known.insert(directory.clone()) || known.len() > MOST_DIRECTORIES {
            continue;
        }
        let read = files.read_module(&directory);
        for file in read.iter().flatten() {
            waiting.extend(find_called_directories(file, &directory));
        }
        sources.add_module(&directory, read);
    }
    sources
}

/// The directories of the modules that a file calls. `from` is the directory of the file's own module.
fn find_called_directories(file: &SourceFile, from: &str) -> Vec<String> {
    let found = run_on_deep_stack(|| parse_module_sources(file)).unwrap_or_default();
    found.iter().filter_map(|source| resolve_source(from, source).ok()).collect()
}

/// Why a `source` names no module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModuleSourceError {
    /// A registry, repository or archive. Leasehold downloads no modules.
    Remote,
    /// An absolute path.
    Absolute,
    /// It contains a backslash, a colon or NUL.
    Characters,
}

/// The directory of a module, relative to the stack's. `source` is relative to `from`, the directory of the calling module.
///
/// # Errors
///
/// Why `source` names no module in the repository.
pub fn resolve_source(from: &str, source: &str) -> Result<String, ModuleSourceError> {
    if source.starts_with('/') {
        return Err(ModuleSourceError::Absolute);
    }
    if !(source.starts_with("./") || source.starts_with("../") || matches!(source, "." | "..")) {
        return Err(ModuleSourceError::Remote);
    }
    if source.contains(['\\', '\0', ':']) {
        return Err(ModuleSourceError::Characters);
    }
    Ok(join_path(from, source))
}

/// The blocks of a stack and of its modules, by directory.
#[derive(Debug)]
pub struct ModuleLibrary<'a> {
    sources: &'a Sources,
    stack: BlockCatalog<'a>,
    modules: BTreeMap<&'a str, BlockCatalog<'a>>,
}

impl<'a> ModuleLibrary<'a> {
    /// Combines the catalogs of the stack and of its modules.
    #[must_use]
    pub fn new(sources: &'a Sources, stack: BlockCatalog<'a>, modules: BTreeMap<&'a str, BlockCatalog<'a>>) -> Self {
        Self { sources, stack, modules }
    }

    /// The catalog of the stack's own blocks.
    #[must_use]
    pub fn stack_catalog(&self) -> &BlockCatalog<'a> {
        &self.stack
    }

    /// The directory and the blocks of the module that `call` names. `from` is the directory of the calling module.
    ///
    /// # Errors
    ///
    /// What is wrong with the `source` of the call. `None`: it is missing, and the schema check reports that.
    pub fn find_called_module(&self, from: &str, call: &Block) -> CalledModule<'_> {
        // The schema check reports a missing `source`.
        let Some(attribute) = call.body.find_attribute("source") else { return Err(None) };
        let place = attribute.value.place.to_span(call.file);
        let wrong = |summary: String, label: &str, help: &str| {
            Some(Box::new(
                Diagnostic::error("config::module_source", summary).with_location(place.clone(), label).with_help(help),
            ))
        };
        let ExprKind::String(source) = &attribute.value.kind else {
            let help = "write a literal path, such as source = \"./modules/team\"";
            return Err(wrong("`source` must be a path in quotes, without expressions".to_owned(), "not a path", help));
        };
        let directory = resolve_source(from, source).map_err(|invalid| match invalid {
            ModuleSourceError::Remote => wrong(
                format!("{source:?} is not a path to a module in the repository"),
                "not a local path",
                "`source` must start with ./ or ../; remote modules are not supported: add a copy to the repository",
            ),
            ModuleSourceError::Absolute => wrong(
                format!("{source:?} is an absolute path"),
                "must be a relative path",
                "write the path relative to this file's directory: ./… or ../…",
            ),
            ModuleSourceError::Characters => {
                wrong(format!("{source:?} is not a valid path"), "not a path", "separate directories with /")
            }
        })?;
        match self.sources.find_module(&directory) {
            None if directory == ROOT_DIRECTORY => Ok((ROOT_DIRECTORY, &self.stack)),
            None => Err(wrong(
                format!("more than {MOST_DIRECTORIES} directories of modules"),
                "stopped reading here",
                "check for cyclic links",
            )),
            Some(Err(problem)) => Err(wrong(
                format!("the module {source:?} cannot be read"),
                problem,
                "a module must be a directory with *.hcl files in the same repository",
            )),
            Some(Ok(files)) if files.is_empty() => Err(wrong(
                format!("the module {source:?} has no *.hcl file"),
                "an empty directory",
                "check that this is the right directory",
            )),
            Some(Ok(_)) => match self.modules.get_key_value(directory.as_str()) {
                Some((directory, catalog)) => Ok((*directory, catalog)),
                None => Err(None),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_resolve_from_the_directory_of_the_call() {
        assert_eq!(resolve_source(".", "./modules/a"), Ok("modules/a".to_owned()));
        assert_eq!(resolve_source("modules/a", "../b"), Ok("modules/b".to_owned()));
        assert_eq!(resolve_source("../modules/a", "../b/"), Ok("../modules/b".to_owned()));
        assert_eq!(resolve_source("modules/a", "../../../x"), Ok("../x".to_owned()));
        assert_eq!(resolve_source("modules/a", "../.."), Ok(".".to_owned()));
        for remote in ["hashicorp/consul/aws", "git::https://example.com/x", "github.com/a/b", "modules/a", ""] {
            assert_eq!(resolve_source(".", remote), Err(ModuleSourceError::Remote), "{remote}");
        }
        assert_eq!(resolve_source(".", "/etc"), Err(ModuleSourceError::Absolute));
        assert_eq!(resolve_source(".", "./a:b"), Err(ModuleSourceError::Characters));
    }
}
