//! The model that the evaluator works with: the types of Leasehold's blocks, the modules of a stack, and the attributes that a block gets from
//! its template or by default.

use std::cell::RefCell;
use std::collections::BTreeSet;

use leasehold_provider::Address;

use super::modules::ModuleLibrary;
use super::naming::{block_address, derive_default_name};
use super::schema::block_types::{BLOCK_TYPES, IDENTITY, TEMPLATE};
use crate::hcl::catalog::BlockCatalog;
use crate::hcl::eval::{AttributeRead, BlockModel, CalledModule, Evaluated, Evaluator};
use crate::hcl::syntax::Block;
use crate::hcl::value::{BlockType, ConfigValue, ValueData};

/// The blocks of a stack and its modules, with what expressions have read of them.
pub struct StackModel<'a> {
    library: &'a ModuleLibrary<'a>,
    default_names_read: RefCell<BTreeSet<Address>>,
}

impl<'a> StackModel<'a> {
    /// The model of a stack.
    #[must_use]
    pub fn new(library: &'a ModuleLibrary<'a>) -> Self {
        Self { library, default_names_read: RefCell::default() }
    }

    /// The addresses of the identities whose default name an expression has read so far: their block sets no `name`.
    #[must_use]
    pub fn list_default_names_read(&self) -> BTreeSet<Address> {
        self.default_names_read.borrow().clone()
    }
}

impl<'a> BlockModel<'a> for StackModel<'a> {
    fn block_types(&self) -> &'static [&'static BlockType] {
        BLOCK_TYPES
    }

    fn root_catalog(&self) -> &'a BlockCatalog<'a> {
        self.library.stack_catalog()
    }

    fn find_called_module(&self, from: &str, call: &Block) -> CalledModule<'a> {
        self.library.find_called_module(from, call)
    }

    /// The default name of an identity; otherwise the attribute of the template, or null.
    fn read_unset_attribute(&self, eval: &Evaluator<'_>, read: &AttributeRead<'_>) -> Evaluated<ConfigValue> {
        let block = read.block;
        if *block.of == IDENTITY && read.name == "name" {
            self.default_names_read.borrow_mut().insert(block_address(block));
            let module = eval.find_module(block.module.as_ref());
            return Ok(ConfigValue::new_string(derive_default_name(eval, module, &block.label, block.key.as_ref())));
        }
        let Some(template) = read.declared.body.find_attribute("template") else { return Ok(ConfigValue::NULL) };
        match eval.evaluate_expr(&template.value, read.scope)?.data {
            ValueData::Block(template) if *template.of == TEMPLATE => {
                eval.read_block_attribute(&template, read.name, read.span.clone())
            }
            _ => Ok(ConfigValue::NULL),
        }
    }
}
