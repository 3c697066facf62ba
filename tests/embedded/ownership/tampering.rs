//! Records that were edited: never another answer without a word.
//!
//! Every edit is a change of one JSON node (another value, removed, copied, exchanged with its neighbour) or an older version of the whole
//! object. `LEASEHOLD_MUTATIONS` sets the number of edits of each object, `LEASEHOLD_TEST_SEED` chooses them.

use std::path::PathBuf;

use leasehold_test_harness::{Stack, test_seed};
use serde_json::{Value, json};

use super::{applied, edit_tags, forge_user, service};

/// The number of edits of each object without `LEASEHOLD_MUTATIONS`.
const MUTATIONS: usize = 40;

/// A stack with a history: a leaver in quarantine, a revoked identity, edited and forged marks.
fn history() -> Stack {
    let stack = applied();
    stack.write("third.hcl", &service("third", ""));
    stack.apply();
    stack.write("third.hcl", "");
    stack.apply();
    stack.ok(&["revoke", "identity.bot", "--reason", "leaked"]);
    edit_tags(&stack, "clerk", &[("created-at", "2036-01-01T00:00:00Z")]);
    forge_user(&stack, "victim");
    stack
}

/// Other values for a node.
fn list_other_values(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![json!("x")],
        Value::Bool(flag) => vec![json!(!flag), Value::Null],
        Value::Number(number) => vec![json!(number.as_u64().unwrap_or_default() + 1), json!(0)],
        Value::String(text) => {
            let mut all = vec![json!(format!("{text}x")), json!("")];
            all.extend(text.parse::<jiff::Timestamp>().map(|_| json!("2036-12-02T21:59:59Z")));
            all.extend(text.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| json!("0".repeat(text.len()))));
            all.extend(text.contains("identity.").then(|| json!("identity.other")));
            all
        }
        Value::Array(_) => vec![json!([]), json!([{}])],
        Value::Object(_) => vec![json!({}), Value::Null],
    }
}

/// Every document that differs from this one in one node.
fn list_edits(document: &Value) -> Vec<(String, Value)> {
    let mut edits: Vec<(String, Value)> =
        list_other_values(document).into_iter().map(|other| ("/".to_owned(), other)).collect();
    add_edits(document, "", document, &mut edits);
    edits
}

fn add_edits(node: &Value, path: &str, document: &Value, edits: &mut Vec<(String, Value)>) {
    let mut put = |path: &str, change: &dyn Fn(&mut Value)| {
        let mut edited = document.clone();
        change(edited.pointer_mut(path).unwrap());
        edits.push((path.to_owned(), edited));
    };
    match node {
        Value::Object(fields) => {
            for (name, child) in fields {
                put(path, &|node| drop(node.as_object_mut().unwrap().remove(name)));
                put(path, &|node| drop(node.as_object_mut().unwrap().insert(format!("{name}2"), child.clone())));
                for (other, sibling) in fields.iter().filter(|(other, _)| *other > name) {
                    put(path, &|node| {
                        let fields = node.as_object_mut().unwrap();
                        fields.insert(name.clone(), sibling.clone());
                        fields.insert(other.clone(), child.clone());
                    });
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                put(path, &|node| drop(node.as_array_mut().unwrap().remove(index)));
                put(path, &|node| node.as_array_mut().unwrap().insert(index, item.clone()));
                put(path, &|node| node.as_array_mut().unwrap().swap(0, index));
            }
        }
        _ => {}
    }
    let children: Vec<(String, &Value)> = match node {
        Value::Object(fields) => {
            fields.iter().map(|(name, child)| (name.replace('~', "~0").replace('/', "~1"), child)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(index, child)| (index.to_string(), child)).collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        let path = format!("{path}/{name}");
        for other in list_other_values(child) {
            let mut edited = document.clone();
            *edited.pointer_mut(&path).unwrap() = other;
            edits.push((path.clone(), edited));
        }
        add_edits(child, &path, document, edits);
    }
}

/// What became of an edit.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// A command refused it, or `audit verify` reported it.
    Reported,
    /// Every command gives the same answer as before.
    Same,
    /// The plan is another one, and nobody says why.
    Different,
}

struct Records {
    stack: Stack,
    plan: Value,
}

impl Records {
    fn new(stack: Stack) -> Self {
        let plan = stack.plan_json();
        let records = Self { stack, plan };
        assert_eq!(records.answer(), Answer::Same, "nothing was edited");
        records
    }

    fn answer(&self) -> Answer {
        let plan = self.stack.run(&["plan", "--format", "json"]);
        let verified = self.stack.run(&["audit", "verify"]);
        // A sweep that has nothing to do takes the lock and reads the end of the ledger.
        let swept = self.stack.run(&["sweep", "--auto-approve"]);
        if plan.code != 0 || verified.code != 0 || swept.code != 0 {
            return Answer::Reported;
        }
        if plan.json() == self.plan { Answer::Same } else { Answer::Different }
    }

    /// Puts each document in the place of a file, and returns the edits that nobody reported, with the answer.
    fn try_edits(&self, file: &str, edits: Vec<(String, Value)>) -> Vec<(String, Value, Answer)> {
        let path = self.stack.path(file);
        let original = std::fs::read(&path).unwrap();
        let was: Value = serde_json::from_slice(&original).unwrap();
        let mut silent = Vec::new();
        for (place, edited) in edits.into_iter().filter(|(_, edited)| *edited != was) {
            std::fs::write(&path, serde_json::to_vec(&edited).unwrap()).unwrap();
            let answer = self.answer();
            if answer != Answer::Reported {
                silent.push((place, edited, answer));
            }
        }
        std::fs::write(&path, original).unwrap();
        silent
    }
}

fn choose(mut edits: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let count = std::env::var("LEASEHOLD_MUTATIONS").map_or(MUTATIONS, |text| text.parse().unwrap());
    fastrand::Rng::with_seed(test_seed()).shuffle(&mut edits);
    edits.truncate(count);
    edits
}

fn entries(stack: &Stack) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(stack.path(".leasehold/ledger")).unwrap();
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn read(stack: &Stack, file: &str) -> Value {
    serde_json::from_str(&stack.read(file)).unwrap()
}

fn last_entry(stack: &Stack) -> String {
    format!(".leasehold/ledger/{}", entries(stack).last().unwrap().file_name().unwrap().to_str().unwrap())
}

#[test]
fn edited_inventory_is_refused() {
    let records = Records::new(history());
    let edits = choose(list_edits(&read(&records.stack, ".leasehold/inventory.json")));
    let silent = records.try_edits(".leasehold/inventory.json", edits);
    // A field that nobody reads, or a removed null, is the same inventory.
    assert!(silent.iter().all(|(_, _, answer)| *answer == Answer::Same), "{silent:#?}");
}

#[test]
fn edited_last_entry_is_refused() {
    let records = Records::new(history());
    let file = last_entry(&records.stack);
    let edits = choose(list_edits(&read(&records.stack, &file)));
    assert_eq!(records.try_edits(&file, edits), []);
}

#[test]
fn edited_entry_that_the_inventory_names_is_refused() {
    // The inventory is one run behind, as after a run that was killed before it wrote the inventory.
    let stack = history();
    let file = last_entry(&stack);
    let inventory = stack.read(".leasehold/inventory.json");
    stack.apply();
    stack.write(".leasehold/inventory.json", &inventory);
    let records = Records::new(stack);
    let edits = choose(list_edits(&read(&records.stack, &file)));
    assert_eq!(records.try_edits(&file, edits), []);
}

#[test]
fn edited_lineage_and_head_of_the_lock_are_refused() {
    let records = Records::new(history());
    let file = ".leasehold/lock.json";
    let lock = read(&records.stack, file);
    let edits = list_edits(&lock)
        .into_iter()
        .filter(|(_, edited)| edited["lineage"] != lock["lineage"] || edited["head"] != lock["head"]);
    let silent = records.try_edits(file, choose(edits.collect()));
    // A lock that knows less is as one of a younger ledger, and a field that nobody reads changes nothing.
    let knows_less = |(_, edited, answer): &(String, Value, Answer)| {
        let head = |field: &str| (edited["head"][field].clone(), lock["head"][field].clone());
        let (number, known) = head("number");
        let same_head = number == known && head("digest").0 == head("digest").1;
        let has_lineage = edited["lineage"] == lock["lineage"] || edited["lineage"].is_null();
        let has_head = same_head || edited["head"].is_null() || number.as_u64() < known.as_u64();
        *answer == Answer::Same && has_lineage && has_head
    };
    let told: Vec<_> = silent.iter().filter(|silent| !knows_less(silent)).collect();
    assert!(told.is_empty(), "{told:#?}");
}

#[test]
fn older_and_foreign_records_are_refused() {
    let stack = history();
    let older = ["inventory.json", "lock.json"].map(|file| (file, stack.read(&format!(".leasehold/{file}"))));
    stack.write("fourth.hcl", &service("fourth", ""));
    stack.apply();
    let other = history();
    let records = Records::new(stack);
    for (file, text) in older {
        let path = format!(".leasehold/{file}");
        let foreign = serde_json::from_str(&other.read(&path)).unwrap();
        let edits = vec![("older".to_owned(), serde_json::from_str(&text).unwrap()), ("foreign".to_owned(), foreign)];
        let silent = records.try_edits(&path, edits);
        // An older inventory or lock is as after a run that was killed: the ledger completes it.
        assert!(
            silent.iter().all(|(place, _, answer)| place == "older" && *answer == Answer::Same),
            "{file}: {silent:?}"
        );
    }
    let last = last_entry(&records.stack);
    let theirs = last_entry(&other);
    assert_eq!(records.try_edits(&last, vec![("foreign".to_owned(), read(&other, &theirs))]), []);
}
