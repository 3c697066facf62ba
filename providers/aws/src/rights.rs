//! The rights that this provider takes, as the smallest policy that grants them. Pure.
//!
//! What a call is checked against, and which conditions it knows, is told by the service authorization reference:
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Document, Resource, StackName};
use serde_json::{Value, json};

use crate::{arn, kinds};

/// What a policy shall be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Reading all that a plan needs.
    Plan,
    /// The same, and carrying it out.
    Apply,
}

/// A part of a stack that takes rights of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Identities that are users. Whatever credential somebody gives one, it must be possible to take it away.
    Users,
    /// Identities that are roles.
    Roles,
    /// Policies of the stack's own: scopes, and statements that have no room in a user.
    Policies,
    /// Groups of people.
    Groups,
    /// Memberships in groups that others manage.
    OthersGroups,
    /// Issuers of web identities.
    Issuers,
    /// SAML providers.
    Directories,
    /// Access keys that are issued.
    Keys,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Users,
        Self::Roles,
        Self::Policies,
        Self::Groups,
        Self::OthersGroups,
        Self::Issuers,
        Self::Directories,
        Self::Keys,
    ];
}

/// Whose rights, and where.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    /// The stack that they are cut to.
    pub stack: &'a StackName,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: &'a str,
    /// The account's number, or `*`.
    pub account: &'a str,
    /// What the stack has.
    pub parts: &'a BTreeSet<Part>,
}

/// What a right is cut to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum On {
    /// The call knows no resources.
    Everything,
    /// Any user: what is read before it is known whose it is.
    AnyUser,
    /// Any role.
    AnyRole,
    /// Principals that carry the stack's mark.
    OurUser,
    OurRole,
    /// Principals that are given the mark as they are made.
    NewUser,
    NewRole,
    /// Marks are put on what is ours, and on what is nobody's when it is made or taken in.
    MarkedUser,
    MarkedRole,
    /// Policies and groups under the stack's path.
    OurPolicy,
    OurGroup,
    /// Any group: a stray membership is taken away wherever it is.
    AnyGroup,
    /// Virtual devices are named as people please, and carry no mark until they go.
    Device,
    AnyIssuer,
    OurIssuer,
    NewIssuer,
    MarkedIssuer,
    AnyDirectory,
    OurDirectory,
    NewDirectory,
    MarkedDirectory,
    /// Whoever runs instances names the profiles.
    Profile,
}

use On::{
    AnyDirectory, AnyGroup, AnyIssuer, AnyRole, AnyUser, Device, Everything, MarkedDirectory, MarkedIssuer, MarkedRole,
    MarkedUser, NewDirectory, NewIssuer, NewRole, NewUser, OurDirectory, OurGroup, OurIssuer, OurPolicy, OurRole,
    OurUser, Profile,
};
use Part::{Directories, Groups, Issuers, Keys, OthersGroups, Policies, Roles, Users};
use Purpose::{Apply, Plan};

/// One action: for which purpose, for which part (`None`: any), on what.
type Right = (&'static str, Purpose, Option<Part>, On);

const RIGHTS: &[Right] = &[
    ("GetAccountAuthorizationDetails", Plan, None, Everything),
    ("GetAccountSummary", Plan, None, Everything),
    ("GenerateCredentialReport", Plan, Some(Users), Everything),
    ("GetCredentialReport", Plan, Some(Users), Everything),
    ("GetUser", Plan, Some(Users), AnyUser),
    ("GetLoginProfile", Plan, Some(Users), AnyUser),
    ("ListAccessKeys", Plan, Some(Users), AnyUser),
    ("GetAccessKeyLastUsed", Plan, Some(Users), AnyUser),
    ("ListSSHPublicKeys", Plan, Some(Users), AnyUser),
    ("ListSigningCertificates", Plan, Some(Users), AnyUser),
    ("ListServiceSpecificCredentials", Plan, Some(Users), AnyUser),
    ("ListMFADevices", Plan, Some(Users), AnyUser),
    ("ListRoles", Plan, Some(Roles), Everything),
    ("GetRole", Plan, Some(Roles), AnyRole),
    ("ListPolicyTags", Plan, Some(Policies), OurPolicy),
    ("ListOpenIDConnectProviders", Plan, None, Everything),
    ("GetOpenIDConnectProvider", Plan, None, AnyIssuer),
    ("ListSAMLProviders", Plan, None, Everything),
    ("GetSAMLProvider", Plan, None, AnyDirectory),
    ("CreateUser", Apply, Some(Users), NewUser),
    ("TagUser", Apply, Some(Users), MarkedUser),
    ("UntagUser", Apply, Some(Users), OurUser),
    ("UpdateUser", Apply, Some(Users), OurUser),
    ("DeleteUser", Apply, Some(Users), OurUser),
    ("PutUserPolicy", Apply, Some(Users), OurUser),
    ("DeleteUserPolicy", Apply, Some(Users), OurUser),
    ("AttachUserPolicy", Apply, Some(Users), OurUser),
    ("DetachUserPolicy", Apply, Some(Users), OurUser),
    ("PutUserPermissionsBoundary", Apply, Some(Users), OurUser),
    ("DeleteUserPermissionsBoundary", Apply, Some(Users), OurUser),
    ("UpdateAccessKey", Apply, Some(Users), OurUser),
    ("DeleteAccessKey", Apply, Some(Users), OurUser),
    ("DeleteLoginProfile", Apply, Some(Users), OurUser),
    ("UpdateSSHPublicKey", Apply, Some(Users), OurUser),
    ("DeleteSSHPublicKey", Apply, Some(Users), OurUser),
    ("UpdateSigningCertificate", Apply, Some(Users), OurUser),
    ("DeleteSigningCertificate", Apply, Some(Users), OurUser),
    ("UpdateServiceSpecificCredential", Apply, Some(Users), OurUser),
    ("DeleteServiceSpecificCredential", Apply, Some(Users), OurUser),
    ("DeactivateMFADevice", Apply, Some(Users), OurUser),
    ("ListVirtualMFADevices", Apply, Some(Users), Everything),
    ("ListMFADeviceTags", Apply, Some(Users), Device),
    ("TagMFADevice", Apply, Some(Users), Device),
    ("DeleteVirtualMFADevice", Apply, Some(Users), Device),
    ("CreateAccessKey", Apply, Some(Keys), OurUser),
    ("RemoveUserFromGroup", Apply, Some(Users), AnyGroup),
    ("CreateRole", Apply, Some(Roles), NewRole),
    ("TagRole", Apply, Some(Roles), MarkedRole),
    ("UntagRole", Apply, Some(Roles), OurRole),
    ("UpdateRole", Apply, Some(Roles), OurRole),
    ("UpdateAssumeRolePolicy", Apply, Some(Roles), OurRole),
    ("DeleteRole", Apply, Some(Roles), OurRole),
    ("PutRolePolicy", Apply, Some(Roles), OurRole),
    ("DeleteRolePolicy", Apply, Some(Roles), OurRole),
    ("AttachRolePolicy", Apply, Some(Roles), OurRole),
    ("DetachRolePolicy", Apply, Some(Roles), OurRole),
    ("PutRolePermissionsBoundary", Apply, Some(Roles), OurRole),
    ("DeleteRolePermissionsBoundary", Apply, Some(Roles), OurRole),
    ("ListInstanceProfilesForRole", Apply, Some(Roles), OurRole),
    ("RemoveRoleFromInstanceProfile", Apply, Some(Roles), Profile),
    ("CreatePolicy", Apply, Some(Policies), OurPolicy),
    ("GetPolicy", Apply, Some(Policies), OurPolicy),
    ("GetPolicyVersion", Apply, Some(Policies), OurPolicy),
    ("ListPolicyVersions", Apply, Some(Policies), OurPolicy),
    ("CreatePolicyVersion", Apply, Some(Policies), OurPolicy),
    ("DeletePolicyVersion", Apply, Some(Policies), OurPolicy),
    ("DeletePolicy", Apply, Some(Policies), OurPolicy),
    ("TagPolicy", Apply, Some(Policies), OurPolicy),
    ("UntagPolicy", Apply, Some(Policies), OurPolicy),
    ("ListPolicies", Apply, Some(Policies), Everything),
    ("GetGroup", Apply, Some(Groups), OurGroup),
    ("CreateGroup", Apply, Some(Groups), OurGroup),
    ("UpdateGroup", Apply, Some(Groups), OurGroup),
    ("DeleteGroup", Apply, Some(Groups), OurGroup),
    ("PutGroupPolicy", Apply, Some(Groups), OurGroup),
    ("DeleteGroupPolicy", Apply, Some(Groups), OurGroup),
    ("AttachGroupPolicy", Apply, Some(Groups), OurGroup),
    ("DetachGroupPolicy", Apply, Some(Groups), OurGroup),
    ("AddUserToGroup", Apply, Some(Groups), OurGroup),
    ("AddUserToGroup", Apply, Some(OthersGroups), AnyGroup),
    ("CreateOpenIDConnectProvider", Apply, Some(Issuers), NewIssuer),
    ("TagOpenIDConnectProvider", Apply, Some(Issuers), MarkedIssuer),
    ("UntagOpenIDConnectProvider", Apply, Some(Issuers), OurIssuer),
    ("AddClientIDToOpenIDConnectProvider", Apply, Some(Issuers), OurIssuer),
    ("RemoveClientIDFromOpenIDConnectProvider", Apply, Some(Issuers), OurIssuer),
    ("UpdateOpenIDConnectProviderThumbprint", Apply, Some(Issuers), OurIssuer),
    ("DeleteOpenIDConnectProvider", Apply, Some(Issuers), OurIssuer),
    ("CreateSAMLProvider", Apply, Some(Directories), NewDirectory),
    ("TagSAMLProvider", Apply, Some(Directories), MarkedDirectory),
    ("UntagSAMLProvider", Apply, Some(Directories), OurDirectory),
    ("UpdateSAMLProvider", Apply, Some(Directories), OurDirectory),
    ("DeleteSAMLProvider", Apply, Some(Directories), OurDirectory),
];

/// The parts that a stack with these resources has.
pub fn parts<'a>(resources: impl IntoIterator<Item = &'a Resource>) -> BTreeSet<Part> {
    let mut parts = BTreeSet::new();
    let (mut groups, mut memberships) = (BTreeSet::new(), BTreeSet::new());
    for resource in resources {
        let kind = &resource.id.kind;
        parts.extend(match kind {
            kind if *kind == kinds::USER => Some(Users),
            kind if *kind == kinds::ROLE => Some(Roles),
            kind if *kind == kinds::POLICY => Some(Policies),
            kind if *kind == kinds::GROUP => Some(Groups),
            kind if *kind == kinds::OIDC_PROVIDER => Some(Issuers),
            kind if *kind == kinds::SAML_PROVIDER => Some(Directories),
            kind if *kind == kinds::ACCESS_KEY => Some(Keys),
            _ => None,
        });
        if *kind == kinds::GROUP {
            groups.insert(resource.id.name.as_str());
        } else if *kind == kinds::MEMBERSHIP {
            memberships.insert(kinds::part(&resource.id));
        }
    }
    if memberships.difference(&groups).next().is_some() {
        parts.insert(OthersGroups);
    }
    parts
}

/// The actions that a purpose takes, as `iam:Action`.
#[must_use]
pub fn actions(parts: &BTreeSet<Part>, purpose: Purpose) -> BTreeSet<String> {
    wanted(parts, purpose).map(|(action, ..)| format!("iam:{action}")).collect()
}

/// The smallest policy for the purpose: a statement for each sort of resource.
#[must_use]
pub fn policy(scope: &Scope<'_>, purpose: Purpose) -> Document {
    Document::new(json!({ "Version": "2012-10-17", "Statement": statements(scope, purpose) }))
}

/// Its statements.
#[must_use]
pub fn statements(scope: &Scope<'_>, purpose: Purpose) -> Vec<Value> {
    let mut by_place: BTreeMap<On, Vec<String>> = BTreeMap::new();
    for (action, _, _, on) in wanted(scope.parts, purpose) {
        by_place.entry(*on).or_default().push(format!("iam:{action}"));
    }
    by_place.into_iter().map(|(on, actions)| statement(scope, on, actions)).collect()
}

fn wanted(parts: &BTreeSet<Part>, purpose: Purpose) -> impl Iterator<Item = &'static Right> {
    RIGHTS.iter().filter(move |(_, of, part, _)| *of <= purpose && part.is_none_or(|part| parts.contains(&part)))
}

fn statement(scope: &Scope<'_>, on: On, mut actions: Vec<String>) -> Value {
    actions.sort();
    let mut statement =
        json!({ "Sid": format!("{on:?}"), "Effect": "Allow", "Action": actions, "Resource": resource(scope, on) });
    let stack = scope.stack.to_string();
    let condition = match on {
        OurUser | OurRole | OurIssuer | OurDirectory => {
            Some(json!({ "StringEquals": { "aws:ResourceTag/leasehold:stack": stack } }))
        }
        NewUser | NewRole | NewIssuer | NewDirectory => {
            Some(json!({ "StringEquals": { "aws:RequestTag/leasehold:stack": stack } }))
        }
        // What carries another stack's mark is not touched, and no other stack's mark is given.
        MarkedUser | MarkedRole | MarkedIssuer | MarkedDirectory => Some(json!({ "StringEqualsIfExists": {
            "aws:ResourceTag/leasehold:stack": stack,
            "aws:RequestTag/leasehold:stack": stack,
        } })),
        _ => None,
    };
    if let (Some(condition), Some(fields)) = (condition, statement.as_object_mut()) {
        fields.insert("Condition".to_owned(), condition);
    }
    statement
}

fn resource(scope: &Scope<'_>, on: On) -> String {
    let Scope { partition, account, stack, .. } = scope;
    let below = |place: &str| format!("arn:{partition}:iam::{account}:{place}");
    let path = arn::stack_path(stack);
    match on {
        Everything => "*".to_owned(),
        AnyUser | OurUser | NewUser | MarkedUser => below("user/*"),
        AnyRole | OurRole | NewRole | MarkedRole => below("role/*"),
        OurPolicy => below(&format!("policy{path}*")),
        AnyGroup => below("group/*"),
        OurGroup => below(&format!("group{path}*")),
        Device => below("mfa/*"),
        AnyIssuer | OurIssuer | NewIssuer | MarkedIssuer => below("oidc-provider/*"),
        AnyDirectory | OurDirectory | NewDirectory | MarkedDirectory => below("saml-provider/*"),
        Profile => below("instance-profile/*"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope<'a>(stack: &'a StackName, parts: &'a BTreeSet<Part>) -> Scope<'a> {
        Scope { stack, partition: "aws", account: "111122223333", parts }
    }

    /// The largest managed policy, without white space.
    const LARGEST: usize = 6144;

    #[test]
    fn all_of_it_fits_into_a_managed_policy() {
        let (stack, parts) = (StackName::new("a".repeat(32)).unwrap(), Part::ALL.into());
        let whole = policy(&scope(&stack, &parts), Apply);
        assert!(whole.text().len() <= LARGEST, "{}", whole.text().len());
        let reading = policy(&scope(&stack, &parts), Plan);
        assert!(reading.text().len() < whole.text().len() / 2);
        assert!(!reading.text().contains("iam:Create") && !reading.text().contains("iam:Put"));
    }

    #[test]
    fn writes_are_cut_to_the_stack() {
        let (stack, parts) = (StackName::new("payments").unwrap(), Part::ALL.into());
        for statement in statements(&scope(&stack, &parts), Apply) {
            let writes = |action: &Value| {
                !["iam:Get", "iam:List", "iam:Generate"].iter().any(|read| action.as_str().unwrap().starts_with(read))
            };
            // Memberships are checked against the group, which may be anybody's; devices and instance profiles carry no marks of ours.
            let sid = statement["Sid"].as_str().unwrap();
            if ["Everything", "AnyGroup", "Device", "Profile"].contains(&sid)
                || !statement["Action"].as_array().unwrap().iter().any(writes)
            {
                continue;
            }
            assert!(statement.to_string().contains("payments"), "{statement}");
        }
    }

    /// Every call that is made is granted, and nothing is granted that is never called.
    #[test]
    fn the_table_is_what_the_code_calls() {
        let mut called = BTreeSet::new();
        let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("rights.rs") {
                    let text = std::fs::read_to_string(path).unwrap();
                    let parts = text.split("\"iam:").skip(1).filter_map(|rest| rest.split('"').next());
                    called.extend(
                        parts
                            .filter(|name| name.chars().all(char::is_alphanumeric) && !name.is_empty())
                            .map(|name| format!("iam:{name}")),
                    );
                }
            }
        }
        let known = actions(&Part::ALL.into(), Apply);
        assert_eq!(called.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
        assert_eq!(known.difference(&called).collect::<Vec<_>>(), Vec::<&String>::new());
    }
}
