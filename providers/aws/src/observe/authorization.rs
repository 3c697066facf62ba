//! `GetAccountAuthorizationDetails`: every principal with its policies and tags, every group, and every customer-managed policy.
//!
//! In: an [`ObserveRequest`]. Out: [`AccountDetails`]. Invariant: pages are reduced as they arrive. Of objects that the stack neither
//! manages nor imports, only the names and what may affect the stack are kept.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::{AttachedPolicy, EntityType, ManagedPolicyDetail, RoleDetail, UserDetail};
use jiff::Timestamp;
use leasehold_provider::{
    Address, Document, ForeignMarks, LiveIdentity, LiveShared, Marks, ObjectOwner, ObserveRequest, Principal, Realm,
    Resource, ResourceId, StackName, UnmanagedObject, Unmarked, Value,
};

use super::foreign::{ForeignGroup, may_affect_order};
use super::pages::{Page, read_all_pages};
use super::resources::{self, IdentityBinding, PrincipalDetails};
use super::{AccountReader, is_aws_path};
use crate::failure::CallError;
use crate::retry::RetryClass;
use crate::{arn, document, kinds};

const OPERATION: &str = "iam:GetAccountAuthorizationDetails";

/// What the bulk read returns about an account.
#[derive(Default)]
pub struct AccountDetails {
    /// The stack's principals, without the details that only other calls return.
    pub identities: BTreeMap<ResourceId, LiveIdentity>,
    /// Managed policies under the stack's path that the stack owns. Policies with a user's own statements are moved to their users.
    pub shared: BTreeMap<ResourceId, Resource>,
    /// The unique id of each policy in `shared`.
    pub policy_ids: BTreeMap<ResourceId, String>,
    /// All principals, groups and policies of other stacks or tools.
    pub unmanaged_objects: BTreeMap<ResourceId, UnmanagedObject>,
    /// Of the strangers, the unmarked principals that the request wants to import, with all their resources.
    pub import_candidates: BTreeMap<ResourceId, Unmarked>,
    /// The stack's groups with all their resources.
    pub groups: BTreeMap<ResourceId, LiveShared>,
    /// By ARN: managed policies that the stack does not manage and that contain a Deny or read principal tags. By name: other groups with
    /// such policies.
    pub denying: BTreeMap<String, Document>,
    /// By ARN: managed policies of the stack that contain a Deny or read principal tags. Groups that the stack does not manage may have
    /// them attached.
    pub own_denying: BTreeMap<String, Document>,
    /// By group that the stack does not manage: the policies of the stack that are attached to it.
    pub foreign_group_policies: BTreeMap<ResourceId, BTreeSet<ResourceId>>,
    /// Groups that the stack does not manage.
    pub foreign_groups: Vec<ForeignGroup>,
    /// By managed policy of the stack, group or federation: the principals outside the stack that have it or use it.
    pub foreign_attachments: BTreeMap<ResourceId, BTreeSet<String>>,
}

impl AccountDetails {
    /// Moves the managed policies with users' own statements to their users. A policy whose user no longer exists stays in `shared`, where
    /// no configuration declares it.
    fn move_own_policies_to_users(&mut self, stack: &StackName) {
        for identity in self.identities.values_mut().filter(|identity| identity.principal == Principal::User) {
            if let Some(mut policy) = self.shared.remove(&kinds::own_policy_id(stack, &identity.name)) {
                policy.identity = Some(identity.marks.address.clone());
                identity.resources.insert(policy.id.clone(), policy);
            }
        }
    }
}

impl AccountReader<'_> {
    /// Reads all pages. Each page is reduced as it arrives (see the module documentation).
    ///
    /// # Errors
    /// A call fails, or the answer lacks a name or a document, or contains a document that cannot be decoded.
    pub async fn read_authorization_details(&self, request: &ObserveRequest<'_>) -> Result<AccountDetails, CallError> {
        let stack = request.stack;
        let mut account = AccountDetails::default();
        let iam = &self.provider.clients.iam;
        let fetch = async |marker: Option<String>| {
            let send = || {
                let filter = [EntityType::User, EntityType::Role, EntityType::Group, EntityType::LocalManagedPolicy];
                iam.get_account_authorization_details()
                    .set_filter(Some(filter.to_vec()))
                    .max_items(1000)
                    .set_marker(marker.clone())
                    .send()
            };
            let page =
                self.provider.caller.call_with_retries(&self.calls, OPERATION, RetryClass::Idempotent, send).await?;
            let items = (page.role_detail_list, page.user_detail_list, page.group_detail_list, page.policies);
            Ok(Page { items, truncated: page.is_truncated, marker: page.marker })
        };
        read_all_pages(OPERATION, fetch, |(roles, users, groups, policies)| {
            for role in roles.unwrap_or_default() {
                self.collect_role(&mut account, request, role)?;
            }
            for user in users.unwrap_or_default() {
                self.collect_user(&mut account, request, user)?;
            }
            for group in groups.unwrap_or_default() {
                self.collect_group(&mut account, request, group)?;
            }
            for policy in policies.unwrap_or_default() {
                self.collect_policy(&mut account, request, policy)?;
            }
            Ok(())
        })
        .await?;
        account.move_own_policies_to_users(stack);
        let of_groups = account.foreign_groups.iter();
        let of_groups: Vec<_> = of_groups
            .filter_map(|group| {
                Some((group.name.clone(), group.to_deny_document(&[&account.denying, &account.own_denying])?))
            })
            .collect();
        account.denying.extend(of_groups);
        Ok(account)
    }

    fn collect_role(
        &self,
        account: &mut AccountDetails,
        request: &ObserveRequest<'_>,
        role: RoleDetail,
    ) -> Result<(), CallError> {
        let name = require_name(role.role_name, "a role")?;
        let id = kinds::principal_id(Principal::Role, &name);
        let path = role.path.unwrap_or_default();
        let tags = super::tags_by_key(role.tags);
        let attached = role.attached_managed_policies.unwrap_or_default();
        let unique_id = require_name(role.role_id, "a role without an id")?;
        let created_at = role.create_date.and_then(super::timestamp_from_sdk);
        let owner = request.find_owner(&id, &unique_id, created_at, &tags);
        let ownership = match PrincipalOwnership::from_owner(owner, role.arn.unwrap_or_default()) {
            owner if is_aws_path(&path) => PrincipalOwnership::Strange(owner.into_unmanaged_object(&id, &path)),
            owner => owner,
        };
        let bearing = self.classify_principal(account, request, &id, &ownership, &attached);
        if matches!(ownership, PrincipalOwnership::Strange(_)) {
            self.record_unmanaged_trusts(account, &name, role.assume_role_policy_document.as_deref());
        }
        let Some(bearing) = bearing else { return Ok(()) };
        let trust = require_document_value(
            role.assume_role_policy_document.as_deref(),
            &format!("the trust policy of role {name}"),
        )?;
        let boundary = role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
        let resource = resources::role_resource(&name, &path, trust, boundary, &tags, bearing);
        let inline = role.role_policy_list.unwrap_or_default();
        let profiles = role.instance_profile_list.unwrap_or_default();
        let profiles = profiles.into_iter().map(|profile| profile.instance_profile_name).collect();
        let details = PrincipalDetails {
            realm: self.realm,
            stack: request.stack,
            inline,
            attached,
            groups: Vec::new(),
            profiles,
        };
        let resources = resources::collect_resources(Principal::Role, &name, resource, details)?;
        let last_used = role.role_last_used.and_then(|used| used.last_used_date).and_then(super::timestamp_from_sdk);
        let principal = Principal::Role;
        account.add_principal(
            FoundPrincipal { id, principal, name, unique_id, created_at, last_used, resources },
            ownership,
        );
        Ok(())
    }

    fn collect_user(
        &self,
        account: &mut AccountDetails,
        request: &ObserveRequest<'_>,
        user: UserDetail,
    ) -> Result<(), CallError> {
        let name = require_name(user.user_name, "a user")?;
        let id = kinds::principal_id(Principal::User, &name);
        let tags = super::tags_by_key(user.tags);
        let attached = user.attached_managed_policies.unwrap_or_default();
        let unique_id = require_name(user.user_id, "a user without an id")?;
        let created_at = user.create_date.and_then(super::timestamp_from_sdk);
        let owner = request.find_owner(&id, &unique_id, created_at, &tags);
        let ownership = PrincipalOwnership::from_owner(owner, user.arn.unwrap_or_default());
        let bearing = self.classify_principal(account, request, &id, &ownership, &attached);
        if matches!(ownership, PrincipalOwnership::Strange(_)) {
            for group in user.group_list.iter().flatten() {
                account.foreign_attachments.entry(kinds::group_id(group)).or_default().insert(format!("user/{name}"));
            }
        }
        let Some(bearing) = bearing else { return Ok(()) };
        let boundary = user.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
        let resource =
            resources::user_resource(&name, user.path.as_deref().unwrap_or_default(), boundary, &tags, bearing);
        let (inline, groups) = (user.user_policy_list.unwrap_or_default(), user.group_list.unwrap_or_default());
        let details = PrincipalDetails {
            realm: self.realm,
            stack: request.stack,
            inline,
            attached,
            groups,
            profiles: Vec::new(),
        };
        let resources = resources::collect_resources(Principal::User, &name, resource, details)?;
        let principal = Principal::User;
        account.add_principal(
            FoundPrincipal { id, principal, name, unique_id, created_at, last_used: None, resources },
            ownership,
        );
        Ok(())
    }

    /// The identity that a principal's resources belong to. `None` if the stack neither manages nor imports the principal. For a stranger,
    /// this records its name and the policies of the stack that are attached to it.
    fn classify_principal<'a>(
        &self,
        account: &mut AccountDetails,
        request: &ObserveRequest<'a>,
        id: &ResourceId,
        owner: &'a PrincipalOwnership,
        attached: &[AttachedPolicy],
    ) -> Option<IdentityBinding<'a>> {
        let unmanaged_object = match owner {
            PrincipalOwnership::Ours(marks) => return Some(IdentityBinding::Marked(marks)),
            PrincipalOwnership::Strange(unmanaged_object) => unmanaged_object,
        };
        let path =
            kinds::owning_principal(id).map_or_else(String::new, |(form, name)| format!("{}/{name}", form.as_str()));
        account.record_attachment(self.realm, request.stack, &path, attached);
        account.unmanaged_objects.insert(id.clone(), unmanaged_object.clone());
        request.find_import(id, unmanaged_object).map(IdentityBinding::Imported)
    }

    fn collect_policy(
        &self,
        account: &mut AccountDetails,
        request: &ObserveRequest<'_>,
        policy: ManagedPolicyDetail,
    ) -> Result<(), CallError> {
        let stack = request.stack;
        let arn = require_name(policy.arn, "a policy")?;
        let name = arn.rsplit('/').next().unwrap_or(&arn).to_owned();
        let scope =
            arn::scope_from_policy_arn(self.realm, stack, &arn).map(|scope| kinds::scope_policy_id(stack, scope));
        let own = arn::user_from_policy_arn(self.realm, stack, &arn).map(|user| kinds::own_policy_id(stack, user));
        let versions = policy.policy_version_list.unwrap_or_default();
        let default = versions.into_iter().find(|version| {
            version.is_default_version
                && (policy.default_version_id.is_none() || version.version_id == policy.default_version_id)
        });
        let text = default.and_then(|version| version.document);
        // A system at an endpoint that is not AWS's may leave the id out. Then the path and the name are all that there is.
        let recorded = || request.owned?.find_unique_id(scope.as_ref()?).map(str::to_owned);
        let unique_id = policy.policy_id.or_else(recorded).unwrap_or_else(|| arn.clone());
        // Only the stack creates policies under its path, so a creation without a date counts as the unconfirmed one.
        let attempted = || Some(request.owned?.unconfirmed.get(scope.as_ref()?)?.since);
        let created_at = attempted().or_else(|| policy.create_date.and_then(super::timestamp_from_sdk));
        // A policy with a user's own statements is a part of its user.
        let foreign = scope
            .as_ref()
            .filter(|id| request.owned.is_some_and(|owned| owned.find_marks(id, &unique_id, created_at).is_none()));
        if let Some(id) = foreign {
            let address = Some(Address::from_qualified_name("scope", kinds::part_name(id)));
            let found = ForeignMarks { stack: Some(stack.clone()), address, ..ForeignMarks::default() };
            account.unmanaged_objects.insert(id.clone(), found.into_unmanaged_object(arn));
            return Ok(());
        }
        let id = scope.or(own);
        if text.as_deref().is_some_and(may_affect_order) {
            let document = require_document(text.as_deref(), &format!("the default version of policy {arn}"))?;
            let denying = if id.is_some() { &mut account.own_denying } else { &mut account.denying };
            denying.insert(arn.clone(), document);
        }
        let Some(id) = id else {
            let path = policy.path.unwrap_or_default();
            let other =
                path.strip_prefix("/leasehold/").and_then(|rest| StackName::new(rest.trim_end_matches('/')).ok());
            let unreadable = (other.as_ref() == Some(stack))
                .then(|| format!("it is under the path of stack {stack}, but its name is not {stack}.SCOPE"));
            account.unmanaged_objects.insert(
                ResourceId::new(kinds::POLICY, format!("{}/{name}", self.realm.account)),
                ForeignMarks { stack: other, unreadable, ..ForeignMarks::default() }.into_unmanaged_object(arn),
            );
            return Ok(());
        };
        let document = require_document_value(text.as_deref(), &format!("the default version of policy {name}"))?;
        account.policy_ids.insert(id.clone(), unique_id);
        account.shared.insert(id.clone(), resources::shared_resource(id, stack, &name, document));
        Ok(())
    }
}

/// Whether the stack manages a principal.
enum PrincipalOwnership {
    Ours(Box<Marks>),
    Strange(UnmanagedObject),
}

impl PrincipalOwnership {
    fn from_owner(owner: ObjectOwner, arn: String) -> Self {
        match owner {
            ObjectOwner::Stack(marks) => Self::Ours(marks),
            ObjectOwner::Other(found) => Self::Strange(found.into_unmanaged_object(arn)),
        }
    }

    /// Turns a principal under an AWS path into a stranger that cannot be written, whatever its tags say.
    fn into_unmanaged_object(self, id: &ResourceId, path: &str) -> UnmanagedObject {
        let reason = Some(format!("its path {path} is reserved for AWS"));
        match self {
            Self::Ours(marks) => {
                let (stack, address, lineage) = (Some(marks.stack), Some(marks.address), marks.lineage);
                UnmanagedObject { stack, address, lineage, arn: id.to_string(), unreadable: reason }
            }
            Self::Strange(unmanaged_object) => UnmanagedObject { unreadable: reason, ..unmanaged_object },
        }
    }
}

/// A principal to be returned with all its resources.
struct FoundPrincipal {
    id: ResourceId,
    principal: Principal,
    name: String,
    unique_id: String,
    created_at: Option<Timestamp>,
    last_used: Option<Timestamp>,
    resources: BTreeMap<ResourceId, Resource>,
}

impl AccountDetails {
    fn add_principal(&mut self, found: FoundPrincipal, owner: PrincipalOwnership) {
        let FoundPrincipal { id, principal, name, unique_id, created_at, last_used, resources } = found;
        match owner {
            PrincipalOwnership::Ours(marks) => {
                let (marks, keys) = (*marks, BTreeMap::new());
                let live =
                    LiveIdentity { id, principal, name, unique_id, marks, created_at, last_used, resources, keys };
                self.identities.insert(live.id.clone(), live);
            }
            PrincipalOwnership::Strange(_) => {
                let candidate = Unmarked { id, principal, name, created_at, last_used, resources };
                self.import_candidates.insert(candidate.id.clone(), candidate);
            }
        }
    }

    /// Records which of the stack's policies are attached to a principal that the stack does not manage.
    pub fn record_attachment(&mut self, realm: &Realm, stack: &StackName, holder: &str, attached: &[AttachedPolicy]) {
        for policy_arn in attached.iter().filter_map(|policy| policy.policy_arn.as_deref()) {
            let scope =
                arn::scope_from_policy_arn(realm, stack, policy_arn).map(|scope| kinds::scope_policy_id(stack, scope));
            let own = arn::user_from_policy_arn(realm, stack, policy_arn).map(|user| kinds::own_policy_id(stack, user));
            if let Some(policy) = scope.or(own) {
                self.foreign_attachments.entry(policy).or_default().insert(holder.to_owned());
            }
        }
    }
}

/// A name that IAM must return.
///
/// # Errors
/// The name is missing.
pub fn require_name(name: Option<String>, what: &str) -> Result<String, CallError> {
    name.ok_or_else(|| {
        CallError::from_malformed_answer(OPERATION, format!("the response contains {what} without a name"))
    })
}

/// A document that IAM must return, as an attribute value.
///
/// # Errors
/// The document is missing or cannot be decoded.
pub fn require_document_value(text: Option<&str>, what: &str) -> Result<Value, CallError> {
    require_document(text, what).map(Value::Document)
}

/// The same as [`require_document_value`], as a [`Document`].
///
/// # Errors
/// The document is missing or cannot be decoded.
pub fn require_document(text: Option<&str>, what: &str) -> Result<Document, CallError> {
    let text = text
        .ok_or_else(|| CallError::from_malformed_answer(OPERATION, format!("the response does not contain {what}")))?;
    document::decode_document(text)
        .map_err(|problem| CallError::from_malformed_answer(OPERATION, format!("{what}: {problem}")))
}
