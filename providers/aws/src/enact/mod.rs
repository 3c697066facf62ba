//! Carries out one change with the fewest calls. Every change may be carried out twice.

mod attachment;
mod credential;
mod device;
mod federation;
mod group;
mod inline;
mod issue;
mod leftovers;
mod other_credential;
mod policy;
mod profile;
mod role;
mod standing;
mod tags;
mod user;

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use leasehold_provider::{
    Change, Document, Enact, EnactError, EnactErrorKind, Enacted, ObserveError, ObserveErrorKind, Principal, Realm,
    Resource, ResourceId, StackName, Value, Vault,
};

use crate::failure::{Cause, Failure};
use crate::retry::{Calls, Class, Patience, until_visible};
use crate::{AwsProvider, document, kinds};

use standing::Standing;

#[async_trait]
impl Enact for AwsProvider {
    async fn enact(&self, stack: &StackName, change: &Change) -> Result<Enacted, EnactError> {
        let realm = self.place().await.map_err(unplaced)?;
        let writing = Writing { provider: self, realm, stack, calls: Calls::default() };
        let (calls, ended) = (&writing.calls, writing.enact(change).await);
        match ended {
            Ok(note) => Ok(Enacted { calls: calls.count(), note, requests: calls.ids(), made: None }),
            Err(error) => Err(EnactError { requests: calls.ids(), ..error }),
        }
    }

    async fn issue(&self, stack: &StackName, change: &Change, vault: &dyn Vault) -> Result<Enacted, EnactError> {
        let realm = self.place().await.map_err(unplaced)?;
        let writing = Writing { provider: self, realm, stack, calls: Calls::default() };
        let (calls, ended) = (&writing.calls, writing.issue(change, vault).await);
        match ended {
            Ok(made) => Ok(Enacted { calls: calls.count(), note: None, requests: calls.ids(), made: Some(made) }),
            Err(error) => Err(EnactError { requests: calls.ids(), ..error }),
        }
    }
}

/// One change on its way.
struct Writing<'a> {
    provider: &'a AwsProvider,
    realm: &'a Realm,
    stack: &'a StackName,
    calls: Calls,
}

/// What people should know beside that it is done.
type Note = Option<String>;

impl Writing<'_> {
    async fn enact(&self, change: &Change) -> Result<Note, EnactError> {
        match self.standing(change).await? {
            Standing::Ours => {
                let patience = self.patience(change);
                Ok(until_visible(patience, || self.write(change)).await?)
            }
            Standing::Gone => Ok(Some("it was gone already".to_owned())),
        }
    }

    async fn write(&self, change: &Change) -> Result<Note, Refusal> {
        let id = change.id();
        if let Some(group) = kinds::group_of(id) {
            return self.of_group(group, change).await;
        }
        let Some((principal, name)) = kinds::holder(id) else {
            return match &id.kind {
                kind if *kind == kinds::POLICY => self.policy(change).await,
                kind if *kind == kinds::OIDC_PROVIDER => self.oidc_provider(change).await,
                kind if *kind == kinds::SAML_PROVIDER => self.saml_provider(change).await,
                _ => Err(unknown(id)),
            };
        };
        match &id.kind {
            kind if *kind == kinds::ROLE => self.role(name, change).await,
            kind if *kind == kinds::USER => self.user(name, change).await,
            kind if [kinds::ROLE_POLICY, kinds::USER_POLICY].contains(kind) => {
                self.inline(principal, name, change).await
            }
            kind if [kinds::ROLE_ATTACHMENT, kinds::USER_ATTACHMENT].contains(kind) => {
                self.attachment(principal, name, change).await
            }
            kind if *kind == kinds::ACCESS_KEY => self.access_key(name, change).await,
            kind if *kind == kinds::LOGIN_PROFILE => self.login_profile(name, change).await,
            kind if kinds::SWITCHED.contains(kind) => self.other_credential(name, change).await,
            kind if [kinds::VIRTUAL_DEVICE, kinds::DEVICE].contains(kind) => self.device(name, change).await,
            kind if *kind == kinds::PROFILE_MEMBERSHIP => self.profile_membership(name, change).await,
            kind if *kind == kinds::MEMBERSHIP => self.membership(name, change).await,
            _ => Err(unknown(id)),
        }
    }

    /// How long what fails for a while after an object was made may go on failing. Only objects of this run are waited for.
    fn patience(&self, change: &Change) -> Patience {
        let known = &self.provider.known;
        let holder = kinds::holder(change.id()).map(|(principal, name)| kinds::principal(principal, name));
        let needs = change.after().into_iter().flat_map(|after| &after.depends_on);
        if holder.iter().chain([change.id()]).chain(needs).any(|id| known.is_made(id)) {
            Patience::Propagation
        } else if matches!(change, Change::Delete { .. }) && known.is_touched(change.id()) {
            Patience::Settling
        } else {
            Patience::None
        }
    }

    /// Makes a call and counts it.
    async fn call<T, E, F, Sent>(&self, operation: &'static str, class: Class, send: F) -> Result<T, Failure>
    where
        T: RequestId,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Fn() -> Sent,
        Sent: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.provider.caller.call(&self.calls, operation, class, send).await
    }

    /// Makes a call that takes something away. That it is not there is as good.
    async fn remove<T, E, F, Sent>(&self, operation: &'static str, send: F) -> Result<Note, Refusal>
    where
        T: RequestId,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Fn() -> Sent,
        Sent: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let before = self.calls.count();
        match self.call(operation, Class::Conditional, send).await {
            Ok(_) => Ok(None),
            // After a lost answer it is gone by our own doing.
            Err(failure) if failure.absent() && self.calls.count() > before.saturating_add(1) => Ok(None),
            Err(failure) if failure.absent() => Ok(Some("it was gone already".to_owned())),
            Err(failure) => Err(failure.into()),
        }
    }

    fn touched(&self, principal: Principal, name: &str) {
        self.provider.known.touched(&kinds::principal(principal, name));
    }
}

/// Why a change was not carried out: what AWS said, or what we did.
enum Refusal {
    Failed(Failure),
    Own(Box<EnactError>),
}

impl Refusal {
    /// The object cannot go while something hangs on it.
    fn holds_something(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.holds_something())
    }

    fn may_pass(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.may_pass())
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<EnactError> for Refusal {
    fn from(error: EnactError) -> Self {
        Self::Own(Box::new(error))
    }
}

impl From<Refusal> for EnactError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Failed(failure) => failure.into(),
            Refusal::Own(error) => *error,
        }
    }
}

impl crate::retry::Passing for Refusal {
    fn may_pass(&self) -> bool {
        Self::may_pass(self)
    }
}

/// A change that this provider never plans, such as a new path.
fn impossible(id: &ResourceId, problem: &str, help: &str) -> Refusal {
    EnactError {
        requests: Vec::new(),
        kind: EnactErrorKind::Other,
        operation: id.to_string(),
        message: problem.to_owned(),
        help: Some(help.to_owned()),
    }
    .into()
}

fn unknown(id: &ResourceId) -> Refusal {
    impossible(id, "this provider has no resource of that kind", "the plan was made by another version: plan again")
}

/// Before the first write it must be known where this is.
fn unplaced(error: ObserveError) -> EnactError {
    let kind = match error.kind {
        ObserveErrorKind::Unauthenticated | ObserveErrorKind::Denied => EnactErrorKind::Denied,
        ObserveErrorKind::WrongRealm => EnactErrorKind::NotOurs,
        ObserveErrorKind::Unreachable => EnactErrorKind::Unreachable,
        ObserveErrorKind::Throttled => EnactErrorKind::Throttled,
        ObserveErrorKind::Malformed | ObserveErrorKind::Other => EnactErrorKind::Other,
    };
    EnactError { requests: Vec::new(), kind, operation: error.operation, message: error.message, help: error.help }
}

/// The text of an attribute.
fn attribute<'a>(resource: &'a Resource, name: &str) -> Option<&'a str> {
    resource.get(name).and_then(Value::as_text)
}

/// A document that the resource must have, as it is sent.
fn document_text(resource: &Resource, name: &str) -> Result<String, Refusal> {
    match resource.get(name) {
        Some(Value::Document(document)) => Ok(document::text(document)),
        _ => Err(impossible(&resource.id, &format!("it has no document {name:?}"), "the plan is broken: plan again")),
    }
}

/// The document of an attribute, if it is one.
fn document_of<'a>(resource: &'a Resource, name: &str) -> Option<&'a Document> {
    match resource.get(name) {
        Some(Value::Document(document)) => Some(document),
        _ => None,
    }
}

/// The tags of a principal without marks.
fn own_tags(resource: &Resource) -> BTreeMap<String, String> {
    match resource.get("tags") {
        Some(Value::Map(tags)) => tags.clone(),
        _ => BTreeMap::new(),
    }
}

/// Whether a failure leaves open what happened.
fn uncertain(failure: &Failure) -> bool {
    matches!(failure.cause, Cause::NoAnswer | Cause::Faulted | Cause::Malformed)
}
