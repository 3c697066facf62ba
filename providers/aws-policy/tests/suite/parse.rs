//! Texts that are not policies are rejected with path and bytes.

use leasehold_policy::{PolicyDocument, PolicyKind};

fn parse_error(text: &str) -> (String, String) {
    let error = PolicyDocument::parse(text).unwrap_err();
    let bytes = error.bytes.clone().unwrap();
    (error.to_string(), text[bytes].to_owned())
}

#[test]
fn errors_have_path_and_bytes() {
    let cases = [
        (
            r#"{"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]}"#,
            "Statement[0].Effect: `allow` is not Allow or Deny",
            "\"allow\"",
        ),
        (
            r#"{"Statement": {"Effect": "Allow", "Action": "s3", "Resource": "*"}}"#,
            "Statement.Action: `s3` is not `*` or `service:action`",
            "\"s3\"",
        ),
        (
            r#"{"Statement": {"Effect": "Allow", "Action": ["s3:*", 1], "Resource": "*"}}"#,
            "Statement.Action[1]: expected a string",
            "1",
        ),
        (
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"k": null}}}}"#,
            "Statement.Condition.Bool.k: expected a string, number or boolean",
            "null",
        ),
        (
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "bucket"}}"#,
            "Statement.Resource: `bucket` is not `*` or an ARN",
            "\"bucket\"",
        ),
        (
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Resources": "*"}}"#,
            "Statement.Resources: unknown element `Resources`",
            "\"*\"",
        ),
        (
            r#"{"Statement": {"Effect": "Allow", "NotAction": [], "Resource": "*"}}"#,
            "Statement.NotAction: `NotAction` may not be an empty list",
            "[]",
        ),
        (
            r#"{"Version": "2012-10-18", "Statement": []}"#,
            "Version: `2012-10-18` is not 2012-10-17 or 2008-10-17",
            "\"2012-10-18\"",
        ),
        (r#"{"Version": "2012-10-17"}"#, "the document: `Statement` is missing", r#"{"Version": "2012-10-17"}"#),
        (
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}}"#,
            "Statement: `Action` and `NotAction` exclude each other",
            r#"{"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}"#,
        ),
        (
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "Principal": {"Group": "x"}}}"#,
            "Statement.Principal.Group: unknown element `Group`",
            "\"x\"",
        ),
        (
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "Principal": "someone"}}"#,
            "Statement.Principal: `someone` is not `*` or an object",
            "\"someone\"",
        ),
        (
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "Condition": {"Null": {"k": "maybe"}}}}"#,
            "Statement.Condition.Null.k: `maybe` is not true or false",
            "\"maybe\"",
        ),
        (
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "Condition": {"Bool": {"K": "true"}, "bool": {"k": "true"}}}}"#,
            "Statement.Condition.bool.k: `k` appears twice",
            "\"true\"",
        ),
        (
            r#"{"Statement": [{"Sid": "A", "Effect": "Allow", "Action": "*"}, {"Sid": "A", "Effect": "Deny", "Action": "*"}]}"#,
            "Statement[1].Sid: `A` appears twice",
            r#"{"Sid": "A", "Effect": "Deny", "Action": "*"}"#,
        ),
    ];
    for (text, message, bytes) in cases {
        assert_eq!(parse_error(text), (message.to_owned(), bytes.to_owned()));
    }
}

#[test]
fn kinds_require_their_elements() {
    let identity =
        PolicyDocument::parse(r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#).unwrap();
    let trust =
        PolicyDocument::parse(r#"{"Statement": {"Effect": "Allow", "Action": "*", "Principal": "*"}}"#).unwrap();
    assert!(identity.require_kind(PolicyKind::Identity).is_ok());
    assert!(identity.require_kind(PolicyKind::Trust).is_err());
    assert!(identity.require_kind(PolicyKind::Resource).is_err());
    assert!(trust.require_kind(PolicyKind::Trust).is_ok());
    assert!(trust.require_kind(PolicyKind::Identity).is_err());
    assert!(trust.require_kind(PolicyKind::Resource).is_err());
}

#[test]
fn error_in_a_value_has_no_bytes() {
    let error = PolicyDocument::from_value(&serde_json::json!({"Statement": 1})).unwrap_err();
    assert_eq!(error.bytes, None);
    assert_eq!(error.to_string(), "Statement: expected a statement object");
}
