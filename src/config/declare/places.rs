//! Reads the places for records and secrets that a stack names: the folder of its `backend`, its `store` blocks, the file of an embedded
//! directory.

use super::fields::BlockFields;
use super::inner;
use super::variables::{VariableFiles, assign_variables};
use crate::config::inputs::ConfigInputs;
use crate::config::modules::ModuleLibrary;
use crate::config::places::{DEFAULT_PLACE, DeclaredPlace, StackPlaces, UNKNOWN};
use crate::config::schema::block_types::{LEASEHOLD, PROVIDER, STORE};
use crate::config::sources::{PlaceKind, Sources};
use crate::config::stack_model::StackModel;
use crate::hcl::eval::{Evaluator, ModuleId};
use crate::hcl::files::ReadableFiles;
use crate::providers::{DEFAULT_PROVIDER, find_provider_type};

/// Determines the places of a stack without reading a file. Errors of the expressions are found again when the whole stack is evaluated.
pub fn find_places(
    library: &ModuleLibrary<'_>,
    inputs: &ConfigInputs<'_>,
    files: &VariableFiles<'_>,
    sources: &Sources,
) -> StackPlaces {
    let model = StackModel::new(library);
    let mut eval = Evaluator::new(&model, &ClosedFiles, inputs.now, inputs.limits.into());
    assign_variables(&mut eval, library.stack_catalog(), &inputs.variables, files, sources);
    let (places, known) = read_places(&eval);
    StackPlaces::new(places, known)
}

/// Reads all places. The second value is false if a path cannot be determined; the evaluator has a finding about it.
fn read_places(eval: &Evaluator<'_>) -> (Vec<DeclaredPlace>, bool) {
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

/// Files that are closed while the places are determined.
struct ClosedFiles;

impl ReadableFiles for ClosedFiles {
    fn read_file(&self, _: &str) -> Result<Vec<u8>, String> {
        Err(UNKNOWN.to_owned())
    }

    fn contains_file(&self, _: &str) -> Result<bool, String> {
        Err(UNKNOWN.to_owned())
    }

    fn list_files(&self, _: &str) -> Result<Vec<String>, String> {
        Err(UNKNOWN.to_owned())
    }
}
