//! Who is trusted across accounts: a role goes before those it trusts there, and comes after them. A provider knows its own account only.

use std::collections::BTreeSet;

use leasehold_provider::{Alias, Realize, Realm, Resource, ResourceId, Trust, Value};

/// Adds to a principal's needs those of other accounts whom its trust names.
pub fn link(realize: &dyn Realize, realm: &Realm, resource: &mut Resource) {
    let own = resource.id.account.as_ref();
    let others: Vec<(Option<&Alias>, &Realm)> = realm.accounts().filter(|(account, _)| *account != own).collect();
    let documents = || {
        resource.attributes.values().filter_map(|value| match value {
            Value::Document(document) => Some(document.text()),
            _ => None,
        })
    };
    // Few documents name another account. The rest need not be read to know.
    if !documents().any(|text| others.iter().any(|(_, other)| text.contains(other.account.as_str()))) {
        return;
    }
    let (trusts, _) = realize.trusts(realm.at(own), resource);
    let named = trusts.iter().flat_map(|trust| match trust {
        Trust::Aws { principals, .. } => principals.as_slice(),
        _ => &[],
    });
    let found: BTreeSet<ResourceId> = named.filter_map(|name| in_any(realize, others.iter().copied(), name)).collect();
    resource.depends_on.extend(found);
}

/// The object of one of these accounts that the cloud's own name means.
pub fn in_any<'a>(
    realize: &dyn Realize,
    accounts: impl Iterator<Item = (Option<&'a Alias>, &'a Realm)>,
    name: &str,
) -> Option<ResourceId> {
    let mut found = accounts.filter_map(|(account, realm)| Some(realize.named(realm, name)?.within(account)));
    found.next()
}
