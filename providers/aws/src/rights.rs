//! The IAM permissions that Leasehold needs in AWS, as the smallest statements that grant them. Pure.
//!
//! In: a purpose (the commands that a role runs), and the parts that a stack has. Out: policy statements for IAM (here) and for the bucket
//! with the stack's records ([`records`]). Invariant: a purpose grants a permission only if a command of that purpose makes the call.
//!
//! The resources and condition keys of each action are in the service authorization reference:
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>

pub mod marks;
mod parts;
pub mod records;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Document, StackName};
use serde_json::{Value, json};

use crate::arn;

pub use parts::{StackPart, stack_parts};
pub use table::RightsPurpose;
use table::RightsTarget::{
    AnyDirectory, AnyGroup, AnyIssuer, AnyRole, AnyUser, Device, Everything, ManagedRole, ManagedUser, MarkedDirectory,
    MarkedIssuer, MarkedRole, MarkedUser, NewDirectory, NewIssuer, NewRole, NewUser, OurPolicy, OwnPolicy, Profile,
    StackDirectory, StackGroup, StackIssuer, StackRole, StackUser,
};
use table::{RIGHTS, RequiredRight, RightsTarget};

/// The maximum size of a managed policy in characters, not counting white space:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub const LARGEST: usize = 6144;

/// The stack and the account that the rights are limited to.
#[derive(Debug, Clone)]
pub struct RightsScope<'a> {
    /// The stack that the rights are limited to.
    pub stack: &'a StackName,
    /// The partition: `aws`, `aws-cn`, `aws-us-gov` or another.
    pub partition: &'a str,
    /// The account id, or `*` for any account.
    pub account: &'a str,
    /// The parts that the stack has; each part needs its own rights.
    pub parts: &'a BTreeSet<StackPart>,
}

/// The actions that a purpose needs, as `iam:Action`.
#[must_use]
pub fn required_actions(parts: &BTreeSet<StackPart>, purpose: RightsPurpose) -> BTreeSet<String> {
    matching_rights(parts, purpose).map(|(action, ..)| format!("iam:{action}")).collect()
}

/// The smallest policy for the purpose: one statement for each kind of resource that permissions are limited to.
#[must_use]
pub fn build_rights_policy(scope: &RightsScope<'_>, purpose: RightsPurpose) -> Document {
    Document::new(json!({ "Version": "2012-10-17", "Statement": build_statements(scope, purpose) }))
}

/// The statements of that policy.
#[must_use]
pub fn build_statements(scope: &RightsScope<'_>, purpose: RightsPurpose) -> Vec<Value> {
    let mut by_place: BTreeMap<RightsTarget, Vec<String>> = BTreeMap::new();
    for (action, _, _, on) in matching_rights(scope.parts, purpose) {
        by_place.entry(*on).or_default().push(format!("iam:{action}"));
    }
    by_place.into_iter().map(|(on, actions)| build_statement(scope, on, actions)).collect()
}

fn matching_rights(
    parts: &BTreeSet<StackPart>,
    purpose: RightsPurpose,
) -> impl Iterator<Item = &'static RequiredRight> {
    RIGHTS
        .iter()
        .filter(move |(_, by, part, _)| by.is_granted_for(purpose) && part.is_none_or(|part| parts.contains(&part)))
}

fn build_statement(scope: &RightsScope<'_>, on: RightsTarget, mut actions: Vec<String>) -> Value {
    actions.sort();
    let mut statement = json!({ "Sid": format!("{on:?}"), "Effect": "Allow", "Action": actions, "Resource": resource_pattern(scope, on) });
    let stack = scope.stack.to_string();
    let condition = match on {
        StackUser | StackRole | StackIssuer | StackDirectory => {
            Some(json!({ "StringEquals": { "aws:ResourceTag/leasehold:stack": stack } }))
        }
        NewUser | NewRole | NewIssuer | NewDirectory => {
            Some(json!({ "StringEquals": { "aws:RequestTag/leasehold:stack": stack } }))
        }
        // These conditions exclude objects that carry another stack's mark, and exclude setting another stack's mark.
        MarkedUser | MarkedRole | MarkedIssuer | MarkedDirectory => Some(json!({ "StringEqualsIfExists": {
            "aws:ResourceTag/leasehold:stack": stack,
            "aws:RequestTag/leasehold:stack": stack,
        } })),
        ManagedUser | ManagedRole => Some(json!({
            "StringEquals": { "aws:ResourceTag/leasehold:stack": stack },
            "StringEqualsIfExists": { "aws:RequestTag/leasehold:stack": stack },
        })),
        _ => None,
    };
    if let (Some(condition), Some(fields)) = (condition, statement.as_object_mut()) {
        fields.insert("Condition".to_owned(), condition);
    }
    statement
}

fn resource_pattern(scope: &RightsScope<'_>, on: RightsTarget) -> String {
    let RightsScope { partition, account, stack, .. } = scope;
    let below = |place: &str| format!("arn:{partition}:iam::{account}:{place}");
    let path = arn::stack_path(stack);
    match on {
        Everything => "*".to_owned(),
        AnyUser | StackUser | NewUser | MarkedUser | ManagedUser => below("user/*"),
        AnyRole | StackRole | NewRole | MarkedRole | ManagedRole => below("role/*"),
        OurPolicy => below(&format!("policy{path}*")),
        OwnPolicy => below(&format!("policy{path}{}", arn::scope_policy_name(stack, "user.*"))),
        AnyGroup => below("group/*"),
        StackGroup => below(&format!("group{path}*")),
        Device => below("mfa/*"),
        AnyIssuer | StackIssuer | NewIssuer | MarkedIssuer => below("oidc-provider/*"),
        AnyDirectory | StackDirectory | NewDirectory | MarkedDirectory => below("saml-provider/*"),
        Profile => below("instance-profile/*"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope<'a>(stack: &'a StackName, parts: &'a BTreeSet<StackPart>) -> RightsScope<'a> {
        RightsScope { stack, partition: "aws", account: "111122223333", parts }
    }

    #[test]
    fn all_of_it_fits_into_a_managed_policy() {
        let (stack, parts) = (StackName::new("a".repeat(32)).unwrap(), StackPart::ALL.into());
        let whole = build_rights_policy(&scope(&stack, &parts), RightsPurpose::Apply);
        let records = records::RecordsBucket {
            partition: "aws",
            region: Some("ap-southeast-2"),
            account: "111122223333",
            bucket: &"b".repeat(63),
            prefix: &format!("leasehold/{stack}"),
            retained: true,
            kms_key: Some("arn:aws:kms:ap-southeast-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        };
        let of_records = Document::new(json!(records::bucket_statements(&records, RightsPurpose::Apply)));
        assert!(of_records.canonical_text().len() <= LARGEST, "{}", of_records.canonical_text().len());
        // Both policies together fit into the inline policies of a role, even for the largest stack: 10,240 characters.
        assert!(whole.canonical_text().len() + of_records.canonical_text().len() <= 10_240);
        let reading = build_rights_policy(&scope(&stack, &parts), RightsPurpose::Plan);
        assert!(reading.canonical_text().len() < whole.canonical_text().len() / 2);
        assert!(!reading.canonical_text().contains("iam:Create") && !reading.canonical_text().contains("iam:Put"));
    }

    #[test]
    fn each_purpose_grants_less_than_apply_and_audit_nothing() {
        let parts = StackPart::ALL.into();
        let apply = required_actions(&parts, RightsPurpose::Apply);
        for purpose in RightsPurpose::ALL {
            assert!(required_actions(&parts, purpose).is_subset(&apply), "{purpose:?}");
        }
        assert!(required_actions(&parts, RightsPurpose::Audit).is_empty());
        let sweep = required_actions(&parts, RightsPurpose::Sweep);
        let makes = |action: &&String| ["Create", "Attach", "Add"].iter().any(|verb| action[4..].starts_with(verb));
        assert_eq!(sweep.iter().filter(makes).collect::<Vec<_>>(), ["iam:CreateAccessKey"]);
        assert!(sweep.iter().all(|action| !action.contains("Boundary")));
    }

    #[test]
    fn writes_are_cut_to_the_stack() {
        let (stack, parts) = (StackName::new("payments").unwrap(), StackPart::ALL.into());
        let all = [RightsPurpose::Sweep, RightsPurpose::Apply]
            .map(|purpose| build_statements(&scope(&stack, &parts), purpose))
            .concat();
        for statement in all {
            let writes = |action: &Value| {
                !["iam:Get", "iam:List", "iam:Generate"].iter().any(|read| action.as_str().unwrap().starts_with(read))
            };
            // For memberships, IAM checks the group, which another tool may manage. MFA devices and instance profiles carry no marks of
            // ours.
            let sid = statement["Sid"].as_str().unwrap();
            if ["Everything", "AnyGroup", "Device", "Profile"].contains(&sid)
                || !statement["Action"].as_array().unwrap().iter().any(writes)
            {
                continue;
            }
            assert!(statement.to_string().contains("payments"), "{statement}");
        }
    }

    /// An action that the code can call but no run reaches: finding the owner of a policy that is about to change and was not read in this
    /// run. Commands read before they write. Without the permission, such a call ends in a refusal, which is the intended result.
    const UNREACHED_ACTIONS: [&str; 1] = ["ListPolicies"];

    /// The table grants every action that the code calls, and no other. The one exception is named above.
    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test reads the code")]
    fn permission_table_matches_called_actions() {
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
        let mut known = required_actions(&StackPart::ALL.into(), RightsPurpose::Apply);
        known.extend(UNREACHED_ACTIONS.iter().map(|action| format!("iam:{action}")));
        assert_eq!(called.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
        assert_eq!(known.difference(&called).collect::<Vec<_>>(), Vec::<&String>::new());
    }
}
