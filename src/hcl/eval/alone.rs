//! What tests of the language alone need: no types of blocks, no modules, no files.

use super::{AttributeRead, BlockModel, CalledModule, Evaluated, Evaluator};
use crate::hcl::catalog::BlockCatalog;
use crate::hcl::files::ReadableFiles;
use crate::hcl::syntax::Block;
use crate::hcl::value::{BlockType, ConfigValue};

/// A model without types of blocks and modules: the language alone.
pub(super) struct EmptyModel<'a>(pub &'a BlockCatalog<'a>);

impl<'a> BlockModel<'a> for EmptyModel<'a> {
    fn block_types(&self) -> &'static [&'static BlockType] {
        &[]
    }

    fn root_catalog(&self) -> &'a BlockCatalog<'a> {
        self.0
    }

    fn find_called_module(&self, _from: &str, _call: &Block) -> CalledModule<'a> {
        Err(None)
    }

    fn read_unset_attribute(&self, _eval: &Evaluator<'_>, _read: &AttributeRead<'_>) -> Evaluated<ConfigValue> {
        Ok(ConfigValue::NULL)
    }
}

/// A directory without files.
pub(super) struct EmptyFolder;

impl ReadableFiles for EmptyFolder {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("there is no file {path}"))
    }

    fn contains_file(&self, _path: &str) -> Result<bool, String> {
        Ok(false)
    }

    fn list_files(&self, _path: &str) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }
}
