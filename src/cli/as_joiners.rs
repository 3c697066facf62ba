//! A stack as if every identity joined now: what can be known of it without the cloud.

use std::collections::BTreeMap;

use leasehold_provider::{Realm, Snapshot};
use rayon::prelude::*;

use super::connection;
use crate::config::declared::{ProviderSettings, Providers};
use crate::config::{DeclaredStack, Diagnostic};
use crate::lifecycle;
use crate::realize::{self, ResourceMap};

/// All that the stack would make, and the limits of the cloud that it would break.
pub fn plan_as_joiners(declared: &DeclaredStack, now: jiff::Timestamp) -> (ResourceMap, Vec<Diagnostic>) {
    let providers = Providers::from_blocks(&declared.providers);
    let realize = connection::build_realizer(&providers);
    let others =
        providers.others.iter().map(|(alias, settings)| (alias.clone(), placeholder_realm(settings))).collect();
    let realm = Realm { others, ..placeholder_realm(&providers.first) };
    let (mut resources, mut findings) = realize::realize_shared_objects(declared, realize.as_ref(), &realm);
    let snapshot = Snapshot::for_realm(realm);
    let principal_id = |principal, name: &str| realize.principal_id(principal, name);
    // Whether a lease is over depends on what lives, which is not known here.
    let (standings, _) = lifecycle::decide_phases(declared, &snapshot, now, principal_id);
    let realized: Vec<(ResourceMap, Vec<Diagnostic>)> = standings
        .par_iter()
        .map(|standing| realize::realize_identity(standing, realize.as_ref(), &snapshot.realm))
        .collect();
    for (parts, broken) in realized {
        resources.extend(parts);
        findings.extend(broken);
    }
    (resources, findings)
}

/// Where a stack would go, as far as its text says: sizes do not depend on the account's digits.
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
