//! A plan as text for people.
//!
//! In: a plan, its rulings, and the provider's descriptions of changes. Out: the shared objects, the identities with their changes, what
//! waits for a deadline, and the counts. Text from outside is escaped.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold_provider::{
    AccessFinding, AccessLevel, AccessVerdict, Address, Aspect, Change, ChangeKind, Comparison, Realizer, ResourceId,
    Severity, Span,
};
use rayon::prelude::*;

use super::interim::{self, InterimSteps, collect_interim_steps};
use super::ownership;
use super::summary::{PlanSummary, counts_as_change, may_grow};
use super::{attributes, settings};
use crate::diff::classify::Leaving;
use crate::diff::{ChangeReason, IdentityDelta, Lifecycle, SharedDelta};
use crate::lifecycle::LeaveReason;
use crate::plan::Plan;
use crate::rules::Ruling;
use crate::shell::quote_shell_word;
use crate::views::inert::escape_steering;
use crate::views::style::{self, ADD, CHANGE, FAINT, REMOVE, STRONG, paint_text};

/// If more identities than this change only through the same shared scope, they are folded into one line.
const FOLD_ABOVE: usize = 3;
/// If one identity has more findings than this, only the number of the rest is printed.
const FINDINGS: usize = 4;

/// The whole plan, ending in a line break. `realize` gives the descriptions of changes.
#[must_use]
pub fn render_plan_text(plan: &Plan, rulings: &[Ruling], realize: &Realizer) -> String {
    let mut out = render_header(plan);
    if plan.is_empty() && plan.identities.is_empty() {
        out.push_str("No changes. Your identities match the configuration.\n");
        let ownership = ownership::render_ownership_text(plan);
        out.push_str(if ownership.is_empty() { "" } else { "\n" });
        out.push_str(&ownership);
        out.push_str(&render_waiting(plan));
        return out;
    }
    let interim = collect_interim_steps(plan);
    out.push_str(&settings::render_settings_text(plan));
    for delta in &plan.shared {
        out.push_str(&render_shared(delta, &interim, realize));
    }
    let (through_scopes, own): (Vec<&IdentityDelta>, Vec<&IdentityDelta>) =
        plan.identities.iter().partition(|delta| delta.changes.is_empty());
    // Thousands of identities may join at once, and the text of one does not depend on any other: they are rendered in parallel.
    let own: Vec<String> =
        own.into_par_iter().map(|delta| render_identity(delta, plan.now, &interim, realize)).collect();
    out.extend(own);
    out.push_str(&render_movers_through_scopes(&through_scopes, plan.now, &interim, realize));
    out.push_str(&ownership::render_ownership_text(plan));
    out.push_str(&render_waiting(plan));
    for ruling in rulings {
        out.push_str(&format!(
            "{}  {}\n",
            paint_text(REMOVE, &format!("  refused by {}:", ruling.rule)),
            escape_steering(&ruling.why)
        ));
        out.push_str(&format!("    {}\n\n", escape_steering(&ruling.help)));
    }
    out.push_str(&format!("{}\n", PlanSummary::from_plan(plan)));
    out
}

fn render_header(plan: &Plan) -> String {
    let realm = &plan.realm;
    let place = format!("{realm} as {}", realm.actor);
    let title = paint_text(STRONG, "Leasehold plan");
    let part =
        settings::describe_selection(plan).map_or_else(String::new, |part| format!("  ·  {}", escape_steering(&part)));
    format!("{title}  ·  stack {}  ·  {}  ·  now {}{part}\n\n", plan.stack, escape_steering(&place), plan.now)
}

fn render_identity(delta: &IdentityDelta, now: Timestamp, interim: &InterimSteps<'_>, realize: &Realizer) -> String {
    let (sign, word, style) = style::style_for_lifecycle(delta.lifecycle);
    let address = escape_steering(delta.address.as_str());
    let head = paint_text(style, &format!("{sign} {word:<7}"));
    let mut out = format!("  {head}  {}  {}\n", paint_text(STRONG, &address), describe_identity(delta, now));
    let notes = describe_reasons(delta);
    if !notes.is_empty() {
        out.push_str(&format!("      {}\n", paint_text(FAINT, &notes.join("; "))));
    }
    out.push_str(&render_access_lines(delta.access.as_ref()));
    out.push_str(&render_access_findings(delta.assessment.iter().flat_map(|assessment| &assessment.findings)));
    // A leaver loses everything: the description of each change says so, and the lines of the difference would add nothing.
    let lines = if delta.leaving.is_some() { LineVisibility::WithoutNote } else { LineVisibility::Always };
    out.push_str(&render_changes_with_lines(&delta.changes, Some(&delta.id), lines, realize));
    out.push_str(&render_interim_lines(interim, &delta.address, &delta.id));
    out.push('\n');
    out
}

/// The lines on interim states: what is true until the change is done, and neither before nor after it.
fn render_interim_lines(interim: &InterimSteps<'_>, address: &Address, id: &ResourceId) -> String {
    let steps = interim.get(&(address, id.account.as_ref())).into_iter().flatten();
    steps.map(|step| format!("      {} {}\n", paint_text(CHANGE, "!"), interim::describe_interim_step(step))).collect()
}

/// The result of the comparison of access: an example of a newly allowed request, and why the comparison is not decided.
pub(in crate::views) fn render_access_lines(access: Option<&Comparison>) -> String {
    let mut out = String::new();
    if let Some(access) = access {
        if let Some(witness) = &access.witness {
            out.push_str(&format!("      newly allowed, for example: {}\n", escape_steering(witness)));
        }
        if let Some(reason) = &access.reason {
            out.push_str(&format!("      not decided: {}\n", escape_steering(reason)));
        }
    }
    out
}

/// When the lines of a changed document are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineVisibility {
    Always,
    WithoutNote,
}

/// The text next to the address: the identity's kind, owner and lease, and for a leaver what happens to it.
pub(super) fn describe_identity(delta: &IdentityDelta, now: Timestamp) -> String {
    if let Some(leaving) = &delta.leaving {
        return describe_leaving(delta, leaving);
    }
    if matches!(delta.lifecycle, Lifecycle::Drift | Lifecycle::Released) {
        let words: Vec<String> = delta.reasons.iter().filter(|r| !is_detail(r)).map(ToString::to_string).collect();
        return words.join("; ");
    }
    let mut parts: Vec<String> = Vec::new();
    parts.extend(delta.kind.map(|kind| kind.to_string()));
    parts.extend(delta.owner.as_ref().map(|owner| format!("owner {owner}")));
    parts.extend(delta.service.as_ref().map(|service| format!("service {service}")));
    parts.extend(delta.environment.clone());
    parts.extend(delta.id.account.as_ref().map(|account| format!("account {account}")));
    parts.push(match delta.deadline {
        Some(deadline) => format!("expires {}{}", format_day(deadline), format_remaining(now, deadline)),
        None => "no lease".to_owned(),
    });
    let mut line = escape_steering(&parts.join(" · ")).into_owned();
    if let Some(assessment) = delta.assessment.as_ref().filter(|_| delta.lifecycle == Lifecycle::Joiner) {
        let grave = assessment.level >= AccessLevel::Unknown;
        let words = describe_level(assessment.level);
        line.push_str(&format!(" · {}", if grave { paint_text(REMOVE, words) } else { words.to_owned() }));
    }
    if let Some(verdict) = delta.access.as_ref().map(|access| access.verdict) {
        let style = if may_grow(verdict) { REMOVE } else { ADD };
        line.push_str(&format!(" · {}", paint_text(style, describe_verdict(verdict))));
    }
    line
}

fn describe_level(level: AccessLevel) -> &'static str {
    match level {
        AccessLevel::None => "no access",
        AccessLevel::List => "list access",
        AccessLevel::Read => "read access",
        AccessLevel::Tagging => "tagging access",
        AccessLevel::Write => "write access",
        AccessLevel::Unknown => "unknown access level",
        AccessLevel::PermissionsManagement => "permissions management",
    }
}

fn describe_verdict(verdict: AccessVerdict) -> &'static str {
    match verdict {
        AccessVerdict::Equivalent => "same access",
        AccessVerdict::Narrows => "narrows access",
        AccessVerdict::Expands => "EXPANDS access",
        AccessVerdict::Incomparable => "EXPANDS and narrows access",
        AccessVerdict::Unknown => "access may EXPAND",
    }
}

fn describe_leaving(delta: &IdentityDelta, leaving: &Leaving) -> String {
    let why: Vec<String> = delta
        .reasons
        .iter()
        .filter_map(|reason| match reason {
            ChangeReason::Leaver { why } => Some(why.to_string()),
            ChangeReason::ChangedOutside => Some(reason.to_string()),
            _ => None,
        })
        .collect();
    let revoked = delta.reasons.iter().any(|r| matches!(r, ChangeReason::Leaver { why: LeaveReason::Revoked { .. } }));
    let what = match leaving {
        Leaving::Quarantine { .. } if revoked => {
            format!("quarantine now, until `leasehold restore {}`", quote_shell_word(delta.address.as_str()))
        }
        Leaving::Quarantine { delete_after: Some(at), .. } => {
            format!("quarantine now, delete after {}", format_day(*at))
        }
        Leaving::Quarantine { delete_after: None, .. } => {
            "quarantine now, delete after its block is removed".to_owned()
        }
        Leaving::Deletion => "delete now".to_owned(),
    };
    escape_steering(&format!("{} → {what}", why.join("; "))).into_owned()
}

/// The reasons of a mover, shown below its line. Those of a leaver and of drift are in the line itself. If the verdict is that access stays
/// the same, as with a new deadline in the lease deny, the reason "access differs" would contradict it and is left out.
pub(super) fn describe_reasons(delta: &IdentityDelta) -> Vec<String> {
    let same = delta.access.as_ref().is_some_and(|access| access.verdict == AccessVerdict::Equivalent);
    let contradicts =
        |reason: &&ChangeReason| same && matches!(reason, ChangeReason::Differs { aspect: Aspect::Access });
    match delta.lifecycle {
        Lifecycle::Mover => {
            let reasons = delta.reasons.iter().filter(|reason| !contradicts(reason));
            reasons.map(|reason| escape_steering(&reason.to_string()).into_owned()).collect()
        }
        Lifecycle::Joiner | Lifecycle::Leaver | Lifecycle::Drift | Lifecycle::Released => Vec::new(),
    }
}

fn is_detail(reason: &ChangeReason) -> bool {
    matches!(reason, ChangeReason::Differs { .. })
}

/// How many identities a shared object is attached to, and whether it was changed outside Leasehold.
pub(super) fn describe_holders(delta: &SharedDelta) -> String {
    let holders = match delta.holders {
        0 => "attached to no identity".to_owned(),
        1 => "attached to 1 identity".to_owned(),
        n => format!("attached to {n} identities"),
    };
    let why = if delta.lifecycle == Lifecycle::Drift { " · changed outside Leasehold" } else { "" };
    let place = delta.id.account.as_ref().map_or_else(String::new, |account| format!(" · account {account}"));
    format!("{holders}{place}{why}")
}

fn render_shared(delta: &SharedDelta, interim: &InterimSteps<'_>, realize: &Realizer) -> String {
    let (sign, _, style) = style::style_for_lifecycle(delta.lifecycle);
    let holders = describe_holders(delta);
    let sort = crate::config::estate::address_kind(&delta.address).unwrap_or("scope");
    let head = paint_text(style, &format!("{sign} {sort:<6}"));
    let address = escape_steering(delta.address.as_str()).into_owned();
    let changes = render_changes(&delta.changes, None, realize);
    let interim_lines = render_interim_lines(interim, &delta.address, &delta.id);
    format!("  {head}  {}  {holders}\n{changes}{interim_lines}\n", paint_text(STRONG, &address))
}

fn render_movers_through_scopes(
    deltas: &[&IdentityDelta],
    now: Timestamp,
    interim: &InterimSteps<'_>,
    realize: &Realizer,
) -> String {
    let mut groups: BTreeMap<Vec<String>, Vec<&IdentityDelta>> = BTreeMap::new();
    for delta in deltas {
        let mut key: Vec<String> = delta.reasons.iter().map(ToString::to_string).collect();
        key.extend(delta.access.as_ref().map(|access| describe_verdict(access.verdict).to_owned()));
        groups.entry(key).or_default().push(delta);
    }
    let mut out = String::new();
    for (why, members) in groups {
        if members.len() <= FOLD_ABOVE {
            out.extend(members.iter().map(|delta| render_identity(delta, now, interim, realize)));
            continue;
        }
        let (sign, word, style) = style::style_for_lifecycle(Lifecycle::Mover);
        let head = paint_text(style, &format!("{sign} {word:<7}"));
        let names: Vec<&str> = members.iter().take(FOLD_ABOVE).map(|delta| delta.address.as_str()).collect();
        let rest = members.len().saturating_sub(names.len());
        out.push_str(&format!("  {head}  {} identities  {}\n", members.len(), escape_steering(&why.join(" · "))));
        out.push_str(&format!("      {} and {rest} more\n", escape_steering(&names.join(", "))));
        if let Some(witness) = members.iter().find_map(|delta| delta.access.as_ref()?.witness.as_ref()) {
            out.push_str(&format!("      newly allowed, for example: {}\n", escape_steering(witness)));
        }
        let assessments = members.iter().filter_map(|delta| delta.assessment.as_ref());
        out.push_str(&render_access_findings(assessments.flat_map(|assessment| &assessment.findings)));
        out.push('\n');
    }
    out
}

/// One line for each finding that should be reviewed before the apply, without duplicates, the most severe first.
fn render_access_findings<'a>(all: impl Iterator<Item = &'a AccessFinding>) -> String {
    let reported = sort_findings(all);
    let mut out = String::new();
    for (Reverse(severity), id, message, remedy) in reported.iter().take(FINDINGS) {
        let style = if *severity >= Severity::High { REMOVE } else { CHANGE };
        let head = paint_text(style, &format!("! {id}:"));
        out.push_str(&format!("      {head} {}\n", escape_steering(&format!("{message} ({remedy})"))));
    }
    match reported.len().saturating_sub(FINDINGS) {
        0 => {}
        rest => {
            out.push_str(&format!(
                "      {}\n",
                paint_text(FAINT, &format!("! and {rest} more; --format json lists all"))
            ));
        }
    }
    out
}

type SortedFindings<'a> = BTreeSet<(Reverse<Severity>, &'a String, &'a String, &'a String)>;

fn sort_findings<'a>(all: impl Iterator<Item = &'a AccessFinding>) -> SortedFindings<'a> {
    let worth_it = all.filter(|finding| finding.severity >= Severity::Medium);
    worth_it.map(|finding| (Reverse(finding.severity), &finding.id, &finding.message, &finding.remedy)).collect()
}

/// The most severe findings: the rule of each, and its message with the remedy.
pub(super) fn list_worst_findings<'a>(all: impl Iterator<Item = &'a AccessFinding>) -> Vec<(&'a str, String)> {
    let reported = sort_findings(all).into_iter().take(FINDINGS);
    reported.map(|(_, id, message, remedy)| (id.as_str(), format!("{message} ({remedy})"))).collect()
}

/// The changes of one subject, with the lines that differ.
pub(in crate::views) fn render_changes(
    changes: &[Change],
    principal: Option<&ResourceId>,
    realize: &Realizer,
) -> String {
    render_changes_with_lines(changes, principal, LineVisibility::Always, realize)
}

/// The changes of one subject: its principal first, then the objects in the order of the number of their dependencies.
fn render_changes_with_lines(
    changes: &[Change],
    principal: Option<&ResourceId>,
    lines: LineVisibility,
    realize: &Realizer,
) -> String {
    let mut shown: Vec<&Change> = changes.iter().filter(|change| is_shown(change, changes)).collect();
    let hangs_on = |change: &Change| {
        change.resource_after().or(change.resource_before()).map_or(0, |resource| resource.depends_on.len())
    };
    shown.sort_by_key(|change| (Some(change.id()) != principal, hangs_on(change)));
    let kind_width = shown.iter().map(|change| change.id().kind.as_str().len()).max().unwrap_or(0).max(30);
    let name_width = shown.iter().map(|change| change.id().display_name().chars().count()).max().unwrap_or(0).min(40);
    let mut out = String::new();
    for change in shown {
        let (sign, style) = match change.kind() {
            ChangeKind::Create => ('+', ADD),
            ChangeKind::Update | ChangeKind::Mark | ChangeKind::Import | ChangeKind::Release => ('~', CHANGE),
            ChangeKind::Delete => ('-', REMOVE),
        };
        let id = change.id();
        let note = match change.kind() {
            ChangeKind::Mark => describe_change(change, realize).or_else(|| Some("marks".to_owned())),
            _ => describe_change(change, realize),
        };
        let shown = id.display_name();
        let (kind, name, words) =
            (id.kind.as_str(), escape_steering(&shown), escape_steering(note.as_deref().unwrap_or_default()));
        let line = format!("{kind:<kind_width$}  {name:<name_width$}  {words}");
        out.push_str(&format!("      {} {}\n", paint_text(style, &sign.to_string()), line.trim_end()));
        let details = match change {
            _ if note.is_some() && lines == LineVisibility::WithoutNote => Vec::new(),
            Change::Update { before, after } => attributes::difference_lines(before, after),
            Change::Mark { before, after, .. } => attributes::mark_difference_lines(before.as_deref(), after),
            Change::Import { after, .. } => attributes::mark_difference_lines(None, after),
            Change::Create { .. } | Change::Delete { .. } | Change::Release { .. } => Vec::new(),
        };
        out.extend(details.iter().map(|detail| format!("          {}\n", detail.to_terminal())));
    }
    out
}

/// A short description of what a change does. `None`: the provider has none for it.
pub fn describe_change(change: &Change, realize: &Realizer) -> Option<String> {
    match change.kind() {
        ChangeKind::Import => Some("marks are added".to_owned()),
        ChangeKind::Release => Some("marks are removed".to_owned()),
        _ => realize.semantics.describe_change(change),
    }
}

/// Whether a change is shown. A write of marks that only accompanies another change is not.
pub(super) fn is_shown(change: &Change, all: &[Change]) -> bool {
    let taken_in = all.iter().any(|other| other.kind() == ChangeKind::Import);
    change.kind() != ChangeKind::Mark || !taken_in && (all.len() == 1 || counts_as_change(change))
}

fn render_waiting(plan: &Plan) -> String {
    let mut out = String::new();
    for (address, waiting) in &plan.quarantined {
        let revoked = LeaveReason::from_mark(&waiting.reason);
        let then = match (waiting.last_use, waiting.delete_after) {
            (Some(used), _) => format!("not deleted: it was used at {used}, after its quarantine began"),
            (None, Some(at)) => format!("delete after {}", format_day(at)),
            (None, None) if revoked.is_some() => {
                format!("until `leasehold restore {}`", quote_shell_word(address.as_str()))
            }
            (None, None) => "delete after its block is removed".to_owned(),
        };
        let why = revoked.map_or_else(|| waiting.reason.clone(), |revoked| revoked.to_string());
        let line = format!(". quarantined  {address}  since {} ({why}) · {then}", format_day(waiting.since));
        out.push_str(&format!("  {}\n", paint_text(FAINT, &escape_steering(&line))));
    }
    for account in plan.unreachable_accounts.keys() {
        let line = format!(". release      account {account}: its objects stay unchanged and are no longer read");
        out.push_str(&format!("  {}\n", paint_text(FAINT, &escape_steering(&line))));
    }
    for (address, holders) in &plan.kept {
        let names: Vec<&str> = holders.iter().take(FOLD_ABOVE).map(String::as_str).collect();
        let more = match holders.len().saturating_sub(names.len()) {
            0 => String::new(),
            rest => format!(" and {rest} more"),
        };
        let line = format!(
            ". kept         {address}  not declared; still attached to {}{more}, not in this stack",
            names.join(", ")
        );
        out.push_str(&format!("  {}\n", paint_text(FAINT, &escape_steering(&line))));
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

fn format_day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// The time from now until an instant, in the largest unit that fits: ` (90d)`.
fn format_remaining(now: Timestamp, until: Timestamp) -> String {
    let seconds = until.duration_since(now).as_secs();
    let Some(span) = u32::try_from(seconds).ok().and_then(Span::from_seconds) else { return String::new() };
    let rounded = if span.as_seconds() >= 2 * 86_400 { span.as_seconds() / 86_400 * 86_400 } else { span.as_seconds() };
    Span::from_seconds(rounded).map_or_else(String::new, |span| format!(" ({span})"))
}
