//! The identities that can perform an action.

use leasehold_provider::{ContributingStatement, Permission};
use serde_json::{Value, json};

use crate::views::inert::escape_steering;
use crate::views::style::{CHANGE, STRONG, paint_text};
use crate::who_can::AllowedIdentity;

/// The version of the JSON. A new key increases the second number, any other change the first.
pub const FORMAT_VERSION: &str = "1.0";

/// For people: each identity, the end of its lease, and what allows the action.
#[must_use]
pub fn render_holders(holders: &[AllowedIdentity]) -> String {
    if holders.is_empty() {
        return "No identity in this stack has this access.\n".to_owned();
    }
    holders.iter().map(render_allowed_identity).collect::<Vec<_>>().join("\n")
}

fn render_allowed_identity(holder: &AllowedIdentity) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(holder.kind.map(|kind| kind.to_string()));
    parts.extend(holder.owner.as_ref().map(|owner| format!("owner {owner}")));
    parts.extend(holder.service.as_ref().map(|service| format!("service {service}")));
    parts.push(match holder.until {
        Some(until) => format!("expires {until}"),
        None => "no lease".to_owned(),
    });
    let mut out = format!(
        "{}  {}\n",
        paint_text(STRONG, &escape_steering(holder.address.as_str())),
        escape_steering(&parts.join(" · "))
    );
    for through in &holder.answer.through {
        out.push_str(&format!("  through {}\n", escape_steering(&describe_statement(holder, through))));
        out.extend(through.conditions.iter().map(|condition| render_condition_line("only if", condition)));
    }
    for unless in &holder.answer.unless {
        out.push_str(&format!("  denied by {}\n", escape_steering(&describe_statement(holder, unless))));
        out.extend(unless.conditions.iter().map(|condition| render_condition_line("if", condition)));
    }
    out.extend(holder.boundaries.iter().map(|name| {
        format!(
            "  {}\n",
            escape_steering(&format!("only if its permissions boundary {name} allows it (content not read)"))
        )
    }));
    let lead = if holder.answer.permission == Permission::Unknown { "only if" } else { "possibly also through" };
    out.extend(holder.answer.unread.iter().map(|name| {
        let tail = if lead == "only if" { " allows it (content not read)" } else { " (content not read)" };
        format!("  {}\n", escape_steering(&format!("{lead} {name}{tail}")))
    }));
    out
}

fn render_condition_line(lead: &str, condition: &str) -> String {
    format!("    {} {}\n", paint_text(CHANGE, lead), escape_steering(condition))
}

fn describe_statement(holder: &AllowedIdentity, deciding: &ContributingStatement) -> String {
    let source = holder.sources.get(deciding.policy).map_or_else(String::new, ToString::to_string);
    let sid = deciding.sid.as_ref().map_or_else(String::new, |sid| format!(" ({sid})"));
    format!("{source}  Statement[{}]{sid}", deciding.statement)
}

/// For machines: the part of the JSON answer about identities.
#[must_use]
pub fn render_holders_json(holders: &[AllowedIdentity]) -> Value {
    holders
        .iter()
        .map(|holder| {
            let statements =
                |all: &[ContributingStatement]| all.iter().map(|one| render_deciding(holder, one)).collect::<Vec<_>>();
            json!({
                "address": holder.address,
                "name": holder.name,
                "kind": holder.kind,
                "owner": holder.owner,
                "service": holder.service,
                "until": holder.until,
                "permission": holder.answer.permission,
                "through": statements(&holder.answer.through),
                "unless": statements(&holder.answer.unless),
                "boundaries": holder.boundaries,
                "unread": holder.answer.unread,
            })
        })
        .collect()
}

fn render_deciding(holder: &AllowedIdentity, deciding: &ContributingStatement) -> Value {
    let source = holder.sources.get(deciding.policy);
    json!({
        "type": source.map(|id| &id.kind),
        "name": source.map(leasehold_provider::ResourceId::display_name),
        "statement": deciding.statement,
        "sid": deciding.sid,
        "conditions": deciding.conditions,
    })
}
