//! OpenID Connect and SAML providers, with tags as their marks.

use std::collections::BTreeSet;

use aws_sdk_iam::types::Tag;
use leasehold_provider::{Change, Marks, Resource, ResourceId, Value};

use super::inline::unmarkable;
use super::standing::taken;
use super::tags::{self, TagChange};
use super::{Note, Refusal, Writing, attribute, impossible};
use crate::realize::federation::THUMBPRINTS;
use crate::retry::Class;
use crate::{arn, kinds};

impl Writing<'_> {
    /// One change of an OpenID Connect provider.
    pub(super) async fn oidc_provider(&self, change: &Change) -> Result<Note, Refusal> {
        let iam = &self.provider.clients.iam;
        let arn = arn::oidc_provider(self.realm, &change.id().name);
        match change {
            Change::Create { after } => {
                let all_tags = mark_tags(after)?;
                let send = || {
                    iam.create_open_id_connect_provider()
                        .set_url(attribute(after, "url").map(str::to_owned))
                        .set_client_id_list(Some(texts(after, "client_id_list").into_iter().collect()))
                        .set_thumbprint_list(thumbprints(after))
                        .set_tags(Some(all_tags.clone()))
                        .send()
                };
                match self.call("iam:CreateOpenIDConnectProvider", Class::Conditional, send).await {
                    Ok(_) => self.made_federation(&after.id),
                    Err(failure) if failure.exists() => self.resolve_federation(after).await,
                    Err(failure) => Err(failure.into()),
                }
            }
            Change::Update { before, after } => {
                self.update_oidc(&arn, before, after).await?;
                Ok(None)
            }
            Change::Delete { .. } => {
                let send = || iam.delete_open_id_connect_provider().open_id_connect_provider_arn(&arn).send();
                let note = self.remove("iam:DeleteOpenIDConnectProvider", send).await?;
                self.provider.known.gone(self.stack, change.id());
                Ok(note)
            }
            _ => self.mark_federation(change).await,
        }
    }

    /// One change of a SAML provider.
    pub(super) async fn saml_provider(&self, change: &Change) -> Result<Note, Refusal> {
        let iam = &self.provider.clients.iam;
        let name = change.id().name.as_str();
        let arn = arn::saml_provider(self.realm, name);
        match change {
            Change::Create { after } => {
                let all_tags = mark_tags(after)?;
                let send = || {
                    iam.create_saml_provider()
                        .name(name)
                        .set_saml_metadata_document(metadata(after))
                        .set_tags(Some(all_tags.clone()))
                        .send()
                };
                match self.call("iam:CreateSAMLProvider", Class::Conditional, send).await {
                    Ok(_) => self.made_federation(&after.id),
                    Err(failure) if failure.exists() => self.resolve_federation(after).await,
                    Err(failure) => Err(failure.into()),
                }
            }
            Change::Update { after, .. } => {
                let send = || {
                    iam.update_saml_provider()
                        .saml_provider_arn(&arn)
                        .set_saml_metadata_document(metadata(after))
                        .send()
                };
                self.call("iam:UpdateSAMLProvider", Class::Idempotent, send).await?;
                Ok(None)
            }
            Change::Delete { .. } => {
                let send = || iam.delete_saml_provider().saml_provider_arn(&arn).send();
                let note = self.remove("iam:DeleteSAMLProvider", send).await?;
                self.provider.known.gone(self.stack, change.id());
                Ok(note)
            }
            _ => self.mark_federation(change).await,
        }
    }

    fn made_federation(&self, id: &ResourceId) -> Result<Note, Refusal> {
        self.provider.known.made(self.stack, id);
        Ok(None)
    }

    /// A federation of the name is there: by an earlier attempt or run of ours, or somebody else's.
    async fn resolve_federation(&self, after: &Resource) -> Result<Note, Refusal> {
        let Some(found) = self.federation_tags(&after.id).await? else { return Err(taken(&after.id)) };
        let found = Marks::from_tags(&tags::map(Some(found))).ok().flatten();
        self.must_be(&after.id, found.as_ref(), after.marks.as_ref())?;
        self.provider.known.made(self.stack, &after.id);
        // What an earlier run left may say something else: it is written whole.
        if after.id.kind == kinds::OIDC_PROVIDER {
            let arn = arn::oidc_provider(self.realm, &after.id.name);
            let live = self.audiences(&arn).await?;
            let before = after.clone().with("client_id_list", Value::Set(live));
            self.update_oidc(&arn, &before, after).await?;
        } else {
            let change = Change::Update { before: Box::new(after.clone()), after: Box::new(after.clone()) };
            Box::pin(self.saml_provider(&change)).await?;
        }
        if let (Some(found), Some(wanted)) = (found, &after.marks) {
            self.tag_federation(&after.id, TagChange::of_marks(Some(&found), wanted)).await?;
        }
        Ok(Some("it was there already, with this stack's mark".to_owned()))
    }

    async fn audiences(&self, arn: &str) -> Result<BTreeSet<String>, Refusal> {
        let iam = &self.provider.clients.iam;
        let send = || iam.get_open_id_connect_provider().open_id_connect_provider_arn(arn).send();
        let answer = self.call("iam:GetOpenIDConnectProvider", Class::Idempotent, send).await?;
        Ok(answer.client_id_list.unwrap_or_default().into_iter().collect())
    }

    /// Audiences and thumbprints. Where both change, no new audience meets an old certificate: those go first that shall not stay, but for
    /// one where none stays, because a provider has one at least.
    async fn update_oidc(&self, arn: &str, before: &Resource, after: &Resource) -> Result<(), Refusal> {
        let (old, new) = (texts(before, "client_id_list"), texts(after, "client_id_list"));
        let prints = thumbprints(after).filter(|_| before.get(THUMBPRINTS) != after.get(THUMBPRINTS));
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
            self.call("iam:UpdateOpenIDConnectProviderThumbprint", Class::Idempotent, send).await?;
        }
        for id in new.difference(&old) {
            let iam = &self.provider.clients.iam;
            let send = || {
                iam.add_client_id_to_open_id_connect_provider().open_id_connect_provider_arn(arn).client_id(id).send()
            };
            self.call("iam:AddClientIDToOpenIDConnectProvider", Class::Idempotent, send).await?;
        }
        self.remove_audiences(arn, old.difference(&new).filter(|id| !early.contains(*id))).await
    }

    async fn remove_audiences(&self, arn: &str, ids: impl Iterator<Item = &String>) -> Result<(), Refusal> {
        for id in ids {
            let iam = &self.provider.clients.iam;
            let send = || {
                iam.remove_client_id_from_open_id_connect_provider()
                    .open_id_connect_provider_arn(arn)
                    .client_id(id)
                    .send()
            };
            self.call("iam:RemoveClientIDFromOpenIDConnectProvider", Class::Idempotent, send).await?;
        }
        Ok(())
    }

    async fn mark_federation(&self, change: &Change) -> Result<Note, Refusal> {
        let Change::Mark { id, before, after } = change else { return Err(unmarkable(change.id())) };
        self.tag_federation(id, TagChange::of_marks(before.as_deref(), after)).await?;
        Ok(None)
    }

    async fn tag_federation(&self, id: &ResourceId, change: TagChange) -> Result<(), Refusal> {
        let iam = &self.provider.clients.iam;
        let arn = arn::federation(self.realm, id).unwrap_or_default();
        let list = tags::list(&change.put)?;
        let (oidc, keys) = (id.kind == kinds::OIDC_PROVIDER, &change.remove);
        if !list.is_empty() && oidc {
            let send = || {
                iam.tag_open_id_connect_provider()
                    .open_id_connect_provider_arn(&arn)
                    .set_tags(Some(list.clone()))
                    .send()
            };
            self.call("iam:TagOpenIDConnectProvider", Class::Idempotent, send).await?;
        } else if !list.is_empty() {
            let send = || iam.tag_saml_provider().saml_provider_arn(&arn).set_tags(Some(list.clone())).send();
            self.call("iam:TagSAMLProvider", Class::Idempotent, send).await?;
        }
        if !keys.is_empty() && oidc {
            let untag = || iam.untag_open_id_connect_provider().open_id_connect_provider_arn(&arn);
            let send = || untag().set_tag_keys(Some(keys.clone())).send();
            self.call("iam:UntagOpenIDConnectProvider", Class::Idempotent, send).await?;
        } else if !keys.is_empty() {
            let send = || iam.untag_saml_provider().saml_provider_arn(&arn).set_tag_keys(Some(keys.clone())).send();
            self.call("iam:UntagSAMLProvider", Class::Idempotent, send).await?;
        }
        Ok(())
    }

    /// The tags of a federation's object; `None`: it is not there.
    pub(super) async fn federation_tags(&self, id: &ResourceId) -> Result<Option<Vec<Tag>>, Refusal> {
        let iam = &self.provider.clients.iam;
        let arn = arn::federation(self.realm, id).unwrap_or_default();
        let tags = if id.kind == kinds::OIDC_PROVIDER {
            let send = || iam.get_open_id_connect_provider().open_id_connect_provider_arn(&arn).send();
            self.call("iam:GetOpenIDConnectProvider", Class::Idempotent, send).await.map(|answer| answer.tags)
        } else {
            let send = || iam.get_saml_provider().saml_provider_arn(&arn).send();
            self.call("iam:GetSAMLProvider", Class::Idempotent, send).await.map(|answer| answer.tags)
        };
        match tags {
            Ok(tags) => Ok(Some(tags.unwrap_or_default())),
            Err(failure) if failure.absent() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }
}

fn mark_tags(after: &Resource) -> Result<Vec<Tag>, Refusal> {
    match &after.marks {
        Some(marks) => tags::list(&marks.to_tags()),
        None => Err(impossible(&after.id, "the plan gives it no marks", "the plan is broken: plan again")),
    }
}

fn texts(resource: &Resource, name: &str) -> BTreeSet<String> {
    match resource.get(name) {
        Some(Value::Set(texts)) => texts.clone(),
        _ => BTreeSet::new(),
    }
}

/// `None`: IAM finds them.
fn thumbprints(resource: &Resource) -> Option<Vec<String>> {
    resource.get(THUMBPRINTS).map(|_| texts(resource, THUMBPRINTS).into_iter().collect())
}

fn metadata(resource: &Resource) -> Option<String> {
    attribute(resource, "saml_metadata_document").map(str::to_owned)
}
