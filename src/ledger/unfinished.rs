//! Finds and resolves the intents that an interrupted run left without an outcome.
//!
//! In: the chain and the live state. Out: a resolution for each open intent, for the ledger. Only [`find_unfinished_intents`] does I/O: it
//! reads the chain. A resolution is a record and changes nothing in the cloud: the next plan does the remaining work, because plans follow
//! from the live state and not from what an earlier run did.

use std::collections::BTreeMap;

use leasehold_provider::{ChangeKind, Snapshot};

use super::chain::{Chain, LedgerError};
use super::entry::LedgerEntry;
use super::journal::{digest_content, digest_marks};
use super::record::{Intent, IntentResolution, LedgerRecord, ObservedEffect};
use crate::plan::stale::LiveIndex;

/// The intents without an outcome, each with the run that wrote it. The search goes backwards to the last run that recorded its end.
///
/// # Errors
/// If the store does not answer, or an entry cannot be parsed.
pub async fn find_unfinished_intents(chain: &Chain) -> Result<Vec<(String, Intent)>, LedgerError> {
    let mut entries = chain.read_backwards(|entry| !is_closing_entry(entry)).await?;
    entries.reverse();
    Ok(find_open_intents(&entries))
}

fn is_closing_entry(entry: &LedgerEntry) -> bool {
    entry.records.iter().any(|record| matches!(record, LedgerRecord::RunEnded(_)))
}

/// The intents in `entries` (oldest first) that have no outcome or resolution there, each with its run.
#[must_use]
pub fn find_open_intents(entries: &[LedgerEntry]) -> Vec<(String, Intent)> {
    let mut open: BTreeMap<(String, usize), Intent> = BTreeMap::new();
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

/// Compares each open intent with the live state.
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
        // A key that was created and not delivered is deleted by the next plan.
        return if live.object_digest(&intent.resource) == intent.before {
            ObservedEffect::NotDone
        } else {
            ObservedEffect::OtherState
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
        _ => ObservedEffect::OtherState,
    }
}
