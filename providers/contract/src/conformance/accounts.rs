//! The law [`Law::IgnoresAccounts`]: only the parts of a provider that take a realm depend on the account.
//!
//! In: the resources of one identity, without an account. Out: a violation for each answer that changes when the ids
//! name an account. The engine relies on this law when a stack has several accounts.

use std::collections::BTreeSet;

use super::Law;
use super::scenario::ConformanceScenario;
use crate::{Alias, Change, InterimDeny, Resource, ResourceId};

/// Asks every question about each resource twice: as it is, and in the account `other`.
pub fn check_account_blindness(stage: &mut ConformanceScenario<'_>, resources: &[Resource]) {
    let Ok(alias) = Alias::new("other") else {
        return stage.report_violation(Law::TestWorld, "`other` is no alias");
    };
    let place = |id: &ResourceId| id.clone().with_account(Some(&alias));
    let placed = |resource: &Resource| Resource {
        id: place(&resource.id),
        depends_on: resource.depends_on.iter().map(place).collect::<BTreeSet<_>>(),
        ..resource.clone()
    };
    for resource in resources {
        let working_directory = placed(resource);
        let same = answers(stage, resource) == answers(stage, &working_directory);
        stage.require_law(Law::IgnoresAccounts, same, format!("what {} means changes with its account", resource.id));
        let realize = stage.realize();
        let none = InterimDeny::default();
        let derived = [
            (Some(realize.ids.shared_root_id(&resource.id)), Some(realize.ids.shared_root_id(&working_directory.id))),
            (
                realize.empty_own_policy(&resource.id).map(|own| own.id),
                realize.empty_own_policy(&working_directory.id).map(|own| own.id),
            ),
            (
                realize.build_interim_policy(Some(resource), None, &none).map(|interim| interim.id),
                realize.build_interim_policy(Some(&working_directory), None, &none).map(|interim| interim.id),
            ),
        ];
        let stays = derived.iter().all(|(plain, there)| plain.as_ref().map(place) == *there);
        let narrowed = |of: &Resource| realize.narrow_trust(of, of, false).map(|narrowed| narrowed.principal);
        let trusted = narrowed(resource).as_ref().map(placed) == narrowed(&working_directory);
        stage.require_law(
            Law::IgnoresAccounts,
            stays && trusted,
            format!("what is derived from {} is not in its account", resource.id),
        );
    }
}

/// The answers about a resource, as text.
fn answers(stage: &ConformanceScenario<'_>, resource: &Resource) -> String {
    let realize = stage.realize();
    let semantics = realize.semantics.as_ref();
    let aspects: Vec<_> =
        resource.attributes.keys().map(|name| semantics.classify_attribute(&resource.id, name)).collect();
    let sizes: Vec<_> =
        resource.attributes.keys().map(|name| realize.limits.count_characters(resource, name)).collect();
    let change = Change::Create { after: Box::new(resource.clone()) };
    let interim = realize.build_interim_policy(Some(resource), Some(resource), &InterimDeny::default());
    format!(
        "{aspects:?} {sizes:?} {:?} {:?} {:?} {:?} {:?}",
        semantics.credential_kind(&resource.id),
        semantics.is_restriction(resource),
        semantics.classify_denial(resource),
        semantics.describe_change(&change),
        interim.map(|interim| interim.attributes),
    )
}
