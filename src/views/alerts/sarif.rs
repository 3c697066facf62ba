//! Alerts as SARIF 2.1.0.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Alert, Level};
use crate::views::inert::inert;
use crate::views::sarif::{artifact, escaped, log, sentence};

/// The alerts of one run.
#[must_use]
pub fn sarif<'a>(alerts: impl IntoIterator<Item = &'a Alert>) -> Value {
    let alerts: Vec<&Alert> = alerts.into_iter().collect();
    let mut worst: BTreeMap<&str, Level> = BTreeMap::new();
    for alert in &alerts {
        let level = worst.entry(&alert.rule).or_insert(alert.level);
        *level = alert.level.max(*level);
    }
    let rules: Vec<Value> = worst.iter().map(|(rule, level)| described(rule, *level)).collect();
    let indices: BTreeMap<&str, usize> = worst.keys().copied().zip(0..).collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let results: Vec<Value> = alerts
        .iter()
        .map(|alert| {
            let fingerprint = alert.fingerprint();
            let times = seen.entry(fingerprint.clone()).or_insert(0);
            *times = times.saturating_add(1);
            result(alert, indices.get(alert.rule.as_str()).copied(), &format!("{fingerprint}:{times}"))
        })
        .collect();
    log(&rules, &results)
}

fn described(rule: &str, level: Level) -> Value {
    json!({
        "id": inert(rule),
        "shortDescription": { "text": inert(&rule.replace('-', " ")) },
        "defaultConfiguration": { "level": level.word() },
        "properties": { "tags": ["security"] },
    })
}

fn result(alert: &Alert, rule_index: Option<usize>, fingerprint: &str) -> Value {
    let text = format!("{}: {} {}", alert.subject, sentence(&alert.message), sentence(&alert.remedy));
    let logical = json!([{ "fullyQualifiedName": inert(&alert.subject) }]);
    let location = match &alert.place {
        Some(place) => json!({
            "physicalLocation": {
                "artifactLocation": artifact(&place.file),
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
        "ruleId": inert(&alert.rule),
        "ruleIndex": rule_index,
        "level": alert.level.word(),
        "message": { "text": escaped(&text) },
        "locations": [location],
        "partialFingerprints": { "leaseholdAlert/v1": fingerprint },
    })
}
