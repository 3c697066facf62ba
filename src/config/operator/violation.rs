//! A part of a stack that goes beyond the operator's bounds, and its diagnostic.

use leasehold_provider::{Address, Alias};

use crate::config::declared::{DeclaredStack, ProviderBlock};
use crate::config::origin::BlockOrigin;
use crate::hcl::diagnostic::Diagnostic;

/// The block that goes beyond the bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoundSubject {
    /// The `backend` block.
    Backend,
    /// The `provider` block with this alias. `None`: the one without.
    Provider(Option<Alias>),
    /// The `store` block with this label.
    SecretStore(String),
    /// The `identity` block with this address.
    Identity(Address),
}

/// A part of a stack that goes beyond the operator's bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundViolation {
    /// The block.
    pub subject: BoundSubject,
    /// Its attribute or inner block.
    pub attribute: &'static str,
    /// What is not allowed. Names the block, for commands that have no place to show.
    pub summary: String,
    /// Which bound is exceeded, with its place in the operator's file. `None`: there is no such file, and a default rule is broken.
    pub bound: Option<String>,
    /// What to do.
    pub help: String,
}

impl BoundViolation {
    /// The diagnostic: what is not allowed, at its place in the stack, with the place in the operator's file.
    #[must_use]
    pub fn to_diagnostic(&self, declared: &DeclaredStack) -> Diagnostic {
        let finding = Diagnostic::error("operator::bounds", self.summary.as_str()).with_help(self.help.as_str());
        let finding = match &self.bound {
            Some(bound) => finding.with_detail(bound.as_str()),
            None => finding,
        };
        match self.subject.find_origin(declared) {
            Some(origin) => {
                let label = if self.bound.is_some() { "goes beyond the operator's bounds" } else { "not allowed" };
                origin.add_module_calls(finding.with_location(origin.part_span(self.attribute), label))
            }
            None => finding,
        }
    }
}

impl BoundSubject {
    /// Where the block is written. `None`: the stack does not write it, as with the default backend.
    fn find_origin<'d>(&self, declared: &'d DeclaredStack) -> Option<&'d BlockOrigin> {
        match self {
            Self::Backend => declared.backend_origin.as_ref(),
            Self::Provider(alias) => {
                let is_it = |block: &&ProviderBlock| block.alias == *alias;
                declared.providers.iter().find(is_it).map(|block| &block.origin)
            }
            Self::SecretStore(label) => declared.stores.get(label).map(|store| &store.origin),
            Self::Identity(address) => declared.identities.get(address).map(|identity| &identity.origin),
        }
    }
}
