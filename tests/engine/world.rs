//! The pipeline from [`DeclaredStack`] on, without parsing and without the program, on a temporary embedded directory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::stacks::BOUNDARIES;
use jiff::Timestamp;
use leasehold::apply::{self, ApplyOutcome, Journal, JournalError};
use leasehold::config::{DeclaredStack, Sources};
use leasehold::multi_account::{AccountMember, MultiAccountProvider};
use leasehold::ownership::StackOwnership;
use leasehold::plan::select::PlanSelection;
use leasehold::plan::{Plan, Step};
use leasehold::rules::{self, Allowance};
use leasehold::secret_store::SecretStores;
use leasehold::workflow::{
    self, ObserveInputs, ObservedStack, PlanRequest, SilentObserver, WorkflowContext, WorkflowError,
};
use leasehold_local::{FaultKind, Faults, LocalDirectory};
use leasehold_provider::{
    Alias, Change, Enact, EnactError, Enacted, LiveIdentity, Provider, Realizer, Resource, ResourceId, Snapshot, Value,
};

use crate::at;

/// The present moment of the embedded directory.
const NOW: &str = "2026-11-20T22:00:00Z";

/// The engine on a temporary embedded directory, or on two as the accounts of one stack.
pub struct World {
    pub directory: Arc<LocalDirectory>,
    pub provider: Provider,
    runtime: tokio::runtime::Runtime,
    home: tempfile::TempDir,
}

/// By name: the actions that an identity may do.
pub type Allowed = BTreeMap<String, BTreeSet<String>>;

/// A journal that discards all records. These tests assert the state of the cloud only.
struct Forgetful;

#[async_trait::async_trait]
impl Journal for Forgetful {
    async fn write_intents(&self, _: &[&Step]) -> Result<(), JournalError> {
        Ok(())
    }
    fn may_write(&self) -> Result<(), JournalError> {
        Ok(())
    }
    fn record_result(&self, _: &Step, _: Result<&Enacted, &EnactError>) {}
    fn record_untried(&self, _: &Step) {}
    async fn flush_records(&self) -> Result<(), JournalError> {
        Ok(())
    }
}

impl World {
    pub fn new() -> Self {
        Self::with(|directory| directory)
    }

    /// A world whose writes fail at random with probability `rate`, before or after they took effect.
    pub fn with_faults(seed: u64, rate: f64) -> Self {
        let kinds = BTreeSet::from([FaultKind::BeforeCommit, FaultKind::AfterCommit, FaultKind::Throttled]);
        Self::with(|directory| directory.with_faults(Faults { seed, rate, kinds, ..Faults::default() }))
    }

    fn with(change: impl FnOnce(LocalDirectory) -> LocalDirectory) -> Self {
        let home = tempfile::tempdir().unwrap();
        let directory = Arc::new(change(directory(&home, "directory.db")));
        let provider = directory.clone().into_provider();
        Self { directory, provider, runtime: tokio::runtime::Runtime::new().unwrap(), home }
    }

    /// A world whose provider lacks the parts that `remove` takes out.
    pub fn without_parts(remove: impl FnOnce(&mut Provider)) -> Self {
        let mut world = Self::new();
        remove(&mut world.provider);
        world
    }

    /// A world with two accounts: the default, and the one that [`crate::stacks::split`] calls `b`.
    pub fn with_two_accounts() -> Self {
        let world = Self::new();
        let other = Arc::new(directory(&world.home, "b.db").with_account_name("b.db"));
        let first = world.provider.clone();
        let member = |name: &str, provider| AccountMember::from_provider(name.to_owned(), provider);
        let members = BTreeMap::from([
            (None, member("provider.local", first.clone())),
            (Some(Alias::new("b").unwrap()), member("provider.local.b", other.into_provider())),
        ]);
        Self { provider: MultiAccountProvider::combine_providers(first, members), ..world }
    }

    pub fn observe(&self, declared: &DeclaredStack) -> Snapshot {
        self.observe_state(declared, &Sources::default()).unwrap().snapshot
    }

    pub fn observe_state(&self, declared: &DeclaredStack, sources: &Sources) -> Result<ObservedStack, WorkflowError> {
        let inputs = ObserveInputs {
            ownership: &StackOwnership::NotVerified { why: "the world has no store".to_owned() },
            declared,
            sources,
            observe: self.provider.observe.as_ref(),
            realize: &self.provider.realize,
            stores: &SecretStores::default(),
            now: at(NOW),
        };
        self.runtime.block_on(workflow::observe_with_imports(&inputs))
    }

    pub fn realizer(&self) -> &Realizer {
        &self.provider.realize
    }

    pub fn plan(&self, declared: &DeclaredStack, now: Timestamp) -> Plan {
        self.try_plan(declared, &Sources::default(), now).unwrap()
    }

    /// Makes a plan, or returns why there is none.
    pub fn try_plan(&self, declared: &DeclaredStack, sources: &Sources, now: Timestamp) -> Result<Plan, WorkflowError> {
        let observed = self.observe_state(declared, sources)?;
        self.plan_part((declared, sources), &observed, now, &PlanSelection::default())
    }

    /// Makes a plan of the selected part, or returns why there is none.
    pub fn plan_part(
        &self,
        (declared, sources): (&DeclaredStack, &Sources),
        observed: &ObservedStack,
        now: Timestamp,
        selection: &PlanSelection,
    ) -> Result<Plan, WorkflowError> {
        let request = PlanRequest {
            declared,
            sources,
            observed,
            now,
            realize: &self.provider.realize,
            compare: self.provider.compare.as_ref(),
            basis: workflow::basis_for_declared(declared, ".".to_owned(), BTreeMap::new()),
            selection,
        };
        workflow::plan_observed(request)
    }

    pub fn execute_with(&self, plan: &Plan, enact: Arc<dyn Enact>) -> ApplyOutcome {
        let allowance = Allowance { max_leavers: Some(usize::MAX), ..Allowance::default() };
        let approved = rules::apply_rules(plan.clone(), &allowance).unwrap();
        let (_owner, halt) = tokio::sync::watch::channel(apply::Halt::No);
        let context = WorkflowContext { observer: Arc::new(SilentObserver), user: None, bounds: Arc::default() };
        self.runtime.block_on(workflow::execute_steps(&approved, enact, 4, &Forgetful, &context, halt))
    }

    /// Enacts one step.
    pub fn enact(&self, plan: &Plan, step: &Step) {
        self.try_enact(plan, step).unwrap();
    }

    /// Enacts one step, or returns why the directory refuses it.
    pub fn try_enact(&self, plan: &Plan, step: &Step) -> Result<Enacted, EnactError> {
        self.runtime.block_on(self.directory.enact_change(&plan.stack, &step.change))
    }

    /// Sets the lease denies of some live identities to `at`, as an administrator may do by hand. Returns how many were set.
    pub fn set_lease_denies(&self, declared: &DeclaredStack, at: Timestamp, of: impl Fn(&str) -> bool) -> usize {
        let snapshot = self.observe(declared);
        let live = snapshot.identities.values().filter(|live| of(&live.id.display_name()));
        let policies = live.flat_map(|live| live.resources.values());
        let mut set = 0;
        for before in policies.filter(|policy| self.provider.realize.semantics.is_restriction(policy)) {
            let mut policy = before.get("policy").and_then(Value::as_document).unwrap().clone();
            for statement in policy["Statement"].as_array_mut().unwrap() {
                if let Some(from) = statement.pointer_mut("/Condition/DateGreaterThanEquals/aws:CurrentTime") {
                    *from = serde_json::json!([at.to_string()]);
                    set += 1;
                }
            }
            let after = before.clone().with_attribute("policy", Value::Document(policy.into()));
            let change = Change::Update { before: Box::new(before.clone()), after: Box::new(after) };
            self.runtime.block_on(self.directory.enact_change(&declared.stack, &change)).unwrap();
        }
        set
    }

    /// The actions that each live identity may do, by name: those that one of its policies allows and none denies. For a role, also one
    /// entry for each principal that it trusts, such as `id1 by id0`. An identity whose lease has expired at `now` may do nothing.
    pub fn allowed(&self, declared: &DeclaredStack, now: Timestamp) -> Allowed {
        let snapshot = self.observe(declared);
        let mut allowed = BTreeMap::new();
        for live in snapshot.identities.values() {
            let actions = actions(live, &snapshot, now);
            let name = live.id.display_name().into_owned();
            let trust = live.resources[&live.id].get("trust").map(Value::to_json).unwrap_or_default();
            for trusted in trust["Statement"].as_array().into_iter().flatten().map(|it| it["Principal"].to_string()) {
                allowed.insert(format!("{name} by {trusted}"), actions.clone());
            }
            allowed.insert(name, actions);
        }
        allowed
    }

    pub fn apply(&self, declared: &DeclaredStack, now: Timestamp) -> Plan {
        let plan = self.plan(declared, now);
        let outcome = self.execute_with(&plan, self.provider.enact.clone());
        assert!(outcome.is_complete(), "{outcome:?}");
        let unverified = apply::verify_objects(&plan, &outcome, &self.observe(declared));
        assert_eq!(unverified, []);
        plan
    }
}

fn directory(home: &tempfile::TempDir, name: &str) -> LocalDirectory {
    LocalDirectory::new(home.path().join(name), "tester", Arc::new(|| at(NOW)))
}

fn actions(live: &LiveIdentity, snapshot: &Snapshot, now: Timestamp) -> BTreeSet<String> {
    let shared: Vec<&Resource> = snapshot.shared.values().map(|shared| &shared.resource).collect();
    let hangs_on = |resource: &Resource, other: &ResourceId| resource.depends_on.contains(other);
    let own: Vec<&Resource> = live.resources.values().collect();
    let groups = shared.iter().filter(|group| own.iter().any(|own| hangs_on(own, &group.id)));
    let of_groups = groups.flat_map(|group| shared.iter().filter(|part| hangs_on(part, &group.id)));
    let own: Vec<&Resource> = own.iter().chain(of_groups).copied().collect();
    let attached = shared.iter().filter(|policy| own.iter().any(|own| hangs_on(own, &policy.id)));
    let mut verdicts: BTreeMap<String, bool> = BTreeMap::new();
    let mut denied_all = false;
    for statement in own.iter().chain(attached).flat_map(|resource| statements_of(resource, now)) {
        let deny = statement["Effect"] == "Deny";
        for action in statement["Action"].as_array().into_iter().flatten().filter_map(|action| action.as_str()) {
            denied_all |= deny && action == "*";
            let verdict = verdicts.entry(action.to_owned()).or_insert(true);
            *verdict = *verdict && !deny;
        }
    }
    let boundary = live.resources.values().find_map(|resource| resource.get("permissions_boundary")?.as_text());
    let bounds = boundary.map(|name| BOUNDARIES.iter().find(|(known, _)| *known == name).unwrap().1);
    let is_left = |action: &str| bounds.is_none_or(|bounds| bounds.contains(&action));
    let actions = verdicts.into_iter().filter(|(_, allowed)| *allowed && !denied_all).map(|(action, _)| action);
    actions.filter(|action| is_left(action)).collect()
}

/// The statements of a resource's policy that are in effect at `now`.
fn statements_of(resource: &Resource, now: Timestamp) -> Vec<serde_json::Value> {
    let policy = resource.get("policy").and_then(|value| value.as_document()).cloned().unwrap_or_default();
    let statements = policy["Statement"].as_array().cloned().unwrap_or_default();
    let begins = |statement: &serde_json::Value| {
        let at = statement["Condition"]["DateGreaterThanEquals"]["aws:CurrentTime"][0].as_str();
        at.is_none_or(|at| at.parse::<Timestamp>().unwrap() <= now)
    };
    statements.into_iter().filter(begins).collect()
}
