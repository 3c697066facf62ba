//! `GetAccountAuthorizationDetails`: every principal with its policies and tags, and every customer-managed policy.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{EntityType, ManagedPolicyDetail, RoleDetail, UserDetail};
use leasehold_provider::{LiveIdentity, Marks, Principal, Resource, ResourceId, StackName, Stranger, Value};

use super::live::{self, Details};
use super::pages::{Page, read_all};
use super::{Reading, belongs_to_aws};
use crate::failure::Failure;
use crate::retry::Class;
use crate::{arn, document, kinds};

const OPERATION: &str = "iam:GetAccountAuthorizationDetails";

/// What the bulk read tells of an account.
#[derive(Default)]
pub struct Account {
    /// The stack's principals, without what only other reads tell.
    pub identities: BTreeMap<ResourceId, LiveIdentity>,
    /// Policies under the stack's path; those of users' own statements are moved to their users.
    pub shared: BTreeMap<ResourceId, Resource>,
    /// All others.
    pub strangers: BTreeMap<ResourceId, Stranger>,
}

impl Account {
    /// Policies of users' own statements are parts of their users. One whose user is gone stays among the shared, wanted by
    /// nobody.
    fn give_users_their_own(&mut self, stack: &StackName) {
        for identity in self.identities.values_mut().filter(|identity| identity.principal == Principal::User) {
            if let Some(mut policy) = self.shared.remove(&kinds::own_policy(stack, &identity.name)) {
                policy.identity = Some(identity.marks.address.clone());
                identity.resources.insert(policy.id.clone(), policy);
            }
        }
    }
}

impl Reading<'_> {
    /// Reads all pages. Each is reduced as it comes: of what is not the stack's, only the name is kept.
    pub async fn authorization(&self, stack: &StackName) -> Result<Account, Failure> {
        let mut account = Account::default();
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
            let page = self.provider.caller.call(&self.calls, OPERATION, Class::Idempotent, send).await?;
            let items = (page.role_detail_list, page.user_detail_list, page.policies);
            Ok(Page { items, truncated: page.is_truncated, marker: page.marker })
        };
        read_all(OPERATION, fetch, |(roles, users, policies)| {
            for role in roles.unwrap_or_default() {
                self.role(&mut account, stack, role)?;
            }
            for user in users.unwrap_or_default() {
                self.user(&mut account, stack, user)?;
            }
            for policy in policies.unwrap_or_default() {
                self.policy(&mut account, stack, policy)?;
            }
            Ok(())
        })
        .await?;
        account.give_users_their_own(stack);
        Ok(account)
    }

    fn role(&self, account: &mut Account, stack: &StackName, role: RoleDetail) -> Result<(), Failure> {
        let name = named(role.role_name, "a role")?;
        let id = kinds::principal(Principal::Role, &name);
        let path = role.path.unwrap_or_default();
        let tags = super::tags(role.tags);
        let marks = match whose(stack, &tags, role.arn.unwrap_or_default()) {
            Whose::Ours(marks) if !belongs_to_aws(&path) => *marks,
            Whose::Ours(marks) => {
                let reason = format!("it is under {path}, which is AWS's own");
                let stranger = Stranger { stack: Some(marks.stack), arn: id.to_string(), unreadable: Some(reason) };
                account.strangers.insert(id, stranger);
                return Ok(());
            }
            Whose::Strange(stranger) => {
                account.strangers.insert(id, stranger);
                return Ok(());
            }
        };
        let trust = decoded(role.assume_role_policy_document.as_deref(), &format!("the trust of role {name}"))?;
        let boundary = role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
        let resource = live::role_resource(&name, &path, trust, boundary, &tags, &marks);
        let identity = live::identity(
            Principal::Role,
            name,
            resource,
            marks,
            Details {
                realm: self.realm,
                created_at: role.create_date.and_then(super::instant),
                last_used: role.role_last_used.and_then(|used| used.last_used_date).and_then(super::instant),
                inline: role.role_policy_list.unwrap_or_default(),
                attached: role.attached_managed_policies.unwrap_or_default(),
                groups: Vec::new(),
            },
        )?;
        account.identities.insert(id, identity);
        Ok(())
    }

    fn user(&self, account: &mut Account, stack: &StackName, user: UserDetail) -> Result<(), Failure> {
        let name = named(user.user_name, "a user")?;
        let id = kinds::principal(Principal::User, &name);
        let tags = super::tags(user.tags);
        let marks = match whose(stack, &tags, user.arn.unwrap_or_default()) {
            Whose::Ours(marks) => *marks,
            Whose::Strange(stranger) => {
                account.strangers.insert(id, stranger);
                return Ok(());
            }
        };
        let boundary = user.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
        let resource = live::user_resource(&name, user.path.as_deref().unwrap_or_default(), boundary, &tags, &marks);
        let identity = live::identity(
            Principal::User,
            name,
            resource,
            marks,
            Details {
                realm: self.realm,
                created_at: user.create_date.and_then(super::instant),
                last_used: None,
                inline: user.user_policy_list.unwrap_or_default(),
                attached: user.attached_managed_policies.unwrap_or_default(),
                groups: user.group_list.unwrap_or_default(),
            },
        )?;
        account.identities.insert(id, identity);
        Ok(())
    }

    fn policy(&self, account: &mut Account, stack: &StackName, policy: ManagedPolicyDetail) -> Result<(), Failure> {
        let arn = named(policy.arn, "a policy")?;
        let name = arn.rsplit('/').next().unwrap_or(&arn).to_owned();
        let scope = arn::scope_of(self.realm, stack, &arn).map(|scope| kinds::scope(stack, scope));
        let own = arn::own_policy_of(self.realm, stack, &arn).map(|user| kinds::own_policy(stack, user));
        let Some(id) = scope.or(own) else {
            let path = policy.path.unwrap_or_default();
            let other =
                path.strip_prefix("/leasehold/").and_then(|rest| StackName::new(rest.trim_end_matches('/')).ok());
            let unreadable = (other.as_ref() == Some(stack))
                .then(|| format!("it is under the path of stack {stack} and not named {stack}.SCOPE"));
            account.strangers.insert(
                ResourceId::new(kinds::POLICY, format!("{}/{name}", self.realm.account)),
                Stranger { stack: other, arn, unreadable },
            );
            return Ok(());
        };
        let versions = policy.policy_version_list.unwrap_or_default();
        let default = versions.into_iter().find(|version| {
            version.is_default_version
                && (policy.default_version_id.is_none() || version.version_id == policy.default_version_id)
        });
        let text = default.and_then(|version| version.document);
        let document = decoded(text.as_deref(), &format!("the default version of policy {name}"))?;
        account.shared.insert(id.clone(), live::shared_resource(id, stack, &name, document));
        Ok(())
    }
}

/// Whose a principal is.
enum Whose {
    Ours(Box<Marks>),
    Strange(Stranger),
}

fn whose(stack: &StackName, tags: &BTreeMap<String, String>, arn: String) -> Whose {
    match Marks::from_tags(tags) {
        Ok(Some(marks)) if marks.stack == *stack => Whose::Ours(Box::new(marks)),
        Ok(marks) => Whose::Strange(Stranger { stack: marks.map(|marks| marks.stack), arn, unreadable: None }),
        Err(problem) => {
            let stack = tags.get("leasehold:stack").and_then(|name| StackName::new(name.as_str()).ok());
            Whose::Strange(Stranger { stack, arn, unreadable: Some(problem.to_string()) })
        }
    }
}

fn named(name: Option<String>, what: &str) -> Result<String, Failure> {
    name.ok_or_else(|| Failure::malformed(OPERATION, format!("{what} has no name")))
}

/// A document that must be there.
fn decoded(text: Option<&str>, what: &str) -> Result<Value, Failure> {
    let text = text.ok_or_else(|| Failure::malformed(OPERATION, format!("{what} is missing")))?;
    let document =
        document::decode(text).map_err(|problem| Failure::malformed(OPERATION, format!("{what}: {problem}")))?;
    Ok(Value::Document(document))
}
