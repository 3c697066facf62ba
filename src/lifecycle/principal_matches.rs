//! Matches declared identities with live principals.
//!
//! In: what the stack declares and a snapshot. Out: the principal of each declared identity, and the live principals without a block.
//!
//! The rules, in this order: the `name` in the block, else the name in its `import` block if that object has no marks yet; then the
//! address in the marks, after `moved` blocks were applied; then the default name. If the block has no `name`, an existing principal keeps
//! its name: IAM cannot rename a role, and a new name would create a new principal.
//!
//! Example: `identity.b` has no `name`, a `moved` block renames `identity.a` to `identity.b`, and role `a` carries the mark `identity.a`.
//! Then `identity.b` is role `a`, although its default name would be `b`.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Alias, LiveIdentity, Principal, ResourceId, Snapshot};

use crate::config::{DeclaredIdentity, DeclaredStack, Diagnostic};

/// The result of [`match_principals`].
#[derive(Debug, Default)]
pub struct PrincipalMatches<'a> {
    /// The principal of each declared identity, with its live state. `None`: it does not exist yet.
    pub of: BTreeMap<&'a Address, (ResourceId, Option<&'a LiveIdentity>)>,
    /// Live principals that match no declared identity.
    pub rest: Vec<&'a LiveIdentity>,
    /// Moves and names that cannot be applied.
    pub findings: Vec<Diagnostic>,
}

/// Finds the principal of every declared identity.
pub fn match_principals<'a>(
    declared: &'a DeclaredStack,
    snapshot: &'a Snapshot,
    principal_id: &impl Fn(Principal, &str) -> ResourceId,
) -> PrincipalMatches<'a> {
    let mut matched = PrincipalMatches::default();
    let mut taken: BTreeMap<ResourceId, &Address> = BTreeMap::new();
    let mut open: Vec<(&DeclaredIdentity, ResourceId)> = Vec::new();
    for identity in declared.identities.values() {
        let import = declared.estate.find_import(&identity.spec.address).filter(|_| !identity.name_given);
        let id = principal_id(identity.spec.principal, import.map_or(&identity.spec.name, |import| import.name()))
            .with_account(identity.spec.account.as_ref());
        let live = snapshot.identities.get(&id);
        let is_it = |live: &LiveIdentity| declared.estate.follow_moves(live.address()) == identity.spec.address;
        let imported = import.is_some() && snapshot.import_candidates.contains_key(&id);
        if identity.name_given || imported || live.is_some_and(is_it) {
            taken.insert(id.clone(), &identity.spec.address);
            matched.of.insert(&identity.spec.address, (id, live));
        } else {
            open.push((identity, id));
        }
    }
    if !open.is_empty() {
        match_by_address(declared, snapshot, &mut taken, &mut matched, &mut open);
    }
    for (identity, id) in open {
        if let Some(by) = taken.get(&id) {
            matched.findings.push(diagnose_name_in_use(identity, &id, by));
        }
        let live = snapshot.identities.get(&id);
        taken.insert(id.clone(), &identity.spec.address);
        matched.of.insert(&identity.spec.address, (id, live));
    }
    matched.rest = snapshot.identities.values().filter(|live| !taken.contains_key(&live.id)).collect();
    check_blocked_moves(declared, &mut matched);
    check_default_names_read(declared, &mut matched);
    matched
}

/// Matches identities without a `name` to the live principals whose marks have their address. Of several, an active one comes before a
/// quarantined one.
fn match_by_address<'a>(
    declared: &'a DeclaredStack,
    snapshot: &'a Snapshot,
    taken: &mut BTreeMap<ResourceId, &'a Address>,
    matched: &mut PrincipalMatches<'a>,
    open: &mut Vec<(&'a DeclaredIdentity, ResourceId)>,
) {
    let mut candidates: BTreeMap<(Address, Principal, Option<&Alias>), Vec<&LiveIdentity>> = BTreeMap::new();
    for live in snapshot.identities.values().filter(|live| !taken.contains_key(&live.id)) {
        let marked_object = (declared.estate.follow_moves(live.address()), live.principal, live.id.account.as_ref());
        candidates.entry(marked_object).or_default().push(live);
    }
    open.retain(|(identity, _)| {
        let key = (identity.spec.address.clone(), identity.spec.principal, identity.spec.account.as_ref());
        let found =
            candidates.get(&key).into_iter().flatten().min_by_key(|live| (live.marks.quarantine.is_some(), &live.id));
        if let Some(live) = found {
            taken.insert(live.id.clone(), &identity.spec.address);
            matched.of.insert(&identity.spec.address, (live.id.clone(), Some(live)));
        }
        found.is_none()
    });
}

/// Reports each move that cannot be applied: the live principal has another name, form or account than the new block declares, or a
/// principal already has the new address. Without this error, the identity would leave.
fn check_blocked_moves<'a>(declared: &'a DeclaredStack, matched: &mut PrincipalMatches<'a>) {
    for live in &matched.rest {
        let to = declared.estate.follow_moves(live.address());
        let (Some(identity), Some((id, there))) = (declared.identities.get(&to), matched.of.get(&to)) else { continue };
        if to == *live.address() || live.marks.quarantine.as_ref().is_some_and(|q| q.reason == "replaced") {
            continue;
        }
        let finding = if there.is_some() {
            Diagnostic::error("lifecycle::moved", format!("{} cannot move to {to}: both exist", live.address()))
                .with_location(identity.origin.header_span(), format!("this is {id}"))
                .with_detail(format!("{} has the marks of {}.", live.id, live.address()))
                .with_help("remove the `moved` block; the identity that is not declared then leaves")
        } else {
            let part = if live.id.account != identity.spec.account {
                "provider"
            } else if live.principal == identity.spec.principal {
                "name"
            } else {
                "principal"
            };
            Diagnostic::error("lifecycle::moved", format!("{} cannot move to {to}: that is another principal", live.address()))
                .with_location(identity.origin.part_span(part), format!("this would be {id}"))
                .with_detail(format!("The live principal is {}. A principal cannot be renamed: trust policies and credentials would still refer to the old one.", live.id))
                .with_help(match part {
                    "name" => format!("write name = \"{}\" or omit `name` to keep the name; or remove the `moved` block to replace the identity", live.name),
                    "provider" => "keep it in its account, or remove the `moved` block to replace the identity".to_owned(),
                    _ => "keep `principal` unchanged, or remove the `moved` block to replace the identity".to_owned(),
                })
        };
        matched.findings.push(finding);
    }
}

/// Reports expressions that read a default name where the existing principal has another name.
fn check_default_names_read<'a>(declared: &'a DeclaredStack, matched: &mut PrincipalMatches<'a>) {
    let read: BTreeSet<&Address> = declared.estate.default_names_read.iter().collect();
    for (address, (id, _)) in matched.of.iter().filter(|(address, _)| read.contains(*address)) {
        if let Some(identity) = declared.identities.get(*address).filter(|identity| identity.spec.name != id.name) {
            matched.findings.push(
                Diagnostic::error(
                    "lifecycle::name_read",
                    format!("{address}.name cannot be determined from the configuration"),
                )
                .with_location(
                    identity.origin.header_span(),
                    format!("has no `name`; the live name is \"{}\"", id.name),
                )
                .with_detail(format!(
                    "An expression reads {address}.name and gets the default name, \"{}\".",
                    identity.spec.name
                ))
                .with_help(format!("write name = \"{}\" in the block", id.name)),
            );
        }
    }
}

fn diagnose_name_in_use(identity: &DeclaredIdentity, id: &ResourceId, by: &Address) -> Diagnostic {
    Diagnostic::error("lifecycle::name_in_use", format!("{} has the same name as {by}", identity.spec.address))
        .with_location(identity.origin.part_span("name"), format!("this would be {id}"))
        .with_detail(format!("{by} keeps this name from before it moved."))
        .with_help("set another `name` for this identity")
}
