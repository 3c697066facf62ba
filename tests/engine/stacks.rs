//! Stacks built as values, by hand or generated.

use std::collections::{BTreeMap, BTreeSet};

use leasehold::config::declared::{BackendLocation, ProviderBlock};
use leasehold::config::{
    Backend, BlockOrigin, DeclaredGroup, DeclaredIdentity, DeclaredOwner, DeclaredService, DeclaredStack, FileId,
    Lease, StateBlocks,
};
use leasehold::providers::ProviderSettings;
use leasehold_provider::{
    Address, Alias, Effect, Group, IdentitySpec, Kind, Principal, Scope, Span, StackName, Statement, Trust,
    TrustedIdentity,
};
use proptest::prelude::*;

pub fn nowhere() -> BlockOrigin {
    BlockOrigin { file: FileId(0), header: 0..0, parts: [].into(), calls: [].into() }
}

/// A stack with two owners and a service, and no identities.
pub fn empty_stack() -> DeclaredStack {
    let owner = || DeclaredOwner { name: None, email: None, team: None, origin: nowhere() };
    let service = DeclaredService { owner: Some("jane".to_owned()), retired: false, origin: nowhere() };
    DeclaredStack {
        stack: StackName::new("laws").unwrap(),
        backend: Backend { place: BackendLocation::default(), lock_lease: None },
        providers: Vec::new(),
        stores: BTreeMap::new(),
        owners: BTreeMap::from([("jane".to_owned(), owner()), ("tom".to_owned(), owner())]),
        services: BTreeMap::from([("shop".to_owned(), service)]),
        scopes: BTreeMap::new(),
        federations: BTreeMap::new(),
        groups: BTreeMap::new(),
        identities: BTreeMap::new(),
        estate: StateBlocks::default(),
        files_read: BTreeMap::new(),
        variables: BTreeMap::new(),
        grace: Span::from_days(7),
        origin: nowhere(),
        backend_origin: None,
    }
}

/// An identity that has only an owner and a lease.
pub fn identity(label: &str, kind: Kind) -> DeclaredIdentity {
    DeclaredIdentity {
        spec: IdentitySpec::new(Address::for_identity(label, None), label, kind, "jane"),
        name_given: true,
        lease: Lease { ttl: Some(Span::from_days(30)), ..Lease::default() },
        access_key: None,
        depends_on: BTreeSet::new(),
        origin: nowhere(),
    }
}

/// A statement on one action.
pub fn statement(effect: Effect, action: &str) -> Statement {
    Statement {
        sid: None,
        effect,
        actions: vec![action.to_owned()],
        not_actions: Vec::new(),
        resources: vec!["*".to_owned()],
        not_resources: Vec::new(),
        conditions: Vec::new(),
        sensitive: false,
    }
}

/// A stack with one user, the scopes with these statements, and the scopes in `held` attached to the user.
pub fn declared(scopes: &[(&str, &[Statement])], held: &[&str]) -> DeclaredStack {
    let mut declared = empty_stack();
    for (name, statements) in scopes {
        let name = (*name).to_owned();
        let scope = Scope { name: name.clone(), description: None, statements: statements.to_vec(), account: None };
        declared.scopes.insert(name, (scope, nowhere()));
    }
    let mut jane = identity("jane", Kind::Human);
    jane.spec.scopes = held.iter().map(|name| (*name).to_owned()).collect();
    jane.lease = Lease::default();
    declared.identities.insert(jane.spec.address.clone(), jane);
    declared
}

/// Any small stack: a few identities of each kind, scopes and groups, and roles that trust users. Names are from a small pool, so that two
/// stacks share some, and may define the same scope or group differently.
pub fn stack() -> impl Strategy<Value = DeclaredStack> {
    let scopes = proptest::collection::btree_map(0..3usize, statements(), 0..3);
    let groups = proptest::collection::btree_map(0..2usize, group(), 0..3);
    let identities = proptest::collection::btree_map(0..6usize, member(), 0..6);
    (scopes, groups, identities, any::<bool>())
        .prop_map(|(scopes, groups, members, retired)| of(scopes, groups, &members, retired))
}

/// A crowded stack. Any two have the same three scopes, two groups and three identities, and differ in the attachments and the statements.
/// Every second statement is a Deny.
pub fn crowded_stack() -> impl Strategy<Value = DeclaredStack> {
    let action = proptest::sample::select(vec!["s3:GetObject", "s3:PutObject", "sqs:SendMessage"]);
    let effect = proptest::sample::select(vec![Effect::Allow, Effect::Deny]);
    let statements =
        proptest::collection::vec((effect, action).prop_map(|(effect, action)| statement(effect, action)), 1..3);
    let scopes = proptest::collection::vec(statements.clone(), 3);
    let groups = proptest::collection::vec(group(), 2);
    let members = proptest::collection::vec((member(), proptest::option::of(statements)), 3);
    (scopes, groups, members).prop_map(|(scopes, groups, members)| {
        let stays = |(member, statements): (Member, _)| Member {
            owner: "jane",
            in_shop: false,
            ttl: None,
            tags: BTreeMap::new(),
            statements,
            ..member
        };
        let members = members.into_iter().map(stays).enumerate().collect();
        of(scopes.into_iter().enumerate().collect(), groups.into_iter().enumerate().collect(), &members, false)
    })
}

fn of(
    scopes: BTreeMap<usize, Vec<Statement>>,
    groups: BTreeMap<usize, (Vec<Statement>, BTreeSet<usize>)>,
    members: &BTreeMap<usize, Member>,
    retired: bool,
) -> DeclaredStack {
    let mut declared = empty_stack();
    declared.services.get_mut("shop").unwrap().retired = retired;
    for (number, statements) in scopes {
        let name = format!("scope{number}");
        let scope = Scope { name: name.clone(), description: None, statements, account: None };
        declared.scopes.insert(name, (scope, nowhere()));
    }
    for (number, (statements, held)) in groups {
        let name = format!("group{number}");
        let group = Group {
            address: Address::from_text(format!("group.{name}")),
            name: name.clone(),
            statements,
            scopes: named("scope", &held).filter(|name| declared.scopes.contains_key(name)).collect(),
            outside_policies: BTreeSet::new(),
            account: None,
        };
        let group = DeclaredGroup { group, owner: None, members: BTreeSet::new(), origin: nowhere() };
        declared.groups.insert(name, group);
    }
    for (number, member) in members {
        let identity = member.identity(*number, &declared, members);
        for group in &identity.spec.groups {
            declared.groups.get_mut(group).unwrap().members.insert(identity.spec.address.clone());
        }
        declared.identities.insert(identity.spec.address.clone(), identity);
    }
    declared
}

/// The same stack with some of its identities in a second account, `b`.
pub fn split(mut declared: DeclaredStack, there: &BTreeSet<usize>) -> DeclaredStack {
    let alias = Alias::new("b").unwrap();
    let block = |alias| ProviderBlock { alias, settings: ProviderSettings::default(), origin: nowhere() };
    declared.providers = vec![block(None), block(Some(alias.clone()))];
    for number in there {
        if let Some(identity) = declared.identities.get_mut(&Address::for_identity(&format!("id{number}"), None)) {
            identity.spec.account = Some(alias.clone());
            identity.spec.groups.clear();
            for group in declared.groups.values_mut() {
                group.members.remove(&identity.spec.address);
            }
        }
    }
    declared
}

/// The same stack with scopes that deny nothing.
pub fn with_allowing_scopes(mut declared: DeclaredStack) -> DeclaredStack {
    for (scope, _) in declared.scopes.values_mut() {
        scope.statements.iter_mut().for_each(|statement| statement.effect = Effect::Allow);
    }
    declared
}

fn named<'a>(what: &'a str, numbers: &'a BTreeSet<usize>) -> impl Iterator<Item = String> + 'a {
    numbers.iter().map(move |number| format!("{what}{number}"))
}

/// A group's own statements, and the scopes attached to it.
fn group() -> impl Strategy<Value = (Vec<Statement>, BTreeSet<usize>)> {
    (proptest::option::of(statements()), proptest::collection::btree_set(0..3usize, 0..3))
        .prop_map(|(statements, scopes)| (statements.unwrap_or_default(), scopes))
}

fn statements() -> impl Strategy<Value = Vec<Statement>> {
    let effect = prop_oneof![2 => Just(Effect::Allow), 1 => Just(Effect::Deny)];
    let action = proptest::sample::select(vec!["s3:GetObject", "s3:PutObject", "sqs:SendMessage", "iam:GetUser"]);
    proptest::collection::vec((effect, action).prop_map(|(effect, action)| statement(effect, action)), 1..3)
}

#[derive(Debug, Clone)]
struct Member {
    kind: Kind,
    owner: &'static str,
    in_shop: bool,
    ttl: Option<u16>,
    statements: Option<Vec<Statement>>,
    scopes: BTreeSet<usize>,
    groups: BTreeSet<usize>,
    tags: BTreeMap<String, String>,
    trusts_first: bool,
    waits_for_last: bool,
    boundary: Option<&'static str>,
}

/// Policies used as permissions boundaries, each with the actions that it permits.
pub const BOUNDARIES: [(&str, [&str; 2]); 2] = [
    ("arn:aws:iam::123456789012:policy/a", ["s3:GetObject", "sqs:SendMessage"]),
    ("arn:aws:iam::123456789012:policy/b", ["s3:GetObject", "s3:PutObject"]),
];

fn member() -> impl Strategy<Value = Member> {
    let kind = proptest::sample::select(vec![Kind::Human, Kind::Service, Kind::Workload, Kind::Agent]);
    (
        kind,
        proptest::sample::select(vec!["jane", "tom"]),
        any::<bool>(),
        proptest::option::of(1u16..60),
        proptest::option::of(statements()),
        (proptest::collection::btree_set(0..3usize, 0..3), proptest::collection::btree_set(0..2usize, 0..2)),
        proptest::collection::btree_map("[a-z]{1,3}", "[a-z ]{0,5}", 0..2),
        any::<bool>(),
        any::<bool>(),
        proptest::option::of(proptest::sample::select(BOUNDARIES.map(|(boundary, _)| boundary).to_vec())),
    )
        .prop_map(
            |(
                kind,
                owner,
                in_shop,
                ttl,
                statements,
                (scopes, groups),
                tags,
                trusts_first,
                waits_for_last,
                boundary,
            )| Member {
                kind,
                owner,
                in_shop,
                ttl,
                statements,
                scopes,
                groups,
                tags,
                trusts_first,
                waits_for_last,
                boundary,
            },
        )
}

impl Member {
    fn identity(&self, number: usize, declared: &DeclaredStack, members: &BTreeMap<usize, Self>) -> DeclaredIdentity {
        let label = |number: usize| format!("id{number}");
        let mut identity = identity(&label(number), kind_of(number, self.kind));
        identity.spec.owner = self.owner.to_owned();
        identity.spec.service = self.in_shop.then(|| "shop".to_owned());
        identity.lease = Lease { ttl: self.ttl.map(Span::from_days), ..Lease::default() };
        identity.spec.statements = self.statements.clone().unwrap_or_default();
        identity.spec.tags = self.tags.clone();
        identity.spec.permissions_boundary = self.boundary.map(str::to_owned);
        identity.spec.scopes = named("scope", &self.scopes).filter(|name| declared.scopes.contains_key(name)).collect();
        if identity.spec.principal == Principal::User {
            let groups = named("group", &self.groups);
            identity.spec.groups = groups.filter(|name| declared.groups.contains_key(name)).collect();
        }
        // The last identity waits for no other and must trust no other, so that there is no cycle.
        if let Some((last, other)) = members.iter().next_back()
            && self.waits_for_last
            && number < *last
            && !other.trusts_first
        {
            identity.depends_on.insert(Address::for_identity(&label(*last), None));
        }
        if identity.spec.principal == Principal::Role {
            let service = Trust::Service { principals: vec!["lambda.amazonaws.com".to_owned()] };
            identity.spec.trusts.push(service);
            // Only identities with a lower number are trusted, so that there is no cycle.
            if let Some((first, other)) =
                members.iter().next().filter(|(first, _)| self.trusts_first && **first < number)
            {
                let trusted = TrustedIdentity {
                    address: Address::for_identity(&label(*first), None),
                    principal: kind_of(*first, other.kind).default_principal(),
                    name: label(*first),
                    account: None,
                };
                identity.spec.trusts.push(Trust::Identity { identities: vec![trusted] });
            }
        }
        identity
    }
}

/// The embedded directory has one namespace for users and roles, so an even number is always a user, and an odd number a role.
fn kind_of(number: usize, kind: Kind) -> Kind {
    match (number % 2, kind) {
        (0, Kind::Workload) => Kind::Human,
        (0, Kind::Agent) => Kind::Service,
        (1, Kind::Human) => Kind::Workload,
        (1, Kind::Service) => Kind::Agent,
        (_, kind) => kind,
    }
}
