//! The AWS managed policies that are part of the emulator's package.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::python;

const PRINT: &str = "
import importlib, json
text = importlib.import_module('moto.iam.aws_managed_policies').aws_managed_policies_data
print(json.dumps({name: entry['Document'] for name, entry in json.loads(text).items()}))
";

/// The default version of every AWS managed policy that moto contains, by name.
///
/// # Panics
/// Python fails.
#[must_use]
pub fn managed_policies() -> BTreeMap<String, Value> {
    let mut command = Command::new(python::interpreter());
    let output = command.args(["-I", "-c", PRINT]).output().expect("the emulator's Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("Python prints JSON")
}
