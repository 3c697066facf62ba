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
    /// How many the whole account has now. `None`: it is each identity's, or group's, own number that is limited.
    pub used: Option<u64>,
    /// The attribute of one object whose characters are counted; `None`: objects are.
    pub characters_of: Option<&'static str>,
    /// The attributes of a block that such objects come from; the first that stands there is to blame.
    pub attributes: &'static [&'static str],
    /// Whose it is; `None`: of the stack's first account.
    pub account: Option<Alias>,
}

impl Quota {
    /// Whether an object counts.
    #[must_use]
    pub fn counts(&self, id: &ResourceId) -> bool {
        self.account == id.account && self.kinds.contains(&id.kind)
    }
}
