//! `policy lint`, in every form.

use serde_json::{Value, json};

use super::{run_in, told};

#[test]
fn lint_tells_people() {
    insta::assert_snapshot!("lint", told(&["lint", "deployer.json", "read.json"]));
    insta::assert_snapshot!("lint_nothing", told(&["lint", "read.json"]));
}

#[test]
fn lint_gives_machines_rule_place_and_remedy() {
    let found: Value = serde_json::from_str(&told(&["lint", "deployer.json", "--format", "json"])).unwrap();
    assert_eq!(found["format_version"], "1.0");
    assert_eq!(found["summary"], json!({"high": 2, "medium": 2}));
    assert_eq!(
        found["findings"][3],
        json!({
            "id": "unknown-action",
            "severity": "medium",
            "statement": 1,
            "sid": null,
            "message": "no action is called `s3:GetObjekt`",
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
    let mut sarif: Value = serde_json::from_str(&told(&["lint", "deployer.json", "--format", "sarif"])).unwrap();
    sarif["runs"][0]["tool"]["driver"]["semanticVersion"] = json!("(this version)");
    insta::assert_json_snapshot!("lint_sarif", sarif);
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
