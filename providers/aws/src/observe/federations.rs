//! OpenID Connect and SAML providers: two lists, and one call for each listed provider, because the lists do not return tags.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::Tag;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use leasehold_provider::{LiveShared, Marks, ObjectOwner, ObserveRequest, Resource, ResourceId, UnmanagedObject};

use super::AccountReader;
use super::authorization::AccountDetails;
use crate::failure::CallError;
use crate::realize::federation::{self, THUMBPRINTS};
use crate::retry::RetryClass;
use crate::{arn, document, kinds, links};

const AT_A_TIME: usize = 8;

/// The OpenID Connect and SAML providers of an account.
#[derive(Default)]
pub struct LiveFederations {
    /// The providers with the stack's marks.
    pub ours: BTreeMap<ResourceId, LiveShared>,
    /// All other providers.
    pub unmanaged_objects: BTreeMap<ResourceId, UnmanagedObject>,
}

/// One provider as it was read.
struct FederationRead {
    resource: Resource,
    tags: Vec<Tag>,
    created_at: Option<Timestamp>,
}

impl AccountReader<'_> {
    /// Reads all providers.
    ///
    /// # Errors
    /// A call fails, or a listed ARN is not that of a provider.
    pub async fn read_federations(&self, request: &ObserveRequest<'_>) -> Result<LiveFederations, CallError> {
        let (oidc, saml) = futures::try_join!(self.list_oidc_arns(), self.list_saml_arns())?;
        let arns: BTreeSet<String> = oidc.into_iter().chain(saml).collect();
        let read = stream::iter(arns.into_iter().map(|arn| self.read_federation(arn)));
        let read: Vec<_> = read.buffer_unordered(AT_A_TIME).try_collect().await?;
        let mut found = LiveFederations::default();
        for (arn, read) in read {
            let Some(FederationRead { mut resource, tags, created_at }) = read else { continue };
            let tags = super::tags_by_key(Some(tags));
            // IAM gives an identity provider no unique id. Its ARN follows from its URL or name.
            match request.find_owner(&resource.id, &arn, created_at, &tags) {
                ObjectOwner::Stack(marks) => {
                    drop_undeclared_thumbprints(&mut resource, request);
                    resource.marks = Marks::from_tags(&tags).ok().flatten();
                    found.ours.insert(
                        resource.id.clone(),
                        LiveShared::new(resource, marks.address.clone(), Some(arn))
                            .with_recorded_marks(request.owned.map(|_| *marks)),
                    );
                }
                ObjectOwner::Other(marks) => {
                    found.unmanaged_objects.insert(resource.id, marks.into_unmanaged_object(arn));
                }
            }
        }
        Ok(found)
    }

    async fn list_oidc_arns(&self) -> Result<Vec<String>, CallError> {
        let iam = &self.provider.clients.iam;
        let send = || iam.list_open_id_connect_providers().send();
        let call = self
            .provider
            .caller
            .call_with_retries(&self.calls, "iam:ListOpenIDConnectProviders", RetryClass::Idempotent, send)
            .await?;
        let list = call.open_id_connect_provider_list.unwrap_or_default();
        Ok(list.into_iter().filter_map(|entry| entry.arn).collect())
    }

    async fn list_saml_arns(&self) -> Result<Vec<String>, CallError> {
        let iam = &self.provider.clients.iam;
        let send = || iam.list_saml_providers().send();
        let call = self
            .provider
            .caller
            .call_with_retries(&self.calls, "iam:ListSAMLProviders", RetryClass::Idempotent, send)
            .await?;
        Ok(call.saml_provider_list.unwrap_or_default().into_iter().filter_map(|entry| entry.arn).collect())
    }

    /// One provider with its tags. `None` if it was deleted after it was listed.
    async fn read_federation(&self, arn: String) -> Result<(String, Option<FederationRead>), CallError> {
        let Some(id) = arn::parse_federation_id(self.realm, &arn) else {
            return Err(CallError::from_malformed_answer(
                "iam:ListOpenIDConnectProviders",
                format!("{arn:?} is not the ARN of an identity provider"),
            ));
        };
        let read = if id.kind == kinds::OIDC_PROVIDER {
            self.read_oidc_provider(&id, &arn).await
        } else {
            self.read_saml_provider(&id, &arn).await
        };
        match read {
            Ok(read) => Ok((arn, Some(read))),
            Err(failure) if failure.is_absent() => Ok((arn, None)),
            Err(failure) => Err(failure),
        }
    }

    async fn read_oidc_provider(&self, id: &ResourceId, arn: &str) -> Result<FederationRead, CallError> {
        const OPERATION: &str = "iam:GetOpenIDConnectProvider";
        let iam = &self.provider.clients.iam;
        let send = || iam.get_open_id_connect_provider().open_id_connect_provider_arn(arn).send();
        let answer =
            self.provider.caller.call_with_retries(&self.calls, OPERATION, RetryClass::Idempotent, send).await?;
        let audiences = answer.client_id_list.unwrap_or_default().into_iter().collect();
        let prints = answer.thumbprint_list.unwrap_or_default();
        let prints = prints.into_iter().map(|print| print.to_ascii_lowercase()).collect();
        let resource = federation::oidc_resource(&id.name, audiences, prints);
        Ok(FederationRead {
            resource,
            tags: answer.tags.unwrap_or_default(),
            created_at: answer.create_date.and_then(super::timestamp_from_sdk),
        })
    }

    async fn read_saml_provider(&self, id: &ResourceId, arn: &str) -> Result<FederationRead, CallError> {
        const OPERATION: &str = "iam:GetSAMLProvider";
        let iam = &self.provider.clients.iam;
        let send = || iam.get_saml_provider().saml_provider_arn(arn).send();
        let answer =
            self.provider.caller.call_with_retries(&self.calls, OPERATION, RetryClass::Idempotent, send).await?;
        let metadata = answer.saml_metadata_document.ok_or_else(|| {
            CallError::from_malformed_answer(
                OPERATION,
                format!("the response contains no metadata for SAML provider {}", id.name),
            )
        })?;
        Ok(FederationRead {
            resource: federation::saml_resource(&id.name, &metadata),
            tags: answer.tags.unwrap_or_default(),
            created_at: answer.create_date.and_then(super::timestamp_from_sdk),
        })
    }

    /// Records which providers are named in the trust policy of a role that the stack does not manage. They cannot be deleted while that
    /// role trusts them.
    pub fn record_unmanaged_trusts(&self, account: &mut AccountDetails, role: &str, trust: Option<&str>) {
        // Most trust policies name no provider; only those that may name one are decoded. The stack ignores another role's trust policy
        // that cannot be decoded.
        let names_one = |trust: &&str| trust.contains("-provider");
        let Some(Ok(trust)) = trust.filter(names_one).map(document::decode_document) else { return };
        let role_id = kinds::principal_id(leasehold_provider::Principal::Role, role);
        let resource = Resource::new(role_id, None)
            .with_attribute("assume_role_policy", leasehold_provider::Value::Document(trust));
        for id in links::trusted_federation_ids(self.realm, &resource) {
            account.foreign_attachments.entry(id).or_default().insert(format!("role/{role}"));
        }
    }
}

/// Removes thumbprints that the stack does not declare. IAM chooses them, so they are no difference.
fn drop_undeclared_thumbprints(resource: &mut Resource, request: &ObserveRequest<'_>) {
    let named = |desired: &Resource| desired.get(THUMBPRINTS).is_some();
    if !request.shared.get(&resource.id).is_some_and(named) {
        resource.attributes.remove(THUMBPRINTS);
    }
}
