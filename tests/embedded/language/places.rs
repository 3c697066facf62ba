//! What machines read names files by their path from the root of the repository, wherever the program is run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use leasehold_test_harness::{Stack, sarif};

/// A repository with a finding in the stack, in a module beside it, and in a file of values.
fn repository(git: bool) -> Stack {
    let home = Stack::empty();
    if git {
        home.write("repo/.git/HEAD", "ref: refs/heads/main\n");
    }
    home.write(
        "repo/stacks/pröd 100%/stack.hcl",
        "leasehold { stack = \"x\" }\nowner \"jane\" { nme = 1 }\nvariable \"n\" { type = number }\nmodule \"m\" {\n  source = \"../../modules/m\"\n}\n",
    );
    home.write("repo/modules/m/main.hcl", "owner \"joe\" { nme = 1 }\n");
    home.write("repo/values/a b.hclvars", "n = 1\nunknown = 2\n");
    home
}

/// The program, run in `directory`; what it prints.
fn print(home: &Stack, directory: &Path, args: &[&str], format: &str) -> String {
    let mut command = home.command(&[args, &["--format", format]].concat());
    String::from_utf8(command.current_dir(directory).output().unwrap().stdout).unwrap()
}

/// The files that each form names.
fn files(home: &Stack, directory: &Path, args: &[&str]) -> [BTreeSet<String>; 3] {
    let log: Value = serde_json::from_str(&print(home, directory, args, "sarif")).unwrap();
    sarif::assert_valid(&log);
    let results = log["runs"][0]["results"].as_array().unwrap();
    let artifact = |result: &Value| result["locations"][0]["physicalLocation"]["artifactLocation"].clone();
    let located = results.iter().map(artifact).filter(|artifact| !artifact.is_null());
    let uris = located.map(|artifact| {
        let uri = artifact["uri"].as_str().unwrap().to_owned();
        assert_eq!(artifact["uriBaseId"] == "%SRCROOT%", !uri.starts_with("file://"), "{artifact}");
        uri
    });
    let annotations = print(home, directory, args, "github");
    let annotated =
        annotations.lines().filter_map(|line| Some(line.split_once("file=")?.1.split(',').next()?.to_owned()));
    let json: Value = serde_json::from_str(&print(home, directory, args, "json")).unwrap();
    let named = json.as_array().unwrap().iter().filter_map(|finding| finding.pointer("/range/filename"));
    [uris.collect(), annotated.collect(), named.map(|name| name.as_str().unwrap().to_owned()).collect()]
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// Every way to name the same stack.
fn ways(home: &Stack) -> Vec<(PathBuf, Vec<String>)> {
    let path = |name: &str| home.path(name);
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
    let absolute = path("repo/stacks/pröd 100%").display().to_string();
    let linked = path("link/stacks/pröd 100%").display().to_string();
    let values = path("repo/values/a b.hclvars").display().to_string();
    vec![
        (path("repo/stacks/pröd 100%"), words(&["validate", "--var-file", "../../values/a b.hclvars"])),
        (path("repo"), words(&["validate", "stacks/pröd 100%", "--var-file", "values/a b.hclvars"])),
        (path("repo/modules"), words(&["validate", "../stacks/pröd 100%", "--var-file", "../values/a b.hclvars"])),
        (path(""), words(&["-C", "repo", "validate", "stacks/pröd 100%", "--var-file", "values/a b.hclvars"])),
        (path(""), words(&["-C", "repo/stacks/pröd 100%", "validate", "--var-file", "../../values/a b.hclvars"])),
        (path(".."), words(&["validate", &absolute, "--var-file", &values])),
        (path("link"), words(&["validate", "stacks/pröd 100%", "--var-file", "values/a b.hclvars"])),
        (path(".."), words(&["validate", &linked, "--var-file", &values])),
    ]
}

#[test]
fn files_are_named_from_the_root_of_the_repository() {
    for worktree in [false, true] {
        let home = repository(!worktree);
        if worktree {
            home.write("repo/.git", "gitdir: ../elsewhere\n");
        }
        std::os::unix::fs::symlink(home.path("repo"), home.path("link")).unwrap();
        for (directory, args) in ways(&home) {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let plain = set(["stacks/pröd 100%/stack.hcl", "modules/m/main.hcl", "values/a b.hclvars"]);
            let uris = set(["stacks/pr%C3%B6d%20100%25/stack.hcl", "modules/m/main.hcl", "values/a%20b.hclvars"]);
            let annotated = set(["stacks/pröd 100%25/stack.hcl", "modules/m/main.hcl", "values/a b.hclvars"]);
            assert_eq!(
                files(&home, &directory, &args),
                [uris, annotated, plain],
                "{args:?} in {}",
                directory.display()
            );
        }
    }
}

#[test]
fn without_a_repository_files_are_named_from_where_the_program_works() {
    let home = repository(false);
    // Without a repository, no module outside of the stack is read.
    let stack = home.path("repo/stacks/pröd 100%");
    let real = home.path("repo").canonicalize().unwrap().display().to_string();
    for (directory, args, expected) in [
        (stack.clone(), &["validate"][..], "stack.hcl".to_owned()),
        (home.path("repo"), &["-C", "stacks", "validate", "pröd 100%"], "pröd 100%/stack.hcl".to_owned()),
        (home.path("repo/modules"), &["validate", "../stacks/pröd 100%"], format!("{real}/stacks/pröd 100%/stack.hcl")),
    ] {
        let [uris, _, named] = files(&home, &directory, args);
        assert_eq!(named, BTreeSet::from([expected]), "{args:?}");
        assert_eq!(
            uris.iter().any(|uri| uri.starts_with("file:///")),
            named.iter().any(|name| name.starts_with('/')),
            "{uris:?}"
        );
    }
}

#[test]
fn people_read_paths_as_they_typed_them() {
    let home = repository(true);
    let human = |directory: &str, args: &[&str]| {
        let output = home.command(args).current_dir(home.path(directory)).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let below = human("repo", &["validate", "stacks/pröd 100%"]);
    assert!(below.contains("[stacks/pröd 100%/stack.hcl:2"), "{below}");
    let changed = human("", &["-C", "repo", "validate", "stacks/pröd 100%"]);
    assert!(changed.contains("[stacks/pröd 100%/stack.hcl:2"), "{changed}");
}

#[test]
fn plans_and_policies_name_files_so_too() {
    let home = Stack::empty();
    home.write("repo/.git/HEAD", "");
    home.write(
        "repo/live/stack.hcl",
        "leasehold { stack = \"x\" }\nowner \"jane\" {}\nidentity \"bot\" {\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = \"9d\"\n  \
         statement {\n    actions   = [\"iam:*\"]\n    resources = [\"*\"]\n  }\n}\n",
    );
    let (live, other) = (home.path("repo/live"), home.path("repo"));
    for (directory, args) in
        [(&live, vec!["plan"]), (&other, vec!["plan", "live"]), (&other, vec!["-C", "live", "plan"])]
    {
        let sarif = print(&home, directory, &args, "sarif");
        assert!(sarif.contains("\"uri\": \"live/stack.hcl\""), "{sarif}");
        let github = print(&home, directory, &args, "github");
        assert!(github.contains("file=live/stack.hcl,line=3"), "{github}");
        let junit = print(&home, directory, &args, "junit");
        assert!(junit.contains("file=\"live/stack.hcl\" line=\"3\""), "{junit}");
    }
    home.write(
        "repo/policies/all.json",
        "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}",
    );
    for (directory, args) in
        [("repo/live", ["policy", "lint", "../policies/all.json"]), ("repo", ["policy", "lint", "policies/all.json"])]
    {
        let sarif = print(&home, &home.path(directory), &args, "sarif");
        assert!(sarif.contains("\"uri\": \"policies/all.json\""), "{sarif}");
    }
}
