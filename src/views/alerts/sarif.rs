//! Alerts as SARIF 2.1.0.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Alert, AlertLevel, select_worst_alerts};
use crate::views::inert::escape_steering;
use crate::views::sarif::{
    SarifLevel, SarifLocation, SarifName, SarifPlace, SarifProperties, SarifResult, SarifRule, SarifText, build_log,
    end_sentence, escape_sarif,
};

/// The most results. Code scanning at GitHub shows 5,000 of a run: <https://docs.github.com/code-security>, SARIF support.
const MOST: usize = 5_000;

/// A SARIF log with one run that contains the alerts, the most severe first. If there are too many, the first result says how many are left
/// out.
#[must_use]
pub fn render_alerts_sarif<'a>(alerts: impl IntoIterator<Item = &'a Alert>) -> Value {
    let (mut alerts, omitted) = select_worst_alerts(alerts, MOST);
    let omitted = omitted.map(|words| Alert {
        rule: "more-alerts".to_owned(),
        level: AlertLevel::Error,
        subject: "all alerts".to_owned(),
        message: words,
        remedy: "Read the plan or the report itself.".to_owned(),
        place: None,
    });
    alerts.splice(0..0, &omitted);
    let mut worst: BTreeMap<&str, AlertLevel> = BTreeMap::new();
    for alert in &alerts {
        let level = worst.entry(&alert.rule).or_insert(alert.level);
        *level = alert.level.max(*level);
    }
    let rules: Vec<SarifRule> = worst.iter().map(|(rule, level)| describe_rule(rule, *level)).collect();
    let results: Vec<SarifResult> = alerts.iter().map(|alert| describe_alert(alert)).collect();
    build_log(&rules, &results)
}

fn describe_rule(rule: &str, level: AlertLevel) -> SarifRule {
    SarifRule {
        id: escape_steering(rule).into_owned(),
        short_description: SarifText { text: escape_steering(&rule.replace('-', " ")).into_owned() },
        help: None,
        default_configuration: Some(SarifLevel { level: level.as_annotation() }),
        properties: Some(SarifProperties { tags: vec!["security"], security_severity: None }),
    }
}

fn describe_alert(alert: &Alert) -> SarifResult {
    let text = format!("{}: {} {}", alert.subject, end_sentence(&alert.message), end_sentence(&alert.remedy));
    let place = alert.place.as_ref().map(|place| SarifPlace::new(&place.file, place.start, place.end));
    SarifResult {
        rule: escape_steering(&alert.rule).into_owned(),
        level: alert.level.as_annotation(),
        text: escape_sarif(&text),
        locations: vec![SarifLocation {
            physical_location: place,
            logical_locations: vec![SarifName { fully_qualified_name: escape_steering(&alert.subject).into_owned() }],
            message: None,
        }],
        related: Vec::new(),
        fingerprint: ("leaseholdAlert/v1", alert.compute_fingerprint()),
    }
}
