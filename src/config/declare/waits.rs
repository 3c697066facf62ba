//! `depends_on` of identities: whom each of them waits for.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::Address;

use super::fields::BlockFields;
use super::read_addresses;
use crate::config::declared::DeclaredIdentity;
use crate::config::diagnostic::Diagnostic;
use crate::config::eval::{Evaluator, ModuleId};
use crate::config::source::FileSpan;

/// Waits of identities for identities, in one stack.
const MOST: usize = 1_000_000;

/// The waits of a stack, as they are read.
#[derive(Default)]
pub struct DependencyReader {
    count: usize,
    /// Whom the block names that was read last, by its module and where it does.
    latest: Option<((ModuleId, FileSpan), BTreeSet<Address>)>,
}

impl DependencyReader {
    /// Whom an identity names. What all instances of a block say alike is read once: a thousand may name a thousand.
    pub fn read_dependencies(&mut self, fields: &BlockFields<'_, '_>) -> BTreeSet<Address> {
        let Some(expr) = fields.find_expr("depends_on") else { return BTreeSet::new() };
        if fields.is_instance_dependent(expr) {
            return read_addresses(fields, "depends_on");
        }
        let place = (fields.module, fields.expr_span(expr));
        match &self.latest {
            Some((latest, named)) if *latest == place => named.clone(),
            _ => {
                let named = read_addresses(fields, "depends_on");
                self.latest = Some((place, named.clone()));
                named
            }
        }
    }

    /// Counts more waits. `false`: there are too many.
    pub fn reserve_dependencies(&mut self, more: usize) -> bool {
        self.count = self.count.saturating_add(more);
        self.count <= MOST
    }

    /// Who waits for a whole module waits for each identity in it.
    pub fn expand_modules(mut self, eval: &Evaluator<'_>, all: &mut BTreeMap<Address, DeclaredIdentity>) {
        let waiting: Vec<(Address, Address)> = all
            .values()
            .flat_map(|identity| identity.depends_on.iter().map(|on| (identity.address.clone(), on.clone())))
            .filter(|(_, on)| !all.contains_key(on))
            .collect();
        for (waiter, module) in waiting {
            let prefix = format!("{module}.");
            let within = all.range(Address::from_text(prefix.as_str())..).map(|(address, _)| address);
            let within: Vec<Address> =
                within.take_while(|address| address.as_str().starts_with(&prefix)).cloned().collect();
            let few = self.reserve_dependencies(within.len());
            let Some(identity) = all.get_mut(&waiter) else { continue };
            if !few {
                eval.add_finding(ModuleId::STACK, diagnose_too_many_dependencies(identity));
                return;
            }
            identity.depends_on.remove(&module);
            identity.depends_on.extend(within);
        }
    }
}

/// The finding that an identity brings more waits than a stack may have.
pub fn diagnose_too_many_dependencies(identity: &DeclaredIdentity) -> Diagnostic {
    let finding = Diagnostic::error("config::budget", format!("more than {MOST} waits in one stack"))
        .with_location(identity.origin.part_span("depends_on"), "each identity waits for each of these")
        .with_help("let one wait for one, or make several stacks of it");
    identity.origin.add_module_calls(finding)
}
