//! Each lint rule on a policy that breaks it, and on a similar one that does not.

use std::collections::BTreeSet;

use leasehold_policy::lint::ESCALATION_PATHS;
use leasehold_policy::{AccountId, LintContext, LintFinding, LintSeverity, PolicyDocument, PolicyKind, lint_policy};
use serde_json::{Value, json};

fn findings(kind: PolicyKind, statements: Value) -> Vec<LintFinding> {
    let document = PolicyDocument::from_value(&json!({"Version": "2012-10-17", "Statement": statements})).unwrap();
    document.require_kind(kind).unwrap();
    let account = AccountId::parse("111111111111");
    lint_policy(&document, &LintContext { account, ..LintContext::for_kind(kind) })
}

fn ids(kind: PolicyKind, statements: Value) -> BTreeSet<&'static str> {
    findings(kind, statements).iter().map(|finding| finding.rule.id()).collect()
}

fn identity(part: Value) -> BTreeSet<&'static str> {
    let mut whole = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"});
    whole.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
    ids(PolicyKind::Identity, json!([whole]))
}

fn trust(principal: Value, condition: Value) -> BTreeSet<&'static str> {
    let action = if principal.get("Federated").is_some() { "sts:AssumeRoleWithWebIdentity" } else { "sts:AssumeRole" };
    ids(
        PolicyKind::Trust,
        json!([{"Effect": "Allow", "Action": action, "Principal": principal, "Condition": condition}]),
    )
}

#[test]
fn simple_policy_has_no_findings() {
    assert!(identity(json!({})).is_empty());
}

#[test]
fn wildcards_and_negations() {
    assert!(identity(json!({"Action": "*", "Resource": "*"})).contains("full-wildcard"));
    assert!(identity(json!({"Action": "s3:*"})).contains("service-wildcard"));
    assert!(identity(json!({"Resource": "*"})).contains("resource-wildcard"));
    assert!(!identity(json!({"Action": "s3:ListAllMyBuckets", "Resource": "*"})).contains("resource-wildcard"));
    let mut not = json!({"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::b"});
    let found = ids(PolicyKind::Identity, json!([not]));
    assert!(found.is_superset(&BTreeSet::from(["allow-not-action", "allow-not-resource"])), "{found:?}");
    not["Effect"] = json!("Deny");
    assert!(!ids(PolicyKind::Identity, json!([not])).contains("allow-not-action"));
}

#[test]
fn unknown_names() {
    assert!(identity(json!({"Action": "s3:GetObjekt"})).contains("unknown-action"));
    assert!(identity(json!({"Action": "s4:Get*"})).contains("unknown-action"));
    assert!(!identity(json!({"Action": "S3:getobject"})).contains("unknown-action"));
    let with = |condition: Value| identity(json!({"Condition": condition}));
    assert!(with(json!({"StringEquals": {"aws:SourceVcp": "v"}})).contains("unknown-condition-key"));
    assert!(with(json!({"StringEquals": {"aws:SourceVpc": "v"}})).is_empty());
    assert!(with(json!({"StringEquals": {"aws:PrincipalTag/team": "v"}})).is_empty());
    assert!(with(json!({"StringMatches": {"aws:SourceVpc": "v"}})).contains("unknown-operator"));
}

#[test]
fn escalation_paths_are_found_unless_denied() {
    for path in ESCALATION_PATHS {
        let allow = json!({"Effect": "Allow", "Action": path.actions, "Resource": "*"});
        let count_findings = |statements: Value| {
            findings(PolicyKind::Identity, statements)
                .iter()
                .filter(|finding| finding.rule.id() == "privilege-escalation")
                .filter(|finding| finding.message.starts_with(&format!("{}:", path.id)))
                .count()
        };
        assert_eq!(count_findings(json!([allow])), 1, "{}", path.id);
        for action in path.actions {
            let deny = json!({"Effect": "Deny", "Action": action, "Resource": "*"});
            assert_eq!(count_findings(json!([allow, deny])), 0, "{} without {action}", path.id);
        }
    }
}

#[test]
fn pass_role_to_another_service_is_no_escalation() {
    let to = |service: &str| {
        json!([
            {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "arn:aws:ec2:*:*:*"},
            {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::111111111111:role/app",
             "Condition": {"StringEquals": {"iam:PassedToService": service}}}
        ])
    };
    let found = ids(PolicyKind::Identity, to("ec2.amazonaws.com"));
    assert!(found.contains("privilege-escalation") && !found.contains("pass-role-any-service"), "{found:?}");
    assert!(!ids(PolicyKind::Identity, to("glue.amazonaws.com")).contains("privilege-escalation"));
    let open = json!({"Action": "iam:PassRole", "Resource": "arn:aws:iam::111111111111:role/app"});
    assert!(identity(open).contains("pass-role-any-service"));
    let absent = json!({"Action": "iam:PassRole", "Resource": "arn:aws:iam::111111111111:role/app",
        "Condition": {"StringEqualsIfExists": {"iam:PassedToService": "ec2.amazonaws.com"}}});
    assert!(!identity(absent).contains("pass-role-any-service"));
}

#[test]
fn redundant_and_never_matching_parts() {
    let a = json!({"Effect": "Allow", "Action": ["s3:GetObject", "s3:Get*"], "Resource": "arn:aws:s3:::b/*"});
    let b = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/x"});
    let found = findings(PolicyKind::Identity, json!([a, b]));
    let redundant: Vec<(Option<usize>, &str)> = found.iter().map(|f| (f.statement, f.rule.id())).collect();
    assert_eq!(redundant, [(Some(0), "redundant-element"), (Some(1), "redundant-statement")]);
    assert_eq!(found[0].message, "`s3:GetObject` has no effect: the rest of the document already covers it");
    let never = identity(json!({"Condition": {
        "StringEquals": {"aws:SourceVpc": "a"}, "StringNotLike": {"aws:SourceVpc": "*"}}}));
    assert_eq!(never, BTreeSet::from(["never-matches"]));
    let dates = identity(json!({"Condition": {
        "DateLessThan": {"aws:CurrentTime": "2026-01-01"}, "DateGreaterThan": {"aws:CurrentTime": "2026-01-01"}}}));
    assert_eq!(dates, BTreeSet::from(["never-matches"]));
    let deny = json!([a, {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}]);
    assert!(ids(PolicyKind::Identity, deny).contains("redundant-statement"));
}

#[test]
fn mfa_conditions() {
    let with = |effect: &str, condition: Value| identity(json!({"Effect": effect, "Condition": condition}));
    let id = "mfa-not-required";
    assert!(with("Allow", json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}})).contains(id));
    assert!(!with("Allow", json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}})).contains(id));
    assert!(with("Deny", json!({"Bool": {"aws:MultiFactorAuthPresent": "false"}})).contains(id));
    assert!(!with("Deny", json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})).contains(id));
    assert!(with("Allow", json!({"NumericLessThanIfExists": {"aws:MultiFactorAuthAge": "3600"}})).contains(id));
}

#[test]
fn trust_policies() {
    let none = || json!({});
    assert!(trust(json!("*"), none()).contains("public-trust"));
    assert!(!trust(json!("*"), json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}})).contains("public-trust"));
    assert!(trust(json!("*"), json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}})).contains("public-trust"));
    assert!(trust(json!({"AWS": "111111111111"}), none()).is_empty());
    let other = trust(json!({"AWS": "arn:aws:iam::222222222222:role/x"}), none());
    assert_eq!(other, BTreeSet::from(["cross-account-trust", "missing-external-id"]));
    let with_id = trust(json!({"AWS": "222222222222"}), json!({"StringEquals": {"sts:ExternalId": "42"}}));
    assert_eq!(with_id, BTreeSet::from(["cross-account-trust"]));
    assert_eq!(trust(json!({"Service": "sns.amazonaws.com"}), none()), BTreeSet::from(["confused-deputy"]));
    let on_behalf = json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:111111111111:*"}});
    assert!(trust(json!({"Service": "sns.amazonaws.com"}), on_behalf).is_empty());
    assert!(trust(json!({"AWS": "AROAEXAMPLEEXAMPLE123"}), none()).contains("deleted-principal"));
    assert!(trust(json!({"AWS": "arn:aws:iam::111111111111:role/*"}), none()).contains("principal-wildcard"));
    let not = ids(
        PolicyKind::Trust,
        json!({"Effect": "Allow", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": "111111111111"}}),
    );
    assert!(not.contains("allow-not-principal"));
}

#[test]
fn oidc_providers() {
    const HOST: &str = "token.actions.githubusercontent.com";
    let provider = || json!({"Federated": format!("arn:aws:iam::111111111111:oidc-provider/{HOST}")});
    let with = |subject: &str| {
        let aud = json!({format!("{HOST}:aud"): "sts.amazonaws.com"});
        trust(provider(), json!({"StringEquals": aud, "StringLike": {format!("{HOST}:sub"): subject}}))
    };
    assert_eq!(trust(provider(), json!({})), BTreeSet::from(["oidc-without-subject", "oidc-without-audience"]));
    assert!(with("repo:org/name:ref:refs/heads/main").is_empty());
    assert!(with("repo:org/name:*").is_empty());
    for wide in ["repo:org/*", "repo:*", "*", "repo:org/na*:ref:x"] {
        assert_eq!(with(wide), BTreeSet::from(["oidc-wide-subject"]), "{wide}");
    }
    let absent = json!({"StringLikeIfExists": {format!("{HOST}:sub"): "repo:org/name:*"}});
    assert!(trust(provider(), absent).contains("oidc-without-subject"));
}

#[test]
fn findings_are_sorted_by_severity() {
    let found = findings(PolicyKind::Identity, json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]));
    assert_eq!(found[0].severity, LintSeverity::Critical);
    assert_eq!(
        found.iter().filter(|finding| finding.rule.id() == "privilege-escalation").count(),
        ESCALATION_PATHS.len()
    );
    let value = found[0].to_value();
    assert_eq!(
        (&value["id"], &value["owasp"], &value["statement"]),
        (&json!("full-wildcard"), &json!("NHI5:2025"), &json!(0))
    );
    assert!(found.windows(2).all(|pair| pair[0].severity >= pair[1].severity));
}
