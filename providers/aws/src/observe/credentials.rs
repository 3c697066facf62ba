//! Access keys and passwords, which no bulk read tells.
//!
//! Few users are asked one by one. Many are sorted by the credential report first, and only those that it shows to have
//! something, or that it does not know yet, are asked.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use leasehold_provider::{LiveIdentity, LiveKey, Principal, Resource, ResourceId, Unmarked, Value};

use super::Reading;
use super::pages::{Page, read_all};
use crate::failure::Failure;
use crate::kinds;
use crate::retry::Class;

/// Up to so many users of a stack are asked one by one.
const ASKED_ONE_BY_ONE: usize = 100;
const AT_A_TIME: usize = 8;

/// The credentials of one user.
struct Credentials {
    user: ResourceId,
    resources: Vec<Resource>,
    keys: BTreeMap<ResourceId, LiveKey>,
    last_used: Option<Timestamp>,
}

impl Reading<'_> {
    /// Adds keys and passwords to the users among `identities`.
    pub async fn credentials(
        &self,
        identities: &mut BTreeMap<ResourceId, LiveIdentity>,
        exact: &BTreeSet<ResourceId>,
    ) -> Result<(), Failure> {
        let is_user = |identity: &&LiveIdentity| identity.principal == Principal::User;
        let users: Vec<(ResourceId, String)> =
            identities.values().filter(is_user).map(|user| (user.id.clone(), user.name.clone())).collect();
        let asked = if users.len() <= ASKED_ONE_BY_ONE {
            users
        } else {
            let report = self.credential_report().await?;
            for (id, name) in &users {
                if let Some(identity) = identities.get_mut(id) {
                    identity.last_used = report.get(name).and_then(|row| row.last_used);
                }
            }
            let holds = |name: &str| report.get(name).is_none_or(|row| row.holds_something);
            users.into_iter().filter(|(id, name)| exact.contains(id) || holds(name)).collect()
        };
        let asked = stream::iter(asked.into_iter().map(|(id, name)| self.credentials_of(id, name)));
        let found: Vec<Credentials> = asked.buffer_unordered(AT_A_TIME).try_collect().await?;
        for credentials in found {
            let Some(identity) = identities.get_mut(&credentials.user) else { continue };
            identity.last_used = identity.last_used.max(credentials.last_used);
            for mut resource in credentials.resources {
                resource.identity = Some(identity.marks.address.clone());
                identity.resources.insert(resource.id.clone(), resource);
            }
            identity.keys.extend(credentials.keys);
        }
        Ok(())
    }

    /// Adds keys and passwords to the users among principals that carry no marks.
    pub async fn credentials_of_unmarked(&self, found: &mut BTreeMap<ResourceId, Unmarked>) -> Result<(), Failure> {
        for user in found.values_mut().filter(|found| found.principal == Principal::User) {
            let credentials = self.credentials_of(user.id.clone(), user.name.clone()).await?;
            user.last_used = user.last_used.max(credentials.last_used);
            let address = user.resources.get(&user.id).and_then(|resource| resource.identity.clone());
            for mut resource in credentials.resources {
                resource.identity.clone_from(&address);
                user.resources.insert(resource.id.clone(), resource);
            }
        }
        Ok(())
    }

    async fn credentials_of(&self, user: ResourceId, name: String) -> Result<Credentials, Failure> {
        let (keys, password) = futures::try_join!(self.access_keys(&name), self.password(&name))?;
        let mut last_used = keys.iter().filter_map(|(_, key)| key.last_used).max();
        let mut resources: Vec<Resource> = keys.iter().map(|(resource, _)| resource.clone()).collect();
        let keys = keys.into_iter().map(|(resource, key)| (resource.id, key)).collect();
        if let Some((login, used)) = password {
            last_used = last_used.max(used);
            resources.push(login);
        }
        Ok(Credentials { user, resources, keys, last_used })
    }

    async fn access_keys(&self, user: &str) -> Result<Vec<(Resource, LiveKey)>, Failure> {
        const LIST: &str = "iam:ListAccessKeys";
        const LAST_USED: &str = "iam:GetAccessKeyLastUsed";
        let iam = &self.provider.clients.iam;
        let caller = &self.provider.caller;
        let mut listed = Vec::new();
        let fetch = async |marker: Option<String>| {
            let send = || iam.list_access_keys().user_name(user).set_marker(marker.clone()).send();
            let page = caller.call(&self.calls, LIST, Class::Idempotent, send).await?;
            Ok(Page { items: page.access_key_metadata, truncated: page.is_truncated, marker: page.marker })
        };
        read_all(LIST, fetch, |keys| {
            listed.extend(keys);
            Ok(())
        })
        .await?;
        let mut keys = Vec::new();
        for key in listed {
            let (Some(key_id), Some(status)) = (key.access_key_id, key.status) else {
                return Err(Failure::malformed(LIST, format!("a key of user {user} lacks its id or status")));
            };
            let send = || iam.get_access_key_last_used().access_key_id(&key_id).send();
            let answer = caller.call(&self.calls, LAST_USED, Class::Idempotent, send).await?;
            let last_used = answer.access_key_last_used.and_then(|used| used.last_used_date).and_then(super::instant);
            let created_at = key.create_date.and_then(super::instant);
            let resource = Resource::new(kinds::access_key(user, &key_id), None).with("status", status.as_str());
            keys.push((resource, LiveKey { created_at, last_used, delivered: None }));
        }
        Ok(keys)
    }

    async fn password(&self, user: &str) -> Result<Option<(Resource, Option<Timestamp>)>, Failure> {
        const LOGIN: &str = "iam:GetLoginProfile";
        const USER: &str = "iam:GetUser";
        let iam = &self.provider.clients.iam;
        let caller = &self.provider.caller;
        let send = || iam.get_login_profile().user_name(user).send();
        let login = match caller.call(&self.calls, LOGIN, Class::Idempotent, send).await {
            Ok(answer) => answer.login_profile,
            Err(failure) if failure.absent() => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let mut resource = Resource::new(ResourceId::new(kinds::LOGIN_PROFILE, user), None);
        if login.is_some_and(|login| login.password_reset_required) {
            resource = resource.with("password_reset_required", Value::Flag(true));
        }
        let send = || iam.get_user().user_name(user).send();
        let answer = caller.call(&self.calls, USER, Class::Idempotent, send).await?;
        let used = answer.user.and_then(|user| user.password_last_used).and_then(super::instant);
        Ok(Some((resource, used)))
    }
}
