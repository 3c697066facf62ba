//! What policies allow, by service and access level.

use std::collections::BTreeMap;

use leasehold_policy::{ActionAccessLevel, ServiceReach, embedded_catalogue};
use serde_json::{Value, json};

use crate::views::style::{REMOVE, STRONG, paint_text};

/// If a level has more actions than this, only the number of the rest is printed.
const SHOWN: usize = 6;

/// For people: the highest level, then the levels of each service, the highest first.
#[must_use]
pub fn render_explanation(services: &[ServiceReach]) -> String {
    let Some(highest) = highest_level(services) else { return "It allows no known action.\n".to_owned() };
    let mut out = format!("Highest level: {}\n", paint_level(highest));
    for service in services {
        out.push_str(&format!("\n{}  {}\n", paint_text(STRONG, service.service), service.name));
        for (level, actions) in service.levels.iter().rev() {
            let all = count_actions(service.service, *level);
            let count = if actions.len() == all { format!("all {all}") } else { format!("{} of {all}", actions.len()) };
            let shown: Vec<&str> = actions.iter().copied().take(SHOWN).collect();
            let rest = actions.len().saturating_sub(shown.len());
            let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
            let word = level.to_string();
            let padding = " ".repeat("permissions management".len().saturating_sub(word.len()));
            out.push_str(&format!("  {}{padding}  {count:<10}  {}{more}\n", paint_level(*level), shown.join(", ")));
        }
        if service.uncertain > 0 {
            out.push_str(&format!("  of these, {} possibly not allowed: could not be decided\n", service.uncertain));
        }
    }
    out
}

/// For machines, as JSON.
#[must_use]
pub fn render_explanation_json(services: &[ServiceReach]) -> Value {
    let levels = |service: &ServiceReach| -> BTreeMap<ActionAccessLevel, Value> {
        let of = |level, actions: &Vec<&str>| json!({"actions": actions, "of": count_actions(service.service, level)});
        service.levels.iter().map(|(level, actions)| (*level, of(*level, actions))).collect()
    };
    json!({
        "format_version": "1.0",
        "highest_level": highest_level(services),
        "services": services.iter().map(|service| json!({
            "service": service.service,
            "name": service.name,
            "levels": levels(service),
            "uncertain": service.uncertain,
        })).collect::<Vec<_>>(),
    })
}

fn highest_level(services: &[ServiceReach]) -> Option<ActionAccessLevel> {
    services.iter().flat_map(|service| service.levels.keys().copied()).max()
}

/// The number of actions of a service that have an access level.
fn count_actions(service: &str, level: ActionAccessLevel) -> usize {
    let actions = embedded_catalogue().find_service(service).map(|service| service.actions.values());
    actions.into_iter().flatten().filter(|action| action.level == level).count()
}

fn paint_level(level: ActionAccessLevel) -> String {
    let word = level.to_string();
    if level == ActionAccessLevel::PermissionsManagement { paint_text(REMOVE, &word) } else { word }
}
