//! The law [`Law::DeliversSecrets`]: an access key that a provider creates has its secret in the secret store, or does not exist.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use super::scenario::{ConformanceScenario, EnactCount, ScenarioStopped};
use super::{Law, LawViolation, Worlds, fixtures};
use crate::{
    Address, Change, Credential, DepositError, EnactErrorKind, Enacted, Principal, Resource, ResourceId, SecretStorage,
};

/// Runs the three scenarios. They do nothing for a provider that does not issue keys.
pub async fn check_key_delivery(worlds: &dyn Worlds, failures: &mut Vec<LawViolation>) {
    // A scenario that stops has already reported why.
    let _: Result<(), ScenarioStopped> = deliver_two_keys(worlds, failures).await;
    let _: Result<(), ScenarioStopped> = refuse_delivery(worlds, failures).await;
    let _: Result<(), ScenarioStopped> = refuse_unmanaged_user(worlds, failures).await;
}

/// A secret store in memory. It refuses every secret if `refuses` is true.
struct MemorySecretStore {
    refuses: bool,
    secrets: Mutex<BTreeMap<ResourceId, SecretString>>,
}

impl MemorySecretStore {
    fn new(refuses: bool) -> Self {
        Self { refuses, secrets: Mutex::default() }
    }

    fn delivered_secrets(&self) -> BTreeMap<ResourceId, SecretString> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl SecretStorage for MemorySecretStore {
    async fn store_secret(&self, key: &ResourceId, secret: SecretString) -> Result<(), DepositError> {
        if self.refuses {
            return Err(DepositError("the store is full".to_owned()));
        }
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), secret);
        Ok(())
    }

    async fn was_delivered(&self, key: &ResourceId) -> Result<bool, DepositError> {
        Ok(self.delivered_secrets().contains_key(key))
    }
}

/// The change that creates an access key for a user. `None`: the provider does not issue keys.
fn key_creation(stage: &ConformanceScenario<'_>, user: &str, address: &Address) -> Option<Change> {
    let id = stage.realize().key_id(user, ResourceId::NEW)?;
    let principal = stage.realize().ids.principal_id(Principal::User, user);
    let key = Resource::new(id, Some(address.clone()))
        .with_attribute("status", "Active")
        .with_attribute("store", "store.x")
        .with_dependency(principal);
    Some(Change::Create { after: Box::new(key) })
}

/// The observed access keys of a user, with whether each one is active.
async fn observe_keys(
    stage: &mut ConformanceScenario<'_>,
    user: &str,
) -> Result<BTreeMap<ResourceId, bool>, ScenarioStopped> {
    let desired = stage.desired_active(&[]);
    let principal = stage.realize().ids.principal_id(Principal::User, user);
    let snapshot = stage.observe_desired(&desired).await?;
    let Some(live) = snapshot.identities.get(&principal) else { return Ok(BTreeMap::new()) };
    let is_key = |id: &ResourceId| stage.realize().semantics.credential_kind(id) == Some(Credential::AccessKey);
    let works = |key: &Resource| key.get("status").and_then(crate::Value::as_text) == Some("Active");
    let keys: BTreeMap<ResourceId, bool> =
        live.resources.iter().filter(|(id, _)| is_key(id)).map(|(id, key)| (id.clone(), works(key))).collect();
    let known = live.keys.iter().filter(|(_, key)| key.created_at.is_some()).map(|(id, _)| id);
    let reported = known.eq(keys.keys());
    stage.require_law(Law::DeliversSecrets, reported, "the creation time of some keys is not observed");
    Ok(keys)
}

async fn issue_one_key(
    stage: &ConformanceScenario<'_>,
    change: &Change,
    vault: &MemorySecretStore,
) -> Result<Enacted, crate::EnactError> {
    match &stage.provider().issue {
        Some(issue) => issue.issue_access_key(&stage.stack, change, vault).await,
        None => Err(crate::EnactError {
            kind: EnactErrorKind::Other,
            operation: change.id().to_string(),
            message: "the provider has ids of keys, and does not issue keys".to_owned(),
            help: None,
            requests: Vec::new(),
        }),
    }
}

/// Two keys are created. Each of them works, is observed, and has its own secret in the secret store.
async fn deliver_two_keys(worlds: &dyn Worlds, failures: &mut Vec<LawViolation>) -> Result<(), ScenarioStopped> {
    let mut stage = ConformanceScenario::start_scenario(worlds, failures, "issue two keys").await?;
    let user = fixtures::build_full_user(stage.world.as_ref());
    let Some(change) = key_creation(&stage, &user.spec.name, &user.spec.address) else { return Ok(()) };
    let desired = stage.desired_active(std::slice::from_ref(&user));
    stage.reach_state(&desired, EnactCount::Once).await?;
    let vault = MemorySecretStore::new(false);
    for _ in 0..2 {
        match issue_one_key(&stage, &change, &vault).await {
            Ok(Enacted { made: Some(id), .. }) => {
                let named =
                    !id.is_new() && stage.realize().key_id(&user.spec.name, id.local_name()).as_ref() == Some(&id);
                stage.require_law(
                    Law::DeliversSecrets,
                    named,
                    format!("{id} is not the id of a key of {}", user.spec.name),
                );
                stage.require_law(
                    Law::DeliversSecrets,
                    vault.delivered_secrets().contains_key(&id),
                    format!("the secret of {id} was not delivered to the secret store"),
                );
            }
            Ok(_) => stage.report_violation(Law::DeliversSecrets, "the id of the created key is not reported"),
            Err(error) => {
                stage.report_violation(Law::Enacts, error);
                return Err(ScenarioStopped);
            }
        }
    }
    let kept = vault.delivered_secrets();
    let keys = observe_keys(&mut stage, &user.spec.name).await?;
    stage.require_law(
        Law::DeliversSecrets,
        keys.keys().eq(kept.keys()),
        "the live keys are not the keys in the secret store",
    );
    stage.require_law(Law::DeliversSecrets, keys.values().all(|works| *works), "a created key is not active");
    let mut secrets = kept.values().map(ExposeSecret::expose_secret);
    let distinct = secrets.next().zip(secrets.next()).is_some_and(|(a, b)| a != b && !a.is_empty() && !b.is_empty());
    stage.require_law(Law::DeliversSecrets, distinct, "two keys do not have different secrets");
    Ok(())
}

/// If the secret store refuses the secret, no key is left.
async fn refuse_delivery(worlds: &dyn Worlds, failures: &mut Vec<LawViolation>) -> Result<(), ScenarioStopped> {
    let mut stage = ConformanceScenario::start_scenario(worlds, failures, "a key whose secret is not stored").await?;
    let user = fixtures::build_full_user(stage.world.as_ref());
    let Some(change) = key_creation(&stage, &user.spec.name, &user.spec.address) else { return Ok(()) };
    let desired = stage.desired_active(std::slice::from_ref(&user));
    stage.reach_state(&desired, EnactCount::Once).await?;
    let issued = issue_one_key(&stage, &change, &MemorySecretStore::new(true)).await;
    stage.require_law(Law::DeliversSecrets, issued.is_err(), "the creation is reported as successful");
    let keys = observe_keys(&mut stage, &user.spec.name).await?;
    stage.require_law(Law::DeliversSecrets, keys.is_empty(), "the key still exists");
    Ok(())
}

/// No key is created for a user without the stack's mark.
async fn refuse_unmanaged_user(worlds: &dyn Worlds, failures: &mut Vec<LawViolation>) -> Result<(), ScenarioStopped> {
    const NAME: &str = "stranger-user";
    let mut stage = ConformanceScenario::start_scenario(worlds, failures, "keys of an unmanaged user").await?;
    let Some(change) = key_creation(&stage, NAME, &Address::for_identity(NAME, None)) else { return Ok(()) };
    let added = stage.world.add_unmanaged_principal(Principal::User, NAME).await;
    stage.expect_world(added)?;
    let before = stage.world.describe_unmanaged_objects().await;
    let before = stage.expect_world(before)?;
    let vault = MemorySecretStore::new(false);
    let refused = issue_one_key(&stage, &change, &vault).await;
    let said_so = refused.is_err_and(|error| error.kind == EnactErrorKind::NotManaged);
    stage.require_law(Law::RefusesUnmanaged, said_so, "a key was created for a user that the stack does not manage");
    let after = stage.world.describe_unmanaged_objects().await;
    let after = stage.expect_world(after)?;
    stage.require_law(
        Law::KeepsUnmanaged,
        before == after && vault.delivered_secrets().is_empty(),
        "an unmanaged user has a new key",
    );
    Ok(())
}
