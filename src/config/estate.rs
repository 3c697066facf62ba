//! What a stack says of objects that live already: which have another address now, which it lets go of, which it takes in.

use leasehold_provider::{Address, Kind, Principal};

use super::declared::BlockOrigin;

/// `moved`, `removed` and `import` blocks, in the order they are written.
#[derive(Debug, Clone, Default)]
pub struct StateBlocks {
    /// Addresses that changed.
    pub moves: Vec<MovedBlock>,
    /// Identities that live on unmanaged.
    pub released: Vec<RemovedBlock>,
    /// Objects that live already and shall be the stack's.
    pub imports: Vec<ImportBlock>,
    /// `identity.x.name` where no block says a name: the addresses whose default name some expression reads.
    pub default_names_read: std::collections::BTreeSet<Address>,
}

/// A `moved` block.
#[derive(Debug, Clone)]
pub struct MovedBlock {
    /// What the address was: of an identity, of all instances of one, or of a module.
    pub from: Address,
    /// What it is.
    pub to: Address,
    /// The block.
    pub origin: BlockOrigin,
}

/// A `removed` block that keeps what lives.
#[derive(Debug, Clone)]
pub struct RemovedBlock {
    /// The address of what is let go of: of an identity, of all instances of one, or of a module.
    pub from: Address,
    /// The block.
    pub origin: BlockOrigin,
}

/// An `import` block.
#[derive(Debug, Clone)]
pub struct ImportBlock {
    /// The address it shall have: of an identity or a group.
    pub to: Address,
    /// What lives: an ARN, `user/NAME`, `role/NAME`, `group/NAME`, or a name alone.
    pub id: String,
    /// Who shall answer for it, where its block is to be written.
    pub owner: Option<String>,
    /// What sort of actor it shall be, where its block is to be written.
    pub kind: Option<Kind>,
    /// The block.
    pub origin: BlockOrigin,
}

/// The form of what an import names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportTarget {
    /// A user or a role.
    Principal(Principal),
    /// A group.
    Group,
}

impl ImportBlock {
    /// The form that the id says, if it does.
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

    /// The name in the cloud: what stands behind the last `/`.
    #[must_use]
    pub fn name(&self) -> &str {
        let tail = self.strip_arn_prefix();
        tail.rsplit_once('/').map_or(tail, |(_, name)| name)
    }

    /// The account that an ARN names.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.id.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(3)).filter(|account| !account.is_empty())
    }

    fn strip_arn_prefix(&self) -> &str {
        self.id.rsplit_once(':').map_or(self.id.as_str(), |(_, tail)| tail)
    }
}

impl MovedBlock {
    /// The new address of what had `address`. `None`: the move is not about it.
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
    /// Whether the block is about what has `address`.
    #[must_use]
    pub fn contains_address(&self, address: &Address) -> bool {
        address
            .as_str()
            .strip_prefix(self.from.as_str())
            .is_some_and(|rest| matches!(rest.chars().next(), None | Some('.' | '[')))
    }
}

impl StateBlocks {
    /// The address that what had `address` has now: through every move that concerns it, each taken once.
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

    /// The `import` block that gives something this address.
    #[must_use]
    pub fn find_import(&self, address: &Address) -> Option<&ImportBlock> {
        self.imports.iter().find(|import| import.to == *address)
    }

    /// The `removed` block that lets go of what has `address`.
    #[must_use]
    pub fn find_release(&self, address: &Address) -> Option<&RemovedBlock> {
        self.released.iter().find(|release| release.contains_address(address))
    }
}

/// Whether an address ends in a key.
#[must_use]
pub fn is_instance_address(address: &Address) -> bool {
    address.as_str().ends_with(']')
}

/// Whether an address is a module's: its last two words are `module.NAME`.
#[must_use]
pub fn is_module_address(address: &Address) -> bool {
    address_kind(address) == Some("module")
}

/// What an address names, by the word before its last label: `identity`, `module`, `scope`.
#[must_use]
pub fn address_kind(address: &Address) -> Option<&str> {
    let text = address.as_str();
    // A label holds no bracket, and a key's quotes are escaped: the last `["` opens the last key unless it stands within it.
    let whole = if is_instance_address(address) { text.get(..find_last_key(text)?)? } else { text };
    let (before, _) = whole.rsplit_once('.')?;
    Some(before.rsplit('.').next().unwrap_or(before))
}

/// Where the last key of an address begins.
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
    fn chains_are_followed_whatever_their_order_and_a_circle_ends() {
        let chain = [("identity.b", "identity.c"), ("identity.a", "identity.b")];
        assert_eq!(moved(&chain, "identity.a"), "identity.c");
        assert_eq!(moved(&[("identity.a", "identity.b"), ("identity.b", "identity.a")], "identity.a"), "identity.a");
    }

    #[test]
    fn a_key_may_hold_anything() {
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
