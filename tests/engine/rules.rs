//! Every rule of the order is needed: without the edges of any one reason, some law fails.
//!
//! For each [`EdgeReason`] there is a change from one stack to another. Its plan is executed in many orders, once with all edges and once
//! without those that have only this reason. With all edges no law fails; without the reason some law fails in some order.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold::config::DeclaredStack;
use leasehold::config::declared::{Backend, BackendLocation};
use leasehold::diff::Lifecycle;
use leasehold::lifecycle::{IdentityStatus, decide_phases};
use leasehold::plan::select::PlanSelection;
use leasehold::plan::{EdgeReason, Plan, PlanBasis, PlanInputs, Step, StepId, build_plan};
use leasehold::providers::ProviderSettings;
use leasehold::realize;
use leasehold_aws::AwsRealizer;
use leasehold_provider::{
    Address, Change, Federation, Issuer, Kind, LiveIdentity, LiveShared, Realm, Snapshot, Statement, Trust,
};

use crate::at;
use crate::order::{START, allow, deny, more_than_old_and_new, some_order};
use crate::stacks::{declared, empty_stack, identity, nowhere};
use crate::world::World;

/// The orders that are tried for each reason.
const ORDERS: u64 = 40;

/// A change from one stack to another, on the embedded directory.
struct RuleCase {
    first: DeclaredStack,
    second: DeclaredStack,
    now: Timestamp,
    /// Brings a new directory to the state from which the plan starts.
    prepare: fn(&World, &RuleCase),
}

impl RuleCase {
    fn new(first: DeclaredStack, second: DeclaredStack) -> Self {
        let prepare = |world: &World, case: &Self| {
            world.apply(&case.first, at(START));
        };
        Self { first, second, now: at(START), prepare }
    }

    /// The law that fails when the plan is executed in one of its orders. `None`: no law fails.
    fn broken_law(&self, seed: u64, without: Option<EdgeReason>) -> Option<String> {
        let world = World::new();
        (self.prepare)(&world, self);
        let before = world.allowed(&self.second, self.now);
        let plan = world.plan(&self.second, self.now);
        let mut states = vec![before.clone()];
        let mut done: BTreeSet<StepId> = BTreeSet::new();
        for step in some_order(&plan.steps, seed, without) {
            let name = step.subject.as_str().trim_start_matches("identity.");
            let is_credential =
                [leasehold_local::kinds::ACCESS_KEY, leasehold_local::kinds::LOGIN].contains(&step.change.id().kind);
            if is_credential && states.last().unwrap().get(name).is_some_and(|actions| !actions.is_empty()) {
                return Some(format!("{name} loses a credential while it is still allowed something"));
            }
            if let Err(refused) = world.try_enact(&plan, step) {
                return Some(refused.to_string());
            }
            done.insert(step.id);
            if let Some(broken) = broken_order(&plan, &self.second, step, &done) {
                return Some(broken);
            }
            states.push(world.allowed(&self.second, self.now));
        }
        let after = states.last().unwrap();
        let beyond = |state| more_than_old_and_new(state, &before, after).into_iter().next();
        states.iter().find_map(beyond).map(|(name, actions)| format!("{name} may {actions:?}"))
    }
}

/// The law about the order of writes that fails after `step`, the last of the steps in `done`.
fn broken_order(plan: &Plan, stack: &DeclaredStack, step: &Step, done: &BTreeSet<StepId>) -> Option<String> {
    let is_done =
        |address: &Address| plan.steps.iter().filter(|other| other.subject == *address).all(|it| done.contains(&it.id));
    if matches!(step.change, Change::Mark { .. }) && !is_done(&step.subject) {
        return Some(format!("{} has its marks before its change is complete", step.subject));
    }
    // AWS refuses this. The embedded directory detaches what is deleted.
    let refers = |other: &&Step| {
        other.change.resource_before().is_some_and(|before| before.depends_on.contains(step.change.id()))
    };
    if matches!(step.change, Change::Delete { .. })
        && let Some(other) = plan.steps.iter().filter(|other| !done.contains(&other.id)).find(refers)
    {
        return Some(format!("{} is deleted while {} refers to it", step.change.id(), other.change.id()));
    }
    let is_joiner = |address: &Address| {
        plan.identities.iter().any(|delta| delta.address == *address && delta.lifecycle == Lifecycle::Joiner)
    };
    let named = stack.identities.get(&step.subject).filter(|_| is_joiner(&step.subject))?;
    let waits_for = named.depends_on.iter().find(|other| !is_done(other))?;
    Some(format!("{} joins before {waits_for}", step.subject))
}

fn jane(mut stack: DeclaredStack, statements: &[Statement]) -> DeclaredStack {
    let jane = stack.identities.get_mut(&Address::for_identity("jane", None)).unwrap();
    jane.spec.statements = statements.to_vec();
    stack
}

fn without_jane(mut stack: DeclaredStack) -> DeclaredStack {
    stack.identities.clear();
    stack
}

/// The change that shows what the reason is for. `None`: it is not about the embedded directory.
fn case(reason: EdgeReason) -> Option<RuleCase> {
    let (a, b) = (|| allow("a:a"), || allow("a:b"));
    Some(match reason {
        // A joiner with a guard.
        EdgeReason::PrincipalFirst => {
            RuleCase::new(empty_stack(), jane(declared(&[("s0", &[deny("a:b")])], &["s0"]), &[a(), b()]))
        }
        // The scope that denies a:a must not be detached before her own policy stops allowing it.
        EdgeReason::NarrowBeforeWidening => {
            let scopes: [(&str, &[Statement]); 1] = [("s0", &[deny("a:a")])];
            RuleCase::new(jane(declared(&scopes, &["s0"]), &[a()]), jane(declared(&scopes, &[]), &[b()]))
        }
        EdgeReason::DenyBeforeDisabling => {
            let first = jane(declared(&[], &[]), &[a()]);
            let prepare = |world: &World, case: &RuleCase| {
                world.apply(&case.first, at(START));
                world.directory.external_admin().add_key("jane", "AKIAJANE").unwrap();
            };
            RuleCase { prepare, ..RuleCase::new(first.clone(), without_jane(first)) }
        }
        EdgeReason::MarksLast => {
            RuleCase::new(jane(declared(&[], &[]), &[a()]), jane(declared(&[("s0", &[a()])], &["s0"]), &[b()]))
        }
        // An administrator has replaced the Deny of her quarantine. What the scope denies must not be allowed while she is deleted.
        EdgeReason::DenyDuringDeletion => {
            let first = declared(&[("s0", &[deny("a:a")])], &["s0"]);
            let prepare = |world: &World, case: &RuleCase| {
                world.apply(&case.first, at(START));
                world.apply(&case.second, at(START));
                let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": [
                    { "Effect": "Allow", "Action": ["a:a"], "Resource": ["*"] },
                ] });
                world
                    .directory
                    .external_admin()
                    .put_inline_policy("jane", leasehold_local::kinds::LEASE_POLICY, &policy.into())
                    .unwrap();
            };
            let second = without_jane(first.clone());
            RuleCase { prepare, now: at("2026-12-20T22:00:00Z"), ..RuleCase::new(first, second) }
        }
        EdgeReason::CreateBeforeDependents => RuleCase::new(empty_stack(), declared(&[("s0", &[a()])], &["s0"])),
        // Her grace period is over: her policies are deleted, and then she is.
        EdgeReason::DeleteAfterDetachment => {
            let first = jane(declared(&[("s0", &[a()])], &["s0"]), &[b()]);
            let prepare = |world: &World, case: &RuleCase| {
                world.apply(&case.first, at(START));
                world.apply(&case.second, at(START));
            };
            let second = without_jane(first.clone());
            RuleCase { prepare, now: at("2026-12-20T22:00:00Z"), ..RuleCase::new(first, second) }
        }
        // She gets the scope, and must not get the action that it loses.
        EdgeReason::AttachAfterNarrowing => {
            RuleCase::new(declared(&[("s0", &[a(), b()])], &[]), declared(&[("s0", &[a()])], &["s0"]))
        }
        // She loses the scope, and must not get the action that it gains.
        EdgeReason::WidenAfterDetachment => {
            RuleCase::new(declared(&[("s0", &[a()])], &["s0"]), declared(&[("s0", &[a(), b()])], &[]))
        }
        // She leaves with the scope attached, and must not get the action that it gains.
        EdgeReason::RewriteAfterQuarantine => {
            let second = without_jane(declared(&[("s0", &[a(), b()])], &["s0"]));
            RuleCase::new(declared(&[("s0", &[a()])], &["s0"]), second)
        }
        // The Deny in one scope must not be removed before the Allow in the other.
        EdgeReason::ChangeTogether => {
            let both = &["s0", "s1"];
            let first = declared(&[("s0", &[a()]), ("s1", &[deny("a:a")])], both);
            RuleCase::new(first, declared(&[("s0", &[deny("a:b")]), ("s1", &[b()])], both))
        }
        EdgeReason::DependsOn => {
            let mut second = jane(declared(&[], &[]), &[a()]);
            let mut bot = identity("bot", Kind::Service);
            bot.depends_on.insert(Address::for_identity("jane", None));
            second.identities.insert(bot.spec.address.clone(), bot);
            RuleCase::new(empty_stack(), second)
        }
        EdgeReason::AdmitAfterTrustEnds => return None,
    })
}

#[test]
fn without_the_edges_of_any_reason_some_law_fails() {
    let mut needless = Vec::new();
    for (reason, case) in EdgeReason::ALL.into_iter().filter_map(|reason| Some((reason, case(reason)?))) {
        for seed in 0..ORDERS / 4 {
            assert_eq!(case.broken_law(seed, None), None, "{reason:?}, seed {seed}");
        }
        if !(0..ORDERS).any(|seed| case.broken_law(seed, Some(reason)).is_some()) {
            needless.push(reason);
        }
    }
    assert_eq!(needless, [], "no law fails without these");
}

/// A role with a lease, with this trust.
fn aws_stack(audience: &str, trust: Trust) -> DeclaredStack {
    let mut stack = empty_stack();
    let issuer = Issuer::Oidc {
        url: "https://ci.example.com".to_owned(),
        audiences: [audience.to_owned()].into(),
        thumbprints: BTreeSet::new(),
    };
    stack.federations.insert("ci".to_owned(), (Federation { name: "ci".to_owned(), issuer, account: None }, nowhere()));
    let mut role = identity("deploy", Kind::Workload);
    role.spec.statements = vec![allow("s3:GetObject")];
    role.spec.trusts = vec![trust];
    stack.identities.insert(role.spec.address.clone(), role);
    stack
}

/// The plan from one stack to another on AWS. The live state is what the first stack realizes.
fn aws_plan(first: &DeclaredStack, second: &DeclaredStack) -> Plan {
    let text = |text: &str| text.to_owned();
    let realm = Realm {
        provider: text("aws"),
        account: text("123456789012"),
        partition: text("aws"),
        actor: text("t"),
        others: BTreeMap::new(),
    };
    let realizer = leasehold_aws::build_realizer();
    let principal_id = |principal, name: &str| realizer.ids.principal_id(principal, name);
    let mut snapshot = Snapshot::for_realm(realm.clone());
    let live = |status: &IdentityStatus<'_>| {
        let (resources, _) = realize::realize_identity(status, &realizer, &realm);
        let marks = resources[&status.id].marks.clone().unwrap();
        let (id, principal, created_at) =
            (status.id.clone(), status.declared.unwrap().spec.principal, marks.created_at);
        let name = id.name.clone();
        let live = LiveIdentity {
            id,
            principal,
            name,
            unique_id: "unique".to_owned(),
            marks,
            created_at,
            last_used: None,
            resources,
            keys: BTreeMap::new(),
        };
        (live.id.clone(), live)
    };
    let identities = decide_phases(first, &snapshot, at(START), principal_id).0.iter().map(live).collect();
    let (shared, findings) = realize::realize_shared_objects(first, &realizer, &realm);
    assert_eq!(findings, []);
    snapshot.identities = identities;
    snapshot.shared = shared
        .into_iter()
        .map(|(id, it)| {
            let address = it.marks.as_ref().unwrap().address.clone();
            (id, LiveShared::new(it, address, None))
        })
        .collect();
    let (shared, _) = realize::realize_shared_objects(second, &realizer, &realm);
    build_plan(PlanInputs {
        declared: second,
        shared: &shared,
        snapshot: &snapshot,
        now: at(START),
        realize: &realizer,
        compare: &AwsRealizer,
        basis: PlanBasis {
            version: text("0.0.0"),
            directory: text("."),
            files: BTreeMap::new(),
            variables: BTreeMap::new(),
            provider: ProviderSettings::default(),
            alias: None,
            others: BTreeMap::new(),
            backend: Backend { place: BackendLocation::default(), lock_lease: None },
            stores: BTreeMap::new(),
        },
        selection: &PlanSelection::default(),
    })
    .unwrap()
}

/// A role stops trusting a federation that begins to accept other tokens. With them nobody may assume the role.
#[test]
fn a_federation_admits_others_after_roles_have_stopped_trusting_it() {
    let oidc = Trust::Oidc {
        issuer: "https://ci.example.com".to_owned(),
        audiences: vec!["old".to_owned()],
        subjects: vec!["repo:*".to_owned()],
    };
    let service = Trust::Service { principals: vec!["lambda.amazonaws.com".to_owned()] };
    let plan = aws_plan(&aws_stack("old", oidc), &aws_stack("new", service));
    let changes = |kind: &str| {
        let step =
            plan.steps.iter().find(|step| step.change.id().kind.as_str() == kind && !step.change.is_marks_only());
        step.unwrap_or_else(|| panic!("{kind}: {plan:#?}")).id
    };
    let (federation, role) = (changes("aws_iam_openid_connect_provider"), changes("aws_iam_role"));
    let is_lawful = |seed, without| {
        let order = some_order(&plan.steps, seed, without);
        let place = |id| order.iter().position(|step| step.id == id);
        place(role) < place(federation)
    };
    assert!((0..ORDERS).all(|seed| is_lawful(seed, None)));
    assert!((0..ORDERS).any(|seed| !is_lawful(seed, Some(EdgeReason::AdmitAfterTrustEnds))));
}
