//! Runs the steps of an approved plan in parallel, each one after the steps that it needs.
//!
//! In: an approved plan, and a [`Halt`] that the owner can raise. Out: an [`ApplyOutcome`] in which each step of the
//! plan appears once: done, failed, not tried, or unknown. Invariant: no step starts before its intent is in the
//! journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use leasehold_provider::{Enact, EnactError, EnactErrorKind, Enacted};
use tokio::sync::{mpsc::UnboundedSender, watch};
use tokio::task::JoinSet;

use super::{ApplyEvent, ApplyOutcome, Journal, JournalError, UntriedReason};
use crate::plan::{Step, StepId};
use crate::rules::ApprovedPlan;

/// Options of an execution.
#[derive(Debug, Clone, Copy)]
pub struct ExecuteOptions {
    /// The maximum number of steps in flight. 0 counts as 1.
    pub parallelism: usize,
}

/// How many intents one journal entry records. A larger number means fewer entries, but a run that is killed leaves
/// up to this many unfinished intents for the next run to resolve.
const BATCH: usize = 64;

/// How long a result may wait before the journal writes it.
const UNWRITTEN: Duration = Duration::from_secs(1);

/// What the owner of an execution asks of it. The value never decreases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Halt {
    /// Continue: start steps and finish them.
    No,
    /// Finish the steps in flight and start no others.
    Drain,
    /// Return now. Abandon the steps in flight and any write of the journal.
    Abandon,
}

/// Applies a plan. Each step is recorded in the journal before it is tried. If a step fails, only the steps that
/// depend on it are not tried. If `halt` asks to stop, or the journal cannot record a step, the steps in flight are
/// finished and no others are started. Events without a receiver are dropped.
pub async fn execute_plan(
    approved: &ApprovedPlan,
    enact: Arc<dyn Enact>,
    options: ExecuteOptions,
    journal: &dyn Journal,
    events: UnboundedSender<ApplyEvent>,
    halt: watch::Receiver<Halt>,
) -> ApplyOutcome {
    let mut work = Execution::from_approved(approved, enact, events);
    tokio::select! {
        biased;
        () = work.run_steps(options.parallelism.max(1), journal, halt.clone()) => {}
        () = wait_for_halt(halt, Halt::Abandon) => work.abandon_steps(journal),
    }
    let not_done = find_untried_steps(approved.steps(), &work.outcome);
    for (id, _) in not_done.iter().filter(|(id, _)| work.has_intent(*id)) {
        journal.record_untried(work.plan_step(*id));
    }
    // Results that are not written yet go into the journal's last entry, which the owner of the journal writes.
    ApplyOutcome { not_done, ..work.outcome }
}

/// Waits until `halt` is `at_least` or more. If the sender is gone, it waits forever.
async fn wait_for_halt(mut halt: watch::Receiver<Halt>, at_least: Halt) {
    if halt.wait_for(|halt| *halt >= at_least).await.is_err() {
        // The sender is gone, so the value cannot change any more.
        std::future::pending::<()>().await;
    }
}

type FinishedStep = (StepId, Result<Enacted, EnactError>);

/// The state of an execution.
struct Execution<'a> {
    approved: &'a ApprovedPlan,
    enact: Arc<dyn Enact>,
    events: UnboundedSender<ApplyEvent>,
    schedule: StepSchedule,
    /// The steps without a recorded intent. Intents are recorded in the plan's order, so these are its last steps.
    without_intent: &'a [Step],
    running: JoinSet<FinishedStep>,
    tasks: BTreeMap<tokio::task::Id, StepId>,
    outcome: ApplyOutcome,
}

impl<'a> Execution<'a> {
    fn from_approved(approved: &'a ApprovedPlan, enact: Arc<dyn Enact>, events: UnboundedSender<ApplyEvent>) -> Self {
        Self {
            approved,
            enact,
            events,
            schedule: StepSchedule::from_steps(approved.steps()),
            without_intent: approved.steps(),
            running: JoinSet::new(),
            tasks: BTreeMap::new(),
            outcome: ApplyOutcome::default(),
        }
    }

    /// Runs until no step is in flight and none may start. The future may be dropped at any `await`: `self` contains
    /// what has been reached.
    async fn run_steps(&mut self, parallelism: usize, journal: &dyn Journal, halt: watch::Receiver<Halt>) {
        let mut stopping = *halt.borrow() >= Halt::Drain;
        let mut drain = std::pin::pin!(wait_for_halt(halt, Halt::Drain));
        let mut writes = tokio::time::interval(UNWRITTEN);
        // The first tick of an interval comes immediately.
        writes.reset();
        loop {
            if !stopping && let Err(why) = self.start_steps(parallelism, journal).await {
                self.outcome.unrecorded = Some(why);
                stopping = true;
                send_event(&self.events, ApplyEvent::Stopping);
            }
            if self.running.is_empty() {
                break;
            }
            tokio::select! {
                finished = self.running.join_next_with_id() => self.finish_step(finished, journal),
                () = &mut drain, if !stopping => {
                    stopping = true;
                    send_event(&self.events, ApplyEvent::Stopping);
                }
                _ = writes.tick() => self.note_journal_result(journal.flush_records().await),
            }
        }
    }

    /// Abandons the steps in flight. Steps that have already ended are still recorded.
    fn abandon_steps(&mut self, journal: &dyn Journal) {
        while let Some(finished) = self.running.try_join_next_with_id() {
            self.finish_step(Some(finished), journal);
        }
        self.running.abort_all();
        let ended: BTreeSet<StepId> = self.outcome.finished_steps().collect();
        self.outcome.unknown = self.tasks.values().copied().filter(|id| !ended.contains(id)).collect();
        self.outcome.unknown.sort_unstable();
        self.outcome.abandoned = true;
    }

    fn plan_step(&self, id: StepId) -> &'a Step {
        self.approved.steps().step(id)
    }

    /// Starts ready steps until `parallelism` steps are in flight.
    async fn start_steps(&mut self, parallelism: usize, journal: &dyn Journal) -> Result<(), JournalError> {
        while self.running.len() < parallelism {
            let Some(id) = self.schedule.first_ready() else { return Ok(()) };
            let step = self.plan_step(id);
            while !self.has_intent(id) {
                self.record_intents(journal).await?;
            }
            journal.may_write()?;
            self.schedule.begin_step(id);
            send_event(&self.events, ApplyEvent::Started(id));
            let (enact, stack) = (Arc::clone(&self.enact), self.approved.as_plan().stack.clone());
            let change = step.change.clone();
            let task = self.running.spawn(async move { (id, enact.enact_change(&stack, &change).await) });
            self.tasks.insert(task.id(), id);
        }
        Ok(())
    }

    /// Whether the intent of a step is recorded.
    fn has_intent(&self, id: StepId) -> bool {
        self.without_intent.first().is_none_or(|next| id < next.id)
    }

    /// Records the intents of the next steps in the plan's order. A step that waits for another one is recorded
    /// together with it.
    async fn record_intents(&mut self, journal: &dyn Journal) -> Result<(), JournalError> {
        let (next, rest) = self.without_intent.split_at_checked(BATCH).unwrap_or((self.without_intent, &[]));
        journal.write_intents(&next.iter().collect::<Vec<_>>()).await?;
        self.without_intent = rest;
        Ok(())
    }

    /// Records the result of a step and makes the steps that waited for it ready.
    fn finish_step(
        &mut self,
        finished: Option<Result<(tokio::task::Id, FinishedStep), tokio::task::JoinError>>,
        journal: &dyn Journal,
    ) {
        let (id, result) = match finished {
            None => return,
            Some(Ok((_, ended))) => ended,
            Some(Err(error)) => match self.tasks.get(&error.id()) {
                Some(step) => (*step, Err(error_from_join(&error))),
                None => return,
            },
        };
        journal.record_result(self.plan_step(id), result.as_ref());
        match result {
            Ok(enacted) => {
                send_event(&self.events, ApplyEvent::Done(id, enacted.clone()));
                self.outcome.done.push((id, enacted));
                self.schedule.unblock_waiters(id);
            }
            Err(error) => {
                send_event(&self.events, ApplyEvent::Failed(id, error.clone()));
                self.outcome.failed.push((id, error));
            }
        }
    }

    /// Keeps the error of a journal write. Results that could not be written stay in the journal, and the run stops
    /// at the next intent.
    fn note_journal_result(&mut self, written: Result<(), JournalError>) {
        if let Err(why) = written {
            self.outcome.unrecorded = Some(why);
        }
    }
}

fn send_event(events: &UnboundedSender<ApplyEvent>, event: ApplyEvent) {
    // The receiver only displays events. If it is gone, the approved steps are still made.
    let _ = events.send(event);
}

fn error_from_join(error: &tokio::task::JoinError) -> EnactError {
    EnactError {
        requests: Vec::new(),
        kind: EnactErrorKind::Other,
        operation: "leasehold".to_owned(),
        message: format!("the step failed internally: {error}"),
        help: Some("This is a bug in Leasehold. Run `leasehold plan` to see what was done.".to_owned()),
    }
}

/// Which steps are ready to start, and which wait for others.
///
/// Each waiting step is one [`Arc`], which every step that it needs holds. A step that succeeds gives up what it
/// holds, and the step whose last holder that was is ready. Example: 2 needs 0 and 1; when 0 and then 1 succeed, the
/// second one gives up the last `Arc` of 2.
struct StepSchedule {
    waiters: BTreeMap<StepId, Vec<Arc<StepId>>>,
    ready: BTreeSet<StepId>,
}

impl StepSchedule {
    fn from_steps(steps: &[Step]) -> Self {
        let mut waiters: BTreeMap<StepId, Vec<Arc<StepId>>> = BTreeMap::new();
        for step in steps {
            let waiter = Arc::new(step.id);
            for need in step.needs.keys() {
                waiters.entry(*need).or_default().push(Arc::clone(&waiter));
            }
        }
        Self { waiters, ready: steps.iter().filter(|step| step.needs.is_empty()).map(|step| step.id).collect() }
    }

    /// The first step, in the plan's order, that is ready. `None`: no step is ready.
    fn first_ready(&self) -> Option<StepId> {
        self.ready.first().copied()
    }

    fn begin_step(&mut self, id: StepId) {
        self.ready.remove(&id);
    }

    fn unblock_waiters(&mut self, id: StepId) {
        let waiters = self.waiters.remove(&id).unwrap_or_default();
        self.ready.extend(waiters.into_iter().filter_map(Arc::into_inner));
    }
}

/// The steps that were not tried, with the reason. A step comes after the steps it needs, so one pass finds the
/// failed step behind each.
fn find_untried_steps(steps: &[Step], outcome: &ApplyOutcome) -> Vec<(StepId, UntriedReason)> {
    let tried: BTreeSet<StepId> = outcome.finished_steps().chain(outcome.unknown.iter().copied()).collect();
    let mut blame: BTreeMap<StepId, StepId> = outcome.failed.iter().map(|(id, _)| (*id, *id)).collect();
    let mut not_done = Vec::new();
    for step in steps {
        if tried.contains(&step.id) {
            continue;
        }
        match step.needs.keys().find_map(|need| blame.get(need).copied()) {
            Some(failed) => {
                blame.insert(step.id, failed);
                not_done.push((step.id, UntriedReason::Needs(failed)));
            }
            None => not_done.push((step.id, UntriedReason::Stopped)),
        }
    }
    not_done
}
