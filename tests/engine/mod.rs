//! The pipeline from `Declared` on, without text and without a program: stacks are made here as values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use leasehold::apply::{self, Outcome};
use leasehold::config::declared::ProviderSettings;
use leasehold::config::{Backend, Declared, DeclaredIdentity, FileId, Lease, Origin, Owner, Service};
use leasehold::plan::select::Selection;
use leasehold::plan::{Basis, Plan, build};
use leasehold::realize;
use leasehold::rules::{self, Allowance};
use leasehold_local::{FaultKind, Faults, LocalDirectory};
use leasehold_provider::{
    Address, Effect, Enact, Kind, Observe as _, ObserveRequest, Principal, Scope, Snapshot, Span, StackName, Statement,
    Trust, TrustedIdentity,
};
use proptest::prelude::*;

/// An instant.
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An embedded directory of its own, and the engine on it.
pub struct World {
    pub directory: Arc<LocalDirectory>,
    runtime: tokio::runtime::Runtime,
    _home: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        Self::with(|directory| directory)
    }

    /// One whose writes fail now and then, before or after they took effect.
    pub fn with_faults(seed: u64, rate: f64) -> Self {
        let kinds = BTreeSet::from([FaultKind::BeforeCommit, FaultKind::AfterCommit, FaultKind::Throttled]);
        Self::with(|directory| directory.with_faults(Faults { seed, rate, kinds, ..Faults::default() }))
    }

    fn with(change: impl FnOnce(LocalDirectory) -> LocalDirectory) -> Self {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(|| at("2026-11-20T22:00:00Z"));
        let directory = Arc::new(change(LocalDirectory::at(home.path().join("directory.db"), "tester", clock)));
        Self { directory, runtime: tokio::runtime::Runtime::new().unwrap(), _home: home }
    }

    pub fn observe(&self, declared: &Declared) -> Snapshot {
        let realm = self.runtime.block_on(self.directory.realm()).unwrap();
        let (shared, _) = realize::shared(declared, self.directory.as_ref(), &realm);
        let request = ObserveRequest { stack: &declared.stack, shared: &shared, exact: &BTreeSet::new() };
        self.runtime.block_on(self.directory.observe(request)).unwrap()
    }

    pub fn plan(&self, declared: &Declared, now: Timestamp) -> Plan {
        let snapshot = self.observe(declared);
        let (shared, findings) = realize::shared(declared, self.directory.as_ref(), &snapshot.realm);
        assert_eq!(findings, []);
        build(build::Inputs {
            declared,
            shared: &shared,
            snapshot: &snapshot,
            now,
            realize: self.directory.as_ref(),
            compare: self.directory.as_ref(),
            basis: Basis {
                version: "0.0.0".to_owned(),
                directory: ".".to_owned(),
                files: BTreeMap::new(),
                provider: ProviderSettings::Local { path: None },
            },
            selection: &Selection::default(),
        })
        .unwrap()
    }

    pub fn execute_with(&self, plan: &Plan, enact: Arc<dyn Enact>) -> Outcome {
        let allowance = Allowance { max_leavers: Some(usize::MAX), ..Allowance::default() };
        let approved = rules::approve(plan.clone(), &allowance).unwrap();
        let (events, _listener) = tokio::sync::mpsc::unbounded_channel();
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        let options = apply::Options { parallelism: 4 };
        self.runtime.block_on(apply::execute(&approved, enact, options, events, stopped))
    }

    /// Carries out one step.
    pub fn enact(&self, plan: &Plan, step: &leasehold::plan::Step) {
        self.runtime.block_on(self.directory.enact(&plan.stack, &step.change)).unwrap();
    }

    /// What each live identity may do, by name: the actions that some policy of it allows and none denies. Leases are far from their end.
    pub fn allowed(&self, declared: &Declared) -> BTreeMap<String, BTreeSet<String>> {
        let snapshot = self.observe(declared);
        let policies = |id: &leasehold_provider::ResourceId| snapshot.shared.get(id).map(|shared| &shared.resource);
        let mut allowed = BTreeMap::new();
        for live in snapshot.identities.values() {
            let attached = live.resources.values().flat_map(|resource| &resource.depends_on).filter_map(policies);
            let mut verdicts: BTreeMap<String, bool> = BTreeMap::new();
            let mut denied_all = false;
            for statement in live.resources.values().chain(attached).flat_map(statements_of) {
                let deny = statement["Effect"] == "Deny";
                for action in statement["Action"].as_array().into_iter().flatten().filter_map(|action| action.as_str())
                {
                    denied_all |= deny && action == "*";
                    let verdict = verdicts.entry(action.to_owned()).or_insert(true);
                    *verdict = *verdict && !deny;
                }
            }
            let actions = verdicts.into_iter().filter(|(_, allowed)| *allowed && !denied_all).map(|(action, _)| action);
            allowed.insert(live.name.clone(), actions.collect());
        }
        allowed
    }

    pub fn apply(&self, declared: &Declared, now: Timestamp) -> Plan {
        let plan = self.plan(declared, now);
        let outcome = self.execute_with(&plan, self.directory.clone());
        assert!(outcome.is_complete(), "{outcome:?}");
        let unverified = apply::verify(&plan, &outcome, &self.observe(declared));
        assert_eq!(unverified, []);
        plan
    }
}

fn nowhere() -> Origin {
    Origin { file: FileId(0), header: 0..0, parts: [].into() }
}

/// A stack with two owners, a service, and nothing else.
pub fn empty_stack() -> Declared {
    let owner = || Owner { name: None, email: None, team: None, origin: nowhere() };
    let service = Service { owner: Some("jane".to_owned()), retired: false, origin: nowhere() };
    Declared {
        stack: StackName::new("laws").unwrap(),
        backend: Backend::Local { path: ".leasehold".to_owned() },
        providers: Vec::new(),
        owners: BTreeMap::from([("jane".to_owned(), owner()), ("tom".to_owned(), owner())]),
        services: BTreeMap::from([("shop".to_owned(), service)]),
        scopes: BTreeMap::new(),
        identities: BTreeMap::new(),
        files_read: BTreeMap::new(),
        grace: Span::from_days(7),
        origin: nowhere(),
    }
}

/// An identity with nothing but an owner and a lease.
pub fn identity(label: &str, kind: Kind) -> DeclaredIdentity {
    DeclaredIdentity {
        address: Address::identity(label, None),
        name: label.to_owned(),
        kind,
        principal: kind.default_principal(),
        owner: "jane".to_owned(),
        service: None,
        environment: None,
        purpose: None,
        lease: Lease { ttl: Some(Span::from_days(30)), ..Lease::default() },
        grace: None,
        statements: Vec::new(),
        scopes: BTreeSet::new(),
        trusts: Vec::new(),
        managed_policy_arns: BTreeSet::new(),
        permissions_boundary: None,
        tags: BTreeMap::new(),
        sensitive_tags: BTreeSet::new(),
        max_session_duration: None,
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

/// Any small stack: a few identities of each kind from a small pool of names, so that two stacks share some; scopes that two stacks
/// may define differently; roles that trust users.
pub fn stack() -> impl Strategy<Value = Declared> {
    let scopes = proptest::collection::btree_map(0..3usize, statements(), 0..3);
    let identities = proptest::collection::btree_map(0..6usize, member(), 0..6);
    (scopes, identities, any::<bool>()).prop_map(|(scopes, members, retired)| {
        let mut declared = empty_stack();
        declared.services.get_mut("shop").unwrap().retired = retired;
        for (number, statements) in scopes {
            let name = format!("scope{number}");
            let scope = Scope { name: name.clone(), description: None, statements };
            declared.scopes.insert(name, (scope, nowhere()));
        }
        for (number, member) in &members {
            let identity = member.identity(*number, &declared, &members);
            declared.identities.insert(identity.address.clone(), identity);
        }
        declared
    })
}

fn statements() -> impl Strategy<Value = Vec<Statement>> {
    let effect = prop_oneof![4 => Just(Effect::Allow), 1 => Just(Effect::Deny)];
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
    tags: BTreeMap<String, String>,
    trusts_first: bool,
}

fn member() -> impl Strategy<Value = Member> {
    let kind = proptest::sample::select(vec![Kind::Human, Kind::Service, Kind::Workload, Kind::Agent]);
    (
        kind,
        proptest::sample::select(vec!["jane", "tom"]),
        any::<bool>(),
        proptest::option::of(1u16..60),
        proptest::option::of(statements()),
        proptest::collection::btree_set(0..3usize, 0..3),
        proptest::collection::btree_map("[a-z]{1,3}", "[a-z ]{0,5}", 0..2),
        any::<bool>(),
    )
        .prop_map(|(kind, owner, in_shop, ttl, statements, scopes, tags, trusts_first)| Member {
            kind,
            owner,
            in_shop,
            ttl,
            statements,
            scopes,
            tags,
            trusts_first,
        })
}

impl Member {
    fn identity(&self, number: usize, declared: &Declared, members: &BTreeMap<usize, Self>) -> DeclaredIdentity {
        let label = |number: usize| format!("id{number}");
        let mut identity = identity(&label(number), kind_of(number, self.kind));
        identity.owner = self.owner.to_owned();
        identity.service = self.in_shop.then(|| "shop".to_owned());
        identity.lease = Lease { ttl: self.ttl.map(Span::from_days), ..Lease::default() };
        identity.statements = self.statements.clone().unwrap_or_default();
        identity.tags = self.tags.clone();
        identity.scopes =
            self.scopes.iter().map(|n| format!("scope{n}")).filter(|name| declared.scopes.contains_key(name)).collect();
        if identity.principal == Principal::Role {
            let service = Trust::Service { principals: vec!["lambda.amazonaws.com".to_owned()] };
            identity.trusts.push(service);
            // Only an identity of a lower number is trusted, so that there is no cycle.
            if let Some((first, other)) =
                members.iter().next().filter(|(first, _)| self.trusts_first && **first < number)
            {
                let trusted = TrustedIdentity {
                    address: Address::identity(&label(*first), None),
                    principal: kind_of(*first, other.kind).default_principal(),
                    name: label(*first),
                };
                identity.trusts.push(Trust::Identity { identities: vec![trusted] });
            }
        }
        identity
    }
}

/// The embedded directory has one space of names for users and roles: an identity of even number is always a user, of odd a role.
fn kind_of(number: usize, kind: Kind) -> Kind {
    match (number % 2, kind) {
        (0, Kind::Workload) => Kind::Human,
        (0, Kind::Agent) => Kind::Service,
        (1, Kind::Human) => Kind::Workload,
        (1, Kind::Service) => Kind::Agent,
        (_, kind) => kind,
    }
}

/// The statements of a resource's policy, its lease fence left out.
fn statements_of(resource: &leasehold_provider::Resource) -> Vec<serde_json::Value> {
    let policy = resource.get("policy").and_then(|value| value.as_document()).cloned().unwrap_or_default();
    let statements = policy["Statement"].as_array().cloned().unwrap_or_default();
    statements.into_iter().filter(|statement| statement["Sid"] != "LeaseholdLease").collect()
}
