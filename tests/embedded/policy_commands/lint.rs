//! `policy lint`, in every form.

use serde_json::{Value, json};

use super::{reported, run_in};
use leasehold_test_harness::sarif::{assert_valid, errors};

#[test]
fn lint_tells_people() {
    insta::assert_snapshot!(reported(&["lint", "deployer.json", "read.json"]), @"
    deployer.json:4:5  high  privilege-escalation  Statement[0] (Deploy)
      lambda-001: with iam:PassRole and lambda:CreateFunction and lambda:InvokeFunction the principal can gain the permissions of a role that it passes to a service
      remedy: remove one of the actions, or limit it to resources that have no additional permissions

    deployer.json:4:5  high  pass-role-any-service  Statement[0] (Deploy)
      a role can be passed to any service: there is no condition on iam:PassedToService
      remedy: add StringEquals iam:PassedToService with the intended services

    deployer.json:4:5  medium  resource-wildcard  Statement[0] (Deploy)
      allowed on every resource, although these actions support resource ARNs: lambda:CreateFunction, lambda:InvokeFunction, iam:PassRole
      remedy: list the resources by ARN

    deployer.json:10:5  medium  unknown-action  Statement[1]
      there is no action `s3:GetObjekt`
      remedy: correct the spelling, or remove it

    4 findings: 2 high, 2 medium.
    ");
    insta::assert_snapshot!(reported(&["lint", "read.json"]), @"No findings.");
}

#[test]
fn lint_gives_machines_rule_place_and_remedy() {
    let found: Value = serde_json::from_str(&reported(&["lint", "deployer.json", "--format", "json"])).unwrap();
    assert_eq!(found["format_version"], "1.0");
    assert_eq!(found["summary"], json!({"high": 2, "medium": 2}));
    assert_eq!(
        found["findings"][3],
        json!({
            "id": "unknown-action",
            "severity": "medium",
            "statement": 1,
            "sid": null,
            "message": "there is no action `s3:GetObjekt`",
            "remedy": "correct the spelling, or remove it",
            "owasp": null,
            "path": "Statement[1]",
            "range": {
                "filename": "deployer.json",
                "start": {"line": 10, "column": 5, "byte": 217},
                "end": {"line": 14, "column": 6, "byte": 330},
            },
        })
    );
}

#[test]
fn lint_gives_code_hosts_sarif() {
    // Outside of any repository: names are relative to its root where there is one.
    let files = tempfile::tempdir().unwrap();
    std::fs::copy(super::file("deployer.json"), files.path().join("deployer.json")).unwrap();
    let mut sarif = run_in(files.path(), &["policy", "lint", "deployer.json", "--format", "sarif"]).json();
    assert_valid(&sarif);
    sarif["runs"][0]["tool"]["driver"]["semanticVersion"] = json!("(this version)");
    insta::assert_json_snapshot!("lint_sarif", sarif);
}

/// Every form of the log: no findings, several files, a file whose name is no URI.
#[test]
fn sarif_matches_the_schema() {
    let files = tempfile::tempdir().unwrap();
    let deployer = std::fs::read_to_string(super::file("deployer.json")).unwrap();
    std::fs::create_dir(files.path().join("über all")).unwrap();
    for name in ["a%20b [1].json", "über all/c#d.json"] {
        std::fs::write(files.path().join(name), &deployer).unwrap();
    }
    let many = ["policy", "lint", "a%20b [1].json", "über all/c#d.json", "--format", "sarif"];
    let many = run_in(files.path(), &many).json();
    assert_valid(&many);
    let uri = |result: usize| {
        &many["runs"][0]["results"][result]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    };
    assert_eq!((uri(0), uri(4)), (&json!("a%2520b%20%5B1%5D.json"), &json!("%C3%BCber%20all/c%23d.json")));
    let none: Value = serde_json::from_str(&reported(&["lint", "read.json", "--format", "sarif"])).unwrap();
    assert_valid(&none);
    assert_eq!(none["runs"][0]["results"], json!([]));
    // The schema does refuse.
    for (place, wrong) in [
        ("/runs/0/results/0/level", json!("high")),
        ("/runs/0/results/0/locations/0/physicalLocation/region/startLine", json!(0)),
        ("/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri", json!("not a uri")),
        ("/runs/0/tool/driver/name", Value::Null),
    ] {
        let mut log = many.clone();
        *log.pointer_mut(place).unwrap() = wrong;
        assert!(!errors(&log).is_empty(), "{place}");
    }
}

/// Lines move and statements change places; what was found stays the same finding. Another statement is another one.
#[test]
fn a_finding_keeps_its_fingerprint() {
    let files = tempfile::tempdir().unwrap();
    let fingerprints = |statements: [&str; 2], space: &str| {
        let text = format!("{{{space}\"Version\": \"2012-10-17\", \"Statement\": [{}]}}", statements.join(space));
        std::fs::write(files.path().join("p.json"), text).unwrap();
        let sarif = run_in(files.path(), &["policy", "lint", "p.json", "--format", "sarif"]).json();
        let results = sarif["runs"][0]["results"].as_array().unwrap().clone();
        results
            .iter()
            .map(|r| r["partialFingerprints"]["leaseholdFinding/v1"].to_string())
            .collect::<std::collections::BTreeSet<_>>()
    };
    let (one, other) = (
        r#"{"Effect": "Allow", "Action": ["s3:GetObjekt", "s3:PutObjekt"], "Resource": "arn:aws:s3:::b"}"#,
        r#", {"Sid": "Other", "Effect": "Allow", "Action": "s4:*", "Resource": "arn:aws:s3:::c"}"#,
    );
    let before = fingerprints([one, other], " ");
    assert!(before.len() >= 3, "{before:?}");
    assert_eq!(before, fingerprints([&other[2..], &format!(", {one}")], "\n\n  "));
    assert!(before.is_disjoint(&fingerprints([&one.replace(":b", ":d"), &other.replace(":c", ":e")], " ")));
}
