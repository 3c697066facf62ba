//! Access keys, passwords and other credentials, which the bulk read does not return.
//!
//! A stack with few users is read with one set of calls per user, except service-specific credentials, which one list returns for all
//! users. For many users, the credential report comes first. Only users that have something according to the report, or that are not in the
//! report yet, are then read individually. The report does not cover SSH keys. They are read only for users that must be known exactly:
//! users that leave, and active users that keep a credential that the report does not contain.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use leasehold_provider::{
    Kind, LiveIdentity, LiveKey, ObserveRequest, Principal, Resource, ResourceId, Unmarked, Value,
};

use super::AccountReader;
use super::other_credentials::ServiceCredentials;
use super::pages::{Page, read_all_pages};
use super::report::ReportRow;
use crate::failure::CallError;
use crate::kinds;
use crate::retry::RetryClass;

/// The maximum number of users of a stack that are all read individually.
const MAX_EXACT_READS: usize = 100;
const AT_A_TIME: usize = 8;

/// The credentials that were read for one user.
struct UserCredentials {
    user: ResourceId,
    resources: Vec<Resource>,
    keys: BTreeMap<ResourceId, LiveKey>,
    last_used: Option<Timestamp>,
}

/// The types of credentials to read for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct CredentialQuery {
    keys: bool,
    ssh: bool,
    certificates: bool,
    services: bool,
    devices: bool,
}

impl CredentialQuery {
    const EVERYTHING: Self = Self { keys: true, ssh: true, certificates: true, services: true, devices: true };

    /// The types that the report leaves open. Leasehold leaves a person's MFA device unchanged, so it does not have to be read.
    fn from_report_row(row: &ReportRow, kind: Option<Kind>) -> Self {
        let person = matches!(kind, Some(Kind::Human | Kind::BreakGlass));
        Self {
            keys: row.has_credential,
            certificates: row.has_certificate,
            devices: row.has_device && !person,
            ..Self::default()
        }
    }
}

/// Runs the read if `asked` is true, and returns the default value otherwise.
async fn read_if_requested<T: Default>(
    asked: bool,
    read: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    if asked { read.await } else { Ok(T::default()) }
}

/// A type that credentials can be added to.
trait AddParts {
    fn add_parts(&mut self, parts: Vec<Resource>);
}

impl AddParts for LiveIdentity {
    fn add_parts(&mut self, parts: Vec<Resource>) {
        for mut part in parts {
            part.identity = Some(self.marks.address.clone());
            self.resources.insert(part.id.clone(), part);
        }
    }
}

impl AccountReader<'_> {
    /// Adds access keys, passwords and other credentials to the users among `identities`.
    ///
    /// # Errors
    /// A call fails, or an answer lacks a required field.
    pub async fn read_credentials(
        &self,
        identities: &mut BTreeMap<ResourceId, LiveIdentity>,
        request: &ObserveRequest<'_>,
    ) -> Result<(), CallError> {
        let is_user = |identity: &&LiveIdentity| {
            identity.principal == Principal::User
                && (!request.only_exact_credentials || request.exact.contains(&identity.id))
        };
        let users: Vec<(ResourceId, String)> =
            identities.values().filter(is_user).map(|user| (user.id.clone(), user.name.clone())).collect();
        let (asked, services) = if users.len() <= MAX_EXACT_READS {
            self.plan_few_queries(users).await?
        } else {
            self.plan_many_queries(users, identities, request).await?
        };
        for (user, found) in services {
            if let Some(identity) = identities.get_mut(&kinds::principal_id(Principal::User, &user)) {
                identity.add_parts(found);
            }
        }
        let asked = stream::iter(asked.into_iter().map(|(id, name, ask)| self.read_user_credentials(id, name, ask)));
        let found: Vec<UserCredentials> = asked.buffer_unordered(AT_A_TIME).try_collect().await?;
        for credentials in found {
            let Some(identity) = identities.get_mut(&credentials.user) else { continue };
            identity.last_used = identity.last_used.max(credentials.last_used);
            identity.add_parts(credentials.resources);
            identity.keys.extend(credentials.keys);
        }
        Ok(())
    }

    /// Plans the reads for few users, and reads the list of service-specific credentials. That list is as exact as reading each user.
    async fn plan_few_queries(
        &self,
        users: Vec<(ResourceId, String)>,
    ) -> Result<(Vec<(ResourceId, String, CredentialQuery)>, ServiceCredentials), CallError> {
        // For a single user, an individual call costs the same.
        let services = if users.len() > 1 { self.list_all_service_credentials().await? } else { None };
        // If the service does not support the list, read each user.
        let ask = CredentialQuery { services: services.is_none(), ..CredentialQuery::EVERYTHING };
        Ok((users.into_iter().map(|(id, name)| (id, name, ask)).collect(), services.unwrap_or_default()))
    }

    /// Plans the reads for many users, from the credential report and the list of service-specific credentials.
    async fn plan_many_queries(
        &self,
        users: Vec<(ResourceId, String)>,
        identities: &mut BTreeMap<ResourceId, LiveIdentity>,
        request: &ObserveRequest<'_>,
    ) -> Result<(Vec<(ResourceId, String, CredentialQuery)>, ServiceCredentials), CallError> {
        let (report, services) =
            futures::try_join!(self.read_credential_report(), self.list_all_service_credentials())?;
        let mut asked = Vec::new();
        for (id, name) in users {
            let Some(identity) = identities.get_mut(&id) else { continue };
            let row = report.get(&name);
            identity.last_used = row.and_then(|row| row.last_used);
            let mut ask = match row {
                Some(row) if !request.exact.contains(&id) => CredentialQuery::from_report_row(row, identity.marks.kind),
                _ => CredentialQuery::EVERYTHING,
            };
            ask.keys |= request.exact_keys.contains(&id);
            // If the service does not support the list, read each user.
            ask.services = services.is_none();
            if ask != CredentialQuery::default() {
                asked.push((id, name, ask));
            }
        }
        Ok((asked, services.unwrap_or_default()))
    }

    /// Reads all credentials of some users again and replaces the earlier results.
    ///
    /// # Errors
    /// A call fails, or an answer lacks a required field.
    pub async fn reread_credentials(
        &self,
        identities: &mut BTreeMap<ResourceId, LiveIdentity>,
        users: &BTreeSet<ResourceId>,
    ) -> Result<(), CallError> {
        let names = users.iter().filter_map(|id| identities.get(id)).filter(|user| user.principal == Principal::User);
        let names: Vec<(ResourceId, String)> = names.map(|user| (user.id.clone(), user.name.clone())).collect();
        let asked =
            names.into_iter().map(|(id, name)| self.read_user_credentials(id, name, CredentialQuery::EVERYTHING));
        let found: Vec<UserCredentials> = stream::iter(asked).buffer_unordered(AT_A_TIME).try_collect().await?;
        for credentials in found {
            let Some(identity) = identities.get_mut(&credentials.user) else { continue };
            identity.resources.retain(|id, _| kinds::credential_kind(id).is_none());
            identity.last_used = identity.last_used.max(credentials.last_used);
            identity.add_parts(credentials.resources);
            identity.keys = credentials.keys;
        }
        Ok(())
    }

    /// Whether so many users were all read individually, so that their credentials are known exactly.
    pub fn is_exact_for(users: usize) -> bool {
        users <= MAX_EXACT_READS
    }

    /// Adds credentials to the users among unmarked principals.
    ///
    /// # Errors
    /// A call fails, or an answer lacks a required field.
    pub async fn read_unmarked_credentials(&self, found: &mut BTreeMap<ResourceId, Unmarked>) -> Result<(), CallError> {
        for user in found.values_mut().filter(|found| found.principal == Principal::User) {
            let credentials =
                self.read_user_credentials(user.id.clone(), user.name.clone(), CredentialQuery::EVERYTHING).await?;
            user.last_used = user.last_used.max(credentials.last_used);
            let address = user.resources.get(&user.id).and_then(|resource| resource.identity.clone());
            for mut resource in credentials.resources {
                resource.identity.clone_from(&address);
                user.resources.insert(resource.id.clone(), resource);
            }
        }
        Ok(())
    }

    async fn read_user_credentials(
        &self,
        user: ResourceId,
        name: String,
        ask: CredentialQuery,
    ) -> Result<UserCredentials, CallError> {
        let (keys, password, ssh, certificates, services, devices) = futures::try_join!(
            read_if_requested(ask.keys, self.read_access_keys(&name)),
            read_if_requested(ask.keys, self.read_password(&name)),
            read_if_requested(ask.ssh, self.list_ssh_keys(&name)),
            read_if_requested(ask.certificates, self.list_certificates(&name)),
            read_if_requested(ask.services, self.list_user_service_credentials(&name)),
            read_if_requested(ask.devices, self.list_devices(&name)),
        )?;
        let mut last_used = keys.iter().filter_map(|(_, key)| key.last_used).max();
        let mut resources: Vec<Resource> = [ssh, certificates, services, devices].into_iter().flatten().collect();
        resources.extend(keys.iter().map(|(resource, _)| resource.clone()));
        let keys = keys.into_iter().map(|(resource, key)| (resource.id, key)).collect();
        if let Some((login, used)) = password {
            last_used = last_used.max(used);
            resources.push(login);
        }
        Ok(UserCredentials { user, resources, keys, last_used })
    }

    async fn read_access_keys(&self, user: &str) -> Result<Vec<(Resource, LiveKey)>, CallError> {
        const LIST: &str = "iam:ListAccessKeys";
        const LAST_USED: &str = "iam:GetAccessKeyLastUsed";
        let iam = &self.provider.clients.iam;
        let caller = &self.provider.caller;
        let mut listed = Vec::new();
        let fetch = async |marker: Option<String>| {
            let send = || iam.list_access_keys().user_name(user).set_marker(marker.clone()).send();
            let page = caller.call_with_retries(&self.calls, LIST, RetryClass::Idempotent, send).await?;
            Ok(Page { items: page.access_key_metadata, truncated: page.is_truncated, marker: page.marker })
        };
        read_all_pages(LIST, fetch, |keys| {
            listed.extend(keys);
            Ok(())
        })
        .await?;
        let mut keys = Vec::new();
        for key in listed {
            let (Some(key_id), Some(status)) = (key.access_key_id, key.status) else {
                return Err(CallError::from_malformed_answer(
                    LIST,
                    format!("an access key of user {user} has no id or no status"),
                ));
            };
            let send = || iam.get_access_key_last_used().access_key_id(&key_id).send();
            let answer = caller.call_with_retries(&self.calls, LAST_USED, RetryClass::Idempotent, send).await?;
            let last_used =
                answer.access_key_last_used.and_then(|used| used.last_used_date).and_then(super::timestamp_from_sdk);
            let created_at = key.create_date.and_then(super::timestamp_from_sdk);
            let resource =
                Resource::new(kinds::access_key_id(user, &key_id), None).with_attribute("status", status.as_str());
            keys.push((resource, LiveKey { created_at, last_used, delivered: None }));
        }
        Ok(keys)
    }

    async fn read_password(&self, user: &str) -> Result<Option<(Resource, Option<Timestamp>)>, CallError> {
        const LOGIN: &str = "iam:GetLoginProfile";
        const USER: &str = "iam:GetUser";
        let iam = &self.provider.clients.iam;
        let caller = &self.provider.caller;
        let send = || iam.get_login_profile().user_name(user).send();
        let login = match caller.call_with_retries(&self.calls, LOGIN, RetryClass::Idempotent, send).await {
            Ok(answer) => answer.login_profile,
            Err(failure) if failure.is_absent() => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let mut resource = Resource::new(ResourceId::new(kinds::LOGIN_PROFILE, user), None);
        if login.is_some_and(|login| login.password_reset_required) {
            resource = resource.with_attribute("password_reset_required", Value::Flag(true));
        }
        let send = || iam.get_user().user_name(user).send();
        let answer = caller.call_with_retries(&self.calls, USER, RetryClass::Idempotent, send).await?;
        let used = answer.user.and_then(|user| user.password_last_used).and_then(super::timestamp_from_sdk);
        Ok(Some((resource, used)))
    }
}
