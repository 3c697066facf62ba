//! Runs the steps of an approved plan, as many at a time as allowed, each after what it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use leasehold_provider::{Enact, EnactError, EnactErrorKind, Enacted};
use tokio::sync::{mpsc::UnboundedSender, watch};
use tokio::task::JoinSet;

use super::{Event, NotDone, Outcome};
use crate::plan::{Step, StepId};
use crate::rules::ApprovedPlan;

/// How to run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many steps may be in flight at once; at least one.
    pub parallelism: usize,
}

/// Carries out a plan. A step that fails keeps what needs it from being tried, and nothing else. When `stop` turns true, what is in
/// flight is finished and nothing new is started. Events that nobody listens to are dropped.
pub async fn execute(
    approved: &ApprovedPlan,
    enact: Arc<dyn Enact>,
    options: Options,
    events: UnboundedSender<Event>,
    mut stop: watch::Receiver<bool>,
) -> Outcome {
    let mut schedule = Schedule::of(approved.steps());
    let mut outcome = Outcome::default();
    let mut running: JoinSet<(StepId, Result<Enacted, EnactError>)> = JoinSet::new();
    let mut task_steps: BTreeMap<tokio::task::Id, StepId> = BTreeMap::new();
    let mut stopping = *stop.borrow();
    let mut can_stop = true;
    loop {
        while !stopping && running.len() < options.parallelism.max(1) {
            let Some(step) = schedule.next(approved.steps()) else { break };
            tell(&events, Event::Started(step.id));
            let (enact, stack, step) = (Arc::clone(&enact), approved.plan().stack.clone(), step.clone());
            let id = step.id;
            let task = running.spawn(async move { (step.id, enact.enact(&stack, &step.change).await) });
            task_steps.insert(task.id(), id);
        }
        if running.is_empty() {
            break;
        }
        let finished = tokio::select! {
            finished = running.join_next_with_id() => finished,
            changed = stop.changed(), if can_stop && !stopping => {
                // An error says that whoever could ask to stop is gone.
                can_stop = changed.is_ok();
                stopping = *stop.borrow();
                if stopping {
                    tell(&events, Event::Stopping);
                }
                continue;
            }
        };
        let (id, result) = match finished {
            None => break,
            Some(Ok((_, ended))) => ended,
            Some(Err(error)) => match task_steps.get(&error.id()) {
                Some(step) => (*step, Err(broke_off(&error))),
                None => continue,
            },
        };
        match result {
            Ok(enacted) => {
                tell(&events, Event::Done(id, enacted.clone()));
                outcome.done.push((id, enacted));
                schedule.succeeded(id);
            }
            Err(error) => {
                tell(&events, Event::Failed(id, error.clone()));
                outcome.failed.push((id, error));
            }
        }
    }
    outcome.not_done = not_done(approved.steps(), &outcome);
    outcome
}

fn tell(events: &UnboundedSender<Event>, event: Event) {
    // The receiver is a view; that it went away is no reason to stop writing what was approved.
    let _ = events.send(event);
}

fn broke_off(error: &tokio::task::JoinError) -> EnactError {
    EnactError {
        kind: EnactErrorKind::Other,
        operation: "leasehold".to_owned(),
        message: format!("the step broke off: {error}"),
        help: Some("This is a fault in leasehold. Run plan again to see what was done.".to_owned()),
    }
}

/// Which steps may start.
struct Schedule {
    waiting_for: Vec<usize>,
    waited_for_by: BTreeMap<StepId, Vec<StepId>>,
    ready: BTreeSet<StepId>,
}

impl Schedule {
    fn of(steps: &[Step]) -> Self {
        let mut waited_for_by: BTreeMap<StepId, Vec<StepId>> = BTreeMap::new();
        for step in steps {
            for need in &step.needs {
                waited_for_by.entry(*need).or_default().push(step.id);
            }
        }
        Self {
            waiting_for: steps.iter().map(|step| step.needs.len()).collect(),
            waited_for_by,
            ready: steps.iter().filter(|step| step.needs.is_empty()).map(|step| step.id).collect(),
        }
    }

    fn next<'a>(&mut self, steps: &'a [Step]) -> Option<&'a Step> {
        let id = self.ready.pop_first()?;
        steps.get(usize::try_from(id.0).ok()?)
    }

    fn succeeded(&mut self, id: StepId) {
        for waiter in self.waited_for_by.get(&id).into_iter().flatten() {
            let count = usize::try_from(waiter.0).ok().and_then(|index| self.waiting_for.get_mut(index));
            if let Some(count) = count {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.ready.insert(*waiter);
                }
            }
        }
    }
}

/// The steps that were not tried. The plan's order lets one pass find what failed behind each.
fn not_done(steps: &[Step], outcome: &Outcome) -> Vec<(StepId, NotDone)> {
    let done: BTreeSet<StepId> = outcome.done.iter().map(|(id, _)| *id).collect();
    let mut blame: BTreeMap<StepId, StepId> = outcome.failed.iter().map(|(id, _)| (*id, *id)).collect();
    let mut not_done = Vec::new();
    for step in steps {
        if done.contains(&step.id) || blame.get(&step.id) == Some(&step.id) {
            continue;
        }
        match step.needs.iter().find_map(|need| blame.get(need).copied()) {
            Some(failed) => {
                blame.insert(step.id, failed);
                not_done.push((step.id, NotDone::Needs(failed)));
            }
            None => not_done.push((step.id, NotDone::Stopped)),
        }
    }
    not_done
}
