//! Reads `depends_on` of identities.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::Address;

use super::fields::BlockFields;
use super::read_addresses;
use crate::config::declared::DeclaredIdentity;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::{Evaluator, ModuleId};
use crate::hcl::source::FileSpan;

/// The maximum number of dependencies between identities in one stack.
const MOST: usize = 1_000_000;

/// Counts the dependencies of a stack while they are read.
#[derive(Default)]
pub struct DependencyReader {
    count: usize,
    /// The addresses in the `depends_on` that was read last, with its module and place.
    latest: Option<((ModuleId, FileSpan), BTreeSet<Address>)>,
}

impl DependencyReader {
    /// Reads the dependencies of an identity. An expression that is the same in all instances is evaluated once: a thousand instances may
    /// each name a thousand addresses.
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

    /// Counts `more` dependencies. `false`: there are too many.
    pub fn reserve_dependencies(&mut self, more: usize) -> bool {
        self.count = self.count.saturating_add(more);
        self.count <= MOST
    }

    /// Replaces a dependency on a module by dependencies on each identity in it.
    pub fn expand_modules(mut self, eval: &Evaluator<'_>, all: &mut BTreeMap<Address, DeclaredIdentity>) {
        let waiting: Vec<(Address, Address)> = all
            .values()
            .flat_map(|identity| identity.depends_on.iter().map(|on| (identity.spec.address.clone(), on.clone())))
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
                eval.add_finding(ModuleId::ROOT, diagnose_too_many_dependencies(identity));
                return;
            }
            identity.depends_on.remove(&module);
            identity.depends_on.extend(within);
        }
    }
}

/// The error that an identity exceeds the maximum number of dependencies.
pub fn diagnose_too_many_dependencies(identity: &DeclaredIdentity) -> Diagnostic {
    let finding = Diagnostic::error("config::budget", format!("more than {MOST} dependencies in one stack"))
        .with_location(identity.origin.part_span("depends_on"), "each identity depends on each of these")
        .with_help("let each instance depend on one instance, or split it into several stacks");
    identity.origin.add_module_calls(finding)
}
