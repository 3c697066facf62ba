//! What a run that did not come to its end left open: intents without an outcome.
//!
//! Pure but for reading the chain. Each is held against the live state; what is found is written, and the plan that follows does the
//! rest, for phases are decided by level and not by what a run remembers.

use std::collections::BTreeMap;

use leasehold_provider::{ChangeKind, Snapshot};

use super::chain::{Chain, LedgerError};
use super::entry::LedgerEntry;
use super::journal::{digest_content, digest_marks};
use super::record::{Intent, IntentResolution, LedgerRecord, ObservedEffect};
use crate::plan::stale::LiveIndex;

/// Intents without an outcome, with the run that wrote each. The search goes back to the last run that closed its books: one that
/// ended, or one that resolved what it found.
pub async fn find_unfinished_intents(chain: &Chain) -> Result<Vec<(String, Intent)>, LedgerError> {
    let mut entries = chain.read_backwards(|entry| !is_closing_entry(entry)).await?;
    entries.reverse();
    Ok(find_open_intents(&entries))
}

fn is_closing_entry(entry: &LedgerEntry) -> bool {
    entry.records.iter().any(|record| matches!(record, LedgerRecord::RunEnded(_)))
}

/// The intents in `entries`, oldest first, that no outcome or resolution in them answers.
#[must_use]
pub fn find_open_intents(entries: &[LedgerEntry]) -> Vec<(String, Intent)> {
    let mut open: BTreeMap<(String, u32), Intent> = BTreeMap::new();
    for entry in entries {
        for record in &entry.records {
            match record {
                LedgerRecord::Intent(intent) => {
                    open.insert((entry.run.clone(), intent.step), intent.clone());
                }
                LedgerRecord::Outcome(outcome) => {
                    open.remove(&(entry.run.clone(), outcome.step));
                }
                LedgerRecord::Resolved(resolved) => {
                    open.remove(&(resolved.of_run.clone(), resolved.step));
                }
                _ => {}
            }
        }
    }
    open.into_iter().map(|((run, _), intent)| (run, intent)).collect()
}

/// What the cloud shows of each open intent.
#[must_use]
pub fn resolve_intents(open: &[(String, Intent)], snapshot: &Snapshot) -> Vec<IntentResolution> {
    let live = LiveIndex::for_snapshot(snapshot);
    open.iter()
        .map(|(run, intent)| IntentResolution {
            of_run: run.clone(),
            step: intent.step,
            subject: intent.subject.clone(),
            resource: intent.resource.clone(),
            found: find_effect(intent, &live),
        })
        .collect()
}

fn find_effect(intent: &Intent, live: &LiveIndex<'_>) -> ObservedEffect {
    if intent.resource.is_new() {
        // Whatever was made and not delivered goes, by the plan that follows.
        return if live.object_digest(&intent.resource) == intent.before {
            ObservedEffect::NotDone
        } else {
            ObservedEffect::Otherwise
        };
    }
    let there = live.find_live(&intent.resource);
    let now = match intent.action {
        ChangeKind::Mark => there.and_then(|resource| resource.marks.as_ref()).map(digest_marks),
        _ => there.map(digest_content),
    };
    match (intent.action, now) {
        (_, now) if now == intent.after => ObservedEffect::Done,
        (_, now) if now == intent.before => ObservedEffect::NotDone,
        _ => ObservedEffect::Otherwise,
    }
}
