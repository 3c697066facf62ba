//! A run that may write.
//!
//! In: the purpose of the run and a connection. Out: a [`LockedRun`], through which the command reads and writes the stack's records.
//! Invariant: the run has the stack's lock from before it observes the stack until it has read back what it wrote, and the intent of each
//! write is in the ledger before the write is made.
//!
//! ```text
//! begin_run ──▶ resolve_unfinished_intents ──▶ plan, rules, approval ──▶ open_journal ──▶ steps, read back ──▶ release_lock
//!                                                     └──▶ record_refusal, if a rule refuses the plan
//! ```

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use leasehold_aws::AwsSettings;
use leasehold_provider::{Digest, Snapshot, StackName};

use super::accounts::KnownAccounts;
use super::args::CheckpointArgs;
use super::connection::Connection;
use super::failure::CommandError;
use super::interruption::{self, Interruption, SignalDeferral};
use super::origin::RunOrigin;
use super::outage::OutageReporter;
use super::session::ObservedStack;
use super::{print_message, session};
use crate::apply::{ApplyOutcome, JournalError, UnverifiedObject};
use crate::config::declared::{Backend, BackendLocation, Providers};
use crate::diff::classify::Leaving;
use crate::ledger::accounts::Accounts;
use crate::ledger::journal::Recorder;
use crate::ledger::record::{Approval, LedgerRecord, RecordedChange, RecordedDecision, RunEnded, RunStarted};
use crate::ledger::{Chain, evidence, unfinished};
use crate::plan::Plan;
use crate::rules::{Ruling, RulingDecision};
use crate::store::{self, AwsAccess, Store, StoreError, lock};
use crate::views::inert::escape_steering;

/// The purpose of a run.
pub struct RunPurpose<'a> {
    /// The command: `apply`, `sweep`, `revoke`, `restore`.
    pub command: &'a str,
    /// The reason that the user gave, for commands that require one.
    pub reason: Option<&'a str>,
    pub stack: &'a StackName,
    pub backend: &'a Backend,
    pub providers: Providers,
    /// The stack's directory.
    pub directory: &'a Path,
}

/// A run that has the stack's lock.
pub struct LockedRun {
    guard: lock::LockGuard,
    chain: Chain,
    started: RunStarted,
    stack: StackName,
    open: Vec<(String, crate::ledger::record::Intent)>,
    accounts: KnownAccounts,
    interruption: SignalDeferral,
}

/// How many identities are archived at the same time.
const ARCHIVE: usize = 16;

/// Opens the store of a stack.
///
/// # Errors
/// The place of the store cannot be used, or AWS cannot be reached for a bucket.
pub async fn open_store(
    backend: &Backend,
    providers: &Providers,
    stack: &StackName,
    directory: &Path,
) -> Result<Store, CommandError> {
    let settings = settings_for_bucket(backend, providers);
    // Only a bucket needs AWS settings: a folder must work in any environment.
    let access = match backend.place {
        BackendLocation::S3(_) => load_aws_access(&settings).await?,
        _ => aws_types::SdkConfig::builder().build().into(),
    };
    let store = store::open_backend(backend, stack.as_str(), directory, async || access).await?;
    Ok(store.report_outages_to(Arc::new(OutageReporter::default())))
}

async fn load_aws_access(settings: &AwsSettings) -> Result<AwsAccess, CommandError> {
    let config = leasehold_aws::load_sdk_config(settings).await.map_err(anyhow::Error::from)?;
    let ca_bundle = leasehold_aws::load_ca_bundle(settings).await.map_err(anyhow::Error::from)?;
    Ok(AwsAccess { config, ca_bundle: ca_bundle.map(|bundle| bundle.pem) })
}

/// The AWS settings for a bucket: those of the first provider, unless the backend names its own profile or role.
fn settings_for_bucket(backend: &Backend, providers: &Providers) -> AwsSettings {
    let of_provider = super::connection::build_aws_settings(&providers.first).unwrap_or_default();
    match &backend.place {
        BackendLocation::S3(bucket) if bucket.profile.is_some() || bucket.assume_role.is_some() => AwsSettings {
            region: bucket.region.clone().or(of_provider.region),
            profile: bucket.profile.clone(),
            allowed_account_ids: BTreeSet::new(),
            assume_role: bucket.assume_role.clone().map(super::connection::to_aws_role),
        },
        _ => of_provider,
    }
}

impl LockedRun {
    /// Takes the lock and finds the end of the ledger. A signal ends this at once, except while a request for the lock is in flight: then
    /// the answer is awaited and the lock is released.
    ///
    /// # Errors
    /// Another process has the lock, the store or the cloud cannot be read, or a signal arrived.
    pub async fn begin_run(
        purpose: &RunPurpose<'_>,
        connection: &Connection,
        interruption: &Interruption,
    ) -> Result<Self, CommandError> {
        let store = open_store(purpose.backend, &purpose.providers, purpose.stack, purpose.directory).await?;
        let realm = connection.observe.read_realm().await?;
        let origin = RunOrigin::for_directory(purpose.directory);
        let holder = origin.to_lock_holder(&realm.actor);
        let claim = lock::LockClaim { stack: purpose.stack, holder: &holder, what: purpose.command };
        let interruption = interruption.defer_first_signal(&describe_left_behind(purpose.backend))?;
        let asked = lock::request_lock(&store, claim, lock::LockTerms::from_backend(purpose.backend));
        let Some(asked) = interruption.run_within_limit(interruption::STEPS, asked).await else {
            return Err(unanswered_lock_error(&interruption, purpose.backend));
        };
        let guard = match asked? {
            lock::LockAnswer::Held(guard) => guard,
            lock::LockAnswer::By(record) => return Err(CommandError::Locked { stack: purpose.stack.clone(), record }),
        };
        let found = tokio::select! {
            biased;
            stopped = interruption.wait_for_stop_before_writing() => Err(stopped),
            found = Self::open_locked_ledger(purpose, store, &guard, &realm, origin) => found,
        };
        match found {
            Ok((chain, started, open, accounts)) => {
                Ok(Self { guard, chain, started, stack: purpose.stack.clone(), open, accounts, interruption })
            }
            Err(failure) => {
                release_or_warn(&interruption, async {
                    let known = guard.known_ledger().await;
                    guard.release_lock(known).await
                })
                .await;
                Err(failure)
            }
        }
    }

    async fn open_locked_ledger(
        purpose: &RunPurpose<'_>,
        store: Store,
        guard: &lock::LockGuard,
        realm: &leasehold_provider::Realm,
        origin: RunOrigin,
    ) -> Result<(Chain, RunStarted, Vec<(String, crate::ledger::record::Intent)>, KnownAccounts), CommandError> {
        let run = store::generate_random_id()?;
        let accounts = KnownAccounts::read_from_store(&store, purpose.stack).await?;
        // If a run was killed before its first entry, the accounts may be the only object that records the lineage.
        let known = guard.known_ledger().await;
        let lineage = known.lineage.or_else(|| accounts.accounts().lineage().cloned());
        let known = lock::KnownLedger { lineage, ..known };
        let chain = Chain::open_ledger(store, purpose.stack.clone(), run, known).await?;
        accounts.check_lineage(chain.store(), chain.lineage())?;
        let open = unfinished::find_unfinished_intents(&chain).await?;
        let started = RunStarted {
            command: purpose.command.to_owned(),
            reason: purpose.reason.map(str::to_owned),
            actor: realm.actor.clone(),
            realm: realm.to_string(),
            host: origin.host,
            version: session::VERSION.to_owned(),
            epoch: guard.epoch().await,
            plan: None,
            commit: origin.commit,
            dirty: None,
            pipeline: origin.pipeline,
            lost: chain.lost_head().cloned(),
        };
        Ok((chain, started, open, accounts))
    }

    /// Releases the lock. The work of the run is done at this point. An error of the release is printed as a warning and does not make the
    /// run fail, because the lock expires by itself.
    pub async fn release_lock(self) {
        let Self { guard, chain, interruption, .. } = self;
        release_or_warn(&interruption, async { guard.release_lock(chain.known_ledger().await).await }).await;
    }

    /// The signals that this run has received.
    pub fn interruption(&self) -> &Interruption {
        &self.interruption
    }

    /// Compares the intents that earlier runs left open with the live state, and writes the results to the ledger. A run does this before
    /// anything else.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn resolve_unfinished_intents(&mut self, snapshot: &Snapshot) -> Result<(), CommandError> {
        if self.open.is_empty() {
            return Ok(());
        }
        let open = std::mem::take(&mut self.open);
        let found = unfinished::resolve_intents(&open, snapshot);
        let runs: BTreeSet<&String> = open.iter().map(|(run, _)| run).collect();
        print_message(&format!(
            "An earlier run did not come to its end: {} of its steps are open, and are held against what lives.\n",
            open.len()
        ));
        tracing::info!(?runs, "resolved what was left open");
        let mut records = vec![self.run_started_record(None)];
        records.extend(found.into_iter().map(LedgerRecord::Resolved));
        records.push(LedgerRecord::RunEnded(RunEnded { complete: true, ..RunEnded::default() }));
        self.chain.append_entry(records).await?;
        Ok(())
    }

    /// Notes in `observed` the accounts with objects of the stack that the observation did not reach.
    pub fn note_unreachable_accounts(&self, observed: &mut ObservedStack) {
        self.accounts.note_unreachable(observed);
    }

    /// The accounts in which the stack has objects.
    pub fn accounts(&self) -> &Accounts {
        self.accounts.accounts()
    }

    /// Writes the accounts in which the stack has objects to the store.
    ///
    /// # Errors
    /// The store cannot be written, or another process has written the object since it was read.
    pub async fn write_accounts(&mut self, accounts: Accounts) -> Result<(), CommandError> {
        self.accounts.write_to_store(&self.chain, accounts).await
    }

    /// The store of the stack's records.
    pub fn open_store(&self) -> &Store {
        self.chain.store()
    }

    fn run_started_record(&self, plan: Option<Digest>) -> LedgerRecord {
        LedgerRecord::RunStarted(Box::new(RunStarted { plan, ..self.started.clone() }))
    }

    /// Records that a plan was refused, and by which rules.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn record_refusal(&self, plan: &Plan, rulings: &[Ruling]) -> Result<(), CommandError> {
        let mut records = self.opening_records(plan, rulings);
        records.push(LedgerRecord::RunEnded(RunEnded {
            refused: true,
            not_tried: plan.steps.len(),
            ..RunEnded::default()
        }));
        self.chain.append_entry(records).await?;
        Ok(())
    }

    /// The first records of a run: the run itself, the changes of the plan, and the decision of each rule on it.
    fn opening_records(&self, plan: &Plan, rulings: &[Ruling]) -> Vec<LedgerRecord> {
        let digest = plan.plan_digest().0;
        let mut records = vec![self.run_started_record(Some(digest))];
        records.extend(
            plan.identities.iter().map(|delta| LedgerRecord::Change(Box::new(RecordedChange::from_delta(delta)))),
        );
        records.extend(rulings.iter().map(|ruling| {
            LedgerRecord::Decided(RecordedDecision {
                rule: ruling.rule.to_owned(),
                subject: ruling.subject.clone(),
                verdict: ruling.decision,
                basis: ruling.why.clone(),
                plan: digest,
            })
        }));
        records
    }

    /// Archives every identity that this plan quarantines or deletes, and opens the journal with the decisions and approvals.
    ///
    /// # Errors
    /// An identity cannot be archived in the store.
    pub async fn open_journal(
        &self,
        plan: &Plan,
        leavers: &Snapshot,
        rulings: &[Ruling],
        approvals: Vec<(Option<String>, String)>,
    ) -> Result<Recorder<'_>, CommandError> {
        let mut records = self.opening_records(plan, rulings);
        let digest = plan.plan_digest().0;
        if rulings.is_empty() {
            let basis = "no rule stands against it".to_owned();
            let decided = RecordedDecision {
                rule: "all".to_owned(),
                subject: None,
                verdict: RulingDecision::Allow,
                basis,
                plan: digest,
            };
            records.push(LedgerRecord::Decided(decided));
        }
        let by = &self.started.actor;
        records.extend(
            approvals
                .into_iter()
                .map(|(subject, how)| LedgerRecord::Approval(Approval { subject, by: by.clone(), how, plan: digest })),
        );
        let archived = plan.leaving_identities().filter_map(|delta| {
            let before = match delta.leaving {
                Some(Leaving::Deletion) => "deletion",
                Some(Leaving::Quarantine { .. }) if !delta.changes.is_empty() => "quarantine",
                _ => return None,
            };
            let identity = leavers.identities.get(&delta.id)?;
            Some(evidence::archive_identity(
                self.chain.store(),
                (&self.stack, self.chain.lineage()),
                identity,
                plan.now,
                before,
            ))
        });
        let archived: Vec<_> = futures::stream::iter(archived).buffered(ARCHIVE).try_collect().await?;
        records.extend(archived.into_iter().map(LedgerRecord::Evidence));
        Ok(Recorder::new(&self.chain, &self.guard, records))
    }
}

impl LockedRun {
    /// Signs the end of the ledger and writes it to a file, as far as the arguments ask for it.
    ///
    /// # Errors
    /// The key cannot sign, or the ledger or the file cannot be written.
    pub async fn publish_checkpoint(&self, args: &CheckpointArgs, here: &Path) -> Result<(), CommandError> {
        if args.checkpoint_out.is_none() && args.signing_key.is_none() {
            return Ok(());
        }
        let (key, out) = (args.signing_key.as_deref(), args.checkpoint_out.as_deref());
        super::audit::publish_checkpoint(&self.chain, &self.stack, key, out, here).await.map(|_| ())
    }
}

/// The last record of a run. `unverified` is `None` if nothing was read back.
pub fn run_ended_record(outcome: &ApplyOutcome, unverified: Option<&[UnverifiedObject]>) -> LedgerRecord {
    LedgerRecord::RunEnded(RunEnded {
        complete: outcome.is_complete() && unverified.is_some_and(<[_]>::is_empty),
        refused: false,
        done: outcome.done.len(),
        failed: outcome.failed.len(),
        not_tried: outcome.not_done.len(),
        unverified: unverified.map_or(0, <[_]>::len),
    })
}

/// The error for changes that were made and could not be recorded in the ledger. The user must be informed, because the record is missing.
pub fn unrecorded_error(why: &JournalError) -> CommandError {
    anyhow::anyhow!("what was done is done, and is not all in the ledger: {why}. {}", why.help).into()
}

/// Releases the lock or prints a warning. This does not make the run fail, because the lock expires by itself.
async fn release_or_warn(interruption: &Interruption, release: impl Future<Output = Result<(), StoreError>>) {
    let why = match interruption.run_within_limit(interruption::LOCK, release).await {
        Some(Ok(())) => return,
        Some(Err(error)) => error.to_string(),
        None => "the store did not answer in time".to_owned(),
    };
    print_message(&format!(
        "warning: the lock could not be given back, and runs out by itself: {}\n",
        escape_steering(&why)
    ));
}

/// What a process leaves behind if it ends at once while it has the lock.
fn describe_left_behind(backend: &Backend) -> String {
    format!("{} See what was done with `leasehold plan`.", describe_left_lock(backend))
}

fn describe_left_lock(backend: &Backend) -> String {
    match backend.place {
        BackendLocation::Local { .. } => "The system frees the stack's lock when this process has ended.".to_owned(),
        _ => {
            // Other processes wait a quarter of the lease longer, because clocks differ.
            let lease = lock::LockTerms::from_backend(backend).lease;
            let seconds = lease.saturating_add(lease / 4).as_secs_f64().ceil();
            format!("The stack's lock was not given back: it runs out by itself within {seconds} s.")
        }
    }
}

/// The error for a request for the lock that was in flight when a signal arrived and was not answered in time.
fn unanswered_lock_error(interruption: &Interruption, backend: &Backend) -> CommandError {
    match interruption.received_signal() {
        Some(signal) => CommandError::Stopped {
            signal,
            what: "nothing was changed, but a request for the lock was not answered in time".to_owned(),
            help: Some(format!("If it was carried out: {}", describe_left_lock(backend))),
        },
        None => CommandError::Unfinished,
    }
}
