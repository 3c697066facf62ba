//! The schema of configuration blocks, as static tables. A provider crate describes its `provider` block with these
//! types.

/// The schema of a type of block.
#[derive(Debug)]
pub struct BlockSchema {
    /// The word that begins the block.
    pub keyword: &'static str,
    /// The meaning of each label, for diagnostics. The length is the required number of labels.
    pub labels: &'static [&'static str],
    /// The attributes.
    pub attributes: &'static [AttributeSchema],
    /// The inner blocks.
    pub blocks: &'static [InnerBlockSchema],
    /// Whether attributes with any name are accepted.
    pub open: bool,
    /// The forms among which the first label selects. Empty: the content does not depend on the label.
    pub forms: &'static [BlockForm],
}

/// The content of a block with a certain first label.
#[derive(Debug, Clone, Copy)]
pub struct BlockForm {
    /// The first label.
    pub label: &'static str,
    /// The attributes.
    pub attributes: &'static [AttributeSchema],
    /// The inner blocks.
    pub blocks: &'static [InnerBlockSchema],
    /// Whether the form is known but not part of this build. Its use is an error.
    pub later: bool,
}

/// The schema of an attribute.
#[derive(Debug)]
pub struct AttributeSchema {
    /// The name.
    pub name: &'static str,
    /// Whether the block must set it.
    pub required: bool,
    /// An example for the diagnostic about a missing attribute. Empty for optional attributes.
    pub example: &'static str,
    /// Whether the name is reserved for a later version. Its use is an error.
    pub later: bool,
}

impl AttributeSchema {
    /// An attribute that a block may set.
    #[must_use]
    pub const fn optional(name: &'static str) -> Self {
        Self { name, required: false, example: "", later: false }
    }

    /// An attribute that a block must set, with an example for the diagnostic about its absence.
    #[must_use]
    pub const fn required(name: &'static str, example: &'static str) -> Self {
        Self { name, required: true, example, later: false }
    }
}

/// The schema of an inner block.
#[derive(Debug)]
pub struct InnerBlockSchema {
    /// The type of the block.
    pub schema: &'static BlockSchema,
    /// Whether a block may contain several of them.
    pub many: bool,
    /// Whether the name is reserved for a later version. Its use is an error.
    pub later: bool,
}
