//! The alerts about a plan.

use leasehold_provider::{AccessVerdict, Address, Severity};

use super::{Alert, AlertCase, AlertLevel, AlertPlace};
use crate::diff::{IdentityDelta, Lifecycle};
use crate::plan::Plan;
use crate::rules::{Ruling, RulingDecision};
use crate::views::plan::settings::describe_all_setting_changes;

/// One case for each identity that the plan changes, and one for the whole plan if rules refuse it as a whole, or if a setting changes that
/// says where records, secrets or accounts are.
#[must_use]
pub fn alerts_for_plan(
    plan: &Plan,
    rulings: &[Ruling],
    place: &dyn Fn(Option<&Address>) -> Option<AlertPlace>,
) -> Vec<AlertCase> {
    let refusals = rulings.iter().filter(|r| r.subject.is_none()).map(|r| alert_for_refusal(r, place));
    let settings = describe_all_setting_changes(plan).map(|text| alert_for_settings(&text, place(None)));
    let whole: Vec<Alert> = refusals.chain(settings).collect();
    let mut cases = Vec::new();
    if !whole.is_empty() {
        cases.push(AlertCase { subject: format!("stack {}", plan.stack), alerts: whole });
    }
    for delta in &plan.identities {
        let of_this = rulings.iter().filter(|ruling| ruling.subject.as_ref() == Some(&delta.address));
        let mut alerts: Vec<Alert> = of_this.map(|ruling| alert_for_refusal(ruling, place)).collect();
        let at = place(Some(&delta.address));
        alerts.extend(
            alert_for_event(delta)
                .into_iter()
                .chain(alert_for_verdict(delta))
                .chain(alerts_for_findings(delta))
                .map(|alert| Alert { subject: delta.address.to_string(), place: at.clone(), ..alert }),
        );
        cases.push(AlertCase { subject: delta.address.to_string(), alerts });
    }
    cases
}

fn new_alert(rule: &str, level: AlertLevel, message: String, remedy: &str) -> Alert {
    Alert { rule: rule.to_owned(), level, subject: String::new(), message, remedy: remedy.to_owned(), place: None }
}

fn alert_for_refusal(ruling: &Ruling, place: &dyn Fn(Option<&Address>) -> Option<AlertPlace>) -> Alert {
    let word = match ruling.decision {
        RulingDecision::RequireApproval => "requires approval",
        RulingDecision::Deny | RulingDecision::Allow => "refused",
    };
    Alert {
        subject: ruling.subject.as_ref().map_or_else(|| "the plan".to_owned(), ToString::to_string),
        place: place(ruling.subject.as_ref()),
        ..new_alert(
            "plan-refused",
            AlertLevel::Error,
            format!("{word} by rule {}: {}", ruling.rule, ruling.why),
            &ruling.help,
        )
    }
}

fn alert_for_settings(changes: &str, place: Option<AlertPlace>) -> Alert {
    let remedy = "Approve it only if the records, secrets or accounts of the stack should move.";
    let alert = new_alert("setting-changed", AlertLevel::Error, format!("settings: {changes}"), remedy);
    Alert { subject: "the stack".to_owned(), place, ..alert }
}

fn alert_for_event(delta: &IdentityDelta) -> Option<Alert> {
    let why: Vec<String> = delta.reasons.iter().map(ToString::to_string).collect();
    let why = why.join("; ");
    match delta.lifecycle {
        Lifecycle::Leaver => Some(new_alert(
            "leaver",
            AlertLevel::Note,
            format!("leaves: {why}"),
            "No action needed if the identity should leave.",
        )),
        Lifecycle::Released => {
            let remedy = "Make sure that the identity is managed elsewhere: Leasehold no longer enforces its lease.";
            Some(new_alert("let-go", AlertLevel::Warning, format!("released: {why}"), remedy))
        }
        Lifecycle::Drift => {
            Some(new_alert("drift", AlertLevel::Warning, why, "Run `leasehold apply` to restore the declared state."))
        }
        Lifecycle::Mover if delta.drifted => {
            let remedy = "Check whether the change is needed: `leasehold apply` reverts it.";
            Some(new_alert("drift", AlertLevel::Warning, "was also changed outside Leasehold".to_owned(), remedy))
        }
        Lifecycle::Joiner | Lifecycle::Mover => None,
    }
}

fn alert_for_verdict(delta: &IdentityDelta) -> Option<Alert> {
    let access = delta.access.as_ref()?;
    let example = access.witness.iter().map(|witness| format!(", for example {witness}"));
    let example = example.chain(access.reason.iter().map(|reason| format!(" ({reason})"))).collect::<String>();
    let remedy = "Approve it only if the change is intended.";
    match access.verdict {
        AccessVerdict::Expands => {
            Some(new_alert("access-expands", AlertLevel::Warning, format!("access expands{example}"), remedy))
        }
        AccessVerdict::Incomparable => Some(new_alert(
            "access-expands",
            AlertLevel::Warning,
            format!("access both expands and narrows{example}"),
            remedy,
        )),
        AccessVerdict::Unknown => {
            Some(new_alert("access-unknown", AlertLevel::Warning, format!("access may expand{example}"), remedy))
        }
        AccessVerdict::Equivalent | AccessVerdict::Narrows => None,
    }
}

fn alerts_for_findings(delta: &IdentityDelta) -> Vec<Alert> {
    let found = delta.assessment.iter().flat_map(|assessment| &assessment.findings);
    found
        .map(|finding| {
            let level = match finding.severity {
                Severity::Low => AlertLevel::Note,
                Severity::Medium => AlertLevel::Warning,
                Severity::High | Severity::Critical => AlertLevel::Error,
            };
            new_alert(&finding.id, level, finding.message.clone(), &finding.remedy)
        })
        .collect()
}
