//! Bad input, by the real program: every directory below `bad_input/` is a stack with something wrong. Each is told with its
//! place, its value and what to do; nothing is written, and the exit code is 1.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use leasehold_test_harness::{Ran, START, Stack, snapshot};

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/embedded/bad_input")
}

/// Runs the commands in a copy of the directory. They must all fail in the same words, and write nothing; the words come back.
#[track_caller]
fn refused(case: &str, commands: &[&[&str]]) -> Ran {
    let stack = Stack::copy_of(&home().join(case)).at(START);
    let before = stack.files();
    let runs: Vec<Ran> = commands.iter().map(|command| stack.run(command).expect(1)).collect();
    assert_eq!(stack.files(), before, "nothing is written");
    for run in &runs {
        assert_eq!(run.stdout, "", "{run}");
        assert_eq!(run.stderr, runs[0].stderr);
        assert!(!run.stderr.contains("panicked"), "{run}");
    }
    runs.into_iter().next().unwrap()
}

const EVERYWHERE: &[&[&str]] = &[&["validate"], &["plan", "--out", "p"], &["apply", "--auto-approve"], &["graph"]];
/// What needs the cloud's limits but not the cloud.
const WITHOUT_CLOUD: &[&[&str]] = &[&["validate"]];
/// What depends on the present moment and on what lives.
const WITH_CLOUD: &[&[&str]] = &[&["plan", "--out", "p"], &["apply", "--auto-approve"]];

macro_rules! cases {
    ($($name:ident: $commands:expr, [$($says:expr),* $(,)?];)*) => {
        $(
            #[test]
            fn $name() {
                let ran = refused(stringify!($name), $commands).says(&[$($says),*]);
                snapshot!(stringify!($name), ran);
            }
        )*

        #[test]
        fn every_directory_is_a_case() {
            let cases: BTreeSet<String> = [$(stringify!($name)),*].map(str::to_owned).into();
            let directories = std::fs::read_dir(home()).unwrap();
            let directories: BTreeSet<String> =
                directories.map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned()).collect();
            assert_eq!(directories, cases);
        }
    };
}

cases! {
    syntax_error: EVERYWHERE, ["stack.hcl:17:1", "help: "];
    unknown_block: EVERYWHERE, ["stack.hcl:12:1", "identty", "did you mean"];
    unknown_attribute: EVERYWHERE, ["stack.hcl:16:3", "enviroment", "did you mean"];
    unknown_reference: EVERYWHERE, ["stack.hcl:23:", "order_read", "did you mean"];
    duplicate_block: EVERYWHERE, ["a.hcl", "b.hcl:1:1"];
    wrong_type: EVERYWHERE, ["stack.hcl:16:", "stack.hcl:17:", "scopes", "max_session_duration"];
    missing_owner: EVERYWHERE, ["stack.hcl:12:1", "owner", "help: "];
    trust_cycle: EVERYWHERE, ["build.hcl:", "others.hcl:", "identity.build trusts identity.test trusts identity.release trusts identity.build"];
    ttl_in_months: EVERYWHERE, ["stack.hcl:16:", "3 months", "90d"];
    no_such_day: EVERYWHERE, ["stack.hcl:16:", "2027-02-30"];
    lease_in_the_past: WITH_CLOUD, ["stack.hcl:16:", "2026-01-31T00:00:00Z", START];
    name_too_long_for_iam: WITHOUT_CLOUD, ["stack.hcl:21:", "64"];
    names_differ_by_case: EVERYWHERE, ["Deploy", "deploy", "stack.hcl:"];
    policy_too_large: WITHOUT_CLOUD, ["stack.hcl:", "6144"];
    boundary_of_the_stack: WITHOUT_CLOUD, ["stack.hcl:22:", "policy of this stack"];
    condition_on_a_mark: WITHOUT_CLOUD, ["stack.hcl:12:", "marks"];
    scope_too_large: WITHOUT_CLOUD, ["stack.hcl:", "6144"];
    no_leasehold_block: EVERYWHERE, ["leasehold", "stack ="];
    one_cloud_name_twice: EVERYWHERE, ["deploy", "stack.hcl:"];
    not_utf8: EVERYWHERE, ["stack.hcl:12:", "UTF-8"];
    seventy_levels: EVERYWHERE, ["stack.hcl:13:", "60 levels"];
    several_at_once: EVERYWHERE, ["emial", "owner.jan", "enviroment", "3 months"];
    no_stack_at_all: EVERYWHERE, ["*.hcl", "leasehold init"];
}

/// A directory and a stack of one name are told apart by what they hold, whatever is wrong with them.
#[test]
fn a_file_where_a_directory_is_meant() {
    let stack = Stack::of("");
    snapshot!(stack.run(&["validate", "stack.hcl"]).expect(1), @"
    $ leasehold validate stack.hcl
    exit 1
    ─── stderr
    error: stack.hcl is not a directory; a stack is a directory with *.hcl files
    ");
}

#[test]
fn json_output_has_the_same_errors() {
    let stack = Stack::copy_of(&home().join("several_at_once"));
    let ran = stack.run(&["validate", "--format", "json"]).expect(1);
    leasehold_test_harness::settings().bind(|| insta::assert_json_snapshot!("validate_json", ran.json()));
    snapshot!(stack.run(&["validate", "--format", "github"]).expect(1), @r#"
    $ leasehold validate --format github
    exit 1
    ─── stdout
    ::error file=stack.hcl,line=9,endLine=9,col=3,title=owner "jane" has no attribute `emial`::unknown name%0Adid you mean `email`?
    ::error file=stack.hcl,line=14,endLine=14,col=13,title=owner.jan is not declared::not declared%0Adid you mean owner.jane?
    ::error file=stack.hcl,line=16,endLine=16,col=3,title=identity "ci" has no attribute `enviroment`::unknown name%0Adid you mean `environment`?
    ::error file=stack.hcl,line=17,endLine=17,col=13,title="3 months" is not a duration::months and years have no fixed length%0Awrite the number of days, for example "90d"
    "#);
}
