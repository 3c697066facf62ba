//! Who is named across accounts: a role goes before those of other accounts that its trust names, and comes after them. A provider knows its
//! own account only.

use std::collections::BTreeSet;

use leasehold_provider::{Alias, Realize, Realm, Resource, ResourceId, Value};
use serde_json::Value as Json;

/// Adds to a principal's needs those of other accounts whom its documents name.
pub fn link(realize: &dyn Realize, realm: &Realm, resource: &mut Resource) {
    let own = resource.id.account.as_ref();
    let others: Vec<(Option<&Alias>, &Realm)> = realm.accounts().filter(|(account, _)| *account != own).collect();
    let documents = resource.attributes.values().filter_map(|value| match value {
        Value::Document(document) => Some(document),
        _ => None,
    });
    // Few documents name another account. The rest need not be read to know.
    let documents =
        documents.filter(|document| others.iter().any(|(_, other)| document.text().contains(&other.account)));
    let mut found: BTreeSet<ResourceId> = BTreeSet::new();
    for document in documents {
        texts(document.json(), &mut |text| found.extend(in_any(realize, others.iter().copied(), text)));
    }
    resource.depends_on.extend(found);
}

/// Every text of a document.
fn texts(json: &Json, found: &mut dyn FnMut(&str)) {
    match json {
        Json::String(text) => found(text),
        Json::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Json::Object(fields) => fields.values().for_each(|value| texts(value, found)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// The object of one of these accounts that the cloud's own name means.
pub fn in_any<'a>(
    realize: &dyn Realize,
    mut accounts: impl Iterator<Item = (Option<&'a Alias>, &'a Realm)>,
    name: &str,
) -> Option<ResourceId> {
    accounts.find_map(|(account, realm)| Some(realize.named(realm, name)?.within(account)))
}
