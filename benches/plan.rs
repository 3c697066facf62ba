//! From what is declared to a plan, for 1,000, 10,000 and 100,000 identities on the embedded directory: all converged, and all
//! joiners. What lives is made here from what is wanted, so that nothing is read.
#![allow(missing_docs, clippy::panic, clippy::expect_used, reason = "a benchmark stops at the first surprise")]

mod stack;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use leasehold::config::{ConfigInputs, DeclaredStack, NoFiles, Sources, StackLimits, load_config};
use leasehold::plan::Plan;
use leasehold::plan::select::PlanSelection;
use leasehold::realize::ResourceMap;
use leasehold::workflow::{ObservedStack, PlanRequest, basis_for_declared, plan_observed};
use leasehold::{diff, lifecycle, realize};
use leasehold_local::LocalDirectory;
use leasehold_provider::{LiveIdentity, LiveShared, Provider, Realm, Snapshot};

struct Bench {
    declared: DeclaredStack,
    provider: Provider,
    nothing: ObservedStack,
    converged: ObservedStack,
}

impl Bench {
    fn new(count: usize) -> Self {
        let text = stack::literal(count);
        let inputs =
            ConfigInputs { variables: Vec::new(), now: stack::NOW, files: &NoFiles, limits: StackLimits::default() };
        let declared = load_config(&stack::sources(&text), &inputs).declared.expect("the stack is sound");
        let provider = Arc::new(LocalDirectory::new("nowhere.db", "bench", Arc::new(|| stack::NOW))).into_provider();
        let realm = Realm {
            provider: "local".to_owned(),
            account: "embedded".to_owned(),
            partition: String::new(),
            actor: "bench".to_owned(),
            others: BTreeMap::new(),
        };
        let (shared, _) = realize::realize_shared_objects(&declared, &provider.realize, &realm);
        let observed = |snapshot: Snapshot| {
            let shared = shared.clone();
            ObservedStack::without_records(shared, snapshot)
        };
        let nothing = Snapshot::for_realm(realm);
        let mut bench = Self { declared, provider, converged: observed(nothing.clone()), nothing: observed(nothing) };
        bench.converged = observed(bench.applied());
        assert_eq!(bench.plan(&bench.nothing).identities.len(), count);
        assert!(bench.plan(&bench.converged).is_empty());
        bench
    }

    fn statuses<'a>(&'a self, snapshot: &'a Snapshot) -> Vec<lifecycle::IdentityStatus<'a>> {
        let principal_id = |principal, name: &str| self.provider.realize.ids.principal_id(principal, name);
        lifecycle::decide_phases(&self.declared, snapshot, stack::NOW, principal_id).0
    }

    /// What lives once everything wanted has been applied.
    fn applied(&self) -> Snapshot {
        let nothing = &self.nothing.snapshot;
        let realm = &nothing.realm;
        let live = |status: &lifecycle::IdentityStatus<'_>| {
            let (resources, _) = realize::realize_identity(status, &self.provider.realize, realm);
            let marks = resources.get(&status.id)?.marks.clone()?;
            let (id, name) = (status.id.clone(), status.id.name.clone());
            let principal = status.declared?.spec.principal;
            let (created_at, last_used, keys) = (marks.created_at, None, BTreeMap::new());
            let live = LiveIdentity {
                id,
                principal,
                name,
                unique_id: "unique".to_owned(),
                marks,
                created_at,
                last_used,
                resources,
                keys,
            };
            Some((live.id.clone(), live))
        };
        let shared = self.nothing.shared.iter().map(|(id, resource)| {
            (id.clone(), LiveShared::new(resource.clone(), leasehold_provider::Address::from_text("scope.x"), None))
        });
        Snapshot {
            identities: self.statuses(nothing).iter().filter_map(live).collect(),
            shared: shared.collect(),
            ..nothing.clone()
        }
    }

    fn plan(&self, observed: &ObservedStack) -> Plan {
        let plan = plan_observed(PlanRequest {
            declared: &self.declared,
            sources: &Sources::default(),
            observed,
            now: stack::NOW,
            realize: &self.provider.realize,
            compare: self.provider.compare.as_ref(),
            basis: basis_for_declared(&self.declared, ".".to_owned(), BTreeMap::new()),
            selection: &PlanSelection::default(),
        });
        plan.unwrap_or_else(|refused| panic!("{refused:?}"))
    }
}

fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    for count in [1_000, 10_000, 100_000] {
        group.throughput(Throughput::Elements(count as u64));
        let bench = Bench::new(count);
        for (what, observed) in [("converged", &bench.converged), ("joiners", &bench.nothing)] {
            let snapshot = &observed.snapshot;
            let statuses = bench.statuses(snapshot);
            let desired: Vec<ResourceMap> = statuses
                .iter()
                .map(|s| realize::realize_identity(s, &bench.provider.realize, &snapshot.realm).0)
                .collect();
            // Dropping a result is not counted: a run does it once, at its end.
            group.bench_function(BenchmarkId::new(format!("diff {what}"), count), |bencher| {
                let deltas = |()| -> Vec<_> {
                    let both = statuses.iter().zip(&desired);
                    both.filter_map(|(status, desired)| {
                        diff::classify_identity(status, desired, &bench.provider.realize)
                    })
                    .collect()
                };
                bencher.iter_batched(|| (), |()| black_box(deltas(())), BatchSize::PerIteration);
            });
            drop((statuses, desired));
            group.bench_function(BenchmarkId::new(format!("plan {what}"), count), |bencher| {
                bencher.iter_batched(|| (), |()| black_box(bench.plan(observed)), BatchSize::PerIteration);
            });
        }
    }
    group.finish();
}

criterion_group!(benches, plan);
criterion_main!(benches);
