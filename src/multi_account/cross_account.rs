//! Dependencies between accounts: a role whose trust policy names principals of other accounts is created after them
//! and deleted before them. A provider knows only its own account, so it cannot find these dependencies.
//!
//! In: a principal with its documents, and the realms of all accounts. Out: additional entries in the principal's
//! `depends_on`.

use std::collections::BTreeSet;

use leasehold_provider::{Alias, CloudNames, Realm, Resource, ResourceId, Value};
use serde_json::Value as Json;

/// Adds the principals of other accounts that a principal's documents name to its dependencies.
pub fn link_cross_account(names: &dyn CloudNames, realm: &Realm, resource: &mut Resource) {
    let own = resource.id.account.as_ref();
    let others: Vec<(Option<&Alias>, &Realm)> = realm.accounts().filter(|(account, _)| *account != own).collect();
    let documents = resource.attributes.values().filter_map(|value| match value {
        Value::Document(document) => Some(document),
        _ => None,
    });
    // Few documents name another account. A search for the account id avoids parsing the rest.
    let documents =
        documents.filter(|document| others.iter().any(|(_, other)| document.canonical_text().contains(&other.account)));
    let mut found: BTreeSet<ResourceId> = BTreeSet::new();
    for document in documents {
        for_each_text(document.as_json_value(), &mut |text| {
            found.extend(find_in_accounts(names, others.iter().copied(), text));
        });
    }
    resource.depends_on.extend(found);
}

/// Calls `found` for every string of a document.
fn for_each_text(json: &Json, found: &mut dyn FnMut(&str)) {
    match json {
        Json::String(text) => found(text),
        Json::Array(items) => items.iter().for_each(|item| for_each_text(item, found)),
        Json::Object(fields) => fields.values().for_each(|value| for_each_text(value, found)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// The object of one of these accounts with this cloud name, such as an ARN. `None`: no account has one.
pub fn find_in_accounts<'a>(
    names: &dyn CloudNames,
    mut accounts: impl Iterator<Item = (Option<&'a Alias>, &'a Realm)>,
    name: &str,
) -> Option<ResourceId> {
    accounts.find_map(|(account, realm)| Some(names.find_by_cloud_name(realm, name)?.with_account(account)))
}
