//! The objects of a stack as if every identity joined now: what can be computed without access to the cloud.

use std::collections::BTreeMap;

use leasehold_provider::{Realm, Snapshot};
use rayon::prelude::*;

use super::connection;
use crate::config::declared::{ProviderSettings, Providers};
use crate::config::{DeclaredStack, Diagnostic};
use crate::lifecycle;
use crate::realize::{self, ResourceMap};

/// Returns all objects that the stack would create, and a finding for each limit of the provider that they would exceed.
pub fn plan_as_joiners(declared: &DeclaredStack, now: jiff::Timestamp) -> (ResourceMap, Vec<Diagnostic>) {
    let providers = Providers::from_blocks(&declared.providers);
    let realize = connection::build_realizer(&providers);
    let others =
        providers.others.iter().map(|(alias, settings)| (alias.clone(), placeholder_realm(settings))).collect();
    let realm = Realm { others, ..placeholder_realm(&providers.first) };
    let (mut resources, mut findings) = realize::realize_shared_objects(declared, &realize, &realm);
    let snapshot = Snapshot::for_realm(realm);
    let principal_id = |principal, name: &str| realize.ids.principal_id(principal, name);
    // Whether a lease has expired depends on the live state, which is not known here.
    let (standings, _) = lifecycle::decide_phases(declared, &snapshot, now, principal_id);
    let realized: Vec<(ResourceMap, Vec<Diagnostic>)> =
        standings.par_iter().map(|standing| realize::realize_identity(standing, &realize, &snapshot.realm)).collect();
    for (parts, broken) in realized {
        resources.extend(parts);
        findings.extend(broken);
    }
    (resources, findings)
}

/// A realm for the stack as far as its configuration gives one. An unknown AWS account number becomes twelve zeros: sizes do not depend on
/// the digits.
fn placeholder_realm(settings: &ProviderSettings) -> Realm {
    let (provider, account, partition) = match settings {
        ProviderSettings::Local { .. } => ("local", "embedded".to_owned(), ""),
        ProviderSettings::Aws { allowed_account_ids, .. } => {
            ("aws", allowed_account_ids.first().cloned().unwrap_or_else(|| "0".repeat(12)), "aws")
        }
    };
    Realm {
        provider: provider.to_owned(),
        account,
        partition: partition.to_owned(),
        actor: String::new(),
        others: BTreeMap::new(),
    }
}
