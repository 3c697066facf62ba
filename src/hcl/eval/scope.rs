//! The names that an expression can use in addition to the blocks of its module: `each`, `count`, and the variables of for expressions
//! and templates. A scope is a chain: an inner binding hides an outer one of the same name.

use std::sync::Arc;

use crate::hcl::source::{FileId, FileSpan};
use crate::hcl::syntax::ByteRange;
use crate::hcl::value::{ConfigValue, Entries};

/// The index of a module instance in the evaluator. 0 is the root module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleId(pub(super) u32);

impl ModuleId {
    /// The root module.
    pub const ROOT: Self = Self(0);
}

/// The names that an expression can use.
#[derive(Debug, Clone, Copy)]
pub struct EvalScope<'s> {
    /// The module that contains the expression.
    pub module: ModuleId,
    /// The file that contains the expression.
    pub file: FileId,
    /// Whether the expression can use the variables, locals and blocks of its module.
    pub sees_blocks: bool,
    bindings: &'s [(Arc<str>, ConfigValue)],
    outer: Option<&'s EvalScope<'s>>,
}

impl<'s> EvalScope<'s> {
    /// A scope with the names of the module only.
    #[must_use]
    pub fn for_file(module: ModuleId, file: FileId) -> Self {
        Self { module, file, sees_blocks: true, bindings: &[], outer: None }
    }

    /// A scope with the names of the module and `bindings`.
    #[must_use]
    pub fn for_file_with_bindings(module: ModuleId, file: FileId, bindings: &'s [(Arc<str>, ConfigValue)]) -> Self {
        Self { bindings, ..Self::for_file(module, file) }
    }

    /// A scope without names: only literals and functions can be used.
    #[must_use]
    pub fn for_literals(file: FileId) -> Self {
        Self { sees_blocks: false, ..Self::for_file(ModuleId::ROOT, file) }
    }

    /// An inner scope with additional names.
    #[must_use]
    pub fn with_bindings(&'s self, bindings: &'s [(Arc<str>, ConfigValue)]) -> Self {
        Self { module: self.module, file: self.file, sees_blocks: self.sees_blocks, bindings, outer: Some(self) }
    }

    /// A scope with `bindings` only.
    #[must_use]
    pub fn for_bindings(file: FileId, bindings: &'s [(Arc<str>, ConfigValue)]) -> Self {
        Self { bindings, ..Self::for_literals(file) }
    }

    /// The value of the innermost binding of `name`. `None`: the name is not bound.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'s ConfigValue> {
        let mut scope = Some(self);
        while let Some(working_directory) = scope {
            if let Some((_, value)) = working_directory.bindings.iter().rev().find(|(bound, _)| &**bound == name) {
                return Some(value);
            }
            scope = working_directory.outer;
        }
        None
    }

    /// All bound names, innermost first.
    #[must_use]
    pub fn bound_names(&self) -> Vec<&'s str> {
        let mut names = Vec::new();
        let mut scope = Some(self);
        while let Some(working_directory) = scope {
            names.extend(working_directory.bindings.iter().map(|(name, _)| &**name));
            scope = working_directory.outer;
        }
        names
    }

    /// A range in the file of this scope.
    #[must_use]
    pub fn make_span(&self, place: ByteRange) -> FileSpan {
        place.to_span(self.file)
    }
}

/// The binding of `each` for one instance, with `each.key` and `each.value`.
#[must_use]
pub fn bind_each(key: &Arc<str>, value: &ConfigValue) -> (Arc<str>, ConfigValue) {
    let entries: Entries =
        [(Arc::from("key"), ConfigValue::new_string(key.clone())), (Arc::from("value"), value.clone())].into();
    (Arc::from("each"), ConfigValue::new_object(entries))
}
