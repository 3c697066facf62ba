//! A run that may write: it holds the stack's lock from before it looks at the cloud until after it has read back what it wrote,
//! and tells the ledger what it does.

use std::path::Path;

use futures::{StreamExt as _, TryStreamExt as _};
use leasehold_provider::{Digest, Snapshot, StackName};

use super::accounts::Known;
use super::args::CheckpointArgs;
use super::connection::Connection;
use super::failure::Failure;
use super::origin::Origin;
use super::session::Observed;
use super::{say, session};
use crate::apply::{NotRecorded, Outcome, Unverified};
use crate::config::declared::{Backend, Place, Providers};
use crate::diff::classify::Leaving;
use crate::ledger::accounts::Accounts;
use crate::ledger::journal::Recorder;
use crate::ledger::record::{Approval, Change, Decided, Record, RunEnded, RunStarted};
use crate::ledger::{Chain, evidence, unfinished};
use crate::plan::Plan;
use crate::rules::{Decision, Ruling};
use crate::store::{self, Store, lock};
use crate::views::inert::inert;

/// What a run is about.
pub struct Purpose<'a> {
    /// The command: `apply`, `sweep`, `revoke`.
    pub command: &'a str,
    /// Why, where the command asks for a reason.
    pub reason: Option<&'a str>,
    pub stack: &'a StackName,
    pub backend: &'a Backend,
    pub providers: Providers,
    /// The stack's directory.
    pub directory: &'a Path,
}

/// A run that holds the lock.
pub struct Run {
    guard: lock::Guard,
    chain: Chain,
    started: RunStarted,
    stack: StackName,
    open: Vec<(String, crate::ledger::record::Intent)>,
    accounts: Known,
}

/// How many objects are archived at once.
const ARCHIVE: usize = 16;

/// The store of a stack.
pub async fn store(
    backend: &Backend,
    providers: &Providers,
    stack: &StackName,
    directory: &Path,
) -> Result<Store, Failure> {
    let settings = super::connection::aws_settings(&providers.first).unwrap_or_default();
    // Only a bucket needs AWS: a folder works whatever the environment says of it.
    let chain = match backend.place {
        Place::S3(_) => Some(leasehold_aws::chain(&settings).await.map_err(anyhow::Error::from)?),
        _ => None,
    };
    let chain = async || chain.unwrap_or_else(|| aws_types::SdkConfig::builder().build());
    Ok(store::open(backend, stack.as_str(), directory, chain).await?)
}

impl Run {
    /// Takes the lock and finds the end of the ledger. Refused while somebody else holds it.
    pub async fn begin(purpose: &Purpose<'_>, connection: &Connection) -> Result<Self, Failure> {
        let store = store(purpose.backend, &purpose.providers, purpose.stack, purpose.directory).await?;
        let realm = connection.observe.realm().await?;
        let origin = Origin::of(purpose.directory);
        let holder = origin.holder(&realm.actor);
        let guard = match lock::ask(&store, &holder, purpose.command, lock::Terms::of(purpose.backend)).await? {
            lock::Asked::Held(guard) => guard,
            lock::Asked::By(record) => return Err(Failure::Locked { stack: purpose.stack.clone(), record }),
        };
        match Self::with_lock(purpose, store, &guard, &realm, origin).await {
            Ok((chain, started, open, accounts)) => {
                Ok(Self { guard, chain, started, stack: purpose.stack.clone(), open, accounts })
            }
            Err(failure) => {
                let head = guard.head().await;
                give_back(guard, head).await;
                Err(failure)
            }
        }
    }

    async fn with_lock(
        purpose: &Purpose<'_>,
        store: Store,
        guard: &lock::Guard,
        realm: &leasehold_provider::Realm,
        origin: Origin,
    ) -> Result<(Chain, RunStarted, Vec<(String, crate::ledger::record::Intent)>, Known), Failure> {
        let run = store::unlike_any_other();
        let accounts = Known::read(&store).await?;
        let chain = Chain::open(store, purpose.stack.clone(), run, guard.head().await).await?;
        let open = unfinished::unfinished(&chain).await?;
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
            dirty: origin.dirty,
            pipeline: origin.pipeline,
            lost: chain.lost().cloned(),
        };
        Ok((chain, started, open, accounts))
    }

    /// Gives the lock back. Whatever the run did is done; that the lock could not be given back is told and no failure of the run,
    /// for it runs out by itself.
    pub async fn end(self) {
        let known = self.chain.known().await;
        give_back(self.guard, known).await;
    }

    /// Holds what an earlier run left open against the live state, and writes what is found. Nothing else of this run comes before.
    pub async fn settle(&mut self, snapshot: &Snapshot) -> Result<(), Failure> {
        if self.open.is_empty() {
            return Ok(());
        }
        let open = std::mem::take(&mut self.open);
        let found = unfinished::resolve(&open, snapshot);
        let runs: std::collections::BTreeSet<&String> = open.iter().map(|(run, _)| run).collect();
        say(&format!(
            "An earlier run did not come to its end: {} of its steps are open, and are held against what lives.\n",
            open.len()
        ));
        tracing::info!(?runs, "resolved what was left open");
        let mut records = vec![self.opening(None)];
        records.extend(found.into_iter().map(Record::Resolved));
        records.push(Record::RunEnded(RunEnded { complete: true, ..RunEnded::default() }));
        self.chain.append(records).await?;
        Ok(())
    }

    /// Notes which accounts the stack has something in that were not looked at.
    pub fn note_out_of_sight(&self, observed: &mut Observed) {
        self.accounts.note(observed);
    }

    /// In which accounts the stack has something.
    pub fn accounts(&self) -> &Accounts {
        self.accounts.accounts()
    }

    /// Writes down in which accounts the stack has something.
    pub async fn write_accounts(&mut self, accounts: Accounts) -> Result<(), Failure> {
        self.accounts.write(self.chain.store(), accounts).await
    }

    /// Where the stack's records are.
    pub fn store(&self) -> &Store {
        self.chain.store()
    }

    fn opening(&self, plan: Option<Digest>) -> Record {
        Record::RunStarted(Box::new(RunStarted { plan, ..self.started.clone() }))
    }

    /// Writes down that a plan was refused, by which rules.
    pub async fn refuse(&self, plan: &Plan, rulings: &[Ruling]) -> Result<(), Failure> {
        let mut records = self.told(plan, rulings);
        records.push(Record::RunEnded(RunEnded { refused: true, not_tried: plan.steps.len(), ..RunEnded::default() }));
        self.chain.append(records).await?;
        Ok(())
    }

    /// The run, the plan, and what the rules say of it.
    fn told(&self, plan: &Plan, rulings: &[Ruling]) -> Vec<Record> {
        let digest = plan.digest().0;
        let mut records = vec![self.opening(Some(digest))];
        records.extend(plan.identities.iter().map(|delta| Record::Change(Box::new(Change::of(delta)))));
        records.extend(rulings.iter().map(|ruling| {
            Record::Decided(Decided {
                rule: ruling.rule.to_owned(),
                subject: ruling.subject.clone(),
                verdict: ruling.decision,
                basis: ruling.why.clone(),
                plan: digest,
            })
        }));
        records
    }

    /// Archives every identity that this plan shuts or deletes, and opens the journal with all that was decided.
    pub async fn journal(
        &self,
        plan: &Plan,
        leavers: &Snapshot,
        rulings: &[Ruling],
        approvals: Vec<(Option<String>, String)>,
    ) -> Result<Recorder<'_>, Failure> {
        let mut records = self.told(plan, rulings);
        let digest = plan.digest().0;
        if rulings.is_empty() {
            let basis = "no rule stands against it".to_owned();
            let decided =
                Decided { rule: "all".to_owned(), subject: None, verdict: Decision::Allow, basis, plan: digest };
            records.push(Record::Decided(decided));
        }
        let by = &self.started.actor;
        records.extend(
            approvals
                .into_iter()
                .map(|(subject, how)| Record::Approval(Approval { subject, by: by.clone(), how, plan: digest })),
        );
        let archived = plan.leavers().filter_map(|delta| {
            let before = match delta.leaving {
                Some(Leaving::Deletion) => "deletion",
                Some(Leaving::Quarantine { .. }) if !delta.changes.is_empty() => "quarantine",
                _ => return None,
            };
            let identity = leavers.identities.get(&delta.id)?;
            Some(evidence::archive(self.chain.store(), &self.stack, identity, plan.now, before))
        });
        let archived: Vec<_> = futures::stream::iter(archived).buffered(ARCHIVE).try_collect().await?;
        records.extend(archived.into_iter().map(Record::Evidence));
        Ok(Recorder::new(&self.chain, &self.guard, records))
    }
}

impl Run {
    /// Signs the end of the ledger, where somebody asked for it.
    pub async fn publish(&self, args: &CheckpointArgs, here: &Path) -> Result<(), Failure> {
        if args.checkpoint_out.is_none() && args.signing_key.is_none() {
            return Ok(());
        }
        let (key, out) = (args.signing_key.as_deref(), args.checkpoint_out.as_deref());
        super::audit::publish(&self.chain, &self.stack, key, out, here).await.map(|_| ())
    }
}

/// The last record of a run.
pub fn ended(outcome: &Outcome, unverified: &[Unverified]) -> Record {
    Record::RunEnded(RunEnded {
        complete: outcome.is_complete() && unverified.is_empty(),
        refused: false,
        done: outcome.done.len(),
        failed: outcome.failed.len(),
        not_tried: outcome.not_done.len(),
        unverified: unverified.len(),
    })
}

/// The ledger does not take what was done: people must know, for it is the only trace that is missing.
pub fn unrecorded(why: &NotRecorded) -> Failure {
    anyhow::anyhow!("what was done is done, and is not all in the ledger: {why}. {}", why.help).into()
}

async fn give_back(guard: lock::Guard, head: Option<crate::ledger::Head>) {
    if let Err(error) = guard.release(head).await {
        say(&format!(
            "warning: the lock could not be given back, and runs out by itself: {}\n",
            inert(&error.to_string())
        ));
    }
}
