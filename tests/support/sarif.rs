//! Is a value SARIF 2.1.0? Asked of the published schema, which lies beside this file.

use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

/// The schema of the standard; where it is from stands in `sarif-schema-2.1.0.md`.
const SCHEMA: &str = include_str!("sarif-schema-2.1.0.json");

fn validator() -> &'static Validator {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    VALIDATOR.get_or_init(|| {
        // As published, the pattern of languages has a bracket too many, which only a lenient engine reads.
        let mended = SCHEMA.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$");
        assert_ne!(mended, SCHEMA);
        let schema: Value = serde_json::from_str(&mended).unwrap();
        // Draft 7 leaves it open whether `format` counts; a URI that is none should be told.
        jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
    })
}

/// What the schema has against a value, each with its place in it.
pub fn errors(value: &Value) -> Vec<String> {
    validator().iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Asserts that a value is a SARIF 2.1.0 log, as the schema has it, and that what the schema cannot say holds too: each
/// result's `ruleIndex` leads to the rule that its `ruleId` names.
#[track_caller]
pub fn assert_valid(log: &Value) {
    let errors = errors(log);
    assert!(errors.is_empty(), "not SARIF 2.1.0:\n{}\n{log:#}", errors.join("\n"));
    for run in log["runs"].as_array().unwrap() {
        let rules = &run["tool"]["driver"]["rules"];
        for result in run["results"].as_array().into_iter().flatten() {
            if let Some(index) = result["ruleIndex"].as_u64() {
                assert_eq!(result["ruleId"], rules[usize::try_from(index).unwrap()]["id"], "{result:#}");
            }
        }
    }
}
