//! `moved` and `removed` blocks against each other and against what is declared.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::Address;

use crate::config::declared::Declared;
use crate::config::diagnostic::Diagnostic;
use crate::config::estate::{Move, is_instance, is_module};

/// A move has one way to go: from what is no longer declared to what is.
pub fn moves_lead_somewhere(declared: &Declared, findings: &mut Vec<Diagnostic>) {
    let moves = &declared.estate.moves;
    let before = findings.len();
    for step in moves.iter().filter(|step| step.from == step.to) {
        findings.push(
            Diagnostic::error("config::moved", format!("{} moves to itself", step.from))
                .at(step.origin.part("to"), "the same address")
                .help("take the block out"),
        );
    }
    ambiguous(moves, findings);
    circles(moves, findings);
    if findings.len() > before {
        return;
    }
    for step in moves {
        if let Some(still) = declared.identities.keys().find(|address| step.of(address).is_some()) {
            findings.push(still_declared(declared, step, still));
        } else if !arrives(declared, step) {
            findings.push(
                Diagnostic::error("config::moved", format!("{} is not declared", declared.estate.moved(&step.to)))
                    .at(step.origin.part("to"), "nothing has this address")
                    .detail(format!("What lives as {} would leave: no block would stand for it any more.", step.from))
                    .help("declare it, or take the `moved` block out if the identity shall leave"),
            );
        }
    }
}

fn still_declared(declared: &Declared, step: &Move, still: &Address) -> Diagnostic {
    let finding = Diagnostic::error("config::moved", format!("{still} has moved and is still declared"))
        .at(
            step.origin.part("from"),
            format!("says that it is {} now", step.of(still).unwrap_or_else(|| step.to.clone())),
        )
        .help("take its block out, or give it another label; or take the `moved` block out if nothing has moved");
    match declared.identities.get(still) {
        Some(identity) => finding.related(identity.origin.span(), "declared here"),
        None => finding,
    }
}

/// Whether the way that begins with a move ends at something that is declared.
fn arrives(declared: &Declared, step: &Move) -> bool {
    let end = declared.estate.moved(&step.to);
    let begins = |address: &Address| {
        let rest = address.as_str().strip_prefix(end.as_str());
        let inner = !is_instance(&end) || is_module(&end);
        rest.is_some_and(|rest| rest.is_empty() || (inner && rest.starts_with(['.', '['])))
    };
    declared.identities.keys().any(begins) || declared.estate.release_of(&end).is_some()
}

fn ambiguous(moves: &[Move], findings: &mut Vec<Diagnostic>) {
    let (mut froms, mut tos): (BTreeMap<&Address, &Move>, BTreeMap<&Address, &Move>) = Default::default();
    for step in moves {
        if let Some(first) = froms.insert(&step.from, step).filter(|first| first.to != step.to) {
            findings.push(
                Diagnostic::error("config::moved", format!("{} moves to two addresses", step.from))
                    .at(step.origin.part("to"), format!("to {}", step.to))
                    .related(first.origin.part("to"), format!("to {}", first.to))
                    .help("an identity has one address: keep one of the two"),
            );
        }
        if let Some(first) = tos.insert(&step.to, step).filter(|first| first.from != step.from) {
            findings.push(
                Diagnostic::error("config::moved", format!("two addresses move to {}", step.to))
                    .at(step.origin.part("from"), format!("{} does", step.from))
                    .related(first.origin.part("from"), format!("{} does", first.from))
                    .help("one identity can have the address: keep one of the two"),
            );
        }
    }
}

fn circles(moves: &[Move], findings: &mut Vec<Diagnostic>) {
    let next: BTreeMap<&Address, &Move> = moves.iter().map(|step| (&step.from, step)).collect();
    let mut told: BTreeSet<&Address> =
        moves.iter().filter(|step| step.from == step.to).map(|step| &step.from).collect();
    for start in moves {
        let mut way = vec![&start.from];
        let mut at = &start.to;
        while let Some(step) = next.get(at).filter(|_| !way.contains(&at)) {
            way.push(at);
            at = &step.to;
        }
        if *at == start.from && way.iter().all(|address| told.insert(address)) {
            way.push(at);
            let way: Vec<&str> = way.into_iter().map(Address::as_str).collect();
            findings.push(
                Diagnostic::error("config::moved", "these moves go in a circle")
                    .at(start.origin.part("from"), way.join(" → "))
                    .help("keep the one that happened last"),
            );
        }
    }
}

/// What is let go of is no longer declared.
pub fn released_are_not_declared(declared: &Declared, findings: &mut Vec<Diagnostic>) {
    for release in &declared.estate.released {
        if let Some((address, identity)) = declared.identities.iter().find(|(address, _)| release.covers(address)) {
            findings.push(
                Diagnostic::error("config::removed", format!("{address} is removed and still declared"))
                    .at(release.origin.part("from"), "says that it is no longer managed")
                    .related(identity.origin.span(), "declared here")
                    .help("take its block out, or take the `removed` block out"),
            );
        }
    }
}
