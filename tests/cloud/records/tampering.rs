//! A ledger that was changed says so, and where.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use leasehold_test_harness::{START, Stack};

/// A stack with a history: joiners, movers, a leaver in quarantine and then deleted, a refusal.
fn history() -> Stack {
    let mut stack = Stack::of(
        "leasehold {\n  stack = \"told\"\n  defaults {\n    ttl = \"90d\"\n  }\n}\n\nowner \"jane\" {}\n\n\
         identity \"a\" {\n  kind  = \"service\"\n  owner = owner.jane\n}\n\n\
         identity \"b\" {\n  kind  = \"break_glass\"\n  owner = owner.jane\n}\n",
    )
    .at(START);
    stack.apply();
    for round in 0..6 {
        stack.append(
            "stack.hcl",
            &format!("identity \"c{round}\" {{\n  kind  = \"service\"\n  owner = owner.jane\n}}\n"),
        );
        stack.apply();
    }
    stack.cut("stack.hcl", "identity \"b\"");
    stack.run(&["apply", "--auto-approve"]).expect(3);
    stack.cut("stack.hcl", "identity \"a\"");
    stack.ok(&["apply", "--auto-approve", "--approve", "identity.b"]);
    stack.pass_days(8);
    stack.ok(&["apply", "--auto-approve", "--approve", "identity.b"]);
    stack.ok(&["audit", "verify"]).says(&["The ledger is intact"]);
    stack
}

/// What the records of a stack are made of, by path.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

fn put(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    for path in files_now(folder) {
        std::fs::remove_file(path).unwrap();
    }
    for (path, bytes) in files {
        std::fs::write(path, bytes).unwrap();
    }
}

fn files_now(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// One change of the ledger, and the first entry at which it shows.
fn mutate(entries: &mut Vec<Vec<u8>>, kind: usize, random: &mut impl FnMut(usize) -> usize) -> usize {
    let at = random(entries.len());
    match kind {
        0 => {
            let byte = random(entries[at].len());
            entries[at][byte] ^= 1 << random(7);
            at + 1
        }
        1 => {
            entries.remove(at);
            // The name that is then missing is the last one; the one after the gap does not follow.
            (at + 1).min(entries.len())
        }
        2 => {
            let other = (at + 1 + random(entries.len() - 1)) % entries.len();
            entries.swap(at, other);
            at.min(other) + 1
        }
        3 => {
            let copy = entries[at].clone();
            entries.insert(at + 1, copy);
            at + 2
        }
        4 => {
            let mut forged: Value = serde_json::from_slice(&entries[at]).unwrap();
            forged["run"] = Value::from("f".repeat(32));
            entries.insert(at, serde_json::to_vec(&forged).unwrap());
            at + 1
        }
        5 => {
            let half = entries[at].len() / 2;
            entries[at].truncate(half);
            at + 1
        }
        _ => {
            entries.truncate(at);
            at
        }
    }
}

#[test]
fn every_change_of_a_ledger_is_found_at_its_first_entry() {
    let stack = history();
    let folder = stack.path(".leasehold/ledger");
    let whole = files(&folder);
    let names: Vec<PathBuf> = whole.keys().cloned().collect();
    assert!(names.len() >= 16, "{}", names.len());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for round in 0..200 {
        let kind = round % 8;
        if kind == 7 {
            evidence_is_found(&stack, &mut random);
            continue;
        }
        let mut entries: Vec<Vec<u8>> = whole.values().cloned().collect();
        let first = mutate(&mut entries, kind, &mut random);
        let changed: BTreeMap<PathBuf, Vec<u8>> = entries
            .into_iter()
            .enumerate()
            .map(|(index, bytes)| (folder.join(format!("{:020}.json", index + 1)), bytes))
            .collect();
        put(&folder, &changed);
        let ran = stack.run(&["audit", "verify", "--format", "json"]).expect(1);
        let verified = ran.json();
        assert_eq!(verified["valid"], false, "round {round}: {ran}");
        assert_eq!(verified["flaws"][0]["entry"], first, "round {round}, kind {kind}: {ran}");
        put(&folder, &whole);
    }
    stack.ok(&["audit", "verify"]);
}

/// A piece of evidence that is changed or gone is named with the entry that speaks of it.
fn evidence_is_found(stack: &Stack, random: &mut impl FnMut(usize) -> usize) {
    let folder = stack.path(".leasehold/evidence");
    let whole = files(&folder);
    let mut changed = whole.clone();
    let path = changed.keys().nth(random(whole.len())).unwrap().clone();
    let digest = path.file_name().unwrap().to_string_lossy().into_owned();
    if random(2) == 0 {
        changed.remove(&path);
    } else {
        changed.get_mut(&path).unwrap()[0] ^= 1;
    }
    put(&folder, &changed);
    let ran = stack.run(&["audit", "verify"]).expect(1);
    assert!(ran.stdout.contains(&digest), "{ran}");
    put(&folder, &whole);
}
