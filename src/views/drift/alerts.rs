//! The alerts about drift.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::Address;

use super::Remedy;
use crate::drift::{DriftFinding, DriftReport, DriftRule};
use crate::views::alerts::{Alert, AlertCase, AlertLevel, AlertPlace};

/// One case for each identity and scope that was checked, and one for each other object with a finding.
#[must_use]
pub fn alerts_for_drift(
    report: &DriftReport,
    place: &dyn Fn(Option<&Address>) -> Option<AlertPlace>,
    remedy: Remedy<'_>,
) -> Vec<AlertCase> {
    let mut found: BTreeMap<String, Vec<Alert>> = BTreeMap::new();
    for finding in &report.findings {
        found.entry(finding.subject()).or_default().push(alert_for_finding(finding, place, remedy));
    }
    let looked_at: BTreeSet<String> = report.looked_at.iter().map(ToString::to_string).collect();
    let subjects: BTreeSet<&String> = looked_at.iter().chain(found.keys()).collect();
    let case = |subject: &String| AlertCase {
        subject: subject.clone(),
        alerts: found.get(subject).cloned().unwrap_or_default(),
    };
    subjects.into_iter().map(case).collect()
}

fn alert_for_finding(
    finding: &DriftFinding,
    place: &dyn Fn(Option<&Address>) -> Option<AlertPlace>,
    remedy: Remedy<'_>,
) -> Alert {
    let owner = finding.owner.as_ref().map_or_else(String::new, |owner| format!(" (owner {owner})"));
    let example = finding
        .access
        .iter()
        .flat_map(|access| &access.witness)
        .map(|witness| format!("; newly allowed, for example: {witness}"));
    Alert {
        rule: finding.rule.id().to_owned(),
        level: match finding.rule {
            rule if rule.is_grave() => AlertLevel::Error,
            DriftRule::Unmanaged => AlertLevel::Note,
            _ => AlertLevel::Warning,
        },
        subject: finding.subject(),
        message: format!("{}{}{owner}", finding.message, example.collect::<String>()),
        remedy: remedy(finding.rule),
        place: place(finding.address.as_ref()),
    }
}
