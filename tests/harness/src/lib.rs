//! Runs the real program in isolation: a stack in a temporary directory, an environment without the settings of the person who runs the
//! tests, and the output of each run.
//!
//! ```ignore
//! let stack = Stack::example("quickstart");
//! stack.ok(&["apply", "--auto-approve"]);
//! stack.edit("identities.hcl", "30d", "60d");
//! let plan = stack.run(&["plan", "--detailed-exitcode"]).expect(2);
//! assert!(plan.stdout.contains("longer lease"));
//! snapshot!(plan, @"…");
//! ```
#![allow(missing_docs, reason = "names say it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

pub mod crash;
pub mod granted;
pub mod json_edits;
mod run;
pub mod sarif;
mod stack;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

pub use run::{Ran, RunningCommand};
pub use stack::{Stack, with_expired_lease, without_grace_periods};

/// The time at which the tests on the embedded directory begin.
pub const START: &str = "2026-11-20T22:00:00Z";

/// The path of the program under test. Cargo builds it beside the folder of the test executables.
///
/// # Panics
/// If it is not there: the test does not run by `cargo test` in the package `leasehold`.
#[must_use]
pub fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let program = folder.join(format!("leasehold{}", std::env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "{} is not built", program.display());
    program
}

/// Asserts a snapshot of a run, after the values that differ from run to run were replaced: `snapshot!(ran, @"…")` with the expected text
/// inline, or `snapshot!("name", ran)` with a file, for texts of more than about 25 lines and for helpers that many tests call.
#[macro_export]
macro_rules! snapshot {
    ($ran:expr, @$expected:literal) => {
        $crate::settings().bind(|| insta::assert_snapshot!($ran.to_string(), @$expected))
    };
    ($name:expr, $ran:expr) => {
        $crate::settings().bind(|| insta::assert_snapshot!($name, $ran.to_string()))
    };
}

/// The filters of all snapshots.
pub fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.add_filter(r#""plan_digest": "[0-9a-f]{64}""#, r#""plan_digest": "[digest]""#);
    settings.add_filter(r"leasehold:digest(.{2,3})[0-9a-f]{64}", "leasehold:digest$1[digest]");
    settings.add_filter(r#"leasehold:lineage(.{2,4})[0-9a-f]{32}"#, "leasehold:lineage$1[lineage]");
    settings.add_filter(r#""leasehold_version": "[^"]+""#, r#""leasehold_version": "[version]""#);
    settings
}

/// The type of each value in a JSON document, by key: asserts a format without its values.
pub fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.iter().map(|(key, value)| (key.clone(), shape(value))).collect()),
        Value::Array(items) => {
            items.first().map_or_else(|| Value::Array(Vec::new()), |item| Value::Array(vec![shape(item)]))
        }
        Value::String(_) => "string".into(),
        Value::Number(_) => "number".into(),
        Value::Bool(_) => "bool".into(),
        Value::Null => Value::Null,
    }
}

/// The seed of the random choices in tests: the variable `LEASEHOLD_TEST_SEED`, otherwise 1. Prints the seed, so that the output of a failed
/// test shows it.
pub fn test_seed() -> u64 {
    let seed = std::env::var("LEASEHOLD_TEST_SEED").map_or(1, |text| text.parse().expect("a number"));
    println!("LEASEHOLD_TEST_SEED={seed}");
    seed
}

/// Waits until a condition is true. Fails after one minute.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} did not come to pass");
        std::thread::sleep(Duration::from_millis(5));
    }
}
