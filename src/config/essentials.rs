//! Reads the name and the providers of a stack whose other blocks may be broken. Commands that must not wait for a repair use this, such
//! as `leasehold revoke`.
//!
//! Only the `leasehold` and `provider` blocks are evaluated, with the variables and locals they refer to. If one of them is wrong, or may
//! be in text that cannot be parsed, the result is an error: a provider that is read incompletely could lead to another account.

use std::collections::BTreeMap;

use leasehold_provider::StackName;

use super::declare::places::find_places;
use super::declare::{read_essentials, variables};
use super::declared::{Backend, Providers};
use super::inputs::ConfigInputs;
use super::load::{ParsedConfig, conceal_variable_file, parse_config};
use super::modules::ModuleLibrary;
use super::recorded_files::RecordedFiles;
use super::schema;
use super::schema::block_types::{BLOCK_TYPES, LEASEHOLD, PROVIDER};
use super::sources::Sources;
use super::stack_model::StackModel;
use crate::hcl::catalog::BlockCatalog;
use crate::hcl::deep_stack::run_on_deep_stack;
use crate::hcl::diagnostic::{Diagnostic, DiagnosticSeverity};
use crate::hcl::eval::Evaluator;

/// What is needed to find and change the objects of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackEssentials {
    /// Its name.
    pub stack: StackName,
    /// Where its records are stored.
    pub backend: Backend,
    /// Its providers.
    pub providers: Providers,
}

/// Reads the essentials of a stack.
///
/// # Errors
///
/// The findings that prevent it.
pub fn load_essentials(sources: &Sources, inputs: &ConfigInputs<'_>) -> Result<StackEssentials, Vec<Diagnostic>> {
    let config = parse_config(sources);
    run_on_deep_stack(|| evaluate_essentials(&config, sources, inputs)).unwrap_or_else(|finding| Err(vec![*finding]))
}

fn evaluate_essentials(
    config: &ParsedConfig,
    sources: &Sources,
    inputs: &ConfigInputs<'_>,
) -> Result<StackEssentials, Vec<Diagnostic>> {
    let ParsedConfig { stack: parsed, values, .. } = config;
    let catalog = BlockCatalog::new(parsed, BLOCK_TYPES, &mut Vec::new());
    let mut findings: Vec<Diagnostic> = values.findings.iter().map(conceal_variable_file).collect();
    for block in parsed.blocks.iter().filter(|block| ["leasehold", "provider"].contains(&&*block.keyword.text)) {
        schema::check::check_blocks(std::slice::from_ref(block), &mut findings);
    }
    let broken = ["leasehold", "provider"].iter().any(|keyword| catalog.is_broken(keyword, ""));
    // A missing block may be in text that cannot be parsed.
    let may_hide = catalog.list_blocks(&PROVIDER).is_empty() || catalog.list_blocks(&LEASEHOLD).is_empty();
    if broken || may_hide {
        findings.extend(parsed.findings.iter().cloned());
    }
    let twice = parsed.blocks.iter().filter(|block| &*block.keyword.text == "leasehold").nth(1);
    findings.extend(twice.map(|block| {
        Diagnostic::error("config::duplicate_block", "the `leasehold` block is declared twice")
            .with_location(block.span(), "again")
    }));

    let mut files: variables::VariableFiles<'_> = BTreeMap::new();
    for (file, attribute) in &values.attributes {
        if let Some(source) = sources.get_file(*file) {
            files.entry(&source.name).or_default().push((*file, attribute));
        }
    }
    let library = ModuleLibrary::new(sources, catalog, BTreeMap::new());
    let places = find_places(&library, inputs, &files, sources);
    findings.extend(places.check_places(inputs.files));
    let (model, recorded) = (StackModel::new(&library), RecordedFiles::new(inputs.files, &places));
    let mut eval = Evaluator::new(&model, &recorded, inputs.now, inputs.limits.into());
    variables::resolve_variables(&mut eval, library.stack_catalog(), &inputs.variables, &files, sources);
    let found = read_essentials(&eval);
    findings.append(&mut eval.findings.borrow_mut());
    let failed = findings.iter().any(|finding| finding.severity == DiagnosticSeverity::Error);
    match found {
        Some((stack, backend, providers)) if !failed => Ok(StackEssentials { stack, backend, providers }),
        _ => Err(findings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{NoFiles, SourceFile, StackLimits, VariableAssignment};

    fn evaluate_essentials(text: &str) -> Result<StackEssentials, Vec<Diagnostic>> {
        let file = SourceFile { name: "stack.hcl".to_owned(), bytes: text.as_bytes().into() };
        let now = "2026-11-20T22:00:00Z".parse().unwrap();
        let variables: Vec<VariableAssignment> = Vec::new();
        load_essentials(
            &Sources::new(vec![file]),
            &ConfigInputs { variables, now, files: &NoFiles, limits: StackLimits::default() },
        )
    }

    const SOUND: &str = r#"
leasehold { stack = "payments" }
variable "account" { default = "111122223333" }
provider "aws" { allowed_account_ids = [var.account] }
"#;

    #[test]
    fn unrelated_errors_are_ignored() {
        let sound = evaluate_essentials(SOUND).unwrap();
        assert_eq!(sound.stack.as_str(), "payments");
        let first = &sound.providers.first;
        assert_eq!(first.provider.name(), "aws");
        assert_eq!(first.fields["allowed_account_ids"], serde_json::json!(["111122223333"]));
        for broken in [
            "identity \"x\" { kind = \"nonsense\" nonsense = 1 }",
            "identity \"x\" { owner = owner.nobody }",
            "identity \"x\" {",
            "nonsense {}",
            "x = = 1",
        ] {
            assert_eq!(evaluate_essentials(&format!("{SOUND}\n{broken}\n")).unwrap(), sound, "{broken}");
        }
    }

    #[test]
    fn what_is_wrong_with_the_provider_or_may_hide_it_does() {
        for broken in [
            "leasehold { stack = \"payments\" }\nprovider \"aws\" { allowed_account_id = [\"111122223333\"] }",
            "leasehold { stack = \"payments\" }\nprovider \"aws\" { allowed_account_ids = [var.nowhere] }",
            "leasehold { stack = \"payments\" }\nprovider \"aws\" { allowed_account_ids = [\"1\"] }",
            "leasehold { stack = \"payments\" }\nprovider \"aws\" { allowed_account_ids = [ }\n",
            "leasehold { stack = \"payments\" }\nidentity \"x\" { = }\n",
            "provider \"aws\" {}",
            "leasehold { stack = \"payments\" }\nprovider \"aws\" {}\nprovider \"aws\" { alias = 1 }",
            "leasehold { stack = \"payments\" }\nleasehold { stack = \"other\" }\nprovider \"aws\" {}",
        ] {
            assert!(evaluate_essentials(broken).is_err(), "{broken}: {:?}", evaluate_essentials(broken));
        }
    }
}
