//! Who is named across accounts: a role goes before those of other accounts that its trust names, and comes after them. A provider knows its
//! own account only.

use std::collections::BTreeSet;

use leasehold_provider::{Alias, Realize, Realm, Resource, ResourceId, Value};
use serde_json::Value as Json;

/// Adds to a principal's needs those of other accounts whom its documents name.
pub fn link_cross_account(realize: &dyn Realize, realm: &Realm, resource: &mut Resource) {
    let own = resource.id.account.as_ref();
    let others: Vec<(Option<&Alias>, &Realm)> = realm.accounts().filter(|(account, _)| *account != own).collect();
    let documents = resource.attributes.values().filter_map(|value| match value {
        Value::Document(document) => Some(document),
        _ => None,
    });
    // Few documents name another account. The rest need not be read to know.
    let documents =
        documents.filter(|document| others.iter().any(|(_, other)| document.canonical_text().contains(&other.account)));
    let mut found: BTreeSet<ResourceId> = BTreeSet::new();
    for document in documents {
        for_each_text(document.as_json_value(), &mut |text| {
            found.extend(find_in_accounts(realize, others.iter().copied(), text));
        });
    }
    resource.depends_on.extend(found);
}

/// Every text of a document.
fn for_each_text(json: &Json, found: &mut dyn FnMut(&str)) {
    match json {
        Json::String(text) => found(text),
        Json::Array(items) => items.iter().for_each(|item| for_each_text(item, found)),
        Json::Object(fields) => fields.values().for_each(|value| for_each_text(value, found)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// The object of one of these accounts that the cloud's own name means.
pub fn find_in_accounts<'a>(
    realize: &dyn Realize,
    mut accounts: impl Iterator<Item = (Option<&'a Alias>, &'a Realm)>,
    name: &str,
) -> Option<ResourceId> {
    accounts.find_map(|(account, realm)| Some(realize.find_by_cloud_name(realm, name)?.with_account(account)))
}
