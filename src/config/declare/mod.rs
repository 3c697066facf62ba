//! Declares a stack: blocks → [`DeclaredStack`].
//!
//! In: an evaluator with the blocks of the stack and its modules. Out: the attributes of each block, evaluated and converted to the types
//! of the model. Errors become findings of the evaluator.

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
mod instant;
mod modules;
mod parts;
mod people;
pub mod places;
mod providers;
mod stack;
mod statements;
mod template;
mod trusts;
pub mod variables;
mod waits;

use super::declared::{Backend, DeclaredStack, Providers};
use super::estate::StateBlocks;
use super::naming::block_address;
use super::recorded_files::RecordedFiles;
use super::schema;
use super::schema::block_types::{IDENTITY, LEASEHOLD};
use super::stack_model::StackModel;
use crate::hcl::eval::instances::BlockInstances;
use crate::hcl::eval::{Evaluator, ModuleId};
use crate::hcl::value::{BlockRef, InstanceKey};
use fields::{BlockFields, locate_block_parts};
use identity::DeclaredIdentities;

/// Reads everything that a stack declares. If some blocks have errors, the result has what could be read. `None`: the stack has no
/// `leasehold` block.
pub fn declare_stack(eval: &Evaluator<'_>, model: &StackModel<'_>, files: &RecordedFiles<'_>) -> Option<DeclaredStack> {
    let leasehold = eval.catalog(ModuleId::ROOT).list_blocks(&LEASEHOLD).first().copied();
    let settings = leasehold.map(|block| stack::read_settings(&BlockFields::new(eval, ModuleId::ROOT, block)));
    let providers = providers::read_providers(eval);
    let stores = credentials::read_stores(eval);
    let default_ttl = settings.as_ref().and_then(|settings| settings.ttl);
    let (mut owners, mut services, mut scopes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let (mut groups, mut federations) = (BTreeMap::new(), BTreeMap::new());
    let mut identities = DeclaredIdentities::default();
    let mut estate = StateBlocks::default();
    let mut waiting = VecDeque::from([(ModuleId::ROOT, BTreeSet::new())]);
    while let Some((module, waits_for)) = waiting.pop_front() {
        modules::evaluate_arguments(eval, module);
        evaluate_locals(eval, module);
        owners.extend(people::read_owners(eval, module));
        services.extend(people::read_services(eval, module));
        scopes.extend(people::read_scopes(eval, module));
        groups.extend(groups::read_groups(eval, module));
        federations.extend(federations::read_federations(eval, module));
        identity::read_identities(eval, module, default_ttl, &waits_for, &mut identities);
        estate::read_moved_and_removed(eval, module, &mut estate);
        modules::evaluate_outputs(eval, module);
        waiting.extend(modules::read_module_calls(eval, module, &waits_for));
    }
    let mut identities = identities.into_resolved_identities(eval);
    accounts::resolve_accounts(eval, &providers, &mut identities, &mut groups, &mut federations);
    groups::add_groups_to_members(&groups, &mut identities);
    estate.imports = estate::read_imports(eval);
    // Everything is evaluated now, so the model and the files have seen every read.
    estate.default_names_read = model.list_default_names_read();
    let (settings, leasehold) = (settings?, leasehold?);
    Some(DeclaredStack {
        // A wrong stack name is already reported, and the later checks do not depend on it.
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
        files_read: files.list_read_files(),
        variables: variables::digest_variables(eval),
        grace: settings.grace.unwrap_or_else(|| leasehold_provider::Span::from_days(7)),
        origin: schema::find_block_schema("leasehold").map(|schema| locate_block_parts(leasehold, schema))?,
        backend_origin: settings.backend_origin,
    })
}

/// Reads only the stack's name, the location of its records, and its providers. `None`: the name is missing or wrong.
pub fn read_essentials(eval: &Evaluator<'_>) -> Option<(StackName, Backend, Providers)> {
    let leasehold = eval.catalog(ModuleId::ROOT).list_blocks(&LEASEHOLD).first()?;
    let settings = stack::read_settings(&BlockFields::new(eval, ModuleId::ROOT, leasehold));
    let providers = Providers::from_blocks(&providers::read_providers(eval));
    Some((settings.stack?, settings.backend, providers))
}

/// Evaluates all locals, including unused ones, so that their errors are reported.
fn evaluate_locals(eval: &Evaluator<'_>, module: ModuleId) {
    for (name, (file, attribute)) in &eval.catalog(module).locals {
        eval.check_local(module, name, attribute.name.place.to_span(*file));
    }
}

/// The addresses that references to identities mean: one identity, each of its instances, or a whole module.
fn read_addresses(fields: &BlockFields<'_, '_>, name: &str) -> BTreeSet<Address> {
    let mut addresses = modules::read_module_addresses(fields, name);
    for (block, expr) in fields.read_references(name, &IDENTITY) {
        let module = fields.eval.find_module(block.module.as_ref());
        let Some(declared) = fields.eval.catalog(module).named_blocks(&IDENTITY).get(&*block.label) else {
            continue;
        };
        let Some(instances) = fields.eval.evaluate_instances(module, declared, fields.expr_span(expr)) else {
            continue;
        };
        match (&*instances, &block.key) {
            (BlockInstances::Keyed(keyed), None) => {
                let instance = |key: &InstanceKey| BlockRef { key: Some(key.clone()), ..block.clone() };
                addresses.extend(keyed.keys().map(|key| block_address(&instance(key))));
            }
            _ => {
                addresses.insert(block_address(&block));
            }
        }
    }
    addresses
}
