//! The types of the model's top-level blocks, as the language sees them: how blocks are named, and what expressions can read from them.

use crate::hcl::value::{BlockNaming, BlockType, BlockVisibility};

/// A type whose blocks are named by a label, and that expressions of the same module can refer to.
const fn declare_type(
    word: &'static str,
    phrase: &'static str,
    label: usize,
    readable: &'static [&'static str],
) -> BlockType {
    let (naming, visibility) = (BlockNaming::Label(label), BlockVisibility::Module);
    BlockType { word, phrase, naming, visibility, readable, has_instances: false }
}

/// A type that expressions cannot refer to.
const fn declare_hidden_type(word: &'static str, phrase: &'static str, naming: BlockNaming) -> BlockType {
    BlockType { word, phrase, naming, visibility: BlockVisibility::Hidden, readable: &[], has_instances: false }
}

/// All types, those that expressions can refer to first.
pub static BLOCK_TYPES: &[&BlockType] = &[
    &OWNER,
    &SERVICE,
    &SCOPE,
    &IDENTITY,
    &TEMPLATE,
    &PROVIDER,
    &STORE,
    &GROUP,
    &FEDERATION,
    &LEASEHOLD,
    &MOVED,
    &IMPORT,
    &REMOVED,
];

/// `owner` blocks.
pub static OWNER: BlockType = declare_type("owner", "an owner", 0, &["name", "email", "team"]);
/// `service` blocks.
pub static SERVICE: BlockType = declare_type("service", "a service", 0, &["owner", "status"]);
/// `scope` blocks.
pub static SCOPE: BlockType = declare_type("scope", "a scope", 0, &["description"]);
/// `identity` blocks.
pub static IDENTITY: BlockType = BlockType {
    has_instances: true,
    ..declare_type(
        "identity",
        "an identity",
        0,
        &["name", "kind", "owner", "service", "purpose", "environment", "principal", "ttl"],
    )
};
/// `template` blocks.
pub static TEMPLATE: BlockType = declare_type(
    "template",
    "a template",
    0,
    &["kind", "owner", "service", "purpose", "environment", "principal", "ttl"],
);
/// `provider` blocks.
pub static PROVIDER: BlockType = BlockType {
    naming: BlockNaming::Alias,
    visibility: BlockVisibility::Everywhere,
    ..declare_type("provider", "a provider", 0, &[])
};
/// `store` blocks. Their first label is the type of the store, the second its name.
pub static STORE: BlockType = declare_type("store", "a store", 1, &[]);
/// `group` blocks.
pub static GROUP: BlockType = declare_hidden_type("group", "a group", BlockNaming::Label(0));
/// `federation` blocks. Their first label is the protocol, the second the name.
pub static FEDERATION: BlockType = declare_hidden_type("federation", "a federation", BlockNaming::Label(1));
/// The `leasehold` block.
pub static LEASEHOLD: BlockType = declare_hidden_type("leasehold", "a leasehold block", BlockNaming::Single);
/// `moved` blocks.
pub static MOVED: BlockType = declare_hidden_type("moved", "a moved block", BlockNaming::Unnamed);
/// `import` blocks.
pub static IMPORT: BlockType = declare_hidden_type("import", "an import block", BlockNaming::Unnamed);
/// `removed` blocks.
pub static REMOVED: BlockType = declare_hidden_type("removed", "a removed block", BlockNaming::Unnamed);
