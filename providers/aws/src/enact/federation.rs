//! Writes OpenID Connect and SAML providers. Their tags are their marks.

use std::collections::BTreeSet;

use aws_sdk_iam::types::Tag;
use leasehold_provider::{Change, Marks, Resource, ResourceId, Value};

use super::inline::refuse_marks;
use super::tags::{self, TagChange};
use super::target::refuse_taken_name;
use super::{ChangeError, ChangeWriter, EnactNote, refuse_change, text_attribute};
use crate::realize::federation::THUMBPRINTS;
use crate::retry::RetryClass;
use crate::{arn, kinds};

impl ChangeWriter<'_> {
    /// Carries out a change of an OpenID Connect provider.
    pub(super) async fn write_oidc_provider(&self, change: &Change) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        let arn = arn::oidc_provider_arn(self.realm, &change.id().name);
        match change {
            Change::Create { after } => {
                let all_tags = tags_from_marks(after)?;
                let send = || {
                    iam.create_open_id_connect_provider()
                        .set_url(text_attribute(after, "url").map(str::to_owned))
                        .set_client_id_list(Some(attribute_texts(after, "client_id_list").into_iter().collect()))
                        .set_thumbprint_list(declared_thumbprints(after))
                        .set_tags(Some(all_tags.clone()))
                        .send()
                };
                match self.call_iam("iam:CreateOpenIDConnectProvider", RetryClass::Conditional, send).await {
                    Ok(_) => self.record_created_federation(&after.id),
                    Err(failure) if failure.is_name_taken() => self.resolve_federation(after).await,
                    Err(failure) => Err(failure.into()),
                }
            }
            Change::Update { before, after } => {
                self.update_oidc_provider(&arn, before, after).await?;
                Ok(None)
            }
            Change::Delete { .. } => {
                let send = || iam.delete_open_id_connect_provider().open_id_connect_provider_arn(&arn).send();
                let note = self.delete_if_present("iam:DeleteOpenIDConnectProvider", send).await?;
                self.provider.known.record_removed(self.stack, change.id());
                Ok(note)
            }
            _ => self.mark_federation(change).await,
        }
    }

    /// Carries out a change of a SAML provider.
    pub(super) async fn write_saml_provider(&self, change: &Change) -> Result<EnactNote, ChangeError> {
        let iam = &self.provider.clients.iam;
        let name = change.id().name.as_str();
        let arn = arn::saml_provider_arn(self.realm, name);
        match change {
            Change::Create { after } => {
                let all_tags = tags_from_marks(after)?;
                let send = || {
                    iam.create_saml_provider()
                        .name(name)
                        .set_saml_metadata_document(saml_metadata(after))
                        .set_tags(Some(all_tags.clone()))
                        .send()
                };
                match self.call_iam("iam:CreateSAMLProvider", RetryClass::Conditional, send).await {
                    Ok(_) => self.record_created_federation(&after.id),
                    Err(failure) if failure.is_name_taken() => self.resolve_federation(after).await,
                    Err(failure) => Err(failure.into()),
                }
            }
            Change::Update { after, .. } => {
                let send = || {
                    iam.update_saml_provider()
                        .saml_provider_arn(&arn)
                        .set_saml_metadata_document(saml_metadata(after))
                        .send()
                };
                self.call_iam("iam:UpdateSAMLProvider", RetryClass::Idempotent, send).await?;
                Ok(None)
            }
            Change::Delete { .. } => {
                let send = || iam.delete_saml_provider().saml_provider_arn(&arn).send();
                let note = self.delete_if_present("iam:DeleteSAMLProvider", send).await?;
                self.provider.known.record_removed(self.stack, change.id());
                Ok(note)
            }
            _ => self.mark_federation(change).await,
        }
    }

    fn record_created_federation(&self, id: &ResourceId) -> Result<EnactNote, ChangeError> {
        // IAM gives an identity provider no unique id. Its ARN follows from its URL or name.
        self.record_created(id, arn::federation_arn(self.realm, id).unwrap_or_default());
        Ok(None)
    }

    /// Handles a provider that already exists under this name: from an earlier attempt or run of this stack, or of another owner.
    async fn resolve_federation(&self, after: &Resource) -> Result<EnactNote, ChangeError> {
        let Some(found) = self.read_federation_tags(&after.id).await? else { return Err(refuse_taken_name(&after.id)) };
        let found = Marks::from_tags(&tags::tags_from_sdk(Some(found))).ok().flatten();
        self.check_found_marks(&after.id, found.as_ref(), after.marks.as_ref())?;
        self.record_created(&after.id, arn::federation_arn(self.realm, &after.id).unwrap_or_default());
        // A provider from an earlier run may have changed, so all of it is written.
        if after.id.kind == kinds::OIDC_PROVIDER {
            let arn = arn::oidc_provider_arn(self.realm, &after.id.name);
            let live = self.read_audiences(&arn).await?;
            let before = after.clone().with_attribute("client_id_list", Value::Set(live));
            self.update_oidc_provider(&arn, &before, after).await?;
        } else {
            let change = Change::Update { before: Box::new(after.clone()), after: Box::new(after.clone()) };
            Box::pin(self.write_saml_provider(&change)).await?;
        }
        if let (Some(found), Some(desired)) = (found, &after.marks) {
            self.tag_federation(&after.id, TagChange::from_mark_change(Some(&found), desired)).await?;
        }
        Ok(Some("it already existed with this stack's mark".to_owned()))
    }

    async fn read_audiences(&self, arn: &str) -> Result<BTreeSet<String>, ChangeError> {
        let iam = &self.provider.clients.iam;
        let send = || iam.get_open_id_connect_provider().open_id_connect_provider_arn(arn).send();
        let answer = self.call_iam("iam:GetOpenIDConnectProvider", RetryClass::Idempotent, send).await?;
        Ok(answer.client_id_list.unwrap_or_default().into_iter().collect())
    }

    /// Updates audiences and thumbprints. If both change, a new audience must never be trusted with an old certificate. So audiences that
    /// do not stay are removed first, then the thumbprints are replaced, then new audiences are added. If no old audience stays, one is
    /// removed last, because a provider must have at least one.
    async fn update_oidc_provider(&self, arn: &str, before: &Resource, after: &Resource) -> Result<(), ChangeError> {
        let (old, new) = (attribute_texts(before, "client_id_list"), attribute_texts(after, "client_id_list"));
        let prints = declared_thumbprints(after).filter(|_| before.get(THUMBPRINTS) != after.get(THUMBPRINTS));
        let kept = usize::from(old.is_disjoint(&new));
        let early = if prints.is_some() { old.difference(&new).skip(kept).cloned().collect() } else { BTreeSet::new() };
        self.remove_audiences(arn, early.iter()).await?;
        if let Some(prints) = prints {
            let iam = &self.provider.clients.iam;
            let send = || {
                iam.update_open_id_connect_provider_thumbprint()
                    .open_id_connect_provider_arn(arn)
                    .set_thumbprint_list(Some(prints.clone()))
                    .send()
            };
            self.call_iam("iam:UpdateOpenIDConnectProviderThumbprint", RetryClass::Idempotent, send).await?;
        }
        for id in new.difference(&old) {
            let iam = &self.provider.clients.iam;
            let send = || {
                iam.add_client_id_to_open_id_connect_provider().open_id_connect_provider_arn(arn).client_id(id).send()
            };
            self.call_iam("iam:AddClientIDToOpenIDConnectProvider", RetryClass::Idempotent, send).await?;
        }
        self.remove_audiences(arn, old.difference(&new).filter(|id| !early.contains(*id))).await
    }

    async fn remove_audiences(&self, arn: &str, ids: impl Iterator<Item = &String>) -> Result<(), ChangeError> {
        for id in ids {
            let iam = &self.provider.clients.iam;
            let send = || {
                iam.remove_client_id_from_open_id_connect_provider()
                    .open_id_connect_provider_arn(arn)
                    .client_id(id)
                    .send()
            };
            self.call_iam("iam:RemoveClientIDFromOpenIDConnectProvider", RetryClass::Idempotent, send).await?;
        }
        Ok(())
    }

    async fn mark_federation(&self, change: &Change) -> Result<EnactNote, ChangeError> {
        let Change::Mark { id, before, after } = change else { return Err(refuse_marks(change.id())) };
        self.tag_federation(id, TagChange::from_mark_change(before.as_deref(), after)).await?;
        Ok(None)
    }

    async fn tag_federation(&self, id: &ResourceId, change: TagChange) -> Result<(), ChangeError> {
        let iam = &self.provider.clients.iam;
        let arn = arn::federation_arn(self.realm, id).ok_or_else(|| super::refuse_unknown_kind(id))?;
        let list = tags::tags_to_sdk(&change.put)?;
        let (oidc, keys) = (id.kind == kinds::OIDC_PROVIDER, &change.remove);
        if !list.is_empty() && oidc {
            let send = || {
                iam.tag_open_id_connect_provider()
                    .open_id_connect_provider_arn(&arn)
                    .set_tags(Some(list.clone()))
                    .send()
            };
            self.call_iam("iam:TagOpenIDConnectProvider", RetryClass::Idempotent, send).await?;
        } else if !list.is_empty() {
            let send = || iam.tag_saml_provider().saml_provider_arn(&arn).set_tags(Some(list.clone())).send();
            self.call_iam("iam:TagSAMLProvider", RetryClass::Idempotent, send).await?;
        }
        if !keys.is_empty() && oidc {
            let untag = || iam.untag_open_id_connect_provider().open_id_connect_provider_arn(&arn);
            let send = || untag().set_tag_keys(Some(keys.clone())).send();
            self.call_iam("iam:UntagOpenIDConnectProvider", RetryClass::Idempotent, send).await?;
        } else if !keys.is_empty() {
            let send = || iam.untag_saml_provider().saml_provider_arn(&arn).set_tag_keys(Some(keys.clone())).send();
            self.call_iam("iam:UntagSAMLProvider", RetryClass::Idempotent, send).await?;
        }
        Ok(())
    }

    /// The tags of a provider. `None` if it does not exist.
    pub(super) async fn read_federation_tags(&self, id: &ResourceId) -> Result<Option<Vec<Tag>>, ChangeError> {
        let iam = &self.provider.clients.iam;
        let arn = arn::federation_arn(self.realm, id).ok_or_else(|| super::refuse_unknown_kind(id))?;
        let tags = if id.kind == kinds::OIDC_PROVIDER {
            let send = || iam.get_open_id_connect_provider().open_id_connect_provider_arn(&arn).send();
            self.call_iam("iam:GetOpenIDConnectProvider", RetryClass::Idempotent, send).await.map(|answer| answer.tags)
        } else {
            let send = || iam.get_saml_provider().saml_provider_arn(&arn).send();
            self.call_iam("iam:GetSAMLProvider", RetryClass::Idempotent, send).await.map(|answer| answer.tags)
        };
        match tags {
            Ok(tags) => Ok(Some(tags.unwrap_or_default())),
            Err(failure) if failure.is_absent() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }
}

fn tags_from_marks(after: &Resource) -> Result<Vec<Tag>, ChangeError> {
    match &after.marks {
        Some(marks) => tags::tags_to_sdk(&marks.to_tags()),
        None => {
            Err(refuse_change(&after.id, "the plan contains no marks for it", "the plan is invalid: make a new plan"))
        }
    }
}

fn attribute_texts(resource: &Resource, name: &str) -> BTreeSet<String> {
    match resource.get(name) {
        Some(Value::Set(texts)) => texts.clone(),
        _ => BTreeSet::new(),
    }
}

/// The declared thumbprints. `None` if the stack declares none; IAM then determines them.
fn declared_thumbprints(resource: &Resource) -> Option<Vec<String>> {
    resource.get(THUMBPRINTS).map(|_| attribute_texts(resource, THUMBPRINTS).into_iter().collect())
}

fn saml_metadata(resource: &Resource) -> Option<String> {
    text_attribute(resource, "saml_metadata_document").map(str::to_owned)
}
