use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{
    Address, Condition, Effect, IdentitySpec, Kind, Principal, Span, StackName, Statement, Trust, TrustedIdentity,
};

use serde_json::json;

use super::*;

fn realm() -> Realm {
    Realm {
        provider: "aws".to_owned(),
        account: "111122223333".to_owned(),
        partition: "aws-cn".to_owned(),
        actor: "role/ci".to_owned(),
        others: BTreeMap::new(),
    }
}

fn statement(actions: &[&str]) -> Statement {
    Statement {
        sid: Some("Read".to_owned()),
        effect: Effect::Allow,
        actions: actions.iter().map(|&action| action.to_owned()).collect(),
        not_actions: Vec::new(),
        resources: vec!["arn:aws-cn:s3:::acme/*".to_owned()],
        not_resources: Vec::new(),
        conditions: vec![Condition {
            test: "Bool".to_owned(),
            variable: "aws:SecureTransport".to_owned(),
            values: vec!["true".to_owned()],
        }],
        sensitive: false,
    }
}

fn identity_with(change: impl FnOnce(&mut IdentitySpec)) -> DesiredIdentity {
    let mut identity = identity();
    change(&mut identity.spec);
    identity
}

fn identity() -> DesiredIdentity {
    let spec = IdentitySpec {
        purpose: Some("deploys".to_owned()),
        statements: vec![statement(&["s3:PutObject", "s3:GetObject"])],
        scopes: BTreeSet::from(["orders_read".to_owned()]),
        trusts: vec![
            Trust::Oidc {
                issuer: "https://token.actions.githubusercontent.com/".to_owned(),
                audiences: vec!["sts.amazonaws.com".to_owned()],
                subjects: vec!["repo:acme/checkout:ref:refs/heads/main".to_owned()],
            },
            Trust::Service { principals: vec!["lambda.amazonaws.com".to_owned()] },
            Trust::Named { principals: vec!["999922223333".to_owned()], external_id: Some("x".to_owned()) },
            Trust::Identity {
                identities: vec![TrustedIdentity {
                    address: Address::for_identity("bot", None),
                    principal: Principal::User,
                    name: "bot".to_owned(),
                    account: None,
                }],
            },
            Trust::Saml {
                provider: "arn:aws-cn:iam::111122223333:saml-provider/corp".to_owned(),
                audiences: vec!["https://signin.amazonaws.cn/saml".to_owned()],
            },
        ],
        outside_policies: BTreeSet::from(["arn:aws-cn:iam::aws:policy/ReadOnlyAccess".to_owned()]),
        permissions_boundary: Some("arn:aws-cn:iam::111122223333:policy/edge".to_owned()),
        tags: BTreeMap::from([("team".to_owned(), "payments".to_owned())]),
        max_session_duration: Span::from_seconds(7200),
        ..IdentitySpec::new(Address::for_identity("ci", None), "ci", Kind::Workload, "jane")
    };
    DesiredIdentity {
        spec,
        created_at: "2026-11-20T22:00:00Z".parse().unwrap(),
        deadline: Some("2027-02-18T22:00:00Z".parse().unwrap()),
    }
}

fn realize(identity: &DesiredIdentity) -> Vec<Resource> {
    let marks = Marks::new(StackName::new("payments").unwrap(), identity.spec.address.clone());
    realize_active(&realm(), identity, &marks)
}

/// Each resource with its attributes and dependencies, as text.
fn shown(resources: &[Resource]) -> String {
    let mut text = String::new();
    for resource in resources {
        text.push_str(&format!("{}\n", resource.id));
        for (name, value) in &resource.attributes {
            text.push_str(&format!("  {name} = {:#}\n", value.to_json()));
        }
        for need in &resource.depends_on {
            text.push_str(&format!("  needs {need}\n"));
        }
    }
    text
}

fn problems(identity: &DesiredIdentity) -> String {
    let found = limits::check_identity(identity, &realize(identity));
    found.iter().map(|v| format!("{}: {} ({})\n", v.attribute, v.problem, v.help)).collect()
}

#[test]
fn role_with_every_trust() {
    insta::assert_snapshot!(shown(&realize(&identity())));
}

#[test]
fn user_has_no_trust_and_lease_deny_with_statements() {
    let user = identity_with(|spec| spec.principal = Principal::User);
    insta::assert_snapshot!(shown(&realize(&user)));
}

#[test]
fn no_statements_no_inline_policy_and_no_trusts_deny_all() {
    let without_either = identity_with(|spec| {
        spec.statements.clear();
        spec.trusts.clear();
    });
    let bare = DesiredIdentity { deadline: None, ..without_either };
    let resources = realize(&bare);
    assert!(!resources.iter().any(|resource| kinds::is_own_inline_policy(&resource.id)));
    let trust = resources[0].get("assume_role_policy").and_then(Value::as_document).unwrap();
    assert!(document::policy_statements(trust).all(|statement| statement["Effect"] == "Deny"));
}

#[test]
fn a_default_session_is_no_attribute() {
    let role = identity_with(|spec| spec.max_session_duration = Span::from_seconds(3600));
    assert_eq!(realize(&role)[0].get("max_session_duration"), None);
}

#[test]
fn a_scope_is_marked_by_its_path() {
    let stack = StackName::new("payments").unwrap();
    let scope = Scope {
        name: "orders_read".to_owned(),
        description: None,
        statements: vec![statement(&["s3:GetObject"])],
        account: None,
    };
    let policy = shared_policy(&stack, &scope);
    insta::assert_snapshot!(shown(std::slice::from_ref(&policy)), @r#"
    aws_iam_policy payments/orders_read
      name = "payments.orders_read"
      path = "/leasehold/payments/"
      policy = {
      "Statement": [
        {
          "Action": [
            "s3:GetObject"
          ],
          "Condition": {
            "Bool": {
              "aws:SecureTransport": [
                "true"
              ]
            }
          },
          "Effect": "Allow",
          "Resource": [
            "arn:aws-cn:s3:::acme/*"
          ],
          "Sid": "Read"
        }
      ],
      "Version": "2012-10-17"
    }
    "#);
    assert_eq!(limits::check_scope(&scope, &policy), []);
}

#[test]
fn limit_errors_state_value_and_limit() {
    assert_eq!(problems(&identity()), "");
    let mut wrong = identity();
    wrong.spec.name = format!("{} x", "n".repeat(70));
    wrong.spec.max_session_duration = Span::from_seconds(60 * 60 * 13);
    wrong.spec.purpose = Some(format!("{}→", "p".repeat(1000)));
    wrong.spec.tags.insert("leasehold:stack".to_owned(), "mine".to_owned());
    wrong.spec.tags.insert("Team".to_owned(), "a&b".to_owned());
    wrong.spec.scopes = (0..25).map(|number| format!("scope{number}")).collect();
    wrong.spec.permissions_boundary = Some("edge".to_owned());
    wrong.spec.statements = vec![statement(&["s3:GetObject"]), statement(&["s3:PutObject"])];
    let twice = wrong.spec.statements[0].conditions[0].clone();
    wrong.spec.statements[0].conditions.push(twice);
    wrong.spec.trusts = vec![
        Trust::Named { principals: vec!["bob".to_owned()], external_id: None },
        Trust::Oidc { issuer: "token.example".to_owned(), audiences: Vec::new(), subjects: vec!["s".repeat(4096)] },
    ];
    insta::assert_snapshot!(problems(&wrong), @r#"
    name: "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn x" has 72 characters; IAM allows 1 to 64 (choose a shorter name)
    name: "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn x" contains " ", which IAM does not allow in a name (use letters, digits and _+=,.@-)
    tags: the tag value "a&b" of "Team" contains a character that IAM does not allow in a tag (use letters, digits, spaces and _.:/=+-@)
    tags: the tag "leasehold:stack" begins with a reserved prefix ("leasehold:" is reserved for Leasehold and "aws:" for AWS: choose another key)
    tags: the tags "Team" and "team" differ only in case; IAM treats them as the same key (remove one of them)
    statement: the resulting policy is not a valid IAM policy: Statement[2].Sid: `Read` appears twice (correct the statement or trust)
    trust: the trust policy has 4534 characters; IAM allows at most 4096 (trust fewer principals, or use patterns in `subjects`)
    scopes: 26 policies would be attached (scopes and managed_policy_arns); IAM allows at most 25 (merge scopes that are always used together, or move statements into the block itself)
    permissions_boundary: "edge" is not the ARN of a managed policy (use an ARN such as arn:aws:iam::aws:policy/NAME or arn:aws:iam::ACCOUNT:policy/NAME)
    statement: two conditions of one statement use Bool on aws:SecureTransport; IAM allows one (merge their values into one condition, which matches any of the values, or use two statements)
    statement: two statements have the sid "Read" (use each sid once per policy: rename one of the statements)
    max_session_duration: a maximum session duration of 13h is not supported; IAM allows 1h to 12h (use a duration from "1h" to "12h")
    purpose: it has 1001 characters and becomes the role's description; IAM allows at most 1000 (shorten it)
    purpose: it contains '→' and becomes the role's description, in which IAM allows only Latin-1 characters (remove that character)
    trust: "bob" is neither a 12-digit account id nor an IAM or STS ARN (use for example "111122223333" or "arn:aws:iam::111122223333:role/NAME")
    trust: the issuer "token.example" is not an https URL (use the issuer URL that the provider publishes, for example "https://token.actions.githubusercontent.com")
    "#);
}

#[test]
fn an_inline_policy_has_room_by_the_form_of_its_principal() {
    let long = vec![statement(&[&format!("s3:{}", "x".repeat(3000))])];
    let with = |principal: Principal, statements: &[Statement]| {
        identity_with(|spec| (spec.principal, spec.statements) = (principal, statements.to_vec()))
    };
    assert_eq!(problems(&with(Principal::Role, &long)), "");
    let user = with(Principal::User, &long);
    assert_eq!(problems(&user), "");
    insta::assert_snapshot!(shown(&realize(&user)).replace(&"x".repeat(3000), "…"));
    let longer = vec![statement(&[&format!("s3:{}", "x".repeat(7000))])];
    let role = with(Principal::Role, &[longer[0].clone(), longer[0].clone()]);
    assert!(problems(&role).contains("IAM allows at most 10240 in the inline policies of a role"));
    let user = with(Principal::User, &longer);
    assert!(problems(&user).contains("IAM allows a user at most 2048 in inline policies, or 6144 in a managed policy"));
}

/// The inline policies of a user may have 2048 characters, of a role 10240, of a group 5120. The interim Deny may need more.
#[test]
fn interim_policy_over_the_limit_denies_everything() {
    let denied = document::build_policy(vec![json!({
        "Effect": "Deny", "Action": format!("s3:{}", "x".repeat(3000)), "Resource": "*",
    })]);
    let withheld = InterimDeny { everything: false, documents: vec![denied] };
    for (whole, is_quarantined) in [
        (kinds::principal_id(Principal::User, "ci"), true),
        (kinds::principal_id(Principal::Role, "ci"), false),
        (kinds::group_id("ci"), false),
    ] {
        let own = AwsRealizer.empty_own_policy(&whole).unwrap();
        let tight = AwsRealizer.build_interim_policy(Some(&own), Some(&own), &withheld).unwrap();
        let said = describe::describe_change(&Change::Create { after: Box::new(tight.clone()) });
        assert_eq!(said.as_deref() == Some("deny everything (interim)"), is_quarantined, "{said:?} {}", own.id);
        let withholds = if is_quarantined { DenyExtent::Everything } else { DenyExtent::Only };
        assert_eq!(AwsRealizer.classify_denial(&tight), withholds);
    }
    assert_eq!(
        AwsRealizer.empty_own_policy(&kinds::scope_policy_id(&StackName::new("payments").unwrap(), "read")),
        None
    );
}

/// The text of AWS managed policies is not read, so the name alone decides what they deny.
#[test]
fn attached_aws_policy_with_deny_is_classified() {
    let attachment = |name: &str| {
        let id = kinds::attachment_id(Principal::User, "ci", name);
        AwsRealizer.classify_denial(
            &Resource::new(id, None).with_attribute("policy_arn", format!("arn:aws:iam::aws:policy/{name}").as_str()),
        )
    };
    assert_eq!(attachment("AWSDenyAll"), DenyExtent::Only);
    assert_eq!(attachment("AWSLakeFormationDataAdmin"), DenyExtent::Besides);
    assert_eq!(attachment("ReadOnlyAccess"), DenyExtent::Nothing);
}

#[test]
fn tags_leave_room_for_marks() {
    let with_tags = |count: usize| {
        let tags = (0..count).map(|number| (format!("t{number}"), String::new())).collect();
        problems(&identity_with(|spec| spec.tags = tags))
    };
    assert_eq!(with_tags(35), "");
    assert!(with_tags(36).contains("36 tags and the 15 tags of Leasehold make 51"));
}

#[test]
fn changes_are_described_where_their_attributes_do_not() {
    let create = |resource: &Resource| describe::describe_change(&Change::Create { after: Box::new(resource.clone()) });
    let update = |before: &Resource, after: &Resource| {
        describe::describe_change(&Change::Update { before: Box::new(before.clone()), after: Box::new(after.clone()) })
    };
    let active = realize(&identity());
    let live = LiveIdentity {
        id: active[0].id.clone(),
        principal: Principal::Role,
        name: "ci".to_owned(),
        unique_id: "AIDA".to_owned(),
        marks: active[0].marks.clone().unwrap(),
        created_at: None,
        last_used: None,
        resources: active.iter().map(|r| (r.id.clone(), r.clone())).collect(),
        keys: BTreeMap::new(),
    };
    let reason = Quarantine { at: "2026-12-01T00:00:00Z".parse().unwrap(), reason: "removed".to_owned() };
    let shut = quarantine::realize_quarantined(&realm(), &live, &reason);
    let of = |resources: &[Resource], id: &ResourceId| resources.iter().find(|r| r.id == *id).unwrap().clone();
    let inline = kinds::inline_policy_id(Principal::Role, "ci", kinds::INLINE);
    assert_eq!(create(&of(&active, &inline)).as_deref(), Some("lease deny"));
    assert_eq!(update(&of(&active, &inline), &of(&shut, &inline)).as_deref(), Some("deny everything"));
    assert_eq!(update(&active[0], &of(&shut, &live.id)).as_deref(), Some("trust policy replaced by Deny"));
    assert_eq!(create(&active[0]), None);
    let key = Resource::new(ResourceId::new(kinds::ACCESS_KEY, "bot/AKIAABCDEFGHIJKLWXYZ"), None);
    let (on, off) = (key.clone().with_attribute("status", "Active"), key.with_attribute("status", "Inactive"));
    assert_eq!(update(&on, &off).as_deref(), Some("AKIA…WXYZ → Inactive"));
}
