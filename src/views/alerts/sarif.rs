//! Alerts as SARIF 2.1.0.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Alert, AlertLevel};
use crate::views::inert::escape_steering;
use crate::views::sarif::{artifact_location, build_log, end_sentence, escape_sarif};

/// A SARIF log with one run that contains the alerts.
#[must_use]
pub fn render_alerts_sarif<'a>(alerts: impl IntoIterator<Item = &'a Alert>) -> Value {
    let alerts: Vec<&Alert> = alerts.into_iter().collect();
    let mut worst: BTreeMap<&str, AlertLevel> = BTreeMap::new();
    for alert in &alerts {
        let level = worst.entry(&alert.rule).or_insert(alert.level);
        *level = alert.level.max(*level);
    }
    let rules: Vec<Value> = worst.iter().map(|(rule, level)| describe_rule(rule, *level)).collect();
    let indices: BTreeMap<&str, usize> = worst.keys().copied().zip(0..).collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let results: Vec<Value> = alerts
        .iter()
        .map(|alert| {
            let fingerprint = alert.compute_fingerprint();
            let times = seen.entry(fingerprint.clone()).or_insert(0);
            *times = times.saturating_add(1);
            render_result(alert, indices.get(alert.rule.as_str()).copied(), &format!("{fingerprint}:{times}"))
        })
        .collect();
    build_log(&rules, &results)
}

fn describe_rule(rule: &str, level: AlertLevel) -> Value {
    json!({
        "id": escape_steering(rule),
        "shortDescription": { "text": escape_steering(&rule.replace('-', " ")) },
        "defaultConfiguration": { "level": level.as_annotation() },
        "properties": { "tags": ["security"] },
    })
}

fn render_result(alert: &Alert, rule_index: Option<usize>, fingerprint: &str) -> Value {
    let text = format!("{}: {} {}", alert.subject, end_sentence(&alert.message), end_sentence(&alert.remedy));
    let logical = json!([{ "fullyQualifiedName": escape_steering(&alert.subject) }]);
    let location = match &alert.place {
        Some(place) => json!({
            "physicalLocation": {
                "artifactLocation": artifact_location(&place.file),
                "region": {
                    "startLine": place.start.0,
                    "startColumn": place.start.1,
                    "endLine": place.end.0,
                    "endColumn": place.end.1,
                },
            },
            "logicalLocations": logical,
        }),
        None => json!({ "logicalLocations": logical }),
    };
    json!({
        "ruleId": escape_steering(&alert.rule),
        "ruleIndex": rule_index,
        "level": alert.level.as_annotation(),
        "message": { "text": escape_sarif(&text) },
        "locations": [location],
        "partialFingerprints": { "leaseholdAlert/v1": fingerprint },
    })
}
