//! The suite's fixtures: a stack's scopes, groups and identities, and the ways in which an identity moves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Vocabulary, World};
use crate::{
    Address, DesiredIdentity, Group, IdentitySpec, Kind, Marks, Principal, Scope, Span, StackName, Statement, Trust,
    TrustedIdentity,
};

/// When the identities joined: 2026-11-20T22:00:00Z.
pub const JOINED: Timestamp = Timestamp::constant(1_795_212_000, 0);
/// The deadline of identities with a lease: 2027-02-18T22:00:00Z.
pub const DEADLINE: Timestamp = Timestamp::constant(1_802_988_000, 0);
/// A time after the deadline, for renewals and quarantines: 2027-03-20T22:00:00Z.
pub const AFTER_DEADLINE: Timestamp = Timestamp::constant(1_805_580_000, 0);

/// The scopes of the stack.
pub fn build_scopes(words: &Vocabulary) -> Vec<Scope> {
    let scope = |name: &str, description: Option<&str>, statement: &Statement| Scope {
        name: name.to_owned(),
        description: description.map(str::to_owned),
        statements: vec![statement.clone()],
        account: None,
    };
    vec![scope("conf_read", Some("read orders"), &words.read), scope("conf_write", None, &words.write)]
}

/// A scope that allows access only to principals with a certain value of the tag `team`. `None`: the system has no such
/// conditions.
pub fn build_tagged_scope(words: &Vocabulary) -> Option<Scope> {
    let statements = vec![words.tagged.clone()?];
    Some(Scope { name: "conf_tagged".to_owned(), description: None, statements, account: None })
}

/// The groups of the stack.
pub fn build_groups(words: &Vocabulary) -> Vec<Group> {
    vec![Group {
        address: Address::from_text("group.conf_group"),
        name: "conf-group".to_owned(),
        statements: vec![words.group.clone()],
        scopes: BTreeSet::from(["conf_read".to_owned()]),
        outside_policies: BTreeSet::new(),
        account: None,
    }]
}

/// The marks of a scope, without the digest.
pub fn build_scope_marks(stack: &StackName, scope: &Scope) -> Marks {
    Marks::new(stack.clone(), scope.address())
}

/// The identities of the stack: a user and a role with every attribute, and a user and a role with as few as possible.
pub fn build_identities(world: &dyn World) -> Vec<DesiredIdentity> {
    vec![
        build_full_user(world),
        build_full_role(world),
        build_minimal_identity(Principal::User),
        build_minimal_identity(Principal::Role),
    ]
}

/// A user with every attribute that a user can have.
pub fn build_full_user(world: &dyn World) -> DesiredIdentity {
    let words = world.vocabulary();
    let has_groups = world.provider().realize.groups.is_some();
    let spec = IdentitySpec {
        purpose: Some("reports orders".to_owned()),
        environment: Some("prod".to_owned()),
        service: Some("reports".to_owned()),
        grace: Some(Span::from_days(3)),
        statements: std::iter::once(words.own).chain(words.deny).collect(),
        scopes: BTreeSet::from(["conf_read".to_owned()]),
        outside_policies: world.outside_policy().into_iter().collect(),
        groups: has_groups.then(|| "conf-group".to_owned()).into_iter().collect(),
        permissions_boundary: world.boundary_policy(),
        tags: BTreeMap::from([("team".to_owned(), "orders".to_owned())]),
        ..build_named_spec(Principal::User, "conf-user", Address::for_identity("user", None))
    };
    DesiredIdentity { spec, created_at: JOINED, deadline: Some(DEADLINE) }
}

/// A role with every attribute that a role can have. It trusts [`build_full_user`].
pub fn build_full_role(world: &dyn World) -> DesiredIdentity {
    let trusted = TrustedIdentity {
        address: Address::for_identity("user", None),
        principal: Principal::User,
        name: "conf-user".to_owned(),
        account: None,
    };
    let spec = IdentitySpec {
        service: Some("checkout".to_owned()),
        statements: vec![world.vocabulary().role],
        scopes: BTreeSet::from(["conf_read".to_owned(), "conf_write".to_owned()]),
        trusts: vec![
            Trust::Service { principals: vec!["lambda.amazonaws.com".to_owned()] },
            Trust::Identity { identities: vec![trusted] },
        ],
        permissions_boundary: world.boundary_policy(),
        tags: BTreeMap::from([("team".to_owned(), "checkout".to_owned()), ("tier".to_owned(), "1".to_owned())]),
        max_session_duration: Span::from_seconds(7200),
        ..build_named_spec(Principal::Role, "conf-role", Address::for_identity("each", Some("a b/ü")))
    };
    DesiredIdentity { spec, created_at: JOINED, deadline: Some(DEADLINE) }
}

fn build_minimal_identity(principal: Principal) -> DesiredIdentity {
    let spec = match principal {
        Principal::User => build_named_spec(principal, "conf-bare-user", Address::for_identity("bare_user", None)),
        Principal::Role => IdentitySpec {
            trusts: vec![Trust::Service { principals: vec!["ec2.amazonaws.com".to_owned()] }],
            ..build_named_spec(principal, "conf-bare-role", Address::for_identity("bare_role", None))
        },
    };
    DesiredIdentity { spec, created_at: JOINED, deadline: None }
}

fn build_named_spec(principal: Principal, name: &str, address: Address) -> IdentitySpec {
    let kind = if principal == Principal::User { Kind::Service } else { Kind::Workload };
    IdentitySpec { principal, ..IdentitySpec::new(address, name, kind, "jane") }
}

/// One way to move: its name, and the change to the identity.
pub type IdentityMove = (&'static str, fn(&mut DesiredIdentity, &Vocabulary));

/// The ways in which an identity moves. Some of them change only users, or only roles.
pub const MOVES: [IdentityMove; 15] = [
    ("leaves its groups", |who, _| who.spec.groups.clear()),
    ("gains a scope", |who, _| {
        who.spec.scopes.insert("conf_write".to_owned());
    }),
    ("loses its scopes", |who, _| who.spec.scopes.clear()),
    ("replaces a scope", |who, _| who.spec.scopes = BTreeSet::from(["conf_write".to_owned()])),
    ("changes its statements", |who, words| who.spec.statements = vec![words.moved.clone()]),
    ("loses its statements", |who, _| who.spec.statements.clear()),
    ("is renewed", |who, _| who.deadline = Some(AFTER_DEADLINE)),
    ("loses its lease", |who, _| who.deadline = None),
    ("loses statements and lease", |who, _| {
        who.spec.statements.clear();
        who.deadline = None;
    }),
    ("changes its purpose", |who, _| who.spec.purpose = Some("another purpose".to_owned())),
    ("loses its purpose", |who, _| who.spec.purpose = None),
    ("changes its owner", |who, _| {
        who.spec.owner = "tom".to_owned();
        who.spec.environment = None;
    }),
    ("changes its tags", |who, _| who.spec.tags = BTreeMap::from([("cost".to_owned(), "42".to_owned())])),
    ("changes its trust", |who, _| {
        if who.spec.principal == Principal::Role {
            who.spec.trusts = vec![Trust::Service { principals: vec!["ecs-tasks.amazonaws.com".to_owned()] }];
        }
    }),
    ("changes its maximum session duration", |who, _| {
        if who.spec.principal == Principal::Role {
            who.spec.max_session_duration = Span::from_seconds(3 * 3600);
        }
    }),
];
