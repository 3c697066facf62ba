//! Decides the account of each identity, group and federation.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Alias};

use crate::config::declared::{DeclaredFederations, DeclaredGroup, DeclaredIdentity, ProviderBlock};
use crate::config::origin::BlockOrigin;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::Evaluator;
use crate::hcl::suggest::join_names;

/// Normalizes the accounts: afterwards `None` means the stack's first account, even if that has an alias. A block without `provider`
/// belongs to the provider without an alias; if there is none, that is a finding.
pub fn resolve_accounts(
    eval: &Evaluator<'_>,
    providers: &[ProviderBlock],
    identities: &mut BTreeMap<Address, DeclaredIdentity>,
    groups: &mut BTreeMap<String, DeclaredGroup>,
    federations: &mut DeclaredFederations,
) {
    let Some(first) = providers.first() else { return };
    let mut homeless = MissingProviders { providers, reported: BTreeSet::new(), found: Vec::new() };
    let mut place = |account: &mut Option<Alias>, address: &Address, origin: &BlockOrigin| {
        if account.is_none() && first.alias.is_some() {
            homeless.report_missing_provider(address, origin);
        }
        if *account == first.alias {
            *account = None;
        }
    };
    for identity in identities.values_mut() {
        place(&mut identity.spec.account, &identity.spec.address, &identity.origin);
    }
    for group in groups.values_mut() {
        place(&mut group.group.account, &group.group.address, &group.origin);
    }
    for (federation, origin) in federations.values_mut() {
        let address = federation.address();
        place(&mut federation.account, &address, origin);
    }
    eval.findings.borrow_mut().append(&mut homeless.found);
}

/// Collects blocks without an account. Each place in the files is reported once.
struct MissingProviders<'a> {
    providers: &'a [ProviderBlock],
    reported: BTreeSet<(u32, usize)>,
    found: Vec<Diagnostic>,
}

impl MissingProviders<'_> {
    fn report_missing_provider(&mut self, address: &Address, origin: &BlockOrigin) {
        // The block has a `provider` that could not be read, which is already reported.
        let says = origin.parts.iter().any(|(part, _)| *part == "provider");
        if says || !self.reported.insert((origin.file.0, origin.header.start)) {
            return;
        }
        let names: Vec<String> = self.providers.iter().map(ProviderBlock::render_reference).collect();
        let finding =
            Diagnostic::error("config::no_provider", format!("{address} has no `provider`, so its account is unknown"))
                .with_location(origin.header_span(), "no `provider`")
                .with_detail("Every provider of this stack has an alias, so there is no default provider.")
                .with_help(format!(
                    "add provider = {}; the providers are {}",
                    names.first().map_or("", |name| name),
                    join_names(names.iter().map(String::as_str))
                ));
        self.found.push(origin.add_module_calls(finding));
    }
}
