//! Names in the cloud that somebody else has, or that a leaver still has.

use std::collections::BTreeMap;

use leasehold_provider::{Address, Alias, ResourceId, ResourceKind, Snapshot, Stranger};

use crate::config::{Declared, Diagnostic};
use crate::lifecycle::{Phase, Standing};
use crate::realize::Resources;

/// A finding for each identity or scope that cannot be created because its name is taken in its account. Names are the same whatever their case; with
/// `one_space`, a user and a role cannot share one either.
#[must_use]
pub fn taken(
    declared: &Declared,
    standings: &[Standing<'_>],
    shared: &Resources,
    snapshot: &Snapshot,
    one_space: bool,
) -> Vec<Diagnostic> {
    let strangers: BTreeMap<Name, (&ResourceId, &Stranger)> =
        snapshot.strangers.iter().map(|(id, stranger)| (name(id, false), (id, stranger))).collect();
    let mut others: BTreeMap<Name, Vec<(&ResourceId, String)>> = BTreeMap::new();
    if one_space {
        for (id, stranger) in &snapshot.strangers {
            others.entry(name(id, true)).or_default().push((id, whose(stranger)));
        }
    }
    let mut findings = Vec::new();
    let joiners = standings
        .iter()
        .filter(|standing| standing.live.is_none() && standing.adopts.is_none())
        .filter(|standing| declared.estate.import_of(&standing.address).is_none())
        .filter_map(|standing| matches!(standing.phase, Phase::Active(_)).then_some((standing, standing.declared?)));
    let mut joiners = joiners.peekable();
    // A plan in which nobody joins has no use for the names of all that live.
    if joiners.peek().is_some() {
        for (id, live) in &snapshot.identities {
            let whose = format!("it is {}, which leaves", live.address());
            others.entry(name(id, one_space)).or_default().push((id, whose));
        }
    }
    for (standing, identity) in joiners {
        let at = |finding: Diagnostic| {
            identity.origin.explain(finding.at(identity.origin.part("name"), "this name is taken"))
        };
        if let Some((id, stranger)) = strangers.get(&name(&standing.id, false)) {
            findings.push(at(finding(&standing.address, &id.to_string(), &stranger.arn, &whose(stranger))));
        } else if let Some((id, whose)) =
            others.get(&name(&standing.id, one_space)).into_iter().flatten().find(|(id, _)| **id != standing.id)
        {
            findings.push(at(finding(&standing.address, &id.to_string(), &id.shown_name(), whose)));
        }
    }
    for resource in shared.values().filter(|resource| !snapshot.shared.contains_key(&resource.id)) {
        let Some((id, stranger)) = strangers.get(&name(&resource.id, false)) else { continue };
        let address =
            resource.marks.as_ref().map_or_else(|| Address::from_text(&resource.id.name), |m| m.address.clone());
        let finding = finding(&address, &id.to_string(), &stranger.arn, &whose(stranger));
        let scope = declared.scopes.values().find(|(scope, _)| scope.address() == address);
        findings.push(match scope {
            Some((_, origin)) => finding.at(origin.span(), "this name is taken"),
            None => match declared.groups.values().find(|group| group.group.address == address) {
                Some(group) => finding.at(group.origin.part("name"), "this name is taken"),
                None => match declared.federations.values().find(|(federation, _)| federation.address() == address) {
                    Some((_, origin)) => finding.at(origin.span(), "this name is taken").help(
                        "Take the block out: trusts may name what others manage. Or remove the live object by hand if nobody needs it.",
                    ),
                    None => finding,
                },
            },
        });
    }
    findings
}

type Name = (Option<Alias>, Option<ResourceKind>, String);

fn name(id: &ResourceId, one_space: bool) -> Name {
    (id.account.clone(), (!one_space).then(|| id.kind.clone()), id.name.to_ascii_lowercase())
}

fn whose(stranger: &Stranger) -> String {
    match (&stranger.stack, &stranger.unreadable) {
        (_, Some(why)) => format!("its marks cannot be read: {why}"),
        (Some(stack), None) => format!("it belongs to stack {stack}"),
        (None, None) => "it carries no mark of leasehold".to_owned(),
    }
}

fn finding(address: &Address, what: &str, arn: &str, whose: &str) -> Diagnostic {
    let summary = format!("{address} cannot be created: {what} exists already and is not this stack's");
    Diagnostic::error("plan::name_taken", summary)
        .detail(format!("{arn} lives in the cloud, and {whose}. Leasehold never writes what does not carry its mark."))
        .help("Give it another `name`, or remove the live object by hand if nobody needs it.")
}
