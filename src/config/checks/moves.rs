//! Checks `moved` and `removed` blocks against each other and against what is declared.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::Address;

use crate::config::declared::DeclaredStack;
use crate::config::estate::{MovedBlock, is_instance_address, is_module_address};
use crate::hcl::diagnostic::Diagnostic;

/// Each move must lead from an address that is no longer declared to one that is. Moves must not be ambiguous or form a cycle.
pub fn check_moves(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    let moves = &declared.estate.moves;
    let before = findings.len();
    for step in moves.iter().filter(|step| step.from == step.to) {
        findings.push(
            Diagnostic::error("config::moved", format!("{} moves to itself", step.from))
                .with_location(step.origin.part_span("to"), "the same address")
                .with_help("take the block out"),
        );
    }
    check_ambiguous_moves(moves, findings);
    check_cyclic_moves(moves, findings);
    if findings.len() > before {
        return;
    }
    for step in moves {
        if let Some(still) = declared.identities.keys().find(|address| step.move_address(address).is_some()) {
            findings.push(diagnose_still_declared(declared, step, still));
        } else if !has_declared_target(declared, step) {
            findings.push(
                Diagnostic::error(
                    "config::moved",
                    format!("{} is not declared", declared.estate.follow_moves(&step.to)),
                )
                .with_location(step.origin.part_span("to"), "nothing has this address")
                .with_detail(format!("What lives as {} would leave: no block would stand for it any more.", step.from))
                .with_help("declare it, or take the `moved` block out if the identity shall leave"),
            );
        }
    }
}

fn diagnose_still_declared(declared: &DeclaredStack, step: &MovedBlock, still: &Address) -> Diagnostic {
    let finding = Diagnostic::error("config::moved", format!("{still} has moved and is still declared"))
        .with_location(
            step.origin.part_span("from"),
            format!("says that it is {} now", step.move_address(still).unwrap_or_else(|| step.to.clone())),
        )
        .with_help("take its block out, or give it another label; or take the `moved` block out if nothing has moved");
    match declared.identities.get(still) {
        Some(identity) => finding.with_related(identity.origin.header_span(), "declared here"),
        None => finding,
    }
}

/// Whether the chain of moves that starts with `step` ends at a declared or released address.
fn has_declared_target(declared: &DeclaredStack, step: &MovedBlock) -> bool {
    let end = declared.estate.follow_moves(&step.to);
    let begins = |address: &Address| {
        let rest = address.as_str().strip_prefix(end.as_str());
        let inner = !is_instance_address(&end) || is_module_address(&end);
        rest.is_some_and(|rest| rest.is_empty() || (inner && rest.starts_with(['.', '['])))
    };
    declared.identities.keys().any(begins) || declared.estate.find_release(&end).is_some()
}

fn check_ambiguous_moves(moves: &[MovedBlock], findings: &mut Vec<Diagnostic>) {
    let (mut froms, mut tos): (BTreeMap<&Address, &MovedBlock>, BTreeMap<&Address, &MovedBlock>) = Default::default();
    for step in moves {
        if let Some(first) = froms.insert(&step.from, step).filter(|first| first.to != step.to) {
            findings.push(
                Diagnostic::error("config::moved", format!("{} moves to two addresses", step.from))
                    .with_location(step.origin.part_span("to"), format!("to {}", step.to))
                    .with_related(first.origin.part_span("to"), format!("to {}", first.to))
                    .with_help("an identity has one address: keep one of the two"),
            );
        }
        if let Some(first) = tos.insert(&step.to, step).filter(|first| first.from != step.from) {
            findings.push(
                Diagnostic::error("config::moved", format!("two addresses move to {}", step.to))
                    .with_location(step.origin.part_span("from"), format!("{} does", step.from))
                    .with_related(first.origin.part_span("from"), format!("{} does", first.from))
                    .with_help("one identity can have the address: keep one of the two"),
            );
        }
    }
}

fn check_cyclic_moves(moves: &[MovedBlock], findings: &mut Vec<Diagnostic>) {
    let next: BTreeMap<&Address, &MovedBlock> = moves.iter().map(|step| (&step.from, step)).collect();
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
                    .with_location(start.origin.part_span("from"), way.join(" → "))
                    .with_help("keep the one that happened last"),
            );
        }
    }
}

/// A released identity must not be declared.
pub fn check_released_identities(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    for release in &declared.estate.released {
        if let Some((address, identity)) =
            declared.identities.iter().find(|(address, _)| release.contains_address(address))
        {
            findings.push(
                Diagnostic::error("config::removed", format!("{address} is removed and still declared"))
                    .with_location(release.origin.part_span("from"), "says that it is no longer managed")
                    .with_related(identity.origin.header_span(), "declared here")
                    .with_help("take its block out, or take the `removed` block out"),
            );
        }
    }
}
