//! Alerts as annotations of a GitHub workflow.

use super::{Alert, AlertLevel, select_worst_alerts};
use crate::views::diagnostics::{escape_message, escape_property};

/// The most annotations. GitHub shows 10 of each level for a step, and 50 for a job:
/// <https://docs.github.com/rest/checks/runs>.
const MOST: usize = 50;

/// One line for each alert: `::error file=…,line=…,title=…::…`. The most severe come first. If there are too many, the first line says how
/// many are left out.
#[must_use]
pub fn render_alerts_github<'a>(alerts: impl IntoIterator<Item = &'a Alert>) -> String {
    let (alerts, omitted) = select_worst_alerts(alerts, MOST);
    let mut out = String::new();
    if let Some(words) = omitted {
        out.push_str(&format!("::error title=More alerts than are shown::{}\n", escape_message(&words)));
    }
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
