//! Alerts as annotations of a GitHub workflow.

use super::{Alert, Level};
use crate::views::diagnostics::{message, property};

/// A line for each alert: `::error file=…,line=…,title=…::…`.
#[must_use]
pub fn github<'a>(alerts: impl IntoIterator<Item = &'a Alert>) -> String {
    let mut out = String::new();
    for alert in alerts {
        let level = match alert.level {
            Level::Note => "notice",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let mut properties = Vec::new();
        if let Some(place) = &alert.place {
            properties.push(format!("file={}", property(&place.file)));
            properties.push(format!("line={},endLine={},col={}", place.start.0, place.end.0, place.start.1));
        }
        properties.push(format!("title={}", property(&format!("{}: {}", alert.rule, alert.subject))));
        let body = format!("{}\n{}", alert.message, alert.remedy);
        out.push_str(&format!("::{level} {}::{}\n", properties.join(","), message(&body)));
    }
    out
}
