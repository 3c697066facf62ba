//! Reads the places for records and secrets that a stack names: the folder of its `backend`, its `store` blocks, the file of an embedded
//! directory.

use super::fields::BlockFields;
use super::inner;
use crate::config::schema::block_types::{LEASEHOLD, PROVIDER, STORE};
use crate::config::sources::PlaceKind;
use crate::hcl::eval::{Evaluator, ModuleId};
use crate::hcl::source::FileSpan;
use crate::providers::{DEFAULT_PROVIDER, find_provider_type};

/// A place for records or secrets.
#[derive(Debug, Clone)]
pub struct DeclaredPlace {
    /// Its path: relative to the stack's directory, or absolute.
    pub path: String,
    /// What is there.
    pub kind: PlaceKind,
    /// Where its path is written, otherwise its block. `None`: the default of a stack without such a block.
    pub span: Option<FileSpan>,
}

/// The default folder of records, which also contains the default places of stores and of the embedded directory.
pub const DEFAULT_PLACE: &str = ".leasehold";

/// Reads all places. The second value is false if a path cannot be determined; the evaluator has a finding about it.
pub fn read_places(eval: &Evaluator<'_>) -> (Vec<DeclaredPlace>, bool) {
    let mut places = vec![DeclaredPlace { path: DEFAULT_PLACE.to_owned(), kind: PlaceKind::Folder, span: None }];
    let known = eval.findings.borrow().len();
    let catalog = eval.catalog(ModuleId::ROOT);
    for leasehold in catalog.list_blocks(&LEASEHOLD) {
        let backends = inner::read_inner_blocks(&BlockFields::new(eval, ModuleId::ROOT, leasehold), "backend");
        let local = backends.iter().filter(|backend| backend.block.label(0) == "local");
        places.extend(local.filter_map(|backend| read_place(backend, PlaceKind::Folder)));
    }
    for block in catalog.list_blocks(&STORE) {
        places.extend(read_place(&BlockFields::new(eval, ModuleId::ROOT, block), PlaceKind::Folder));
    }
    for block in catalog.list_blocks(&PROVIDER) {
        // A provider whose block names a file is the embedded directory, or works like it.
        let provider = find_provider_type(block.label(0)).unwrap_or(DEFAULT_PROVIDER);
        if provider.form.attributes.iter().any(|attribute| attribute.name == "path") {
            places.extend(read_place(&BlockFields::new(eval, ModuleId::ROOT, block), PlaceKind::File));
        }
    }
    let unchanged = eval.findings.borrow().len() == known;
    (places, unchanged)
}

fn read_place(fields: &BlockFields<'_, '_>, kind: PlaceKind) -> Option<DeclaredPlace> {
    let path = fields.read_filled_text("path")?;
    Some(DeclaredPlace { path, kind, span: Some(fields.attribute_span("path")) })
}
