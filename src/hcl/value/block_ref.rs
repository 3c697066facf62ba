//! References to blocks as values: `team.web`, `module.a["k"].team.web`. The language knows the form of a reference only; which types of
//! blocks exist is a table that the model provides.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A type of top-level block: how its blocks are named, and what expressions can read from them.
#[derive(Debug)]
pub struct BlockType {
    /// The word that begins such a block, and a reference to it.
    pub word: &'static str,
    /// The word with its indefinite article, for diagnostics, such as `a team`.
    pub phrase: &'static str,
    /// How its blocks are named.
    pub naming: BlockNaming,
    /// Which expressions can refer to its blocks.
    pub visibility: BlockVisibility,
    /// The attributes that expressions can read from its blocks.
    pub readable: &'static [&'static str],
    /// Whether its blocks may have `for_each` or `count`.
    pub has_instances: bool,
}

/// How the blocks of a type are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockNaming {
    /// By the label at this index. Two blocks with one name are an error.
    Label(usize),
    /// By the first label and, if the block sets it, the attribute `alias`: `aws`, `aws.audit`.
    Alias,
    /// They have no name; only one block may exist.
    Single,
    /// They have no name.
    Unnamed,
}

/// Which expressions can refer to the blocks of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockVisibility {
    /// None.
    Hidden,
    /// Those of the same module.
    Module,
    /// Those of all modules. The blocks are in the root module.
    Everywhere,
}

impl PartialEq for BlockType {
    fn eq(&self, other: &Self) -> bool {
        self.word == other.word
    }
}

impl Eq for BlockType {}

impl PartialOrd for BlockType {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for BlockType {
    fn cmp(&self, other: &Self) -> Ordering {
        self.word.cmp(other.word)
    }
}

/// A reference to a block.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockRef {
    /// The address of the module that contains the block. `None`: the root module.
    pub module: Option<Arc<str>>,
    /// The type of the block.
    pub of: &'static BlockType,
    /// The name of the block.
    pub label: Arc<str>,
    /// The instance of a block with `for_each` or `count`. `None`: the block as a whole.
    pub key: Option<InstanceKey>,
}

impl fmt::Display for BlockRef {
    /// The address of the block: `module.a.team.web["k"]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render_address(self.module.as_deref(), self.of.word, &self.label, self.key.as_ref()))
    }
}

/// The address of a block or of one of its instances. `module` is the address of the module that contains it; `None`: the root module.
#[must_use]
pub fn render_address(module: Option<&str>, word: &str, label: &str, key: Option<&InstanceKey>) -> String {
    let module = module.map_or_else(String::new, |module| format!("{module}."));
    let key = key.map_or_else(String::new, ToString::to_string);
    format!("{module}{word}.{label}{key}")
}

/// The key of one instance of a block with `for_each` or `count`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstanceKey {
    /// The index of an instance with `count`, from 0.
    Index(u64),
    /// The key of an instance with `for_each`.
    Name(Arc<str>),
}

impl InstanceKey {
    /// The key as plain text: the value of `each.key` or `count.index` in a string.
    #[must_use]
    pub fn key_text(&self) -> String {
        match self {
            Self::Index(index) => index.to_string(),
            Self::Name(name) => name.to_string(),
        }
    }
}

impl fmt::Display for InstanceKey {
    /// With its brackets: `["k"]`, `[0]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Name(name) => write!(f, "[{}]", serde_json::Value::from(&**name)),
        }
    }
}
