//! Drift as JSON.

use serde_json::{Value, json};

use super::Remedy;
use crate::drift::{DriftFinding, DriftReport};
use crate::views::plan::json::render_object_change;

/// The version of this format. A new key increases the second number, any other change the first.
pub const FORMAT_VERSION: &str = "1.0";

/// The report as JSON.
#[must_use]
pub fn render_drift_json(report: &DriftReport, remedy: Remedy<'_>) -> Value {
    json!({
        "format_version": FORMAT_VERSION,
        "leasehold_version": env!("CARGO_PKG_VERSION"),
        "stack": report.stack,
        "timestamp": report.now,
        "realm": report.realm,
        "in_sync": report.is_in_sync(),
        "identities": report.identities,
        "scopes": report.looked_at.len().saturating_sub(report.identities),
        "findings": report.findings.iter().map(|finding| render_finding_json(finding, remedy)).collect::<Vec<_>>(),
        "pending": report.pending,
        "quarantined": report.quarantined,
        "coverage": report.coverage.as_ref().map(|coverage| json!({
            "managed": coverage.managed,
            "other_stacks": coverage.other_stacks,
            "unmanaged": coverage.unmanaged,
            "ignored": coverage.ignored,
            "service_linked": coverage.service_linked,
            "reserved": coverage.reserved,
            "unused_patterns": coverage.unused_patterns,
            "percent": coverage.percent(),
        })),
    })
}

fn render_finding_json(finding: &DriftFinding, remedy: Remedy<'_>) -> Value {
    json!({
        "rule": finding.rule.id(),
        "grave": finding.rule.is_grave(),
        "address": finding.address,
        "object": finding.object,
        "owner": finding.owner,
        "message": finding.message,
        "remedy": remedy(finding.rule),
        "access_verdict": finding.access.as_ref().map(|access| access.verdict),
        "witness": finding.access.as_ref().and_then(|access| access.witness.as_ref()),
        "changes": finding.changes.iter().map(render_object_change).collect::<Vec<_>>(),
    })
}
