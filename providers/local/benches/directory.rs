//! Measures reading, writing and realizing by number of identities. Each identity is a role with an inline policy and
//! one attachment.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark stops at the first error")]

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures::StreamExt as _;
use jiff::Timestamp;
use leasehold_local::{LocalDirectory, LocalRealizer};
use leasehold_provider::{
    Address, Change, DesiredIdentity, Effect, Enact as _, IdentitySpec, Kind, Marks, Observe as _, ObserveRequest,
    RealizeObjects as _, Realm, Resource, Scope, Snapshot, StackName, Statement, Trust,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const NOW: Timestamp = Timestamp::constant(1_795_212_000, 0);
const DEADLINE: Timestamp = Timestamp::constant(1_802_988_000, 0);

struct Bench {
    runtime: Runtime,
    _folder: TempDir,
    directory: LocalDirectory,
    stack: StackName,
    realm: Realm,
}

impl Bench {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let directory = LocalDirectory::new(folder.path().join("directory.db"), "bench", Arc::new(|| NOW));
        let realm = runtime.block_on(directory.read_realm()).unwrap();
        Self { runtime, _folder: folder, directory, stack: StackName::new("bench").unwrap(), realm }
    }

    fn active_resources(&self, number: u32) -> Vec<Resource> {
        let identity = role_identity(number);
        let marks = Marks {
            owner: Some(identity.spec.owner.clone()),
            service: identity.spec.service.clone(),
            created_at: Some(identity.created_at),
            expires_at: identity.deadline,
            ..Marks::new(self.stack.clone(), identity.spec.address.clone())
        };
        LocalRealizer.realize_identity(&self.realm, &identity, &marks)
    }

    /// Creates identities, `parallel` at a time. The resources of one identity are created in order.
    fn create_identities(&self, identities: std::ops::Range<u32>, parallel: usize) {
        let scope = Scope {
            name: "shared".to_owned(),
            description: None,
            statements: vec![allow_statement("s3:List*")],
            account: None,
        };
        let scope = LocalRealizer.realize_scope(&self.realm, &self.stack, &scope);
        self.runtime.block_on(async {
            self.create_resource(scope).await;
            let joiners = futures::stream::iter(identities).map(|number| async move {
                for resource in self.active_resources(number) {
                    self.create_resource(resource).await;
                }
            });
            joiners.buffer_unordered(parallel).collect::<()>().await;
        });
    }

    async fn create_resource(&self, resource: Resource) {
        self.directory.enact_change(&self.stack, &Change::Create { after: Box::new(resource) }).await.unwrap();
    }

    fn read_snapshot(&self) -> Snapshot {
        let (shared, exact) = (BTreeMap::new(), BTreeSet::new());
        let request = ObserveRequest { exact: &exact, ..ObserveRequest::for_plan(&self.stack, &shared) };
        self.runtime.block_on(self.directory.observe_stack(request)).unwrap()
    }
}

fn allow_statement(action: &str) -> Statement {
    Statement {
        sid: None,
        effect: Effect::Allow,
        actions: vec![action.to_owned()],
        not_actions: vec![],
        resources: vec!["arn:aws:s3:::acme-orders/*".to_owned()],
        not_resources: vec![],
        conditions: vec![],
        sensitive: false,
    }
}

fn role_identity(number: u32) -> DesiredIdentity {
    let name = format!("workload_{number}");
    DesiredIdentity {
        spec: IdentitySpec {
            service: Some("checkout".to_owned()),
            statements: vec![allow_statement(&format!("s3:Get{number}"))],
            scopes: BTreeSet::from(["shared".to_owned()]),
            trusts: vec![Trust::Service { principals: vec!["lambda.amazonaws.com".to_owned()] }],
            ..IdentitySpec::new(Address::for_identity(&name, None), &name, Kind::Workload, "jane")
        },
        created_at: NOW,
        deadline: Some(DEADLINE),
    }
}

fn bench_observe(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("observe");
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    for identities in [1_000, 5_000, 50_000] {
        let bench = Bench::new();
        bench.create_identities(0..identities, 512);
        let before = resident_memory();
        let snapshot = bench.read_snapshot();
        let grown = resident_memory().saturating_sub(before);
        eprintln!("observe/{identities}: {} bytes of memory an identity", grown / u64::from(identities));
        drop(snapshot);
        group.throughput(Throughput::Elements(identities.into()));
        group.bench_function(BenchmarkId::from_parameter(identities), |b| b.iter(|| black_box(bench.read_snapshot())));
    }
}

fn bench_join(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("join 1000");
    group.sample_size(10).measurement_time(Duration::from_secs(8)).throughput(Throughput::Elements(1000));
    for parallel in [10, 256] {
        group.bench_function(BenchmarkId::new("parallel", parallel), |b| {
            b.iter_batched(Bench::new, |bench| bench.create_identities(0..1000, parallel), BatchSize::PerIteration);
        });
    }
}

fn bench_realize(criterion: &mut Criterion) {
    let bench = Bench::new();
    let mut group = criterion.benchmark_group("realize");
    group.throughput(Throughput::Elements(1000));
    group.bench_function("1000", |b| {
        b.iter(|| (0..1000).map(|number| bench.active_resources(number).len()).sum::<usize>());
    });
}

/// Returns the process's resident memory in bytes; 0 if `/proc` is not available.
#[allow(clippy::disallowed_methods, reason = "a benchmark reads the memory of its own process")]
fn resident_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0).saturating_mul(1024)
}

criterion_group!(benches, bench_observe, bench_join, bench_realize);
criterion_main!(benches);
