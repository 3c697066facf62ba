//! Alerts as SARIF 2.1.0.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Alert, AlertLevel};
use crate::views::inert::escape_steering;
use crate::views::sarif::{
    SarifLevel, SarifLocation, SarifName, SarifPlace, SarifProperties, SarifResult, SarifRule, SarifText, build_log,
    end_sentence, escape_sarif,
};

/// A SARIF log with one run that contains the alerts.
#[must_use]
pub fn render_alerts_sarif<'a>(alerts: impl IntoIterator<Item = &'a Alert>) -> Value {
    let alerts: Vec<&Alert> = alerts.into_iter().collect();
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
