//! Evaluations that the AWS documentation specifies.

use leasehold_policy::{
    AccessRequest, AccountId, EvaluationOutcome, PolicyDocument, PolicyLayer, PolicyLayers, PolicySet, RequestCaller,
    evaluate_layers, evaluate_request,
};
use serde_json::{Value, json};

const USER: &str = "arn:aws:iam::111111111111:user/a";
const ROLE: &str = "arn:aws:iam::111111111111:role/p/r";
const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/r/s";
const BUCKET: &str = "arn:aws:s3:::b/x";

fn document(statements: Value) -> PolicyDocument {
    PolicyDocument::from_value(&json!({"Version": "2012-10-17", "Statement": statements})).unwrap()
}

fn get(caller: &str) -> AccessRequest {
    AccessRequest::new(RequestCaller::Aws(caller.to_owned()), "s3:GetObject", BUCKET)
}

fn outcome(statement: Value, request: &AccessRequest) -> EvaluationOutcome {
    evaluate_request(&PolicySet::new(vec![document(statement)]), request).outcome
}

fn when(condition: Value) -> Value {
    json!({"Effect": "Allow", "Action": "s3:getobject", "Resource": "*", "Condition": condition})
}

use EvaluationOutcome::{Allow, ExplicitDeny, ImplicitDeny, Undecided};

#[test]
fn deny_overrides_allow_and_statements_are_named() {
    let allow = json!({"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"});
    let deny = json!({"Sid": "D", "Effect": "Deny", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::c/*"});
    let decide = |list: Value| evaluate_request(&PolicySet::new(vec![document(list)]), &get(USER));
    let allowed = decide(json!([allow]));
    assert_eq!((allowed.outcome, allowed.because[0].sid.as_deref()), (Allow, Some("A")));
    let denied = decide(json!([allow, deny]));
    assert_eq!((denied.outcome, denied.because[0].sid.as_deref()), (ExplicitDeny, Some("D")));
    assert_eq!((denied.because[0].layer, denied.because[0].statement), (PolicyLayer::Policy, 1));
    let none = decide(json!([]));
    assert_eq!((none.outcome, none.because.len()), (ImplicitDeny, 0));
}

#[test]
fn condition_operators() {
    let vpc = |operator: &str| when(json!({operator: {"aws:SourceVpc": ["a", "b*"]}}));
    let from = |value: &str| get(USER).with_context_value("AWS:sourcevpc", value);
    assert_eq!(outcome(vpc("StringEquals"), &from("a")), Allow);
    assert_eq!(outcome(vpc("StringEquals"), &from("bx")), ImplicitDeny);
    assert_eq!(outcome(vpc("StringLike"), &from("bx")), Allow);
    assert_eq!(outcome(vpc("StringNotLike"), &from("bx")), ImplicitDeny);
    assert_eq!(outcome(vpc("StringNotLike"), &from("c")), Allow);
    assert_eq!(outcome(vpc("StringEqualsIgnoreCase"), &from("A")), Allow);
    assert_eq!(outcome(vpc("StringEquals"), &from("A")), ImplicitDeny);
    for (operator, absent) in [
        ("StringEquals", ImplicitDeny),
        ("StringNotEquals", Allow),
        ("StringEqualsIfExists", Allow),
        ("ForAllValues:StringEquals", Allow),
        ("ForAnyValue:StringEquals", ImplicitDeny),
        ("ForAnyValue:StringNotEquals", ImplicitDeny),
        ("ForAnyValue:StringEqualsIfExists", Allow),
    ] {
        assert_eq!(outcome(vpc(operator), &get(USER)), absent, "{operator}");
    }
    let two = get(USER).with_context_value("aws:SourceVpc", "a").with_context_value("aws:SourceVpc", "z");
    assert_eq!(outcome(vpc("ForAllValues:StringEquals"), &two), ImplicitDeny);
    assert_eq!(outcome(vpc("ForAnyValue:StringEquals"), &two), Allow);
    assert_eq!(outcome(vpc("StringEquals"), &two), Undecided);
    assert_eq!(outcome(vpc("StringMatches"), &from("a")), Undecided);
    let number =
        |value: &str| outcome(when(json!({"NumericLessThan": {"k": 10}})), &get(USER).with_context_value("k", value));
    assert_eq!((number("9.99"), number("10"), number("ten")), (Allow, ImplicitDeny, Undecided));
    let arn = |value: &str| {
        outcome(when(json!({"ArnLike": {"k": "arn:aws:sns:*:1:t*"}})), &get(USER).with_context_value("k", value))
    };
    assert_eq!((arn("arn:aws:sns:eu:1:t:x"), arn("arn:aws:sns:eu:x:1:t")), (Allow, ImplicitDeny));
    let null = |value: bool| outcome(when(json!({"Null": {"k": value}})), &get(USER));
    assert_eq!((null(true), null(false)), (Allow, ImplicitDeny));
}

#[test]
fn policy_variables() {
    let own = |resource: &str| json!({"Effect": "Allow", "Action": "s3:*", "Resource": resource});
    let at = |resource: &str| {
        AccessRequest::new(RequestCaller::Aws(USER.to_owned()), "s3:GetObject", resource)
            .with_context_value("aws:username", "a")
    };
    assert_eq!(outcome(own("arn:aws:s3:::b/${aws:username}/*"), &at("arn:aws:s3:::b/a/x")), Allow);
    assert_eq!(outcome(own("arn:aws:s3:::b/${aws:username}/*"), &at("arn:aws:s3:::b/z/x")), ImplicitDeny);
    assert_eq!(outcome(own("arn:aws:s3:::b/${aws:userid}/*"), &at("arn:aws:s3:::b/a/x")), ImplicitDeny);
    assert_eq!(outcome(own("arn:aws:s3:::b/${aws:userid, 'd'}/*"), &at("arn:aws:s3:::b/d/x")), Allow);
}

fn with_resource_policy(
    policy: &PolicyDocument,
    own: &[PolicyDocument],
    boundary: Option<&[PolicyDocument]>,
    request: &AccessRequest,
) -> EvaluationOutcome {
    let account = AccountId::parse("111111111111").unwrap();
    let layers =
        PolicyLayers { policies: own, boundary, resource_policy: Some(policy), resource_account: Some(&account) };
    evaluate_layers(&layers, request).outcome
}

#[test]
fn resource_policy_within_and_across_accounts() {
    let to = |principal: Value| {
        document(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": principal}))
    };
    let own = [document(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}))];
    let nothing = [document(json!([]))];
    let decide = |principal: Value, own: &[PolicyDocument], boundary: Option<&[PolicyDocument]>, caller: &str| {
        with_resource_policy(&to(principal), own, boundary, &get(caller))
    };
    assert_eq!(decide(json!({"AWS": USER}), &[], None, USER), Allow);
    // A statement that names the account only lets that account's identity policies grant.
    assert_eq!(decide(json!({"AWS": "111111111111"}), &[], None, USER), ImplicitDeny);
    assert_eq!(decide(json!({"AWS": "111111111111"}), &own, None, USER), Allow);
    // The implicit deny of a boundary applies to a statement that names a role, not to one that names a user or
    // session.
    assert_eq!(decide(json!({"AWS": USER}), &[], Some(&nothing), USER), Allow);
    assert_eq!(decide(json!({"AWS": ROLE}), &[], Some(&nothing), ROLE), ImplicitDeny);
    assert_eq!(decide(json!({"AWS": ROLE}), &[], Some(&nothing), SESSION), ImplicitDeny);
    assert_eq!(decide(json!({"AWS": ROLE}), &[], None, SESSION), Allow);
    assert_eq!(decide(json!({"AWS": SESSION}), &[], Some(&nothing), SESSION), Allow);
    let unmanaged_object = "arn:aws:iam::222222222222:user/b";
    assert_eq!(decide(json!({"AWS": unmanaged_object}), &[], None, unmanaged_object), ImplicitDeny);
    assert_eq!(decide(json!({"AWS": unmanaged_object}), &own, None, unmanaged_object), Allow);
    assert_eq!(decide(json!({"AWS": "222222222222"}), &own, None, unmanaged_object), Allow);
    assert_eq!(decide(json!({"AWS": USER}), &own, None, unmanaged_object), ImplicitDeny);
    let service = AccessRequest::new(RequestCaller::Service("x.amazonaws.com".to_owned()), "s3:GetObject", BUCKET);
    assert_eq!(with_resource_policy(&to(json!({"Service": "x.amazonaws.com"})), &[], None, &service), Allow);
}

#[test]
fn not_principal_exempts_the_named_principals() {
    let policy = document(json!([
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "NotPrincipal": {"AWS": [ROLE, USER]}}
    ]));
    let decide = |caller: &str| with_resource_policy(&policy, &[], None, &get(caller));
    assert_eq!(decide(USER), Allow);
    assert_eq!(decide("arn:aws:iam::111111111111:user/z"), ExplicitDeny);
    assert_eq!(decide(SESSION), Undecided);
}

#[test]
fn boundary_limits_and_denies() {
    let all = document(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    let within = |limit: Value| {
        evaluate_request(&PolicySet::new(vec![all.clone()]).with_boundary(vec![document(limit)]), &get(USER))
    };
    assert_eq!(within(json!({"Effect": "Allow", "Action": "iam:*", "Resource": "*"})).outcome, ImplicitDeny);
    let both = within(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}));
    assert_eq!(both.outcome, Allow);
    assert_eq!(
        both.because.iter().map(|reason| reason.layer).collect::<Vec<_>>(),
        [PolicyLayer::Policy, PolicyLayer::Boundary]
    );
    let denied = within(json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"}));
    assert_eq!((denied.outcome, denied.because[0].layer), (ExplicitDeny, PolicyLayer::Boundary));
}
