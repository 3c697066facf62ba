//! The cloud's limits on the number of objects and on the length of documents, where it reports them.

use std::collections::BTreeSet;

use crate::{Alias, ResourceId, ResourceKind};

/// One limit on a number of objects or characters, with the value that applies to the account now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// The cloud's own name for it, such as `RolesQuota`.
    pub name: String,
    /// What is counted, for people: `roles`, `policies attached to a role`, `characters in the trust policy`.
    pub what: &'static str,
    /// The kinds of objects that count towards the limit.
    pub kinds: BTreeSet<ResourceKind>,
    /// The maximum.
    pub limit: u64,
    /// How it is counted.
    pub counted: QuotaScope,
    /// The attributes of a block that such objects come from. A diagnostic points to the first one that the block has.
    pub attributes: &'static [&'static str],
    /// The account that the limit applies to. `None`: the stack's first account.
    pub account: Option<Alias>,
}

/// What a quota counts, and over which objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaScope {
    /// All objects of the account.
    PerAccount {
        /// The current number.
        used: u64,
    },
    /// The objects of each identity or group, counted separately.
    PerSubject,
    /// The characters of this attribute, for each object separately.
    Characters(&'static str),
    /// The characters of this attribute, summed over all such objects of an identity or group.
    CharactersPerSubject(&'static str),
}

impl Quota {
    /// Whether an object counts towards this quota: its account and kind match.
    #[must_use]
    pub fn applies_to_object(&self, id: &ResourceId) -> bool {
        self.account == id.account && self.kinds.contains(&id.kind)
    }
}
