//! Decisions that the documentation spells out.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use leasehold_policy::{Access, AccountId, Caller, Document, Layer, Layers, Outcome, Request, evaluate, simulate};
use serde_json::{Value, json};

const USER: &str = "arn:aws:iam::111111111111:user/a";
const ROLE: &str = "arn:aws:iam::111111111111:role/p/r";
const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/r/s";
const BUCKET: &str = "arn:aws:s3:::b/x";

fn document(statements: Value) -> Document {
    Document::from_value(&json!({"Version": "2012-10-17", "Statement": statements})).unwrap()
}

fn get(caller: &str) -> Request {
    Request::new(Caller::Aws(caller.to_owned()), "s3:GetObject", BUCKET)
}

fn outcome(statement: Value, request: &Request) -> Outcome {
    evaluate(&Access::of(vec![document(statement)]), request).outcome
}

fn when(condition: Value) -> Value {
    json!({"Effect": "Allow", "Action": "s3:getobject", "Resource": "*", "Condition": condition})
}

use Outcome::{Allow, ExplicitDeny, ImplicitDeny, Undecided};

#[test]
fn deny_beats_allow_and_the_statements_are_named() {
    let allow = json!({"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"});
    let deny = json!({"Sid": "D", "Effect": "Deny", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::c/*"});
    let decide = |list: Value| evaluate(&Access::of(vec![document(list)]), &get(USER));
    let allowed = decide(json!([allow]));
    assert_eq!((allowed.outcome, allowed.because[0].sid.as_deref()), (Allow, Some("A")));
    let denied = decide(json!([allow, deny]));
    assert_eq!((denied.outcome, denied.because[0].sid.as_deref()), (ExplicitDeny, Some("D")));
    assert_eq!((denied.because[0].layer, denied.because[0].statement), (Layer::Policy, 1));
    let none = decide(json!([]));
    assert_eq!((none.outcome, none.because.len()), (ImplicitDeny, 0));
}

#[test]
fn conditions() {
    let vpc = |operator: &str| when(json!({operator: {"aws:SourceVpc": ["a", "b*"]}}));
    let from = |value: &str| get(USER).with("AWS:sourcevpc", value);
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
    let two = get(USER).with("aws:SourceVpc", "a").with("aws:SourceVpc", "z");
    assert_eq!(outcome(vpc("ForAllValues:StringEquals"), &two), ImplicitDeny);
    assert_eq!(outcome(vpc("ForAnyValue:StringEquals"), &two), Allow);
    assert_eq!(outcome(vpc("StringEquals"), &two), Undecided);
    assert_eq!(outcome(vpc("StringMatches"), &from("a")), Undecided);
    let number = |value: &str| outcome(when(json!({"NumericLessThan": {"k": 10}})), &get(USER).with("k", value));
    assert_eq!((number("9.99"), number("10"), number("ten")), (Allow, ImplicitDeny, Undecided));
    let arn = |value: &str| outcome(when(json!({"ArnLike": {"k": "arn:aws:sns:*:1:t*"}})), &get(USER).with("k", value));
    assert_eq!((arn("arn:aws:sns:eu:1:t:x"), arn("arn:aws:sns:eu:x:1:t")), (Allow, ImplicitDeny));
    let null = |value: bool| outcome(when(json!({"Null": {"k": value}})), &get(USER));
    assert_eq!((null(true), null(false)), (Allow, ImplicitDeny));
}

#[test]
fn variables() {
    let own = |resource: &str| json!({"Effect": "Allow", "Action": "s3:*", "Resource": resource});
    let at =
        |resource: &str| Request::new(Caller::Aws(USER.to_owned()), "s3:GetObject", resource).with("aws:username", "a");
    assert_eq!(outcome(own("arn:aws:s3:::b/${aws:username}/*"), &at("arn:aws:s3:::b/a/x")), Allow);
    assert_eq!(outcome(own("arn:aws:s3:::b/${aws:username}/*"), &at("arn:aws:s3:::b/z/x")), ImplicitDeny);
    assert_eq!(outcome(own("arn:aws:s3:::b/${aws:userid}/*"), &at("arn:aws:s3:::b/a/x")), ImplicitDeny);
    assert_eq!(outcome(own("arn:aws:s3:::b/${aws:userid, 'd'}/*"), &at("arn:aws:s3:::b/d/x")), Allow);
}

fn with_resource_policy(
    policy: &Document,
    own: &[Document],
    boundary: Option<&[Document]>,
    request: &Request,
) -> Outcome {
    let account = AccountId::read("111111111111").unwrap();
    let layers = Layers { policies: own, boundary, resource_policy: Some(policy), resource_account: Some(&account) };
    simulate(&layers, request).outcome
}

#[test]
fn a_resource_policy_grants_within_the_account_and_needs_the_other_one_across() {
    let to = |principal: Value| {
        document(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": principal}))
    };
    let own = [document(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}))];
    let nothing = [document(json!([]))];
    let decide = |principal: Value, own: &[Document], boundary: Option<&[Document]>, caller: &str| {
        with_resource_policy(&to(principal), own, boundary, &get(caller))
    };
    assert_eq!(decide(json!({"AWS": USER}), &[], None, USER), Allow);
    // Naming the account hands the decision to that account's own policies.
    assert_eq!(decide(json!({"AWS": "111111111111"}), &[], None, USER), ImplicitDeny);
    assert_eq!(decide(json!({"AWS": "111111111111"}), &own, None, USER), Allow);
    // A boundary's implicit deny stands against a role's name, not against a user's or a session's.
    assert_eq!(decide(json!({"AWS": USER}), &[], Some(&nothing), USER), Allow);
    assert_eq!(decide(json!({"AWS": ROLE}), &[], Some(&nothing), ROLE), ImplicitDeny);
    assert_eq!(decide(json!({"AWS": ROLE}), &[], Some(&nothing), SESSION), ImplicitDeny);
    assert_eq!(decide(json!({"AWS": ROLE}), &[], None, SESSION), Allow);
    assert_eq!(decide(json!({"AWS": SESSION}), &[], Some(&nothing), SESSION), Allow);
    let stranger = "arn:aws:iam::222222222222:user/b";
    assert_eq!(decide(json!({"AWS": stranger}), &[], None, stranger), ImplicitDeny);
    assert_eq!(decide(json!({"AWS": stranger}), &own, None, stranger), Allow);
    assert_eq!(decide(json!({"AWS": "222222222222"}), &own, None, stranger), Allow);
    assert_eq!(decide(json!({"AWS": USER}), &own, None, stranger), ImplicitDeny);
    let service = Request::new(Caller::Service("x.amazonaws.com".to_owned()), "s3:GetObject", BUCKET);
    assert_eq!(with_resource_policy(&to(json!({"Service": "x.amazonaws.com"})), &[], None, &service), Allow);
}

#[test]
fn not_principal_exempts_whom_it_names() {
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
fn a_boundary_limits_and_denies() {
    let all = document(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    let within = |limit: Value| evaluate(&Access::of(vec![all.clone()]).within(vec![document(limit)]), &get(USER));
    assert_eq!(within(json!({"Effect": "Allow", "Action": "iam:*", "Resource": "*"})).outcome, ImplicitDeny);
    let both = within(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}));
    assert_eq!(both.outcome, Allow);
    assert_eq!(both.because.iter().map(|reason| reason.layer).collect::<Vec<_>>(), [Layer::Policy, Layer::Boundary]);
    let denied = within(json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"}));
    assert_eq!((denied.outcome, denied.because[0].layer), (ExplicitDeny, Layer::Boundary));
}
