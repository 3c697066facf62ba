//! Checks `import` blocks against the cloud: objects that exist and that the stack should manage.
//!
//! In: the `import` blocks and a snapshot. Out: the objects they name, and a finding for each import that cannot be done.

use std::collections::BTreeMap;

use leasehold_provider::{Address, Principal, Realizer, ResourceId, Snapshot, Unmarked};

use crate::config::declared::DeclaredGroup;
use crate::config::estate::ImportTarget;
use crate::config::{DeclaredStack, Diagnostic, ImportBlock};

/// The objects that `import` blocks name, each with its future address. An observation must read them completely.
#[must_use]
pub fn list_import_candidates(declared: &DeclaredStack, realize: &Realizer) -> BTreeMap<ResourceId, Address> {
    let imports = declared.estate.imports.iter();
    imports
        .flat_map(|import| find_candidates(import, declared, realize).into_iter().map(|id| (id, import.to.clone())))
        .collect()
}

/// The ids that an import may refer to. There is more than one only if neither the import's id nor a block says whether it is a user or a
/// role, or which account it is in.
fn find_candidates(import: &ImportBlock, declared: &DeclaredStack, realize: &Realizer) -> Vec<ResourceId> {
    let identity = declared.identities.get(&import.to);
    let principal = |form| realize.ids.principal_id(form, import.name());
    let ids = match (import.parse_target(), identity) {
        (Some(ImportTarget::Group), _) => realize.groups.iter().map(|groups| groups.group_id(import.name())).collect(),
        (Some(ImportTarget::Principal(form)), _) => vec![principal(form)],
        (None, Some(identity)) => vec![principal(identity.spec.principal)],
        (None, None) => vec![principal(Principal::User), principal(Principal::Role)],
    };
    let group = declared.groups.values().find(|group| group.group.address == import.to);
    match identity.map(|identity| &identity.spec.account).or(group.map(|group| &group.group.account)) {
        Some(account) => ids.into_iter().map(|id| id.with_account(account.as_ref())).collect(),
        None => {
            declared.accounts().flat_map(|account| ids.iter().map(move |id| id.clone().with_account(account))).collect()
        }
    }
}

/// A finding for each import that cannot be done.
#[must_use]
pub fn check_imports(declared: &DeclaredStack, snapshot: &Snapshot, realize: &Realizer) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut first_of: BTreeMap<ResourceId, &ImportBlock> = BTreeMap::new();
    for import in &declared.estate.imports {
        let ids = find_candidates(import, declared, realize);
        let again = ids.iter().find_map(|id| first_of.get(id).copied()).filter(|first| first.to != import.to);
        findings.extend(again.map(|first| {
            diagnose_import(import, format!("{} is imported twice", import.id))
                .with_related(first.origin.part_span("to"), format!("as {}", first.to))
                .with_help("an object can have only one address: keep one of the two import blocks")
        }));
        first_of.extend(ids.iter().map(|id| (id.clone(), import)));
        findings.extend(check_import(import, &ids, declared, snapshot, realize));
    }
    findings
}

/// The live object that an import names.
#[derive(Debug, Clone, Copy)]
pub enum ImportedObject<'a> {
    /// A user or role.
    Principal(&'a Unmarked),
    /// A group, by its id among the shared objects of the snapshot.
    Group(&'a ResourceId),
}

/// Finds the live object that an import without a block names.
///
/// # Errors
///
/// A finding if no such object exists, if it cannot be imported, or if several objects match.
pub fn find_imported_object<'a>(
    import: &ImportBlock,
    declared: &DeclaredStack,
    snapshot: &'a Snapshot,
    realize: &Realizer,
) -> Result<ImportedObject<'a>, Box<Diagnostic>> {
    let mut ids = find_candidates(import, declared, realize);
    if let Some(account) = import.account() {
        ids.retain(|id| snapshot.realm.for_account(id.account.as_ref()).account == account);
    }
    let principals: Vec<&Unmarked> = ids.iter().filter_map(|id| snapshot.import_candidates.get(id)).collect();
    let group = ids.iter().find_map(|id| snapshot.shared.get_key_value(id)).map(|(id, _)| id);
    match (principals.as_slice(), group) {
        ([one], _) => Ok(ImportedObject::Principal(one)),
        ([], Some(group)) => Ok(ImportedObject::Group(group)),
        ([], None) => Err(Box::new(diagnose_missing_object(import, &ids, snapshot))),
        ([one, other, ..], _) if one.id.account != other.id.account => Err(Box::new(
            diagnose_import(import, format!("{} exists in two accounts: {} and {}", import.id, one.id, other.id))
                .with_help("set the ARN as the id, or declare the identity with its `provider`"),
        )),
        (_, _) => Err(Box::new(
            diagnose_import(import, format!("{} is ambiguous: both a user and a role have this name", import.id))
                .with_help(format!("write id = \"user/{0}\" or id = \"role/{0}\"", import.name())),
        )),
    }
}

fn diagnose_import(import: &ImportBlock, summary: String) -> Diagnostic {
    Diagnostic::error("lifecycle::import", summary)
        .with_location(import.origin.part_span("id"), format!("imported as {}", import.to))
}

fn check_import(
    import: &ImportBlock,
    ids: &[ResourceId],
    declared: &DeclaredStack,
    snapshot: &Snapshot,
    realize: &Realizer,
) -> Option<Diagnostic> {
    let working_directory = |id: &ResourceId| snapshot.realm.for_account(id.account.as_ref()).account.as_str();
    if let (Some(account), Some(first)) = (import.account(), ids.first())
        && ids.iter().all(|id| working_directory(id) != account)
    {
        return Some(
            diagnose_import(
                import,
                format!(
                    "{} is in account {account}, but the credentials are for {}",
                    import.id,
                    working_directory(first)
                ),
            )
            .with_help("use credentials of that account, or correct the id"),
        );
    }
    let group = declared.groups.values().find(|group| group.group.address == import.to);
    let wants = match (declared.identities.get(&import.to), group) {
        (Some(identity), _) if identity.name_given => {
            let spec = &identity.spec;
            Some(realize.ids.principal_id(spec.principal, &spec.name).with_account(spec.account.as_ref()))
        }
        (Some(_), _) => None,
        (None, Some(DeclaredGroup { group, .. })) => {
            let groups = realize.groups.as_ref();
            groups.map(|groups| groups.group_id(&group.name).with_account(group.account.as_ref()))
        }
        (None, None) => {
            return Some(
                Diagnostic::error("lifecycle::import", format!("{} is not declared", import.to))
                    .with_location(import.origin.part_span("to"), "no block has this address")
                    .with_help("add the block, or generate it: `leasehold plan --generate DIR/imported.hcl`"),
            );
        }
    };
    if let Some(wants) = wants.filter(|wants| !ids.contains(wants)) {
        return Some(
            diagnose_import(
                import,
                format!("{} is declared as {wants}, but the import block has the id {}", import.to, import.id),
            )
            .with_help(format!("write name = \"{}\" in its block, or correct the id", import.name())),
        );
    }
    let there = |id: &&ResourceId| {
        let shared = snapshot.shared.contains_key(*id);
        shared || snapshot.identities.contains_key(*id) || snapshot.import_candidates.contains_key(*id)
    };
    if ids.iter().find(there).is_some() {
        return None;
    }
    Some(diagnose_missing_object(import, ids, snapshot))
}

fn diagnose_missing_object(import: &ImportBlock, ids: &[ResourceId], snapshot: &Snapshot) -> Diagnostic {
    let unmanaged_object = ids.iter().find_map(|id| snapshot.unmanaged_objects.get(id));
    let (summary, help) =
        match unmanaged_object.map(|unmanaged_object| (&unmanaged_object.stack, &unmanaged_object.unreadable)) {
            Some((_, Some(why))) => (
                format!("{} cannot be imported: {why}", import.id),
                "remove this import block: objects owned by AWS, or with invalid marks, cannot be imported",
            ),
            Some((Some(stack), None)) => (
                format!("{} belongs to stack {stack}", import.id),
                "release it from that stack first: removed { from = …  keep = true }",
            ),
            Some((None, None)) | None => {
                (format!("{} does not exist", import.id), "correct the id: an ARN, user/NAME, role/NAME or group/NAME")
            }
        };
    diagnose_import(import, summary).with_help(help)
}
