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

use futures::{StreamExt as _, TryStreamExt as _};
use leasehold_provider::{Digest, Lineage, Snapshot, StackName};

use super::accounts::KnownAccounts;
use super::approval::ApprovalRecord;
use super::checkpoint::{self, CheckpointKeeper};
use super::connection::Connection;
use super::error::WorkflowError;
use super::event::{WorkflowContext, WorkflowEvent};
use super::interruption::{self, Interruption, Signal, SignalDeferral, StopError};
use super::lock_release::{describe_left_behind, release_or_report, unanswered_lock_error};
use super::origin::RunOrigin;
use super::records::open_store;
use super::run_purpose::{RECOVER, RunPurpose};
use super::stack;
use crate::diff::classify::Leaving;
use crate::ledger::accounts::Accounts;
use crate::ledger::inventory::InventoryFold;
use crate::ledger::journal::Recorder;
use crate::ledger::record::{Approval, Intent, LedgerRecord, RecordedChange, RecordedDecision, RunEnded, RunStarted};
use crate::ledger::stored_inventory::{StoredInventory, read_stored_inventory};
use crate::ledger::{Chain, LedgerError, evidence, inventory, unfinished};
use crate::ownership::{OwnershipChange, StackOwnership};
use crate::plan::Plan;
use crate::rules::{Ruling, RulingDecision};
use crate::store::{self, ObjectVersion, Store, StoreError, lock};

/// A run that has the stack's lock.
pub struct LockedRun {
    guard: lock::LockGuard,
    chain: Chain,
    started: RunStarted,
    stack: StackName,
    open: Vec<(String, Intent)>,
    accounts: KnownAccounts,
    ownership: StackOwnership,
    /// The version of the inventory that was read. `None`: the store has none.
    inventory: Option<ObjectVersion>,
    /// Whether the system that is written has the instant of the plan as its clock.
    has_given_time: bool,
    interruption: SignalDeferral,
    context: WorkflowContext,
}

/// What a run finds in the store once it has the lock.
struct LockedLedger {
    chain: Chain,
    started: RunStarted,
    open: Vec<(String, Intent)>,
    accounts: KnownAccounts,
    stored: StoredInventory,
}

fn list_ownership_records(changes: &[OwnershipChange]) -> impl Iterator<Item = LedgerRecord> + '_ {
    changes.iter().map(|change| LedgerRecord::Ownership(Box::new(change.clone())))
}

/// How many identities are archived at the same time.
const ARCHIVE: usize = 16;

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
        origin: RunOrigin,
        context: &WorkflowContext,
    ) -> Result<Self, WorkflowError> {
        let store = open_store(purpose.backend, &purpose.providers, purpose.stack, purpose.directory, context).await?;
        let realm = connection.observe.read_realm().await?;
        let holder = origin.to_lock_holder(&realm.actor);
        let claim = lock::LockClaim { stack: purpose.stack, holder: &holder, what: purpose.command };
        let interruption = interruption.defer_first_signal(&describe_left_behind(purpose.backend))?;
        let asked = lock::request_lock(&store, claim, lock::LockTimes::from_backend(purpose.backend));
        let asked = interruption.run_within_limit(interruption::STEPS, asked).await;
        let guard = match asked.map_err(|signal| unanswered_lock_error(signal, purpose.backend))?? {
            lock::LockAnswer::Acquired(guard) => guard,
            lock::LockAnswer::HeldByOther(record) => {
                return Err(WorkflowError::Locked { stack: purpose.stack.clone(), record });
            }
        };
        let found = tokio::select! {
            biased;
            stopped = interruption.wait_for_stop_before_writing() => Err(stopped.into()),
            found = Self::open_locked_ledger(purpose, store, &guard, &realm, origin) => found,
        };
        match found {
            Ok(LockedLedger { chain, started, open, accounts, stored }) => {
                let (stack, context) = (purpose.stack.clone(), context.clone());
                let has_given_time = purpose.providers.first.provider.has_given_time;
                let StoredInventory { ownership, version: inventory, .. } = stored;
                Ok(Self {
                    guard,
                    chain,
                    started,
                    stack,
                    open,
                    accounts,
                    ownership,
                    inventory,
                    has_given_time,
                    interruption,
                    context,
                })
            }
            Err(failure) => {
                release_or_report(&interruption, context, async {
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
    ) -> Result<LockedLedger, WorkflowError> {
        let run = store::generate_random_id()?;
        let accounts = KnownAccounts::read_from_store(&store, purpose.stack).await?;
        // If a run was killed before its first entry, the accounts may be the only object that records the lineage.
        let known = guard.known_ledger().await;
        let lineage = known.lineage.or_else(|| accounts.accounts().lineage().cloned());
        let known = lock::KnownLedger { lineage, ..known };
        let chain = Chain::open_ledger(store, purpose.stack.clone(), run, known).await?;
        accounts.check_lineage(chain.store(), chain.lineage())?;
        let stored = match read_stored_inventory(chain.store(), purpose.stack).await {
            // A person decides what is right, and the inventory is written anew.
            Err(LedgerError::Inventory { why, .. }) if purpose.command == RECOVER => {
                let version = chain.store().read_object(inventory::KEY).await?.map(|object| object.version);
                let ownership = StackOwnership::NotVerified { why };
                StoredInventory { ownership, fold: InventoryFold::default(), version }
            }
            stored => stored?,
        };
        if let Some(found) = stored.ownership.lineage().filter(|found| *found != chain.lineage()) {
            let (found, known) = (found.clone(), chain.lineage().clone());
            return Err(LedgerError::OtherLineage { place: chain.store().place().to_owned(), found, known }.into());
        }
        chain.set_inventory(stored.fold.clone()).await;
        let open = unfinished::find_unfinished_intents(&chain).await?;
        let started = RunStarted {
            command: purpose.command.to_owned(),
            reason: purpose.reason.map(str::to_owned),
            actor: realm.actor.clone(),
            realm: realm.to_string(),
            host: origin.host,
            version: stack::VERSION.to_owned(),
            epoch: guard.epoch().await,
            plan: None,
            settings: Vec::new(),
            commit: origin.commit,
            dirty: None,
            pipeline: origin.pipeline,
            lost: chain.lost_head().cloned(),
        };
        Ok(LockedLedger { chain, started, open, accounts, stored })
    }

    /// Does the work of a run, and releases the lock whatever the result. A signal that arrives before the first step of a plan starts ends
    /// the work at once. A later signal is handled by the work itself; here it only limits how long the work may take.
    ///
    /// # Errors
    /// The error of the work, or that a signal stopped it. An error of the release is only reported, because the lock expires by itself.
    pub async fn run_and_release_lock(
        mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<(), WorkflowError>,
    ) -> Result<(), WorkflowError> {
        let interruption = (*self.interruption).clone();
        let ended = tokio::select! {
            biased;
            stopped = interruption.wait_for_stop_before_writing() => Err(stopped.into()),
            ended = interruption.run_within_limit(interruption::COMMAND, work(&mut self)) => {
                ended.unwrap_or_else(|signal| Err(overdue_error(signal)))
            }
        };
        let published = interruption.run_within_limit(interruption::LEDGER, self.publish_inventory()).await;
        // If the time was over, the next run completes the inventory from the ledger.
        if let Ok(Err(error)) = published {
            self.context.notify(WorkflowEvent::InventoryNotWritten(&error));
        }
        let Self { guard, chain, interruption, context, .. } = self;
        let release = async { guard.release_lock(chain.known_ledger().await).await };
        release_or_report(&interruption, &context, release).await;
        ended
    }

    /// What the stack owns, according to its store.
    pub fn ownership(&self) -> &StackOwnership {
        &self.ownership
    }

    /// The lineage of the stack's ledger.
    pub fn lineage(&self) -> &Lineage {
        self.chain.lineage()
    }

    /// Writes the inventory as it is after the last entry that ended a run. Does nothing if this run has written no such entry.
    ///
    /// # Errors
    /// The store does not answer, or another process has written the inventory since it was read.
    async fn publish_inventory(&self) -> Result<(), StoreError> {
        let Some(inventory) = self.chain.closed_inventory().await else { return Ok(()) };
        let store = self.chain.store();
        let bytes =
            inventory.to_json_bytes().map_err(|error| StoreError::from_json(store.place(), inventory::KEY, error))?;
        // If another writer was first, its inventory has a later entry. The ledger decides in any case.
        match &self.inventory {
            Some(version) => store.replace_object(inventory::KEY, &bytes, version).await.map(drop),
            None => store.create_object(inventory::KEY, &bytes).await.map(drop),
        }
    }

    /// Records changes of what the stack owns that no write caused.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn record_ownership_changes(&self, changes: &[OwnershipChange]) -> Result<(), WorkflowError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut records = vec![LedgerRecord::RunStarted(Box::new(self.started.clone()))];
        records.extend(list_ownership_records(changes));
        records.push(LedgerRecord::RunEnded(RunEnded { complete: true, ..RunEnded::default() }));
        self.chain.append_entry(records).await?;
        Ok(())
    }

    /// Records the objects that a person confirmed as the stack's. Nothing else counts as the stack's from now on.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn record_recovery(&self, how: String, changes: Vec<OwnershipChange>) -> Result<(), WorkflowError> {
        self.chain.set_inventory(InventoryFold::default()).await;
        let approval =
            Approval { subject: None, by: self.started.actor.clone(), how, plan: Digest::from_serializable(&changes) };
        let mut records =
            vec![LedgerRecord::RunStarted(Box::new(self.started.clone())), LedgerRecord::Approval(approval)];
        records.extend(list_ownership_records(&changes));
        records.push(LedgerRecord::RunEnded(RunEnded { complete: true, ..RunEnded::default() }));
        self.chain.append_entry(records).await?;
        Ok(())
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
    pub async fn resolve_unfinished_intents(&mut self, snapshot: &Snapshot) -> Result<(), WorkflowError> {
        if self.open.is_empty() {
            return Ok(());
        }
        let open = std::mem::take(&mut self.open);
        let found = unfinished::resolve_intents(&open, snapshot);
        let runs: BTreeSet<&String> = open.iter().map(|(run, _)| run).collect();
        self.context.notify(WorkflowEvent::UnfinishedIntents(open.len()));
        tracing::info!(?runs, "resolved steps without a recorded outcome");
        let mut records = vec![LedgerRecord::RunStarted(Box::new(self.started.clone()))];
        records.extend(found.into_iter().map(LedgerRecord::Resolved));
        records.push(LedgerRecord::RunEnded(RunEnded { complete: true, ..RunEnded::default() }));
        self.chain.append_entry(records).await?;
        Ok(())
    }

    /// The accounts in which the stack has objects.
    pub fn accounts(&self) -> &Accounts {
        self.accounts.accounts()
    }

    /// Writes the accounts in which the stack has objects to the store.
    ///
    /// # Errors
    /// The store cannot be written, or another process has written the object since it was read.
    pub async fn write_accounts(&mut self, accounts: Accounts) -> Result<(), WorkflowError> {
        self.accounts.write_to_store(&self.chain, accounts).await
    }

    /// The store of the stack's records.
    pub fn open_store(&self) -> &Store {
        self.chain.store()
    }

    /// Records that a plan was refused, and by which rules.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn record_refusal(&self, plan: &Plan, rulings: &[Ruling]) -> Result<(), WorkflowError> {
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
        let settings = plan.setting_changes().to_vec();
        let started = RunStarted { plan: Some(digest), settings, ..self.started.clone() };
        let mut records = vec![LedgerRecord::RunStarted(Box::new(started))];
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
        approved: &ApprovalRecord,
        changes: &[OwnershipChange],
    ) -> Result<Recorder<'_>, WorkflowError> {
        // No rule objects to an approved plan.
        let mut records = self.opening_records(plan, &[]);
        let digest = plan.plan_digest().0;
        records.push(LedgerRecord::Decided(RecordedDecision {
            rule: "all".to_owned(),
            subject: None,
            verdict: RulingDecision::Allow,
            basis: "no rule objects".to_owned(),
            plan: digest,
        }));
        let by = &self.started.actor;
        records.extend(
            approved
                .approvals
                .iter()
                .cloned()
                .map(|(subject, how)| LedgerRecord::Approval(Approval { subject, by: by.clone(), how, plan: digest })),
        );
        let archived = plan.leaving_identities().filter_map(|delta| {
            let before = match delta.leaving {
                Some(Leaving::Deletion) => "deletion",
                Some(Leaving::Quarantine { .. }) if !delta.changes.is_empty() => "quarantine",
                _ => return None,
            };
            let identity = approved.leavers.identities.get(&delta.id)?;
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
        records.extend(list_ownership_records(changes));
        Ok(Recorder::new(&self.chain, &self.guard, records, self.has_given_time.then_some(plan.now)))
    }
}

impl LockedRun {
    /// Signs the end of the ledger.
    ///
    /// # Errors
    /// The key cannot sign, the ledger cannot be written, or the checkpoint cannot be kept.
    pub async fn publish_checkpoint(&self, keeper: &dyn CheckpointKeeper) -> Result<(), WorkflowError> {
        checkpoint::publish_checkpoint(&self.chain, &self.stack, keeper).await.map(|_| ())
    }
}

/// The result of a run that was asked to stop and whose steps exceeded the time limit.
fn overdue_error(signal: Signal) -> WorkflowError {
    StopError {
        signal,
        what: "the stack's ledger and lock could not be written in time".to_owned(),
        help: Some("Check the current state with `leasehold audit list` and `leasehold plan`.".to_owned()),
    }
    .into()
}
