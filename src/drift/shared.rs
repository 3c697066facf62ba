//! The stack's scopes against what was last applied of them.

use std::collections::BTreeSet;

use leasehold_provider::{Address, Change, Resource, ResourceId, resource::identity_digest};

use super::{Finding, Inputs, Pending, Report, Rule, done_outside};
use crate::diff::resources;
use crate::lifecycle::Standing;

/// Looks at every scope that is declared or live. A scope in `as_applied` was there when an identity that holds it was applied.
pub fn look_at(
    inputs: &Inputs<'_>,
    as_applied: &BTreeSet<ResourceId>,
    standings: &[Standing<'_>],
    report: &mut Report,
) {
    for (id, wanted) in inputs.shared {
        let address = address(wanted);
        match inputs.snapshot.shared.get(id) {
            Some(live) => {
                report.looked_at.insert(address.clone());
                differs(inputs, &live.resource, wanted, report);
            }
            None => missing(inputs, wanted, as_applied.contains(id), report),
        }
    }
    let held: BTreeSet<&ResourceId> = standings
        .iter()
        .filter_map(|standing| standing.live)
        .flat_map(|live| live.resources.values().flat_map(|resource| &resource.depends_on))
        .collect();
    for (id, live) in inputs.snapshot.shared.iter().filter(|(id, _)| !inputs.shared.contains_key(*id)) {
        let marked = live.resource.marks.as_ref().is_some_and(|marks| marks.digest.is_some());
        if !marked {
            let message = "it lies under the stack's path and does not carry the stack's marks".to_owned();
            report.findings.push(finding(inputs, Rule::Unmarked, None, &live.resource, message));
        } else if !held.contains(id) {
            report.pending.insert(address(&live.resource), Pending::Leaves);
        }
    }
}

fn differs(inputs: &Inputs<'_>, live: &Resource, wanted: &Resource, report: &mut Report) {
    let digest = |resource: &Resource| resource.marks.as_ref().and_then(|marks| marks.digest);
    if live.attributes == wanted.attributes || resources::same_meaning(live, wanted, inputs.realize) {
        return;
    }
    let address = address(wanted);
    let configured = digest(live).is_some() && digest(live) == digest(wanted);
    if !configured {
        report.pending.insert(address.clone(), Pending::Moves);
    }
    // Marks are read where something differs; with none to read, nobody says what was applied.
    if digest(live) != Some(identity_digest([live])) {
        let message = if configured {
            "it does not say what was applied"
        } else {
            "it does not say what was last applied, and its configuration differs too"
        };
        let mut finding = finding(inputs, Rule::Changed, Some(address), live, message.to_owned());
        let update = Change::Update { before: Box::new(live.clone()), after: Box::new(wanted.clone()) };
        finding.changes = vec![done_outside(update)];
        report.findings.push(finding);
    }
}

fn missing(inputs: &Inputs<'_>, wanted: &Resource, was_there: bool, report: &mut Report) {
    let address = address(wanted);
    if let Some(stranger) = inputs.snapshot.strangers.get(&wanted.id) {
        let why = stranger.unreadable.clone().unwrap_or_else(|| "it does not carry this stack's mark".to_owned());
        let mut finding = finding(inputs, Rule::Unmarked, Some(address), wanted, format!("its name is taken: {why}"));
        finding.object = stranger.arn.clone();
        report.findings.push(finding);
        return;
    }
    match inputs.recorded {
        Some(recorded) if !was_there && !recorded.contains(&address) => {
            report.pending.insert(address, Pending::Joins);
        }
        _ => {
            let message = "it is declared and not there: removed outside, or never applied".to_owned();
            report.findings.push(finding(inputs, Rule::Missing, Some(address), wanted, message));
        }
    }
}

fn finding(inputs: &Inputs<'_>, rule: Rule, address: Option<Address>, resource: &Resource, message: String) -> Finding {
    let name = inputs.realize.name_of(&inputs.snapshot.realm, resource);
    let object = name.unwrap_or_else(|| resource.id.to_string());
    Finding { rule, address, object, owner: None, message, access: None, changes: Vec::new() }
}

fn address(resource: &Resource) -> Address {
    match &resource.marks {
        Some(marks) => marks.address.clone(),
        None => Address::from_text(resource.id.to_string()),
    }
}
