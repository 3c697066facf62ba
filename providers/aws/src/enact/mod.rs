//! Carries out one change with the fewest calls.
//!
//! In: one [`Change`] of the plan. Out: [`Enacted`] with the number of calls and a note, or an [`EnactError`]. Invariants: every change may
//! be carried out twice with the same result, and an object without the stack's mark is never written, except to import it. `standing`
//! checks the mark before the first write.

mod attachment;
mod credential;
mod dependents;
mod device;
mod federation;
mod group;
mod inline;
mod issue;
mod other_credential;
mod policy;
mod profile;
mod role;
mod tags;
mod target;
mod user;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use leasehold_provider::{
    Change, Document, Enact, EnactError, EnactErrorKind, Enacted, IssueKeys, ObserveError, ObserveErrorKind, Principal,
    Realm, Resource, ResourceId, SecretStorage, StackName, Value,
};

use crate::failure::{CallError, CallErrorCause};
use crate::retry::{CallLog, Patience, RetryClass, retry_until_visible};
use crate::{AwsProvider, document, kinds};

use target::TargetStatus;

#[async_trait]
impl Enact for AwsProvider {
    async fn enact_change(&self, stack: &StackName, change: &Change) -> Result<Enacted, EnactError> {
        let realm = self.resolve_realm().await.map_err(to_enact_error)?;
        let writing = ChangeWriter::new(self, realm, stack);
        let (calls, ended) = (&writing.calls, writing.enact_change(change).await);
        match ended {
            Ok(note) => Ok(Enacted {
                calls: calls.attempt_count(),
                note,
                requests: calls.request_ids(),
                made: None,
                unique_id: writing.take_unique_id(change),
            }),
            Err(error) => Err(EnactError { requests: calls.request_ids(), ..error }),
        }
    }
}

#[async_trait]
impl IssueKeys for AwsProvider {
    async fn issue_access_key(
        &self,
        stack: &StackName,
        change: &Change,
        vault: &dyn SecretStorage,
    ) -> Result<Enacted, EnactError> {
        let realm = self.resolve_realm().await.map_err(to_enact_error)?;
        let writing = ChangeWriter::new(self, realm, stack);
        let (calls, ended) = (&writing.calls, writing.issue_key(change, vault).await);
        match ended {
            Ok(made) => Ok(Enacted {
                calls: calls.attempt_count(),
                note: None,
                requests: calls.request_ids(),
                made: Some(made),
                unique_id: None,
            }),
            Err(error) => Err(EnactError { requests: calls.request_ids(), ..error }),
        }
    }
}

/// One change while it is being carried out.
struct ChangeWriter<'a> {
    provider: &'a AwsProvider,
    realm: &'a Realm,
    stack: &'a StackName,
    calls: CallLog,
    /// The unique id of the object that was created or imported, once AWS has returned it.
    unique_id: Mutex<Option<String>>,
}

/// A note for the user about a completed change. `None` if there is nothing to report.
type EnactNote = Option<String>;

impl<'a> ChangeWriter<'a> {
    fn new(provider: &'a AwsProvider, realm: &'a Realm, stack: &'a StackName) -> Self {
        Self { provider, realm, stack, calls: CallLog::default(), unique_id: Mutex::new(None) }
    }
}

impl ChangeWriter<'_> {
    /// Records that this run created the object, and the unique id that IAM gave it.
    fn record_created(&self, id: &ResourceId, unique_id: impl Into<String>) {
        self.provider.known.record_created(self.stack, id);
        self.note_unique_id(unique_id);
    }

    fn note_unique_id(&self, unique_id: impl Into<String>) {
        *self.unique_id.lock().unwrap_or_else(PoisonError::into_inner) = Some(unique_id.into());
    }

    fn take_unique_id(&self, change: &Change) -> Option<String> {
        let found = self.unique_id.lock().unwrap_or_else(PoisonError::into_inner).take();
        found.filter(|_| matches!(change, Change::Create { .. } | Change::Import { .. }))
    }

    async fn enact_change(&self, change: &Change) -> Result<EnactNote, EnactError> {
        match self.check_target(change).await? {
            TargetStatus::Managed => {
                let patience = self.choose_retry_window(change);
                Ok(retry_until_visible(patience, || self.write_change(change)).await?)
            }
            TargetStatus::Absent => Ok(Some("it had already been removed".to_owned())),
        }
    }

    async fn write_change(&self, change: &Change) -> Result<EnactNote, ChangeError> {
        let id = change.id();
        if let Some(group) = kinds::containing_group(id) {
            return self.write_group_resource(group, change).await;
        }
        let Some((principal, name)) = kinds::owning_principal(id) else {
            return match &id.kind {
                kind if *kind == kinds::POLICY => self.write_policy(change).await,
                kind if *kind == kinds::OIDC_PROVIDER => self.write_oidc_provider(change).await,
                kind if *kind == kinds::SAML_PROVIDER => self.write_saml_provider(change).await,
                _ => Err(refuse_unknown_kind(id)),
            };
        };
        match &id.kind {
            kind if *kind == kinds::ROLE => self.write_role(name, change).await,
            kind if *kind == kinds::USER => self.write_user(name, change).await,
            kind if [kinds::ROLE_POLICY, kinds::USER_POLICY].contains(kind) => {
                self.write_inline_policy(principal, name, change).await
            }
            kind if [kinds::ROLE_ATTACHMENT, kinds::USER_ATTACHMENT].contains(kind) => {
                self.write_attachment(principal, name, change).await
            }
            kind if *kind == kinds::ACCESS_KEY => self.write_access_key(name, change).await,
            kind if *kind == kinds::LOGIN_PROFILE => self.write_login_profile(name, change).await,
            kind if kinds::SWITCHED.contains(kind) => self.write_other_credential(name, change).await,
            kind if [kinds::VIRTUAL_DEVICE, kinds::DEVICE].contains(kind) => self.write_device(name, change).await,
            kind if *kind == kinds::PROFILE_MEMBERSHIP => self.write_profile_membership(name, change).await,
            kind if *kind == kinds::MEMBERSHIP => self.write_membership(name, change).await,
            _ => Err(refuse_unknown_kind(id)),
        }
    }

    /// How long to repeat calls that fail while IAM does not yet show a new object everywhere. Only objects that this run created or
    /// changed are waited for.
    fn choose_retry_window(&self, change: &Change) -> Patience {
        let known = &self.provider.known;
        let holder = kinds::owning_principal(change.id()).map(|(principal, name)| kinds::principal_id(principal, name));
        let needs = change.resource_after().into_iter().flat_map(|after| &after.depends_on);
        if holder.iter().chain([change.id()]).chain(needs).any(|id| known.is_created(id)) {
            Patience::Propagation
        } else if matches!(change, Change::Delete { .. }) && known.is_touched(change.id()) {
            Patience::Settling
        } else {
            Patience::None
        }
    }

    /// Makes a call, with retries, and counts the attempts.
    async fn call_iam<T, E, F, Sent>(&self, operation: &'static str, class: RetryClass, send: F) -> Result<T, CallError>
    where
        T: RequestId,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Fn() -> Sent,
        Sent: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.provider.caller.call_with_retries(&self.calls, operation, class, send).await
    }

    /// Makes a call that removes something. An object that does not exist counts as success.
    async fn delete_if_present<T, E, F, Sent>(&self, operation: &'static str, send: F) -> Result<EnactNote, ChangeError>
    where
        T: RequestId,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Fn() -> Sent,
        Sent: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let before = self.calls.attempt_count();
        match self.call_iam(operation, RetryClass::Conditional, send).await {
            Ok(_) => Ok(None),
            // After a lost answer, our own first attempt removed it.
            Err(failure) if failure.is_absent() && self.calls.attempt_count() > before.saturating_add(1) => Ok(None),
            Err(failure) if failure.is_absent() => Ok(Some("it had already been removed".to_owned())),
            Err(failure) => Err(failure.into()),
        }
    }

    fn record_reduced(&self, principal: Principal, name: &str) {
        self.provider.known.record_reduced(&kinds::principal_id(principal, name));
    }
}

/// Why a change was not carried out: a failed call, or a refusal of our own.
enum ChangeError {
    Failed(CallError),
    Own(Box<EnactError>),
}

impl ChangeError {
    /// Whether the object cannot be deleted because other objects are attached to it.
    fn is_delete_conflict(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.is_delete_conflict())
    }

    fn may_pass(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.may_pass())
    }
}

impl From<CallError> for ChangeError {
    fn from(failure: CallError) -> Self {
        Self::Failed(failure)
    }
}

impl From<EnactError> for ChangeError {
    fn from(error: EnactError) -> Self {
        Self::Own(Box::new(error))
    }
}

impl From<ChangeError> for EnactError {
    fn from(refusal: ChangeError) -> Self {
        match refusal {
            ChangeError::Failed(failure) => failure.into(),
            ChangeError::Own(error) => *error,
        }
    }
}

impl crate::retry::TransientError for ChangeError {
    fn may_pass(&self) -> bool {
        Self::may_pass(self)
    }
}

/// Refuses a change that this provider never plans, such as a new path.
fn refuse_change(id: &ResourceId, problem: &str, help: &str) -> ChangeError {
    EnactError {
        requests: Vec::new(),
        kind: EnactErrorKind::Other,
        operation: id.to_string(),
        message: problem.to_owned(),
        help: Some(help.to_owned()),
    }
    .into()
}

fn refuse_unknown_kind(id: &ResourceId) -> ChangeError {
    refuse_change(
        id,
        "this provider has no resource of this type",
        "the plan was made by another version of Leasehold: make a new plan",
    )
}

/// Converts a failure to read the realm. The realm must be known before the first write.
fn to_enact_error(error: ObserveError) -> EnactError {
    let kind = match error.kind {
        ObserveErrorKind::Unauthenticated | ObserveErrorKind::Denied => EnactErrorKind::Denied,
        ObserveErrorKind::WrongAccount => EnactErrorKind::NotManaged,
        ObserveErrorKind::Unreachable => EnactErrorKind::Unreachable,
        ObserveErrorKind::Throttled => EnactErrorKind::Throttled,
        ObserveErrorKind::Malformed | ObserveErrorKind::Other => EnactErrorKind::Other,
    };
    EnactError { requests: Vec::new(), kind, operation: error.operation, message: error.message, help: error.help }
}

/// The text of an attribute. `None` if it is absent or not text.
fn text_attribute<'a>(resource: &'a Resource, name: &str) -> Option<&'a str> {
    resource.get(name).and_then(Value::as_text)
}

/// A document that the resource must have, in the form sent to IAM.
fn require_document_text(resource: &Resource, name: &str) -> Result<String, ChangeError> {
    match resource.get(name) {
        Some(Value::Document(document)) => Ok(document::render_document(document)),
        _ => Err(refuse_change(
            &resource.id,
            &format!("it has no document {name:?}"),
            "the plan is invalid: make a new plan",
        )),
    }
}

/// The document of an attribute. `None` if it is absent or not a document.
fn find_document<'a>(resource: &'a Resource, name: &str) -> Option<&'a Document> {
    match resource.get(name) {
        Some(Value::Document(document)) => Some(document),
        _ => None,
    }
}

/// The declared tags of a principal, without marks.
fn declared_tags(resource: &Resource) -> BTreeMap<String, String> {
    match resource.get("tags") {
        Some(Value::Map(tags)) => tags.clone(),
        _ => BTreeMap::new(),
    }
}

/// Whether the failure leaves open whether the call took effect.
fn is_uncertain(failure: &CallError) -> bool {
    matches!(failure.cause, CallErrorCause::NoAnswer | CallErrorCause::Faulted | CallErrorCause::Malformed)
}
