//! How many objects a cloud takes, and how long ones, where it tells.

use std::collections::BTreeSet;

use crate::{Alias, ResourceId, ResourceKind};

/// One limit on a number of objects or of characters, as the cloud tells it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// The cloud's own name for it, such as `RolesQuota`.
    pub name: String,
    /// What is counted, in words: `roles`, `policies attached to a role`, `characters in the trust policy`.
    pub what: &'static str,
    /// The kinds that count.
    pub kinds: BTreeSet<ResourceKind>,
    /// How many there may be.
    pub limit: u64,
    /// How it is counted.
    pub counted: QuotaScope,
    /// The attributes of a block that such objects come from; the first that stands there is to blame.
    pub attributes: &'static [&'static str],
    /// Whose it is; `None`: of the stack's first account.
    pub account: Option<Alias>,
}

/// How the number is found that a quota limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaScope {
    /// The objects of the whole account.
    OfAccount {
        /// How many there are now.
        used: u64,
    },
    /// The objects of each identity, or group, by itself.
    OfHolder,
    /// The characters of this attribute, of each object by itself.
    Characters(&'static str),
    /// The characters of this attribute, of all such objects of an identity or group together.
    CharactersOfHolder(&'static str),
}

impl Quota {
    /// Whether an object counts.
    #[must_use]
    pub fn applies_to_object(&self, id: &ResourceId) -> bool {
        self.account == id.account && self.kinds.contains(&id.kind)
    }
}
