//! A plan as markdown for a pull request: the summary comes first, then each change in a collapsed section, the highest risk first, limited
//! to a size.

use std::cmp::Reverse;

use anstream::adapter::strip_str;
use leasehold_provider::{Change, ChangeKind, Realizer, Severity};

use super::attributes::{self, DifferenceLine, LineMarker};
use super::interim::{self, InterimSteps, collect_interim_steps};
use super::summary::PlanSummary;
use super::{human, ownership, risk, settings};
use crate::diff::{IdentityDelta, Lifecycle, SharedDelta};
use crate::plan::Plan;
use crate::rules::Ruling;
use crate::views::inert::escape_steering;
use crate::views::markdown::{
    self, BlockNouns, MarkdownBlock, describe_realm, format_code, format_details, format_fence, shorten_line,
};
use crate::views::style;

/// A document with more lines than this gets its own collapsed section.
const LONG: usize = 20;
/// The maximum number of lines of a document that are shown; only the number of the rest is printed.
const LONGEST: usize = 120;
/// The maximum number of rulings that are shown; only the number of the rest is printed.
const RULINGS: usize = 20;
/// The maximum number of objects that are kept; only the number of the rest is printed.
const KEPT: usize = 10;

/// A subject with what it is sorted by: its risk and worst finding, its address, and whether it stays.
type RankedSubject<'a> = ((risk::Risk, Reverse<Option<Severity>>), &'a str, bool, PlanSubject<'a>);

const NOUNS: BlockNouns = BlockNouns {
    blocks: "changes",
    complete: "The job's artifact with the plan as JSON, or `leasehold plan`, has all of them.",
};

/// The plan in at most `max_bytes` bytes.
#[must_use]
pub fn render_plan_markdown(plan: &Plan, rulings: &[Ruling], realize: &Realizer, max_bytes: usize) -> String {
    let mut blocks: Vec<RankedSubject<'_>> = Vec::new();
    for delta in &plan.identities {
        let rank = (risk::risk_for_identity(delta, rulings), Reverse(risk::worst_severity(delta)));
        blocks.push((rank, delta.address.as_str(), delta.lifecycle != Lifecycle::Leaver, PlanSubject::Identity(delta)));
    }
    for delta in &plan.shared {
        let rank = (risk::risk_for_shared(delta, plan, rulings), Reverse(None));
        blocks.push((rank, delta.address.as_str(), false, PlanSubject::Shared(delta)));
    }
    blocks.sort_by_key(|(rank, address, stays, _)| (*rank, *address, *stays));
    let interim = collect_interim_steps(plan);
    let blocks = blocks.into_iter().map(|((risk, _), _, _, part)| part.render_block(risk, plan, &interim, realize));
    // Where the records are decides what can be verified later, so this comes before all else.
    let blocks = settings::render_settings_block(plan).into_iter().chain(blocks);
    markdown::render_document(&render_head(plan, rulings), blocks, NOUNS, max_bytes)
}

/// The part above the collapsed sections.
fn render_head(plan: &Plan, rulings: &[Ruling]) -> String {
    let realm = &plan.realm;
    let mut out = format!("### Leasehold plan · stack {}\n\n", format_code(plan.stack.as_str()));
    if plan.is_empty() && plan.identities.is_empty() {
        out.push_str("**No changes.** Your identities match the configuration.\n\n");
    } else {
        let summary = PlanSummary::from_plan(plan).to_string();
        let (resources, identities) = summary.split_once("  ").unwrap_or((&summary, ""));
        out.push_str(&format!("**{resources}** {identities}\n\n"));
    }
    let part = settings::describe_selection(plan).map_or_else(String::new, |part| format!(" · {}", format_code(&part)));
    out.push_str(&format!("{} as {} · now {}{part}\n\n", describe_realm(realm), format_code(&realm.actor), plan.now));
    if !rulings.is_empty() {
        out.push_str("**Refused: this plan cannot be applied.**\n\n");
        for ruling in rulings.iter().take(RULINGS) {
            out.push_str(&format!(
                "- {}: {} {}\n",
                format_code(ruling.rule),
                format_code(&shorten_line(&ruling.why)),
                format_code(&shorten_line(&ruling.help))
            ));
        }
        match rulings.len().saturating_sub(RULINGS) {
            0 => out.push('\n'),
            rest => out.push_str(&format!("- and {rest} more\n\n")),
        }
    }
    let waiting = plan.quarantined.len();
    if waiting > 0 {
        let verb = if waiting == 1 { "identity is unchanged" } else { "identities are unchanged" };
        out.push_str(&format!("{waiting} quarantined {verb}.\n\n"));
    }
    out.push_str(&ownership::render_ownership_markdown(plan));
    for (address, holders) in plan.kept.iter().take(KEPT) {
        out.push_str(&format!(
            "{} is not deleted: still attached to {} outside this stack.\n\n",
            format_code(address.as_str()),
            holders.len()
        ));
    }
    match plan.kept.len().saturating_sub(KEPT) {
        0 => {}
        rest => out.push_str(&format!("{rest} more are not deleted for the same reason.\n\n")),
    }
    out
}

/// One subject of a plan.
enum PlanSubject<'a> {
    Identity(&'a IdentityDelta),
    Shared(&'a SharedDelta),
}

impl PlanSubject<'_> {
    fn render_block(
        &self,
        risk: risk::Risk,
        plan: &Plan,
        interim: &InterimSteps<'_>,
        realize: &Realizer,
    ) -> MarkdownBlock {
        let (lifecycle, address, id, headline, mut notes, changes) = match self {
            Self::Identity(delta) => {
                let headline = strip_str(&human::describe_identity(delta, plan.now)).to_string();
                (delta.lifecycle, &delta.address, &delta.id, headline, list_notes(delta), &delta.changes)
            }
            Self::Shared(delta) => {
                let sort = crate::config::estate::address_kind(&delta.address).unwrap_or("scope");
                let headline = format!("{sort} · {}", human::describe_holders(delta));
                (delta.lifecycle, &delta.address, &delta.id, headline, Vec::new(), &delta.changes)
            }
        };
        let steps = interim.get(&(address, id.account.as_ref())).into_iter().flatten();
        notes.extend(steps.map(|step| interim::describe_interim_step(step)));
        let (sign, word, _) = style::style_for_lifecycle(lifecycle);
        let sign = format_code(&sign.to_string());
        let (name, words) = (shorten_line(address.as_str()), shorten_line(&headline));
        let short = format!("{sign} {word} {} {}", format_code(&name), format_code(&words));
        let mut body: String = notes.iter().map(|note| format!("- {}\n", format_code(note))).collect();
        if !body.is_empty() {
            body.push('\n');
        }
        let leaves = matches!(self, Self::Identity(delta) if delta.leaving.is_some());
        body.push_str(&render_changed_objects(changes, leaves, realize));
        MarkdownBlock {
            full: format_details(&short, &body),
            short,
            kind: risk.describe_risk(),
            is_risky: risk.needs_review(),
        }
    }
}

/// What a reviewer should know in addition to the headline.
fn list_notes(delta: &IdentityDelta) -> Vec<String> {
    let mut notes = human::describe_reasons(delta);
    if let Some(access) = &delta.access {
        notes.extend(access.witness.iter().map(|witness| format!("newly allowed, for example: {witness}")));
        notes.extend(access.reason.iter().map(|reason| format!("not decided: {reason}")));
    }
    let found = delta.assessment.iter().flat_map(|assessment| &assessment.findings);
    notes.extend(human::list_worst_findings(found).into_iter().map(|(id, message)| format!("{id}: {message}")));
    notes
}

/// The objects that change, one line each, followed by the lines that differ. Long documents get their own collapsed sections.
pub(in crate::views) fn render_changed_objects(changes: &[Change], leaves: bool, realize: &Realizer) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut folded = String::new();
    for change in changes.iter().filter(|change| human::is_shown(change, changes)) {
        let (sign, marker) = match change.kind() {
            ChangeKind::Create => ('+', LineMarker::Added),
            ChangeKind::Update | ChangeKind::Mark | ChangeKind::Import | ChangeKind::Release => ('!', LineMarker::Same),
            ChangeKind::Delete => ('-', LineMarker::Removed),
        };
        let id = change.id();
        let described = human::describe_change(change, realize);
        // A leaver loses everything: the description of the change says so.
        let reported = leaves && described.is_some();
        let note = described.map_or_else(String::new, |note| format!("  {}", escape_steering(&note)));
        lines.push(format!("{sign} {} {}{note}", id.kind, escape_steering(&id.display_name())));
        let about: Vec<DifferenceLine> = match change {
            _ if reported => Vec::new(),
            Change::Update { before, after } => attributes::difference_lines(before, after),
            Change::Mark { before, after, .. } => attributes::mark_difference_lines(before.as_deref(), after),
            Change::Create { after } => attributes::whole_document_lines(after, marker),
            Change::Import { after, .. } => attributes::mark_difference_lines(None, after),
            Change::Delete { .. } | Change::Release { .. } => Vec::new(),
        };
        if about.len() > LONG {
            let summary = format!("{} {}: {} lines", id.kind, format_code(&id.display_name()), about.len());
            folded.push_str(&format_details(&summary, &format_fence("diff", &shorten_lines(&about))));
        } else {
            lines.extend(about.iter().map(DifferenceLine::to_diff));
        }
    }
    let shown = if lines.is_empty() { String::new() } else { format_fence("diff", &lines) };
    if folded.is_empty() { shown } else { format!("{shown}\n{folded}") }
}

fn shorten_lines(lines: &[DifferenceLine]) -> Vec<String> {
    let mut shown: Vec<String> = lines.iter().take(LONGEST).map(DifferenceLine::to_diff).collect();
    match lines.len().saturating_sub(LONGEST) {
        0 => {}
        rest => shown.push(format!("  # {rest} more lines")),
    }
    shown
}
