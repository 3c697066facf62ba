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
                .with_help("remove the block"),
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
                .with_location(step.origin.part_span("to"), "no block has this address")
                .with_detail(format!("The live identity {} would leave, because no block declares it.", step.from))
                .with_help("declare it, or remove the `moved` block if the identity should leave"),
            );
        }
    }
}

fn diagnose_still_declared(declared: &DeclaredStack, step: &MovedBlock, still: &Address) -> Diagnostic {
    let finding = Diagnostic::error("config::moved", format!("{still} is moved but still declared"))
        .with_location(
            step.origin.part_span("from"),
            format!("moved to {} here", step.move_address(still).unwrap_or_else(|| step.to.clone())),
        )
        .with_help("remove or rename its block; or remove the `moved` block if nothing was moved");
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
                Diagnostic::error("config::moved", format!("{} is moved to two addresses", step.from))
                    .with_location(step.origin.part_span("to"), format!("to {}", step.to))
                    .with_related(first.origin.part_span("to"), format!("to {}", first.to))
                    .with_help("an identity can have only one address: keep one of the two blocks"),
            );
        }
        if let Some(first) = tos.insert(&step.to, step).filter(|first| first.from != step.from) {
            findings.push(
                Diagnostic::error("config::moved", format!("two addresses are moved to {}", step.to))
                    .with_location(step.origin.part_span("from"), format!("moved from {}", step.from))
                    .with_related(first.origin.part_span("from"), format!("moved from {}", first.from))
                    .with_help("only one identity can have the address: keep one of the two blocks"),
            );
        }
    }
}

fn check_cyclic_moves(moves: &[MovedBlock], findings: &mut Vec<Diagnostic>) {
    let next: BTreeMap<&Address, &MovedBlock> = moves.iter().map(|step| (&step.from, step)).collect();
    let mut reported: BTreeSet<&Address> =
        moves.iter().filter(|step| step.from == step.to).map(|step| &step.from).collect();
    for start in moves {
        let mut way = vec![&start.from];
        let mut at = &start.to;
        while let Some(step) = next.get(at).filter(|_| !way.contains(&at)) {
            way.push(at);
            at = &step.to;
        }
        if *at == start.from && way.iter().all(|address| reported.insert(address)) {
            way.push(at);
            let way: Vec<&str> = way.into_iter().map(Address::as_str).collect();
            findings.push(
                Diagnostic::error("config::moved", "these `moved` blocks form a cycle")
                    .with_location(start.origin.part_span("from"), way.join(" → "))
                    .with_help("keep only the most recent move"),
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
                Diagnostic::error("config::removed", format!("{address} is removed but still declared"))
                    .with_location(release.origin.part_span("from"), "declared as no longer managed here")
                    .with_related(identity.origin.header_span(), "declared here")
                    .with_help("remove its block, or remove the `removed` block"),
            );
        }
    }
}
