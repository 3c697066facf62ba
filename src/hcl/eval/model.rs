//! What the model adds to the language. The model hands an implementation of [`BlockModel`] to the evaluator, so that the evaluator depends on
//! no model: it knows blocks as rows of a table of [`BlockType`]s, and asks the model for what no table can say.

use super::{EvalScope, Evaluated, Evaluator};
use crate::hcl::catalog::BlockCatalog;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::source::FileSpan;
use crate::hcl::syntax::Block;
use crate::hcl::value::{BlockRef, BlockType, BlockVisibility, ConfigValue};

/// The directory and the blocks of a called module. The error is what is wrong with the call; `None`: it is already reported.
pub type CalledModule<'a> = Result<(&'a str, &'a BlockCatalog<'a>), Option<Box<Diagnostic>>>;

/// The attribute of a block that an expression reads.
pub struct AttributeRead<'r> {
    /// The reference to the block.
    pub block: &'r BlockRef,
    /// The block.
    pub declared: &'r Block,
    /// The name of the attribute.
    pub name: &'r str,
    /// The place of the expression.
    pub span: FileSpan,
    /// The scope of the expressions in the block.
    pub scope: &'r EvalScope<'r>,
}

/// A model: the types of blocks, the modules that can be called, and the meaning of attributes that a block does not set.
pub trait BlockModel<'a> {
    /// The types of blocks, in the order in which diagnostics list them.
    fn block_types(&self) -> &'static [&'static BlockType];

    /// The blocks of the root module.
    fn root_catalog(&self) -> &'a BlockCatalog<'a>;

    /// The module that a `module` block calls. `from` is the directory of the module that contains the block.
    ///
    /// # Errors
    ///
    /// What is wrong with the call. `None`: the check of the schema reports it.
    fn find_called_module(&self, from: &str, call: &Block) -> CalledModule<'a>;

    /// The value of an attribute that the block does not set, such as a default.
    ///
    /// # Errors
    ///
    /// Returns an error if the value depends on a failed expression.
    fn read_unset_attribute(&self, eval: &Evaluator<'_>, read: &AttributeRead<'_>) -> Evaluated<ConfigValue>;
}

impl Evaluator<'_> {
    /// The types of blocks that expressions can refer to.
    pub(super) fn visible_types(&self) -> impl Iterator<Item = &'static BlockType> + Clone {
        self.model.block_types().iter().copied().filter(|of| of.visibility != BlockVisibility::Hidden)
    }

    /// The type whose references begin with `word`. `None`: there is none.
    pub(super) fn find_visible_type(&self, word: &str) -> Option<&'static BlockType> {
        self.visible_types().find(|of| of.word == word)
    }
}
