//! What lock and ledger add to the apply of 1,000 joiners on an emulator of AWS: the same plan carried out with nothing written down, with
//! records in a folder, and with records in a bucket of the same emulator. The runs alternate, and each begins with an empty account.
//!
//! Ends with 1 when either adds more than [`BOUND`] to the wall time. `LEASEHOLD_JOINERS` and `LEASEHOLD_ROUNDS` change the measure.
#![allow(
    missing_docs,
    clippy::panic,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a benchmark stops at the first surprise"
)]

mod stack;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use leasehold::apply::{self, Journal, JournalError};
use leasehold::config::declared::{Backend, BackendLocation, S3Bucket};
use leasehold::config::{ConfigInputs, DeclaredStack, NoFiles, Sources, StackLimits, load_config};
use leasehold::diff;
use leasehold::ledger::journal::Recorder;
use leasehold::ledger::{Chain, record};
use leasehold::ownership::StackOwnership;
use leasehold::plan::select::PlanSelection;
use leasehold::plan::{Plan, Step};
use leasehold::rules::{self, Allowance, ApprovedPlan};
use leasehold::secret_store::SecretStores;
use leasehold::store::{self, lock};
use leasehold::workflow::{ObserveInputs, PlanRequest, basis_for_declared, observe_with_imports, plan_observed};
use leasehold_aws::{AwsProvider, AwsSettings};
use leasehold_emulator::Emulator;
use leasehold_provider::{EnactError, Enacted};

/// The part of the wall time that may be added.
const BOUND: f64 = 0.15;
const WAYS: [&str; 3] = ["nothing", "folder", "bucket"];

/// Writes nothing down.
struct Nothing;

#[async_trait]
impl Journal for Nothing {
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

fn main() -> ExitCode {
    match std::env::var("LEASEHOLD_BENCH_WAY") {
        // The emulator is told of in the environment, which only a process of its own can be given.
        Ok(way) => {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            println!("{}", runtime.block_on(applied(&way)).as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(_) if std::env::args().any(|argument| argument == "--test") => ExitCode::SUCCESS,
        Err(_) => compare(),
    }
}

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn compare() -> ExitCode {
    let aws = Emulator::moto();
    let mut best = [f64::MAX; WAYS.len()];
    for _ in 0..number("LEASEHOLD_ROUNDS", 3) {
        for (way, best) in WAYS.iter().zip(&mut best) {
            aws.reset();
            aws.boto3("client('s3').create_bucket(Bucket='records')");
            let program = std::env::current_exe().expect("this program");
            let ran = Command::new(program).envs(aws.env()).env("LEASEHOLD_BENCH_WAY", way).output().expect("a run");
            let reported = String::from_utf8_lossy(&ran.stdout);
            let Ok(seconds) = reported.trim().parse::<f64>() else { panic!("{way}: {ran:?}") };
            *best = best.min(seconds);
        }
    }
    let [nothing, ..] = best;
    let mut kept = true;
    for (way, seconds) in WAYS.iter().zip(best) {
        let added = seconds / nothing - 1.0;
        kept &= added <= BOUND;
        println!("records in {way:8} {seconds:7.3} s  {:+6.1} %", added * 100.0);
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How long it takes to carry out the plan, from asking for the lock to giving it back.
async fn applied(way: &str) -> Duration {
    let text = stack::literal(number("LEASEHOLD_JOINERS", 1_000));
    let inputs =
        ConfigInputs { variables: Vec::new(), now: stack::NOW, files: &NoFiles, limits: StackLimits::default() };
    let declared = load_config(&stack::sources(&text), &inputs).declared.expect("the stack is sound");
    let aws = Arc::new(AwsProvider::connect(AwsSettings::default()).await.expect("the emulator is there"));
    let plan = plan(&declared, &aws).await;
    let approved = rules::apply_rules(plan, &Allowance::default()).expect("nothing stands against it");
    let folder = tempfile::tempdir().expect("a folder");
    let place = match way {
        "folder" => BackendLocation::Local { path: "records".to_owned() },
        _ => BackendLocation::S3(S3Bucket {
            name: "records".to_owned(),
            prefix: None,
            region: None,
            endpoint: None,
            retention: None,
            kms_key_id: None,
            profile: None,
            assume_role: None,
        }),
    };
    let begun = Instant::now();
    match way {
        "nothing" => carry_out(&approved, &aws, &Nothing).await,
        _ => recorded(&approved, &aws, &Backend { place, lock_lease: None }, folder.path()).await,
    }
    begun.elapsed()
}

async fn plan(declared: &DeclaredStack, aws: &AwsProvider) -> Plan {
    let (sources, stores, now) = (&Sources::default(), &SecretStores::default(), stack::NOW);
    let realize = &leasehold_aws::build_realizer();
    let ownership = &StackOwnership::NotVerified { why: "the store is not measured here".to_owned() };
    let inputs = ObserveInputs { declared, sources, observe: aws, realize, stores, now, ownership };
    let observed = &observe_with_imports(&inputs).await.expect("it can be read");
    let (basis, selection) =
        (basis_for_declared(declared, ".".to_owned(), Default::default()), &PlanSelection::default());
    let compare = &leasehold_aws::AwsRealizer;
    let request = PlanRequest { declared, sources, observed, now, realize, compare, basis, selection };
    plan_observed(request).unwrap_or_else(|refused| panic!("{refused:?}"))
}

async fn recorded(approved: &ApprovedPlan, aws: &Arc<AwsProvider>, backend: &Backend, directory: &Path) {
    let chain =
        async || leasehold_aws::load_sdk_config(&AwsSettings::default()).await.expect("the environment can be used");
    let store = store::open_backend(backend, "bench", directory, chain).await.expect("the store is there");
    let holder = lock::LockHolder {
        actor: "bench".to_owned(),
        host: "bench".to_owned(),
        process: std::process::id(),
        pipeline: None,
        job: std::collections::BTreeMap::new(),
    };
    let claim = lock::LockClaim { stack: &approved.as_plan().stack, holder: &holder, what: "apply" };
    let asked =
        lock::request_lock(&store, claim, lock::LockTimes::from_backend(backend)).await.expect("the lock answers");
    let lock::LockAnswer::Acquired(guard) = asked else { panic!("the lock must be free") };
    let plan = approved.as_plan();
    let chain = Chain::open_ledger(
        store,
        plan.stack.clone(),
        store::generate_random_id().expect("there is randomness"),
        guard.known_ledger().await,
    );
    let chain = chain.await.expect("the ledger is empty");
    let change =
        |delta: &diff::IdentityDelta| record::LedgerRecord::Change(Box::new(record::RecordedChange::from_delta(delta)));
    let journal = Recorder::new(&chain, &guard, plan.identities.iter().map(change).collect(), None);
    carry_out(approved, aws, &journal).await;
    let ended = record::LedgerRecord::RunEnded(record::RunEnded::default());
    journal.close_journal(ended).await.expect("the ledger is written");
    guard.release_lock(chain.known_ledger().await).await.expect("the lock is given back");
}

async fn carry_out(approved: &ApprovedPlan, aws: &Arc<AwsProvider>, journal: &dyn Journal) {
    let (events, _) = tokio::sync::mpsc::unbounded_channel();
    let (_owner, halt) = tokio::sync::watch::channel(apply::Halt::No);
    let options = apply::ExecuteOptions { parallelism: 16 };
    let outcome = apply::execute_plan(approved, Arc::<AwsProvider>::clone(aws), options, journal, events, halt).await;
    assert!(outcome.is_complete(), "{:?} {:?}", outcome.failed.first(), outcome.unrecorded);
}
