//! What AWS treats as the same is equal, and nothing else is.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use leasehold_policy::{Document, equivalent};
use serde_json::{Value, json};

fn statement(part: &Value) -> Value {
    let mut whole = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"});
    for (key, value) in part.as_object().unwrap() {
        whole.as_object_mut().unwrap().insert(key.clone(), value.clone());
    }
    json!({"Version": "2012-10-17", "Statement": [whole]})
}

fn same(a: &Value, b: &Value) -> bool {
    equivalent(&statement(a), &statement(b)).unwrap()
}

#[test]
fn lists_and_case_do_not_count() {
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
fn principals() {
    let trust = |principal: Value| json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}});
    let same = |a: Value, b: Value| equivalent(&trust(a), &trust(b)).unwrap();
    assert!(same(json!({"AWS": "123456789012"}), json!({"AWS": ["arn:aws:iam::123456789012:root"]})));
    assert!(same(json!("*"), json!({"AWS": "*"})));
    assert!(!same(
        json!({"AWS": "arn:aws:iam::123456789012:user/a"}),
        json!({"AWS": "arn:aws:iam::123456789012:user/b"})
    ));
    assert!(!same(json!({"Service": "a.amazonaws.com"}), json!({"Federated": "a.amazonaws.com"})));
    assert!(!same(json!({"AWS": "arn:aws:iam::123456789012:role/r"}), json!({"AWS": "AROAEXAMPLEEXAMPLE123"})));
    let deleted = Document::from_value(&trust(json!({"AWS": ["AROAEXAMPLEEXAMPLE123", "123456789012"]}))).unwrap();
    assert_eq!(deleted.deleted_principals(), ["AROAEXAMPLEEXAMPLE123"]);
}

#[test]
fn the_version_counts_where_a_variable_stands() {
    let with = |version: &str, resource: &str| json!({"Version": version, "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": resource}});
    let plain = "arn:aws:s3:::b/*";
    let variable = "arn:aws:s3:::b/${aws:username}";
    assert!(equivalent(&with("2008-10-17", plain), &with("2012-10-17", plain)).unwrap());
    assert!(!equivalent(&with("2008-10-17", variable), &with("2012-10-17", variable)).unwrap());
    let absent = json!({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": variable}});
    assert!(equivalent(&with("2008-10-17", variable), &absent).unwrap());
}

#[test]
fn statements_are_a_set() {
    let a = json!({"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "*"});
    let also_a = json!({"Sid": "B", "Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]});
    let b = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"});
    let document = |list: Value| json!({"Version": "2012-10-17", "Statement": list});
    assert!(equivalent(&document(json!([a, b, also_a])), &document(json!([b, a]))).unwrap());
    assert!(!equivalent(&document(json!([a, b])), &document(json!([a]))).unwrap());
    assert!(equivalent(&document(a.clone()), &document(json!([also_a]))).unwrap());
    let labelled = Document::from_value(&document(json!([b, also_a, a]))).unwrap().labelled();
    let sids: Vec<_> = labelled["Statement"].as_array().unwrap().iter().map(|s| s["Sid"].as_str()).collect();
    assert_eq!(sids, [Some("A"), Some("B"), None]);
}

#[test]
fn the_canonical_form_reads_back_as_itself() {
    let document = Document::from_value(&statement(&json!({
        "Sid": "x", "Action": ["s3:Put*", "s3:Get*"],
        "Condition": {"NumericLessThan": {"s3:max-keys": 10}, "bool": {"aws:SecureTransport": ["TRUE"]}}
    })))
    .unwrap();
    let canonical = document.canonical();
    assert_eq!(Document::from_value(&canonical).unwrap().canonical(), canonical);
}
