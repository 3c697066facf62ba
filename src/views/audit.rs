//! The records of the ledger, for people and for machines.

use jiff::Timestamp;
use leasehold_provider::{ChangeKind, StackName};
use serde_json::json;

use super::inert::escape_steering;
use super::style::{ADD, REMOVE, STRONG, paint_text};
use crate::diff::Lifecycle;
use crate::ledger::record::{Intent, ObservedEffect, RecordedOutcome, RunEnded, RunStarted};
use crate::ledger::verify::VerifiedLedger;
use crate::ledger::{LedgerEntry, LedgerRecord};
use crate::ownership::{OwnershipChange, OwnershipEvent};
use crate::views::job::{describe_pipeline, shorten_commit};
use crate::views::plan::settings::describe_setting_change;

/// A record, with information from the entries around it.
#[derive(Debug, Clone)]
pub struct AuditLine {
    /// The number of the entry that has the record.
    pub number: u64,
    /// When the entry was written.
    pub at: Timestamp,
    /// The id of the run that wrote it.
    pub run: String,
    /// The account or person that the run acted as. `None`: not known from the entries that were read.
    pub actor: Option<String>,
    /// The identity or shared object that the record is about. `None`: none in particular.
    pub subject: Option<String>,
    /// The owner of the subject. `None`: not recorded for it in this run.
    pub owner: Option<String>,
    /// What happened to the subject in this run. `None`: not recorded.
    pub lifecycle: Option<Lifecycle>,
    /// The record.
    pub record: LedgerRecord,
}

/// The records as text, one line each.
#[must_use]
pub fn render_audit_table(lines: &[AuditLine]) -> String {
    let width = lines
        .iter()
        .filter_map(|line| line.subject.as_ref())
        .map(|subject| escape_steering(subject).chars().count())
        .max();
    let width = width.unwrap_or_default();
    lines
        .iter()
        .map(|line| {
            let subject = escape_steering(line.subject.as_deref().unwrap_or_default());
            let (kind, words) = (line.record.kind(), describe_record(&line.record));
            format!("{:>6}  {}  {kind:<11}  {subject:<width$}  {}\n", line.number, line.at, escape_steering(&words))
        })
        .collect()
}

/// One entry as text, in full.
#[must_use]
pub fn render_entry(entry: &LedgerEntry) -> String {
    let title = format!("Entry {} of stack {}", entry.number, entry.stack);
    let mut text = format!("{}  {}\n", paint_text(STRONG, &title), entry.at);
    text.push_str(&format!("run {}\nfollows {}\n\n", entry.run, entry.previous));
    for record in &entry.records {
        let subject = record.subject().map(ToString::to_string).unwrap_or_default();
        text.push_str(&format!(
            "  {:<11}  {}  {}\n",
            record.kind(),
            escape_steering(&subject),
            escape_steering(&describe_record(record))
        ));
    }
    text
}

/// The history of one identity: what was decided, approved, written and archived, run by run.
#[must_use]
pub fn render_identity_history(address: &str, lines: &[AuditLine]) -> String {
    let mut text = format!("{}\n", paint_text(STRONG, &escape_steering(address)));
    let mut run = "";
    for line in lines {
        if line.run != run {
            run = &line.run;
            let who = line.actor.as_deref().unwrap_or("unknown");
            text.push_str(&format!("\n{}  run {} by {}\n", line.at, shorten_run(run), escape_steering(who)));
        }
        text.push_str(&format!("  {:<11}  {}\n", line.record.kind(), escape_steering(&describe_record(&line.record))));
    }
    text
}

fn shorten_run(run: &str) -> String {
    run.chars().take(12).collect()
}

/// A record as a short text.
fn describe_record(record: &LedgerRecord) -> String {
    match record {
        LedgerRecord::RunStarted(started) => describe_run_started(started),
        LedgerRecord::Change(change) => {
            let owner = change.owner.as_ref().map_or_else(String::new, |owner| format!(" · owner {owner}"));
            let until = change.deadline.map_or_else(String::new, |deadline| format!(" · expires {deadline}"));
            let access = change.access.as_ref().map_or_else(String::new, |access| format!(" · access {access}"));
            let reasons =
                if change.reasons.is_empty() { String::new() } else { format!(": {}", change.reasons.join("; ")) };
            format!("{}{owner}{until}{access}{reasons}", describe_lifecycle(change.lifecycle))
        }
        LedgerRecord::Decided(decided) => {
            format!("{} by {}: {}", to_plain_word(&decided.verdict), decided.rule, decided.basis)
        }
        LedgerRecord::Approval(approval) => {
            let what = approval.subject.as_deref().unwrap_or("the plan");
            format!("{what} approved by {}, {}", approval.by, approval.how)
        }
        LedgerRecord::Intent(intent) => describe_intent(intent),
        LedgerRecord::Outcome(outcome) => describe_outcome(outcome),
        LedgerRecord::Resolved(resolved) => {
            let found = match resolved.found {
                ObservedEffect::Done => "was done",
                ObservedEffect::NotDone => "was not done",
                ObservedEffect::OtherState => "is in neither the old nor the intended state",
            };
            format!("step {} of run {}: {} {found}", resolved.step, shorten_run(&resolved.of_run), resolved.resource)
        }
        LedgerRecord::Ownership(change) => describe_ownership_change(change),
        LedgerRecord::Evidence(archived) => {
            format!("archived before {}: evidence/{} ({} bytes)", archived.before, archived.digest, archived.bytes)
        }
        LedgerRecord::RunEnded(ended) => describe_run_ended(ended),
        LedgerRecord::Checkpoint(signed) => format!("entry {} signed by {}", signed.number, signed.key),
        LedgerRecord::LockBroken(broken) => {
            let lock = match &broken.holder {
                Some(holder) => format!("the lock of {} on {}", holder.actor, holder.host),
                None => "an unreadable lock".to_owned(),
            };
            format!("{lock} was broken by {}: {}", broken.by, broken.reason)
        }
    }
}

fn describe_ownership_change(change: &OwnershipChange) -> String {
    let why = match change.event {
        OwnershipEvent::Confirmed => "was created by an earlier run",
        OwnershipEvent::TakenOver => "was created by an earlier version, and is now recorded by its unique id",
        OwnershipEvent::Recovered => "was recovered after the ledger was lost",
        OwnershipEvent::Renamed => "has another name than before",
        OwnershipEvent::Missing => "was deleted outside Leasehold",
    };
    format!("{} ({}) {why}", change.resource, change.unique_id)
}

fn describe_run_started(started: &RunStarted) -> String {
    let mut text = format!("{} on {} by {} from {}", started.command, started.realm, started.actor, started.host);
    if let Some(reason) = &started.reason {
        text.push_str(&format!(", reason: {reason}"));
    }
    if let Some(commit) = &started.commit {
        let dirty = if started.dirty == Some(true) { " with uncommitted changes" } else { "" };
        text.push_str(&format!(", {}{dirty}", shorten_commit(commit)));
    }
    if let Some(job) = describe_pipeline(&started.pipeline) {
        text.push_str(&format!(", pipeline: {job}"));
    }
    if let Some(plan) = started.plan {
        text.push_str(&format!(", plan {}", plan.to_short_text()));
    }
    if !started.settings.is_empty() {
        let settings: Vec<String> = started.settings.iter().map(|change| describe_setting_change(change).1).collect();
        text.push_str(&format!(", settings {}", settings.join("; ")));
    }
    if let Some(lost) = &started.lost {
        text.push_str(&format!(", the ledger ended at entry {} before and has lost entries", lost.number));
    }
    text
}

fn describe_intent(intent: &Intent) -> String {
    let verb = match intent.action {
        ChangeKind::Create => "create",
        ChangeKind::Update => "update",
        ChangeKind::Delete => "delete",
        ChangeKind::Mark => "mark",
        ChangeKind::Import => "adopt",
        ChangeKind::Release => "unmark",
    };
    format!("step {}: {verb} {}", intent.step, intent.resource)
}

fn describe_outcome(outcome: &RecordedOutcome) -> String {
    let mut text = format!("step {}: {}", outcome.step, if outcome.done { "done" } else { "not done" });
    if outcome.calls > 0 {
        let noun = if outcome.calls == 1 { "call" } else { "calls" };
        text.push_str(&format!(", {} {noun}", outcome.calls));
    }
    for more in [&outcome.note, &outcome.error].into_iter().flatten() {
        text.push_str(&format!(", {more}"));
    }
    if !outcome.requests.is_empty() {
        text.push_str(&format!(", requests {}", outcome.requests.join(" ")));
    }
    text
}

fn describe_run_ended(ended: &RunEnded) -> String {
    if ended.refused {
        return "refused, nothing changed".to_owned();
    }
    let whole = if ended.complete { "complete" } else { "incomplete" };
    format!(
        "{whole}: {} done, {} failed, {} not tried, {} not verified",
        ended.done, ended.failed, ended.not_tried, ended.unverified
    )
}

/// The records as JSON.
#[must_use]
pub fn render_audit_json(stack: &StackName, lines: &[AuditLine]) -> serde_json::Value {
    let records: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| {
            json!({
                "entry": line.number,
                "at": line.at,
                "run": line.run,
                "actor": line.actor,
                "subject": line.subject,
                "owner": line.owner,
                "lifecycle": line.lifecycle,
                "record": line.record,
            })
        })
        .collect();
    json!({ "format_version": "1.0", "stack": stack, "records": records })
}

/// The records as CSV. A cell that a spreadsheet would read as a formula is prefixed with a quote.
///
/// # Errors
/// A record cannot be written as CSV.
pub fn render_audit_csv(lines: &[AuditLine]) -> Result<String, anyhow::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["entry", "at", "run", "actor", "kind", "subject", "owner", "lifecycle", "text"])?;
    for line in lines {
        let cells = [
            line.number.to_string(),
            line.at.to_string(),
            line.run.clone(),
            line.actor.clone().unwrap_or_default(),
            line.record.kind().to_owned(),
            line.subject.clone().unwrap_or_default(),
            line.owner.clone().unwrap_or_default(),
            line.lifecycle.map(describe_lifecycle).unwrap_or_default(),
            describe_record(&line.record),
        ];
        writer.write_record(cells.map(|cell| escape_csv_cell(&cell)))?;
    }
    Ok(String::from_utf8(writer.into_inner().map_err(csv::IntoInnerError::into_error)?)?)
}

fn escape_csv_cell(text: &str) -> String {
    let text = escape_steering(text);
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.into_owned() }
}

fn describe_lifecycle(lifecycle: Lifecycle) -> String {
    to_plain_word(&lifecycle)
}

fn to_plain_word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The result of a verification, as text.
#[must_use]
pub fn render_verification(place: &str, verified: &VerifiedLedger, signers: bool) -> String {
    let mut text = String::new();
    for flaw in &verified.flaws {
        let title = format!("entry {}:", flaw.entry);
        text.push_str(&format!("{} {}\n", paint_text(REMOVE, &title), escape_steering(&flaw.what.to_string())));
    }
    for (run, number, intent) in &verified.unfinished {
        let words = format!("{} ({}), run {}", describe_intent(intent), intent.subject, shorten_run(run));
        text.push_str(&format!("{} entry {number}: {}\n", paint_text(STRONG, "unfinished:"), escape_steering(&words)));
    }
    let (all, known) = verified.checkpoints;
    let signed = match (all, signers) {
        (0, _) => "no checkpoints".to_owned(),
        (all, true) => format!("{all} checkpoints, {known} by known signers"),
        (all, false) => format!("{all} checkpoints, signers not checked (pass --signers to check them)"),
    };
    let counts = format!("{} entries, {} pieces of evidence, {signed}", verified.head.number, verified.evidence.len());
    match verified.flaws.first() {
        None => text.push_str(&format!(
            "{} {} in {}.\n",
            paint_text(ADD, "The ledger is intact:"),
            counts,
            escape_steering(place)
        )),
        Some(first) => text.push_str(&format!(
            "{} entry {} is the first invalid entry. {counts} in {}.\n",
            paint_text(REMOVE, "The ledger was changed:"),
            first.entry,
            escape_steering(place)
        )),
    }
    if verified.unfinished.is_empty() {
        return text;
    }
    text.push_str("The next apply compares unfinished steps with the live state.\n");
    text
}
