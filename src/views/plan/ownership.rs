//! What a plan says about the ownership of live objects: marks that somebody else edited, objects that are taken over, and a record that
//! could not be read.
//!
//! In: a plan. Out: text for people, markdown, or JSON.

use leasehold_provider::Address;
use serde_json::{Value as Json, json};

use crate::ownership::{OwnershipFinding, OwnershipFindingKind};
use crate::plan::Plan;
use crate::views::inert::escape_steering;
use crate::views::markdown::format_code;
use crate::views::style::{CHANGE, FAINT, paint_text};

/// The number of findings, and of addresses, that a text lists.
const LISTED: usize = 20;

/// For people. Empty: there is nothing to say.
pub fn render_ownership_text(plan: &Plan) -> String {
    let mut out = String::new();
    if let Some(why) = &plan.not_verified {
        let line = format!(
            "Ownership not verified: {why}. This plan shows what carries the marks of the stack, and cannot be applied."
        );
        out.push_str(&format!("  {}\n", paint_text(CHANGE, &escape_steering(&line))));
    }
    for finding in plan.ownership.iter().take(LISTED) {
        let line = format!("! {}  {}: {}", finding.kind, name_object(finding), finding.message);
        out.push_str(&format!("  {}\n", paint_text(CHANGE, &escape_steering(&line))));
    }
    if let Some(line) = describe_rest(plan.ownership.len()) {
        out.push_str(&format!("  {}\n", paint_text(CHANGE, &line)));
    }
    if let Some(line) = describe_takeover(plan) {
        out.push_str(&format!("  {}\n", paint_text(FAINT, &escape_steering(&line))));
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// For a comment. Empty: there is nothing to say.
pub fn render_ownership_markdown(plan: &Plan) -> String {
    let mut out = String::new();
    if let Some(why) = &plan.not_verified {
        out.push_str(&format!("**Ownership not verified**: {} This plan cannot be applied.\n\n", format_code(why)));
    }
    if !plan.ownership.is_empty() {
        out.push_str("**Marks were edited outside Leasehold:**\n\n");
        for finding in plan.ownership.iter().take(LISTED) {
            let object = format_code(&name_object(finding));
            out.push_str(&format!("- {}: {object}: {}\n", finding.kind, format_code(&finding.message)));
        }
        let rest = describe_rest(plan.ownership.len());
        out.push_str(&rest.map_or_else(|| "\n".to_owned(), |rest| format!("- {rest}\n\n")));
    }
    if let Some(line) = describe_takeover(plan) {
        out.push_str(&format!("{}\n\n", format_code(&line)));
    }
    out
}

/// For machines.
pub fn render_ownership_json(plan: &Plan) -> Json {
    json!({
        "verified": plan.not_verified.is_none(),
        "not_verified": plan.not_verified,
        "findings": plan.ownership,
        "taken_over": plan.taken_over,
    })
}

/// The object, and its address unless the message has it.
fn name_object(finding: &OwnershipFinding) -> String {
    match finding.kind {
        OwnershipFindingKind::Replaced | OwnershipFindingKind::UnownedMark => finding.object.clone(),
        OwnershipFindingKind::MarkChanged | OwnershipFindingKind::MarkRemoved => match &finding.address {
            Some(address) => format!("{address} ({})", finding.object),
            None => finding.object.clone(),
        },
    }
}

fn describe_rest(count: usize) -> Option<String> {
    count.checked_sub(LISTED).filter(|rest| *rest > 0).map(|rest| format!("and {rest} more findings"))
}

fn describe_takeover(plan: &Plan) -> Option<String> {
    let count = plan.taken_over.len();
    if count == 0 {
        return None;
    }
    let names: Vec<&str> = plan.taken_over.iter().take(LISTED).map(Address::as_str).collect();
    let more = count.saturating_sub(names.len());
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    Some(format!(
        "An earlier version of Leasehold created these objects. Applying this plan records that the stack owns them, by their unique ids: {}{more}",
        names.join(", ")
    ))
}
