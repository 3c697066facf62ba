//! The names an expression sees beside the stack's own: `each`, `count`, variables of for expressions and templates.

use std::sync::Arc;

use super::module::ModuleId;
use crate::config::source::{FileId, FileSpan};
use crate::config::syntax::ByteRange;
use crate::config::value::{ConfigValue, Entries};

/// What an expression sees.
#[derive(Debug, Clone, Copy)]
pub struct EvalScope<'s> {
    /// The module it stands in.
    pub module: ModuleId,
    /// The file it stands in.
    pub file: FileId,
    /// Whether it sees its module's variables, locals and blocks.
    pub sees_stack: bool,
    bindings: &'s [(Arc<str>, ConfigValue)],
    outer: Option<&'s EvalScope<'s>>,
}

impl<'s> EvalScope<'s> {
    /// A scope that sees its module and nothing else.
    #[must_use]
    pub fn for_file(module: ModuleId, file: FileId) -> Self {
        Self { module, file, sees_stack: true, bindings: &[], outer: None }
    }

    /// A scope that sees its module and these names.
    #[must_use]
    pub fn for_file_with_bindings(module: ModuleId, file: FileId, bindings: &'s [(Arc<str>, ConfigValue)]) -> Self {
        Self { bindings, ..Self::for_file(module, file) }
    }

    /// A scope that sees nothing but functions.
    #[must_use]
    pub fn for_literals(file: FileId) -> Self {
        Self { sees_stack: false, ..Self::for_file(ModuleId::STACK, file) }
    }

    /// The same scope with more names in it.
    #[must_use]
    pub fn with_bindings(&'s self, bindings: &'s [(Arc<str>, ConfigValue)]) -> Self {
        Self { module: self.module, file: self.file, sees_stack: self.sees_stack, bindings, outer: Some(self) }
    }

    /// A scope that sees these names and nothing else.
    #[must_use]
    pub fn for_bindings(file: FileId, bindings: &'s [(Arc<str>, ConfigValue)]) -> Self {
        Self { bindings, ..Self::for_literals(file) }
    }

    /// The value bound to a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'s ConfigValue> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if let Some((_, value)) = here.bindings.iter().rev().find(|(bound, _)| &**bound == name) {
                return Some(value);
            }
            scope = here.outer;
        }
        None
    }

    /// Every name bound.
    #[must_use]
    pub fn bound_names(&self) -> Vec<&'s str> {
        let mut names = Vec::new();
        let mut scope = Some(self);
        while let Some(here) = scope {
            names.extend(here.bindings.iter().map(|(name, _)| &**name));
            scope = here.outer;
        }
        names
    }

    /// A place in this scope's file.
    #[must_use]
    pub fn make_span(&self, place: ByteRange) -> FileSpan {
        place.to_span(self.file)
    }
}

/// `each` for one instance.
#[must_use]
pub fn bind_each(key: &Arc<str>, value: &ConfigValue) -> (Arc<str>, ConfigValue) {
    let entries: Entries =
        [(Arc::from("key"), ConfigValue::new_string(key.clone())), (Arc::from("value"), value.clone())].into();
    (Arc::from("each"), ConfigValue::new_object(entries))
}
