//! Bounds on work, by the real program: input that is made to take long, much memory or many lines is refused with a diagnostic that
//! names the bound and the place. Processor time and memory are limited by the operating system, so the tests do not depend on how busy the
//! machine is.

use std::process::Command;

use leasehold_test_harness::{Ran, Stack, sarif};

const HEAD: &str = "leasehold {\n  stack = \"bounds\"\n}\n";

/// Runs the program with at most 20 seconds of processor time and 3 GB of address space, of which the allocator
/// reserves 1 GB unused.
fn run_limited(stack: &Stack, args: &[&str]) -> Ran {
    let limit = |command: Command| {
        let mut limited = Command::new("sh");
        limited.args(["-c", "ulimit -t 20; ulimit -v 3000000; exec \"$@\"", "sh"]);
        limited.arg(command.get_program()).args(command.get_args());
        limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        limited.current_dir(command.get_current_dir().unwrap());
        limited
    };
    stack.start_with(args, limit).wait()
}

fn validate(locals: &str) -> Ran {
    run_limited(&Stack::of(&format!("{HEAD}locals {{\n{locals}}}\n")), &["validate"])
}

#[test]
fn each_bound_is_named_with_its_place() {
    let text = "  s = join(\"\", [for i in range(1000) : join(\"\", [for j in range(240) : \"a\"])])\n";
    let steps = ["evaluation takes too long", "more than 2500000 steps", "stack.hcl:6:7"];
    for (line, says) in [
        ("x = regexall(\"a.*b|a\", local.s)", steps.as_slice()),
        ("x = replace(local.s, \"/a.*b|a/\", \"\")", &steps),
        ("x = [for i in range(1000) : [for j in range(1000) : can(local.s == \"${local.s}b\")]]", &steps[..2]),
        ("x = setproduct(range(1000), range(1000))", &["more than 250,000 elements", "stack.hcl:6:7"]),
        ("x = indent(1e9, \"a\\nb\")", &["a string of more than 16 MiB", "stack.hcl:6:7"]),
        ("x = range(1e9)", &["more than 1024 numbers", "stack.hcl:6:7"]),
        ("x = format(\"%1000000d\", 1)", &["a width must be at most 1000", "stack.hcl:6:14"]),
    ] {
        validate(&format!("{text}  {line}\n")).expect(1).says(says);
    }
}

#[test]
fn forty_thousand_locals_are_no_work() {
    let chain: String = (1..40_000).map(|i| format!("  a{i:05} = local.a{:05}\n", i - 1)).collect();
    validate(&format!("  a00000 = 1\n{chain}")).expect(0);
    let nested: String = (1..40_000).map(|i| format!("  a{i:05} = [local.a{:05}]\n", i - 1)).collect();
    validate(&format!("  a00000 = 1\n{nested}")).expect(1).says(&["more than 200 levels", "stack.hcl:205:12"]);
}

#[test]
fn short_text_that_means_a_large_value() {
    let many = |word: &str| vec![word; 1000].join(",");
    let yaml = format!("a: &a [{}]\\nb: &b [{}]\\nc: [{}]\\n", many("1"), many("*a"), many("*b"));
    validate(&format!("  x = yamldecode(\"{yaml}\")\n")).expect(1).says(&["stack.hcl:5:7"]);
    validate("  x = setproduct(range(1000), range(1000), range(1000), [])\n").expect(0);
    let rows = "join(\"\\n\", flatten([for i in range(90) : [for j in range(1000) : \"a\"]]))";
    let csv =
        format!("csvdecode(join(\"\\n\", [join(\"\", [for i in range(1000) : \"{}\"]), {rows}]))", "x".repeat(500));
    validate(&format!("  x = {csv}\n")).expect(1).says(&["stack.hcl:5:7"]);
}

#[test]
fn ten_thousand_errors_are_counted_not_printed() {
    let blocks: String = (0..9_000).map(|i| format!("scope \"s{i}\" {{\n  nme = 1\n}}\n")).collect();
    let stack = Stack::of(&format!("{HEAD}{blocks}"));
    let ran = run_limited(&stack, &["validate"])
        .expect(1)
        .says(&["8950 more errors of this kind (config::unknown_attribute) are not shown", "stack.hcl:155:3"]);
    assert!(ran.stderr.len() < 60_000, "{}", ran.stderr.len());
    let json = run_limited(&stack, &["validate", "--format", "json"]).expect(1).json();
    let summary = json.as_array().unwrap().last().unwrap()["summary"].as_str().unwrap();
    assert!(summary.starts_with("8950 more errors"), "{summary}");
    let log = run_limited(&stack, &["validate", "--format", "sarif"]).expect(1).json();
    sarif::assert_valid(&log);
    assert!(log.to_string().contains("8950 more errors"), "{log}");
    run_limited(&stack, &["validate", "--format", "github"]).expect(1).says(&["8950 more errors"]);
}

#[test]
fn syntax_errors_and_cycles_are_counted_too() {
    let ran = run_limited(&Stack::of(&"}\na {\n}\n".repeat(20_000)), &["validate"]).expect(1);
    let ran = ran.says(&["more than 1000 syntax errors in this file", "950 more errors of this kind (config::syntax)"]);
    assert!(ran.stderr.len() < 60_000, "{}", ran.stderr.len());
    let cycle: String = (0..900).map(|i| format!("  a{i} = local.a{}\n", (i + 1) % 900)).collect();
    let ran = validate(&cycle).expect(1).says(&["local.a0 depends on itself", "more places are not shown"]);
    assert!(ran.stderr.len() < 20_000, "{}", ran.stderr.len());
}
