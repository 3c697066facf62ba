//! The `moved`, `removed` and `import` blocks: which existing objects have a new address, leave the stack's management, or enter it.
//!
//! Example: `moved { from = identity.a, to = identity.b }` makes the principal with the mark `identity.a` the principal of `identity.b`.

use leasehold_provider::{Address, Kind, Principal};

use super::origin::BlockOrigin;

/// The `moved`, `removed` and `import` blocks, each in the order of the files.
#[derive(Debug, Clone, Default)]
pub struct StateBlocks {
    /// Addresses that changed.
    pub moves: Vec<MovedBlock>,
    /// Identities that Leasehold stops managing without deleting them.
    pub released: Vec<RemovedBlock>,
    /// Existing objects to import.
    pub imports: Vec<ImportBlock>,
    /// The addresses without a `name` whose default name an expression reads, as `identity.x.name`.
    pub default_names_read: std::collections::BTreeSet<Address>,
}

/// A `moved` block.
#[derive(Debug, Clone)]
pub struct MovedBlock {
    /// The old address: of an identity, of all instances of an identity, or of a module.
    pub from: Address,
    /// The new address.
    pub to: Address,
    /// Where it is written.
    pub origin: BlockOrigin,
}

/// A `removed` block that keeps the objects in the cloud.
#[derive(Debug, Clone)]
pub struct RemovedBlock {
    /// The address to release: of an identity, of all instances of an identity, or of a module.
    pub from: Address,
    /// Where it is written.
    pub origin: BlockOrigin,
}

/// An `import` block.
#[derive(Debug, Clone)]
pub struct ImportBlock {
    /// The future address: of an identity or a group.
    pub to: Address,
    /// The existing object: an ARN, `user/NAME`, `role/NAME`, `group/NAME`, or only a name.
    pub id: String,
    /// The label of the owner for a generated block.
    pub owner: Option<String>,
    /// The kind for a generated block.
    pub kind: Option<Kind>,
    /// Where it is written.
    pub origin: BlockOrigin,
}

/// The form of the object that an import names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportTarget {
    /// A user or a role.
    Principal(Principal),
    /// A group.
    Group,
}

impl ImportBlock {
    /// The form that the address or the id states. `None`: the id is only a name.
    #[must_use]
    pub fn parse_target(&self) -> Option<ImportTarget> {
        if address_kind(&self.to) == Some("group") {
            return Some(ImportTarget::Group);
        }
        match self.strip_arn_prefix().split_once('/')?.0 {
            "user" => Some(ImportTarget::Principal(Principal::User)),
            "role" => Some(ImportTarget::Principal(Principal::Role)),
            _ => None,
        }
    }

    /// The name in the cloud: the part after the last `/`.
    #[must_use]
    pub fn name(&self) -> &str {
        let tail = self.strip_arn_prefix();
        tail.rsplit_once('/').map_or(tail, |(_, name)| name)
    }

    /// The account id in an ARN. `None`: the id is not an ARN, or its ARN has no account.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.id.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(3)).filter(|account| !account.is_empty())
    }

    fn strip_arn_prefix(&self) -> &str {
        self.id.rsplit_once(':').map_or(self.id.as_str(), |(_, tail)| tail)
    }
}

impl MovedBlock {
    /// The new address of the object with `address`. `None`: this move does not apply to it.
    #[must_use]
    pub fn move_address(&self, address: &Address) -> Option<Address> {
        let rest = address.as_str().strip_prefix(self.from.as_str())?;
        let both_whole = !is_instance_address(&self.from) && !is_instance_address(&self.to);
        let concerns = match rest.chars().next() {
            None => true,
            Some('.') => is_module_address(&self.from),
            Some('[') => both_whole,
            Some(_) => false,
        };
        concerns.then(|| Address::from_text(format!("{}{rest}", self.to)))
    }
}

impl RemovedBlock {
    /// Whether this block applies to the object with `address`.
    #[must_use]
    pub fn contains_address(&self, address: &Address) -> bool {
        address
            .as_str()
            .strip_prefix(self.from.as_str())
            .is_some_and(|rest| matches!(rest.chars().next(), None | Some('.' | '[')))
    }
}

impl StateBlocks {
    /// The current address of the object that had `address`. Follows every move that applies, each at most once.
    #[must_use]
    pub fn follow_moves(&self, address: &Address) -> Address {
        let mut at = address.clone();
        let mut left: Vec<&MovedBlock> = self.moves.iter().collect();
        while let Some((index, next)) =
            left.iter().enumerate().find_map(|(index, step)| Some((index, step.move_address(&at)?)))
        {
            at = next;
            left.remove(index);
        }
        at
    }

    /// The `import` block whose target is this address.
    #[must_use]
    pub fn find_import(&self, address: &Address) -> Option<&ImportBlock> {
        self.imports.iter().find(|import| import.to == *address)
    }

    /// The `removed` block that releases the object with `address`.
    #[must_use]
    pub fn find_release(&self, address: &Address) -> Option<&RemovedBlock> {
        self.released.iter().find(|release| release.contains_address(address))
    }
}

/// Whether an address ends with an instance key, as in `identity.a["x"]`.
#[must_use]
pub fn is_instance_address(address: &Address) -> bool {
    address.as_str().ends_with(']')
}

/// Whether an address is that of a module: it ends in `module.NAME`, with or without a key.
#[must_use]
pub fn is_module_address(address: &Address) -> bool {
    address_kind(address) == Some("module")
}

/// The word before the last label of an address: `identity`, `module`, `scope`. `None`: the address has no such word.
#[must_use]
pub fn address_kind(address: &Address) -> Option<&str> {
    let text = address.as_str();
    // A label contains no bracket, and quotes in a key are escaped. So the last `["` opens the last key, unless it is inside that key.
    let whole = if is_instance_address(address) { text.get(..find_last_key(text)?)? } else { text };
    let (before, _) = whole.rsplit_once('.')?;
    Some(before.rsplit('.').next().unwrap_or(before))
}

/// The index at which the last key of an address begins.
fn find_last_key(text: &str) -> Option<usize> {
    if !text.ends_with("\"]") {
        return text.rfind('[');
    }
    let opens = text.match_indices("[\"").map(|(at, _)| at);
    let is_key = |at: &usize| {
        let inner = text.get(at.saturating_add(1)..text.len().saturating_sub(1));
        inner.is_some_and(|key| serde_json::from_str::<String>(key).is_ok())
    };
    opens.into_iter().find(is_key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FileId;

    fn estate(moves: &[(&str, &str)]) -> StateBlocks {
        let origin = BlockOrigin { file: FileId(0), header: 0..0, parts: [].into(), calls: [].into() };
        let each = |(from, to): &(&str, &str)| MovedBlock {
            from: Address::from_text(*from),
            to: Address::from_text(*to),
            origin: origin.clone(),
        };
        StateBlocks { moves: moves.iter().map(each).collect(), ..StateBlocks::default() }
    }

    fn moved(moves: &[(&str, &str)], address: &str) -> String {
        estate(moves).follow_moves(&Address::from_text(address)).to_string()
    }

    #[test]
    fn a_move_is_about_an_identity_its_instances_or_a_module() {
        let labels = [("identity.a", "identity.b")];
        assert_eq!(moved(&labels, "identity.a"), "identity.b");
        assert_eq!(moved(&labels, r#"identity.a["x.y"]"#), r#"identity.b["x.y"]"#);
        assert_eq!(moved(&labels, "identity.ab"), "identity.ab");
        assert_eq!(moved(&labels, r#"module.m.identity.a"#), r#"module.m.identity.a"#);
        let key = [("identity.a", r#"identity.a["x"]"#)];
        assert_eq!(moved(&key, "identity.a"), r#"identity.a["x"]"#);
        assert_eq!(moved(&key, r#"identity.a["y"]"#), r#"identity.a["y"]"#);
        let modules = [("module.a", r#"module.b["k"]"#)];
        assert_eq!(moved(&modules, r#"module.a.identity.x["1"]"#), r#"module.b["k"].identity.x["1"]"#);
        assert_eq!(moved(&modules, r#"module.a["q"].identity.x"#), r#"module.a["q"].identity.x"#);
        assert_eq!(moved(&[("module.a", "module.b")], r#"module.a["q"].identity.x"#), r#"module.b["q"].identity.x"#);
    }

    #[test]
    fn move_chains_are_order_independent_and_cycles_terminate() {
        let chain = [("identity.b", "identity.c"), ("identity.a", "identity.b")];
        assert_eq!(moved(&chain, "identity.a"), "identity.c");
        assert_eq!(moved(&[("identity.a", "identity.b"), ("identity.b", "identity.a")], "identity.a"), "identity.a");
    }

    #[test]
    fn instance_key_may_contain_any_character() {
        assert!(is_module_address(&Address::from_text(r#"module.a["x.[\"y"]"#)));
        assert!(is_module_address(&Address::from_text(r#"module.a["identity.x"].module.b["["]"#)));
        assert_eq!(address_kind(&Address::from_text(r#"module.a["k.l"].identity.b"#)), Some("identity"));
        assert!(is_module_address(&Address::from_text("module.a.module.b")));
        assert!(!is_module_address(&Address::from_text(r#"module.a.identity.b"#)));
        assert!(!is_module_address(&Address::from_text("identity.module")));
        assert!(is_module_address(&Address::from_text(r#"module.a["["].module.b[0]"#)));
        assert_eq!(moved(&[("identity.a", "identity.a[0]")], "identity.a"), "identity.a[0]");
    }
}
