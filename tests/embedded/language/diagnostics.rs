//! What is wrong with a stack, for people and for machines.

use serde_json::Value;

use leasehold_test_harness::{Stack, sarif};

/// A file that cannot be parsed beside one that can, a module, instances, a secret.
fn broken() -> Stack {
    let stack = Stack::of(
        "leasehold { stack = \"x\" }\nowner \"jane\" {\n  nme = \"Jane\"\n}\nvariable \"size\" { default = \"big\" }\nvariable \"token\" {\n  default   = \"hunter2\"\n  sensitive = true\n}\nlocals {\n  sum   = var.size + 1\n  match = var.token * 2\n}\nidentity \"bot\" {\n  for_each = toset([\"a\", \"b\"])\n  kind     = \"service\"\n  owner    = owner.jane\n  ttl      = \"${each.key}d\"\n}\nmodule \"m\" {\n  source = \"./m\"\n}\n",
    );
    stack.write("broken.hcl", "owner \"tom\" {\n  name = \n}\nowner \"ann\" {\n  tem = 1\n}\n");
    stack.write("m/main.hcl", "owner \"eve\" {\n  nick = \"E\"\n}\n");
    stack
}

#[test]
fn everything_wrong_shows_in_one_run() {
    let run = broken().run(&["validate"]).expect(1);
    for part in [
        "stack.hcl:3",
        "broken.hcl:2",
        "broken.hcl:5",
        "m/main.hcl:2",
        "stack.hcl:11",
        "stack.hcl:12",
        "stack.hcl:18",
        "in the instance \"a\"",
        "var.size is \"big\"",
        "var.token is (sensitive value)",
    ] {
        assert!(run.stderr.contains(part), "{part}\n{}", run.stderr);
    }
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
}

#[test]
fn json_has_the_values_of_references() {
    let run = broken().run(&["validate", "--format", "json"]).expect(1);
    let findings: Value = serde_json::from_str(&run.stdout).unwrap();
    let of = |summary: &str| {
        let found =
            findings.as_array().unwrap().iter().find(|finding| finding["summary"].as_str().unwrap().contains(summary));
        found.unwrap_or_else(|| panic!("{summary}\n{}", run.stdout))
    };
    let sum = of("`+` requires numbers");
    assert_eq!(sum["snippet"]["values"], serde_json::json!([{ "traversal": "var.size", "statement": "is \"big\"" }]));
    assert_eq!(
        (sum["range"]["start"]["line"].as_u64(), sum["range"]["start"]["column"].as_u64()),
        (Some(11), Some(11))
    );
    let code = sum["snippet"]["code"].as_str().unwrap();
    let (from, to) = (&sum["snippet"]["highlight_start_offset"], &sum["snippet"]["highlight_end_offset"]);
    let (from, to) = (usize::try_from(from.as_u64().unwrap()).unwrap(), usize::try_from(to.as_u64().unwrap()).unwrap());
    assert_eq!(&code[from..to], "var.size");
    assert_eq!(of("`*` requires numbers")["snippet"]["values"][0]["statement"], "is (sensitive value)");
    assert!(!run.stdout.contains("hunter2"), "{}", run.stdout);
}

#[test]
fn sarif_is_sarif() {
    for stack in [broken(), Stack::empty(), Stack::of("leasehold { stack = \"x\" }\n")] {
        let run = stack.run(&["validate", "--format", "sarif"]);
        let log: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{run}"));
        sarif::assert_valid(&log);
    }
    let stack = broken();
    let log: Value = serde_json::from_str(&stack.run(&["validate", "--format", "sarif"]).expect(1).stdout).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let prints = |results: &[Value]| -> Vec<String> {
        results
            .iter()
            .map(|result| result["partialFingerprints"]["leaseholdFinding/v1"].as_str().unwrap().to_owned())
            .collect()
    };
    let within = results
        .iter()
        .find(|result| result["ruleId"] == "config::unknown_attribute" && result["relatedLocations"].is_array());
    let within = within.unwrap();
    assert_eq!(within["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "m/main.hcl");
    assert_eq!(within["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"], "stack.hcl");
    // The same findings, some lines further down.
    stack.write("stack.hcl", &format!("# moved\n\n{}", stack.read("stack.hcl")));
    let moved: Value = serde_json::from_str(&stack.run(&["validate", "--format", "sarif"]).expect(1).stdout).unwrap();
    assert_eq!(prints(results), prints(moved["runs"][0]["results"].as_array().unwrap()));
}

#[test]
fn github_annotations_name_file_line_and_values() {
    let run = broken().run(&["validate", "--format", "github"]).expect(1);
    assert!(
        run.stdout.contains("::error file=stack.hcl,line=11,endLine=11,col=11,title=`+` requires numbers::"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("var.size is \"big\""), "{}", run.stdout);
}
