//! Asserts the architecture: data flows one way through the stages, and a provider depends on the contract only.
//!
//! In: the order of the modules in `src/lib.rs`, and the paths in the sources. A module must not name a later one; therefore there is no
//! cycle between stages either.

#![allow(clippy::disallowed_methods, reason = "a test reads the sources")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;

mod circles;
mod edges;

/// All Rust files below a folder.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The stages in the order in which `lib.rs` declares them.
fn stages() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let declared = Regex::new(r"(?m)^pub mod ([a-z_]+);$").unwrap();
    declared.captures_iter(&text).map(|found| found[1].to_owned()).collect()
}

/// The code of a file without its comments and its unit tests. Unit tests may use any module.
fn code(text: &str) -> String {
    // A line `mod tests;` is not the end of the code: the tests are in another file.
    let tests = Regex::new(r"#\[cfg\(test\)\]\n(?:#\[.*\]\n)*mod \w+ \{").unwrap();
    let without_tests = tests.split(text).next().unwrap_or_default();
    without_tests.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The modules of this crate that a file uses: `crate::plan::Plan`, `use crate::{plan, rules::Ruling}`.
fn named_modules(text: &str) -> BTreeSet<String> {
    let direct = Regex::new(r"\bcrate::([a-z_]+)").unwrap();
    let grouped = Regex::new(r"\buse crate::\{([^;]*)\};").unwrap();
    let item = Regex::new(r"(?:^|,)\s*([a-z_]+)").unwrap();
    let nested = Regex::new(r"\{[^{}]*\}").unwrap();
    let code = code(text);
    let mut named: BTreeSet<String> = direct.captures_iter(&code).map(|found| found[1].to_owned()).collect();
    for group in grouped.captures_iter(&code) {
        let mut items = group[1].to_owned();
        while nested.is_match(&items) {
            items = nested.replace_all(&items, "").into_owned();
        }
        named.extend(item.captures_iter(&items).map(|found| found[1].to_owned()));
    }
    named
}

/// The uses of a later stage by an earlier one, each with the file.
fn arrows_against(stages: &[String], files: &BTreeMap<String, Vec<(PathBuf, String)>>) -> Vec<String> {
    let place = |name: &str| stages.iter().position(|stage| stage == name);
    let mut against = Vec::new();
    for (stage, files) in files {
        for (file, text) in files {
            let later = named_modules(text).into_iter().filter(|named| place(named) > place(stage));
            against.extend(later.map(|named| format!("{}: {stage} uses {named}", file.display())));
        }
    }
    against
}

fn sources(stages: &[String]) -> BTreeMap<String, Vec<(PathBuf, String)>> {
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path.strip_prefix(root()).unwrap().to_owned(), text)
    };
    let of_stage = |stage: &String| {
        let folder = root().join("src").join(stage);
        let files = if folder.is_dir() { rust_files(&folder) } else { vec![folder.with_extension("rs")] };
        (stage.clone(), files.into_iter().map(read).collect())
    };
    stages.iter().map(of_stage).collect()
}

#[test]
fn no_stage_uses_a_later_one() {
    let stages = stages();
    assert!(stages.len() > 10 && stages.iter().any(|stage| stage == "config"), "{stages:?}");
    let sources = sources(&stages);
    assert!(sources.values().map(Vec::len).sum::<usize>() > 200, "the sources are found");
    let against = arrows_against(&stages, &sources);
    assert!(against.is_empty(), "{}", against.join("\n"));
}

#[test]
fn the_language_knows_no_other_crate_of_the_workspace() {
    let naming = |(_, text): &&(PathBuf, String)| code(text).contains("leasehold_");
    let sources = sources(&["hcl".to_owned()]);
    let files: Vec<_> = sources["hcl"].iter().filter(naming).map(|(file, _)| file).collect();
    assert!(sources["hcl"].len() > 40 && files.is_empty(), "{files:?}");
}

#[test]
fn every_module_of_the_crate_is_a_stage() {
    let stages: BTreeSet<String> = stages().into_iter().collect();
    let folder = std::fs::read_dir(root().join("src")).unwrap();
    let modules = folder.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
    let modules: BTreeSet<String> = modules.filter(|name| name != "lib" && name != "main").collect();
    assert_eq!(modules, stages);
}

#[test]
fn an_arrow_against_the_order_is_found_however_it_is_written() {
    let stages: Vec<String> = ["config", "plan", "cli"].map(str::to_owned).to_vec();
    for (text, found) in [
        ("use crate::cli::Exit;", true),
        ("use crate::{config::Declared, cli};", true),
        ("use crate::{\n    config::{Declared, plan},\n    cli::{self, Exit},\n};", true),
        ("fn x() { crate::cli::main() }", true),
        ("use crate::config::Declared;", false),
        ("use crate::{config::{cli}};", false),
        ("// crate::cli is the edge", false),
        ("#[cfg(test)]\nmod tests {\n    use crate::cli::Exit;\n}", false),
        ("#[cfg(test)]\n#[allow(x)]\nmod tests {\n    use crate::cli::Exit;\n}", false),
        ("#[cfg(test)]\nmod tests;\n\nuse crate::cli::Exit;", true),
    ] {
        let files = BTreeMap::from([("plan".to_owned(), vec![(PathBuf::from("plan.rs"), text.to_owned())])]);
        assert_eq!(!arrows_against(&stages, &files).is_empty(), found, "{text}");
    }
}

/// The crates of this workspace that each crate may use.
const MAY_USE: [(&str, &[&str]); 6] = [
    ("files", &[]),
    ("providers/contract", &[]),
    ("providers/aws-policy", &["leasehold-provider"]),
    ("providers/local", &["leasehold-provider", "leasehold-policy", "leasehold-files"]),
    ("providers/aws", &["leasehold-provider", "leasehold-policy"]),
    (".", &["leasehold-files", "leasehold-provider", "leasehold-policy", "leasehold-local", "leasehold-aws"]),
];

#[test]
fn a_provider_depends_on_the_contract_and_not_on_the_engine() {
    let dependency = Regex::new(r"(?m)^(leasehold-[a-z]+)\b").unwrap();
    for (folder, may_use) in MAY_USE {
        let manifest = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("\n[").find(|section| section.starts_with("dependencies]")).unwrap();
        let used: BTreeSet<&str> =
            dependency.captures_iter(dependencies).map(|found| found.get(1).unwrap().as_str()).collect();
        let allowed: BTreeSet<&str> = may_use.iter().copied().collect();
        assert!(used.is_subset(&allowed), "{folder} uses {used:?}");
    }
}
