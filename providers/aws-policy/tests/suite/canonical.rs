//! Documents that AWS treats as the same have the same canonical form, and others do not.

use leasehold_policy::{PolicyDocument, are_equivalent};
use serde_json::{Value, json};

fn statement(part: &Value) -> Value {
    let mut whole = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"});
    for (key, value) in part.as_object().unwrap() {
        whole.as_object_mut().unwrap().insert(key.clone(), value.clone());
    }
    json!({"Version": "2012-10-17", "Statement": [whole]})
}

fn same(a: &Value, b: &Value) -> bool {
    are_equivalent(&statement(a), &statement(b)).unwrap()
}

#[test]
fn order_of_lists_and_case_are_ignored() {
    assert!(same(&json!({}), &json!({"Sid": "Label"})));
    assert!(same(&json!({"Action": "S3:getobject"}), &json!({"Action": ["s3:GetObject"]})));
    assert!(same(&json!({"Action": ["s3:B", "s3:A", "s3:b"]}), &json!({"Action": ["s3:a", "s3:b"]})));
    assert!(same(
        &json!({"Condition": {"stringequals": {"AWS:SourceVpc": "v"}}}),
        &json!({"Condition": {"StringEquals": {"aws:sourcevpc": ["v"]}}})
    ));
    assert!(same(
        &json!({"Condition": {"Bool": {"aws:SecureTransport": true}}}),
        &json!({"Condition": {"Bool": {"aws:SecureTransport": "True"}}})
    ));
}

#[test]
fn values_and_resources_keep_their_case() {
    assert!(!same(&json!({"Resource": "arn:aws:s3:::B/*"}), &json!({})));
    assert!(!same(
        &json!({"Condition": {"StringEquals": {"aws:SourceVpc": "V"}}}),
        &json!({"Condition": {"StringEquals": {"aws:SourceVpc": "v"}}})
    ));
    assert!(!same(
        &json!({"Condition": {"StringEquals": {"k": "v"}}}),
        &json!({"Condition": {"StringEqualsIfExists": {"k": "v"}}})
    ));
}

#[test]
fn principals_are_equal_only_if_aws_says_so() {
    let trust = |principal: Value| json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}});
    let same = |a: Value, b: Value| are_equivalent(&trust(a), &trust(b)).unwrap();
    assert!(same(json!({"AWS": "123456789012"}), json!({"AWS": ["arn:aws:iam::123456789012:root"]})));
    assert!(same(json!("*"), json!({"AWS": "*"})));
    assert!(!same(
        json!({"AWS": "arn:aws:iam::123456789012:user/a"}),
        json!({"AWS": "arn:aws:iam::123456789012:user/b"})
    ));
    assert!(!same(json!({"Service": "a.amazonaws.com"}), json!({"Federated": "a.amazonaws.com"})));
    assert!(!same(json!({"AWS": "arn:aws:iam::123456789012:role/r"}), json!({"AWS": "AROAEXAMPLEEXAMPLE123"})));
    let deleted =
        PolicyDocument::from_value(&trust(json!({"AWS": ["AROAEXAMPLEEXAMPLE123", "123456789012"]}))).unwrap();
    assert_eq!(deleted.deleted_principals(), ["AROAEXAMPLEEXAMPLE123"]);
}

#[test]
fn version_counts_only_with_a_variable() {
    let with = |version: &str, resource: &str| json!({"Version": version, "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": resource}});
    let plain = "arn:aws:s3:::b/*";
    let variable = "arn:aws:s3:::b/${aws:username}";
    assert!(are_equivalent(&with("2008-10-17", plain), &with("2012-10-17", plain)).unwrap());
    assert!(!are_equivalent(&with("2008-10-17", variable), &with("2012-10-17", variable)).unwrap());
    let absent = json!({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": variable}});
    assert!(are_equivalent(&with("2008-10-17", variable), &absent).unwrap());
}

#[test]
fn order_and_duplicates_of_statements_are_ignored() {
    let a = json!({"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "*"});
    let also_a = json!({"Sid": "B", "Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]});
    let b = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"});
    let document = |list: Value| json!({"Version": "2012-10-17", "Statement": list});
    assert!(are_equivalent(&document(json!([a, b, also_a])), &document(json!([b, a]))).unwrap());
    assert!(!are_equivalent(&document(json!([a, b])), &document(json!([a]))).unwrap());
    assert!(are_equivalent(&document(a.clone()), &document(json!([also_a]))).unwrap());
    let labelled = PolicyDocument::from_value(&document(json!([b, also_a, a]))).unwrap().to_labelled_value();
    let sids: Vec<_> = labelled["Statement"].as_array().unwrap().iter().map(|s| s["Sid"].as_str()).collect();
    assert_eq!(sids, [Some("A"), Some("B"), None]);
}

#[test]
fn canonical_form_is_its_own_canonical_form() {
    let document = PolicyDocument::from_value(&statement(&json!({
        "Sid": "x", "Action": ["s3:Put*", "s3:Get*"],
        "Condition": {"NumericLessThan": {"s3:max-keys": 10}, "bool": {"aws:SecureTransport": ["TRUE"]}}
    })))
    .unwrap();
    let canonical = document.to_canonical_value();
    assert_eq!(PolicyDocument::from_value(&canonical).unwrap().to_canonical_value(), canonical);
}
