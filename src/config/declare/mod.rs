//! Blocks → [`Declared`](super::Declared): each block's attributes evaluated, brought to the model's types, and put in order.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, StackName};

mod estate;
pub mod fields;
mod groups;
mod identity;
mod inner;
pub mod instant;
mod people;
mod stack;
mod statements;
mod trusts;
pub mod types;
pub mod variables;

use super::declared::{Declared, Service};
use super::eval::Evaluator;
use super::schema;
use super::value::Keyword;
use fields::{Fields, origin};

/// What is known of a stack once all blocks are gone through. Where something is wrong, it is what could be read.
pub fn declare(eval: &Evaluator<'_>) -> Option<Declared> {
    locals(eval);
    let settings = eval.catalog.leasehold.map(|block| stack::settings(&Fields::new(eval, block)));
    let providers = stack::providers(eval);
    let owners = people::owners(eval);
    let services: BTreeMap<String, Service> = people::services(eval);
    let scopes = people::scopes(eval);
    let default_ttl = settings.as_ref().and_then(|settings| settings.ttl);
    let mut identities = identity::identities(eval, default_ttl);
    let groups = groups::groups(eval);
    groups::enter(&groups, &mut identities);
    let estate = estate::estate(eval);
    let settings = settings?;
    let leasehold = eval.catalog.leasehold?;
    Some(Declared {
        // A name that is wrong is reported; the checks that follow do not depend on it.
        stack: settings.stack.or_else(|| StackName::new("stack").ok())?,
        backend: settings.backend,
        providers,
        owners,
        services,
        scopes,
        groups,
        identities,
        estate,
        files_read: eval.files_read.borrow().clone(),
        grace: settings.grace.unwrap_or_else(|| leasehold_provider::Span::from_days(7)),
        origin: schema::top("leasehold").map(|schema| origin(leasehold, schema))?,
    })
}

/// Locals that nothing refers to are evaluated too: what is wrong with them is wrong.
fn locals(eval: &Evaluator<'_>) {
    for (name, (file, attribute)) in &eval.catalog.locals {
        eval.touch_local(name, attribute.name.place.in_file(*file));
    }
}

/// The addresses that a reference to an identity stands for: itself, or each of its instances.
fn addresses(fields: &Fields<'_, '_>, name: &str) -> BTreeSet<Address> {
    let mut addresses = BTreeSet::new();
    for (block, expr) in fields.references(name, Keyword::Identity) {
        let Some(declared) = fields.eval.catalog.blocks(Keyword::Identity).get(&*block.label) else { continue };
        let Some(instances) = fields.eval.instances(declared, fields.span(expr)) else { continue };
        match (&*instances, &block.key) {
            (super::eval::instances::Instances::Keyed(keyed), None) => {
                addresses.extend(keyed.keys().map(|key| Address::identity(&block.label, Some(key))));
            }
            (_, key) => {
                addresses.insert(Address::identity(&block.label, key.as_deref()));
            }
        }
    }
    addresses
}
