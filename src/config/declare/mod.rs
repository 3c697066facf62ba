//! Blocks → [`Declared`](super::Declared): each block's attributes evaluated, brought to the model's types, and put in order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use leasehold_provider::{Address, StackName};

mod accounts;
mod credentials;
mod estate;
mod federations;
pub mod fields;
mod groups;
mod identity;
mod inner;
pub mod instant;
mod modules;
mod parts;
mod people;
mod providers;
mod stack;
mod statements;
mod template;
mod trusts;
pub mod variables;
mod waits;

use super::declared::{Backend, Declared, Providers};
use super::estate::Estate;
use super::eval::{Evaluator, ModuleId};
use super::schema;
use super::value::{BlockRef, Keyword};
use fields::{Fields, origin};
use identity::Identities;

/// What is known of a stack once all blocks are gone through. Where something is wrong, it is what could be read.
pub fn declare(eval: &Evaluator<'_>) -> Option<Declared> {
    let leasehold = eval.catalog(ModuleId::STACK).leasehold;
    let settings = leasehold.map(|block| stack::settings(&Fields::new(eval, ModuleId::STACK, block)));
    let providers = providers::providers(eval);
    let stores = credentials::stores(eval);
    let default_ttl = settings.as_ref().and_then(|settings| settings.ttl);
    let (mut owners, mut services, mut scopes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let (mut groups, mut federations) = (BTreeMap::new(), BTreeMap::new());
    let mut identities = Identities::default();
    let mut estate = Estate::default();
    let mut waiting = VecDeque::from([(ModuleId::STACK, BTreeSet::new())]);
    while let Some((module, waits_for)) = waiting.pop_front() {
        modules::arguments(eval, module);
        locals(eval, module);
        owners.extend(people::owners(eval, module));
        services.extend(people::services(eval, module));
        scopes.extend(people::scopes(eval, module));
        groups.extend(groups::groups(eval, module));
        federations.extend(federations::federations(eval, module));
        identity::identities(eval, module, default_ttl, &waits_for, &mut identities);
        estate::moves(eval, module, &mut estate);
        modules::outputs(eval, module);
        waiting.extend(modules::calls(eval, module, &waits_for));
    }
    let mut identities = identities.settled(eval);
    accounts::settle(eval, &providers, &mut identities, &mut groups, &mut federations);
    groups::enter(&groups, &mut identities);
    let estate = estate::settled(eval, estate);
    let (settings, leasehold) = (settings?, leasehold?);
    Some(Declared {
        // A name that is wrong is reported; the checks that follow do not depend on it.
        stack: settings.stack.or_else(|| StackName::new("stack").ok())?,
        backend: settings.backend,
        providers,
        stores,
        owners,
        services,
        scopes,
        groups,
        federations,
        identities,
        estate,
        files_read: eval.files_read.borrow().clone(),
        grace: settings.grace.unwrap_or_else(|| leasehold_provider::Span::from_days(7)),
        origin: schema::top("leasehold").map(|schema| origin(leasehold, schema))?,
    })
}

/// The stack's name, where its records live, and its providers, without looking at anything else.
pub fn essential(eval: &Evaluator<'_>) -> Option<(StackName, Backend, Providers)> {
    let settings = stack::settings(&Fields::new(eval, ModuleId::STACK, eval.catalog(ModuleId::STACK).leasehold?));
    let providers = Providers::of(&providers::providers(eval));
    Some((settings.stack?, settings.backend, providers))
}

/// Locals that nothing refers to are evaluated too: what is wrong with them is wrong.
fn locals(eval: &Evaluator<'_>, module: ModuleId) {
    for (name, (file, attribute)) in &eval.catalog(module).locals {
        eval.touch_local(module, name, attribute.name.place.in_file(*file));
    }
}

/// The addresses that references to identities stand for: an identity, each of its instances, or a module with all that is in
/// it.
fn addresses(fields: &Fields<'_, '_>, name: &str) -> BTreeSet<Address> {
    let mut addresses = modules::named(fields, name);
    for (block, expr) in fields.references(name, Keyword::Identity) {
        let module = fields.eval.module_at(block.module.as_ref());
        let Some(declared) = fields.eval.catalog(module).blocks(Keyword::Identity).get(&*block.label) else { continue };
        let Some(instances) = fields.eval.instances(module, declared, fields.span(expr)) else { continue };
        match (&*instances, &block.key) {
            (super::eval::instances::Instances::Keyed(keyed), None) => {
                addresses
                    .extend(keyed.keys().map(|key| BlockRef { key: Some(key.clone()), ..block.clone() }.address()));
            }
            _ => {
                addresses.insert(block.address());
            }
        }
    }
    addresses
}
