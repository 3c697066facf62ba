//! Names that follow from where a block is declared: its address, the qualified name that marks and policies use, and the default name in
//! the cloud.
//!
//! Example: `identity "x"` in `module "a"` with the key `k` has the address `module.a["k"].identity.x`, the qualified name `a,k.x` and the
//! default name `a-k-x`.

use leasehold_provider::{Address, Key, key};

use crate::hcl::eval::{Evaluator, ModuleId};
use crate::hcl::value::{BlockRef, InstanceKey};

/// The address of a referenced block.
#[must_use]
pub fn block_address(block: &BlockRef) -> Address {
    Address::from_text(block.to_string())
}

impl From<&InstanceKey> for Key {
    fn from(key: &InstanceKey) -> Self {
        match key {
            InstanceKey::Index(index) => Self::Index(*index),
            InstanceKey::Name(name) => Self::Name(name.clone()),
        }
    }
}

/// The qualified name of a block in a module: its label, preceded by the segments of the modules.
pub fn qualify_label(eval: &Evaluator<'_>, module: ModuleId, label: &str) -> String {
    key::qualify_name(qualify_module(eval, module).as_deref(), label)
}

/// The module part of a qualified name. `None`: the stack itself.
fn qualify_module(eval: &Evaluator<'_>, module: ModuleId) -> Option<String> {
    let instance = eval.module(module);
    let call = instance.call.as_ref()?;
    let segment = key::render_segment(call.block.label(0), call.key.as_ref().map(Key::from).as_ref());
    Some(key::qualify_name(qualify_module(eval, call.from).as_deref(), &segment))
}

/// The name in the cloud of a block that sets no `name`: `label` or `label-key`. In a module, the label and the key of each enclosing module
/// precede it: `a-k-label`.
pub fn derive_default_name(eval: &Evaluator<'_>, module: ModuleId, label: &str, key: Option<&InstanceKey>) -> String {
    let mut name = key.map_or_else(|| label.to_owned(), |key| format!("{label}-{}", key.key_text()));
    let mut instance = eval.module(module);
    while let Some(call) = &instance.call {
        let label = call.block.label(0);
        name = match &call.key {
            Some(key) => format!("{label}-{}-{name}", key.key_text()),
            None => format!("{label}-{name}"),
        };
        let outer = eval.module(call.from);
        instance = outer;
    }
    name
}
