//! Validates values against the published schema of SARIF 2.1.0, which is in this folder.

use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

/// The schema of the standard; `sarif-schema-2.1.0.md` names its source.
const SCHEMA: &str = include_str!("sarif-schema-2.1.0.json");

fn validator() -> &'static Validator {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    VALIDATOR.get_or_init(|| {
        // The published pattern for languages has a surplus bracket, which only lenient regex engines accept.
        let mended = SCHEMA.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$");
        assert_ne!(mended, SCHEMA);
        let schema: Value = serde_json::from_str(&mended).unwrap();
        // In draft 7, validating `format` is optional. It is enabled here so that an invalid URI is reported.
        jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
    })
}

/// The violations of the schema in a value, each with its path.
pub fn errors(value: &Value) -> Vec<String> {
    validator().iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Asserts that a value is a SARIF 2.1.0 log by the schema, and one rule that the schema cannot express: the `ruleIndex` of each result
/// refers to the rule that its `ruleId` names.
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
