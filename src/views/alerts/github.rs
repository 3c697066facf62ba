//! Alerts as annotations of a GitHub workflow.

use super::{Alert, AlertLevel};
use crate::views::diagnostics::{escape_message, escape_property};

/// One line for each alert: `::error file=…,line=…,title=…::…`.
#[must_use]
pub fn render_alerts_github<'a>(alerts: impl IntoIterator<Item = &'a Alert>) -> String {
    let mut out = String::new();
    for alert in alerts {
        let level = match alert.level {
            AlertLevel::Note => "notice",
            AlertLevel::Warning => "warning",
            AlertLevel::Error => "error",
        };
        let mut properties = Vec::new();
        if let Some(place) = &alert.place {
            properties.push(format!("file={}", escape_property(&place.file)));
            properties.push(format!("line={},endLine={},col={}", place.start.0, place.end.0, place.start.1));
        }
        properties.push(format!("title={}", escape_property(&format!("{}: {}", alert.rule, alert.subject))));
        let body = format!("{}\n{}", alert.message, alert.remedy);
        out.push_str(&format!("::{level} {}::{}\n", properties.join(","), escape_message(&body)));
    }
    out
}
