//! Checks declared objects against the directory's limits.
//!
//! In: a declared identity, scope or group and its resources. Out: one [`Violation`] per exceeded limit. The figures
//! are those of AWS IAM (IAM User Guide, "IAM and AWS STS quotas, name requirements, and character limits"), so that a
//! stack accepted by the embedded directory does not fail on AWS. Sizes of policies do not count whitespace, as in IAM.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::marks::{KEYS, PREFIX};
use leasehold_provider::{
    Address, DesiredIdentity, Group, Principal, Resource, ResourceId, Scope, Statement, Value, Violation,
};

use crate::kinds::{self, DirectoryObject, DirectoryPart};

/// Characters of a principal's name.
const MAX_PRINCIPAL_NAME: usize = 64;
/// Characters of a policy's or group's name.
const MAX_POLICY_NAME: usize = 128;
/// Characters of a user's inline policies.
const MAX_USER_INLINE_POLICIES: usize = 2048;
/// Characters of a role's inline policies.
const MAX_ROLE_INLINE_POLICIES: usize = 10_240;
/// Characters of a policy that is attached (an AWS managed policy).
const MAX_POLICY: usize = 6144;
/// Characters of a role's trust policy.
const MAX_TRUST_POLICY: usize = 2048;
/// Characters of a group's inline policies.
const MAX_GROUP_INLINE_POLICIES: usize = 5120;
/// Groups per user.
const MAX_GROUPS_OF_USER: usize = 10;
/// Attached policies per principal or group.
const MAX_ATTACHMENTS: usize = 10;
/// Tags per object, marks included.
const MAX_TAGS: usize = 50;
/// Marks per object, those of a quarantine included: the tags of an identity must leave room for them.
const MAX_MARKS: usize = KEYS.len();
/// Characters of a tag's key.
const MAX_TAG_KEY: usize = 128;
/// Characters of a tag's value.
const MAX_TAG_VALUE: usize = 256;
/// Characters of a description.
const MAX_DESCRIPTION: usize = 1000;
/// Maximum session duration of a role, in seconds.
const SESSION_SECONDS: std::ops::RangeInclusive<u32> = 3600..=43_200;

/// Describes what is wrong with a name of at most `longest` characters; `None` if it is valid.
pub fn name_problem(name: &str, longest: usize) -> Option<String> {
    let length = name.chars().count();
    if length == 0 {
        return Some("the name is empty".to_owned());
    }
    if length > longest {
        return Some(format!("the name {name:?} has {length} characters, at most {longest} are allowed"));
    }
    let invalid = name.chars().find(|c| !c.is_ascii_alphanumeric() && !"_+=,.@-".contains(*c));
    invalid.map(|c| format!("the name {name:?} contains {c:?}"))
}

/// Checks the name of a principal, as [`name_problem`] does.
pub fn principal_name_problem(name: &str) -> Option<String> {
    name_problem(name, MAX_PRINCIPAL_NAME)
}

/// Checks the name of a policy or group, as [`name_problem`] does.
pub fn policy_name_problem(name: &str) -> Option<String> {
    name_problem(name, MAX_POLICY_NAME)
}

/// Lists the limits that an identity and its resources exceed.
pub fn check_identity_limits(identity: &DesiredIdentity, resources: &[Resource]) -> Vec<Violation> {
    let mut found = ViolationCollector { subject: &identity.spec.address, all: Vec::new() };
    if let Some(problem) = principal_name_problem(&identity.spec.name) {
        found.add("name", problem, "a name has 1 to 64 letters, digits and _+=,.@-");
    }
    found.check_statements(&identity.spec.statements);
    found.check_tags(&identity.spec.tags);
    if let Some(purpose) = &identity.spec.purpose {
        found.check_length("purpose", "the purpose", purpose, MAX_DESCRIPTION);
    }
    if let Some(longest) =
        identity.spec.max_session_duration.filter(|longest| !SESSION_SECONDS.contains(&longest.as_seconds()))
    {
        let problem = format!("a maximum session duration of {longest} is not supported");
        found.add("max_session_duration", problem, "use a duration from 1h to 12h");
    }
    let attached = identity.spec.scopes.len().saturating_add(identity.spec.outside_policies.len());
    if attached > MAX_ATTACHMENTS {
        let problem =
            format!("it has {attached} scopes and managed policies, at most {MAX_ATTACHMENTS} can be attached");
        found.add("scopes", problem, "merge scopes that are always used together");
    }
    if identity.spec.path.is_some() {
        found.add("path", "the embedded directory does not support paths", "remove `path`, or use AWS as the provider");
    }
    if identity.spec.groups.len() > MAX_GROUPS_OF_USER {
        let problem =
            format!("it is in {} groups, at most {MAX_GROUPS_OF_USER} are allowed", identity.spec.groups.len());
        found.add("groups", problem, "merge groups that are always used together");
    }
    for resource in resources {
        match kinds::parse_object_id(&resource.id) {
            Some(DirectoryObject::Part(_, DirectoryPart::Inline(_))) => {
                let limit = if identity.spec.principal == Principal::User {
                    MAX_USER_INLINE_POLICIES
                } else {
                    MAX_ROLE_INLINE_POLICIES
                };
                let help = "move statements to a scope: a scope can be larger, and can be shared";
                found.check_document_size("statement", "the inline policy", resource.get("policy"), limit, help);
            }
            Some(DirectoryObject::Principal(..)) => {
                let help = "name fewer principals, or use wildcards in subjects";
                found.check_document_size("trust", "the trust policy", resource.get("trust"), MAX_TRUST_POLICY, help);
            }
            _ => {}
        }
    }
    found.all
}

/// Lists the limits that a scope and its policy exceed.
pub fn check_scope_limits(scope: &Scope, resource: &Resource) -> Vec<Violation> {
    let address = scope.address();
    let mut found = ViolationCollector { subject: &address, all: Vec::new() };
    if let Some(problem) = policy_name_problem(&scope.name) {
        found.add("", problem, "a scope's label has 1 to 128 letters, digits and _+=,.@-");
    }
    if let Some(description) = &scope.description {
        found.check_length("description", "the description", description, MAX_DESCRIPTION);
    }
    found.check_statements(&scope.statements);
    let help = "split the scope into two, and list both in the identities that use it";
    found.check_document_size("statement", "the policy", resource.get("policy"), MAX_POLICY, help);
    found.all
}

/// Lists the limits that a group and its resources exceed.
pub fn check_group_limits(group: &Group, resources: &[Resource]) -> Vec<Violation> {
    let mut found = ViolationCollector { subject: &group.address, all: Vec::new() };
    if let Some(problem) = policy_name_problem(&group.name) {
        found.add("name", problem, "a name has 1 to 128 letters, digits and _+=,.@-");
    }
    found.check_statements(&group.statements);
    let attached = group.scopes.len().saturating_add(group.outside_policies.len());
    if attached > MAX_ATTACHMENTS {
        let problem =
            format!("it has {attached} scopes and managed policies, at most {MAX_ATTACHMENTS} can be attached");
        found.add("scopes", problem, "merge scopes that are always used together");
    }
    for resource in resources {
        let help = "move statements to a scope: a scope can be larger, and can be shared";
        found.check_document_size(
            "statement",
            "the inline policy",
            resource.get("policy"),
            MAX_GROUP_INLINE_POLICIES,
            help,
        );
    }
    found.all
}

/// Returns whether a policy fits the size limit of the object with this id. The id of an inline policy does not tell a
/// user from a role; the larger limit of roles applies to both, since the directory does not enforce these limits on
/// writes.
pub fn fits_policy_limit(id: &ResourceId, policy: &serde_json::Value) -> bool {
    let limit = match kinds::parse_object_id(id) {
        Some(DirectoryObject::GroupPart(..)) => MAX_GROUP_INLINE_POLICIES,
        Some(DirectoryObject::Part(..)) => MAX_ROLE_INLINE_POLICIES,
        _ => MAX_POLICY,
    };
    policy.to_string().chars().filter(|c| !c.is_whitespace()).count() <= limit
}

/// Collects violations of one declared object.
struct ViolationCollector<'a> {
    subject: &'a Address,
    all: Vec<Violation>,
}

impl ViolationCollector<'_> {
    fn add(&mut self, attribute: &'static str, problem: impl Into<String>, help: impl Into<String>) {
        let (problem, help) = (problem.into(), help.into());
        self.all.push(Violation { subject: self.subject.clone(), attribute, problem, help });
    }

    fn check_length(&mut self, attribute: &'static str, name: &str, text: &str, limit: usize) {
        let length = text.chars().count();
        if length > limit {
            let problem = format!("{name} has {length} characters, at most {limit} are allowed");
            self.add(attribute, problem, "shorten it");
        }
    }

    fn check_document_size(
        &mut self,
        attribute: &'static str,
        name: &str,
        document: Option<&Value>,
        limit: usize,
        help: &str,
    ) {
        let Some(Value::Document(document)) = document else { return };
        let size = document.canonical_text().chars().filter(|c| !c.is_whitespace()).count();
        if size > limit {
            let problem = format!("{name} has {size} characters, at most {limit} are allowed");
            self.add(attribute, problem, help);
        }
    }

    fn check_statements(&mut self, statements: &[Statement]) {
        let mut sids = BTreeSet::new();
        for statement in statements {
            if let Some(sid) = &statement.sid {
                if sid.is_empty() || !sid.chars().all(|c| c.is_ascii_alphanumeric()) {
                    self.add("statement", format!("{sid:?} is not a valid sid"), "use letters and digits only");
                } else if sid.starts_with("Leasehold") {
                    let problem = format!("the sid {sid:?} is reserved");
                    self.add("statement", problem, "choose a sid that does not begin with Leasehold");
                } else if !sids.insert(sid) {
                    let problem = format!("two statements have the sid {sid:?}");
                    self.add("statement", problem, "use each sid once per identity or scope");
                }
            }
            let mut tests = BTreeSet::new();
            for condition in &statement.conditions {
                if !tests.insert((&condition.test, &condition.variable)) {
                    let problem = format!("two conditions test {} of {}", condition.test, condition.variable);
                    let help = "a statement can have one condition per operator and key: write one condition with the values that satisfy both";
                    self.add("statement", problem, help);
                }
            }
        }
    }

    fn check_tags(&mut self, tags: &BTreeMap<String, String>) {
        let count = tags.len().saturating_add(MAX_MARKS);
        if count > MAX_TAGS {
            let own = tags.len();
            let problem = format!(
                "its {own} tags and the {MAX_MARKS} tags of Leasehold make {count}; at most {MAX_TAGS} are allowed"
            );
            self.add("tags", problem, format!("use at most {} tags", MAX_TAGS - MAX_MARKS));
        }
        for (key, value) in tags {
            if key.starts_with(PREFIX) || key.to_ascii_lowercase().starts_with("aws:") {
                self.add("tags", format!("the tag {key:?} is reserved"), "choose a key with another prefix");
            }
            for (field, text, limit) in [("key", key, MAX_TAG_KEY), ("value", value, MAX_TAG_VALUE)] {
                let length = text.chars().count();
                if length > limit {
                    let problem =
                        format!("the {field} of tag {key:?} has {length} characters, at most {limit} are allowed");
                    self.add("tags", problem, "shorten it");
                }
                if let Some(c) = text.chars().find(|c| !c.is_alphanumeric() && !" _.:/=+-@".contains(*c)) {
                    let problem = format!("the {field} of tag {key:?} contains {c:?}");
                    self.add("tags", problem, "use letters, digits, spaces and _.:/=+-@");
                }
            }
            if key.is_empty() {
                self.add("tags", "a tag has an empty key", "give it a key");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use leasehold_provider::{
        CheckLimits as _, Condition, Effect, IdentitySpec, Kind, Marks, RealizeObjects as _, Realm, Span, StackName,
    };

    use super::*;
    use crate::LocalRealizer;

    fn identity_within_limits() -> DesiredIdentity {
        let address = Address::for_identity("bot", None);
        DesiredIdentity {
            spec: IdentitySpec {
                statements: vec![allow_actions(1)],
                ..IdentitySpec::new(address, "bot", Kind::Service, "jane")
            },
            created_at: Timestamp::UNIX_EPOCH,
            deadline: Some(Timestamp::UNIX_EPOCH),
        }
    }

    fn allow_actions(actions: u32) -> Statement {
        Statement {
            sid: None,
            effect: Effect::Allow,
            actions: (0..actions).map(|number| format!("s3:Get{number:05}")).collect(),
            not_actions: Vec::new(),
            resources: vec!["*".to_owned()],
            not_resources: Vec::new(),
            conditions: Vec::new(),
            sensitive: false,
        }
    }

    /// Returns attribute and problem of each limit that the identity exceeds after `change`.
    fn exceeded_limits(change: impl FnOnce(&mut DesiredIdentity)) -> Vec<String> {
        let realm = Realm {
            provider: "local".to_owned(),
            account: "embedded".to_owned(),
            partition: String::new(),
            actor: "tests".to_owned(),
            others: BTreeMap::new(),
        };
        let mut identity = identity_within_limits();
        change(&mut identity);
        let marks = Marks::new(StackName::new("payments").unwrap(), identity.spec.address.clone());
        let resources = LocalRealizer.realize_identity(&realm, &identity, &marks);
        let violations = LocalRealizer.check_identity_limits(&identity, &resources);
        assert!(
            violations.iter().all(|violation| !violation.help.is_empty() && violation.subject == identity.spec.address)
        );
        violations.into_iter().map(|violation| format!("{}: {}", violation.attribute, violation.problem)).collect()
    }

    #[test]
    fn identity_within_limits_has_no_violation() {
        assert!(exceeded_limits(|_| ()).is_empty());
    }

    #[test]
    fn exceeded_limits_are_reported_with_figures() {
        assert_eq!(
            exceeded_limits(|identity| identity.spec.name = "x".repeat(65)),
            [format!("name: the name \"{}\" has 65 characters, at most 64 are allowed", "x".repeat(65))]
        );
        assert_eq!(
            exceeded_limits(|identity| identity.spec.name = "a b".to_owned()),
            ["name: the name \"a b\" contains ' '"]
        );
        assert_eq!(
            exceeded_limits(|identity| identity.spec.statements = vec![allow_actions(200)]),
            ["statement: the inline policy has 3041 characters, at most 2048 are allowed"]
        );
        assert!(
            exceeded_limits(|identity| {
                identity.spec.principal = Principal::Role;
                identity.spec.statements = vec![allow_actions(200)];
            })
            .is_empty()
        );
        assert_eq!(
            exceeded_limits(|identity| identity.spec.scopes = (0..11).map(|number| format!("s{number}")).collect()),
            ["scopes: it has 11 scopes and managed policies, at most 10 can be attached"]
        );
        let with_tags = |count: u32| {
            let tags = (0..count).map(|number| (format!("t{number}"), String::new())).collect();
            exceeded_limits(|identity| identity.spec.tags = tags)
        };
        assert!(with_tags(35).is_empty());
        assert_eq!(with_tags(36), ["tags: its 36 tags and the 15 tags of Leasehold make 51; at most 50 are allowed"]);
        assert_eq!(
            exceeded_limits(
                |identity| identity.spec.tags = BTreeMap::from([("leasehold:stack".to_owned(), "x".to_owned())])
            ),
            ["tags: the tag \"leasehold:stack\" is reserved"]
        );
        assert_eq!(
            exceeded_limits(|identity| identity.spec.max_session_duration = Span::from_seconds(60)),
            ["max_session_duration: a maximum session duration of 1m is not supported"]
        );
    }

    #[test]
    fn repeated_conditions_and_sids_are_reported() {
        let test = |value: &str| Condition {
            test: "StringLike".to_owned(),
            variable: "aws:PrincipalTag/team".to_owned(),
            values: vec![value.to_owned()],
        };
        let found = exceeded_limits(|identity| {
            identity.spec.statements = vec![Statement { conditions: vec![test("a*"), test("*b")], ..allow_actions(1) }];
        });
        assert_eq!(found, ["statement: two conditions test StringLike of aws:PrincipalTag/team"]);
        let twice = |sid: &str| Statement { sid: Some(sid.to_owned()), ..allow_actions(1) };
        let found = exceeded_limits(|identity| {
            identity.spec.statements = vec![twice("A"), twice("A"), twice("LeaseholdLease")];
        });
        let expected =
            ["statement: two statements have the sid \"A\"", "statement: the sid \"LeaseholdLease\" is reserved"];
        assert_eq!(found, expected);
    }
}
