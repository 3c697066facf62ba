//! The limits a declared object would break.
//!
//! The figures are those of AWS IAM, so that a stack that fits the embedded directory fits AWS.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::marks::PREFIX;
use leasehold_provider::{
    Address, DesiredIdentity, Group, Principal, Resource, ResourceId, Scope, Statement, Value, Violation,
};

use crate::kinds::{self, Part, Target};

/// The longest name of a principal.
const PRINCIPAL_NAME: usize = 64;
/// The longest name of a policy.
const POLICY_NAME: usize = 128;
/// Inline policies of a user, in characters that are not white space.
const USER_INLINE: usize = 2048;
/// Inline policies of a role, likewise.
const ROLE_INLINE: usize = 10_240;
/// A policy that stands on its own, likewise.
const POLICY: usize = 6144;
/// A trust document, likewise.
const TRUST: usize = 2048;
/// Inline policies of a group, likewise.
const GROUP_INLINE: usize = 5120;
/// Groups that one user may be in.
const GROUPS: usize = 10;
/// Policies attached to one principal.
const ATTACHMENTS: usize = 10;
/// Tags of one object, marks included.
const TAGS: usize = 50;
/// A tag's key.
const TAG_KEY: usize = 128;
/// A tag's value.
const TAG_VALUE: usize = 256;
/// A description.
const DESCRIPTION: usize = 1000;
/// A session of a role, in seconds.
const SESSION: std::ops::RangeInclusive<u32> = 3600..=43_200;

/// What is wrong with a principal's or policy's name, if anything is.
pub fn name_problem(name: &str, longest: usize) -> Option<String> {
    let length = name.chars().count();
    if length == 0 {
        return Some("the name is empty".to_owned());
    }
    if length > longest {
        return Some(format!("the name {name:?} has {length} characters, at most {longest} are allowed"));
    }
    let stranger = name.chars().find(|c| !c.is_ascii_alphanumeric() && !"_+=,.@-".contains(*c));
    stranger.map(|c| format!("the name {name:?} contains {c:?}"))
}

/// As [`name_problem`], for a principal.
pub fn principal_name_problem(name: &str) -> Option<String> {
    name_problem(name, PRINCIPAL_NAME)
}

/// As [`name_problem`], for a policy.
pub fn policy_name_problem(name: &str) -> Option<String> {
    name_problem(name, POLICY_NAME)
}

/// The limits that an identity's resources would break.
pub fn identity(identity: &DesiredIdentity, resources: &[Resource]) -> Vec<Violation> {
    let mut found = Findings { subject: &identity.address, all: Vec::new() };
    if let Some(problem) = principal_name_problem(&identity.name) {
        found.add("name", problem, "a name has 1 to 64 letters, digits and _+=,.@-");
    }
    found.statements(&identity.statements);
    found.tags(&identity.tags, resources);
    if let Some(purpose) = &identity.purpose {
        found.length("purpose", "the purpose", purpose, DESCRIPTION);
    }
    if let Some(longest) = identity.max_session_duration.filter(|longest| !SESSION.contains(&longest.seconds())) {
        let problem = format!("a session of {longest} is not possible");
        found.add("max_session_duration", problem, "a session may last from 1h to 12h");
    }
    let attached = identity.scopes.len().saturating_add(identity.managed_policy_arns.len());
    if attached > ATTACHMENTS {
        let problem = format!("it holds {attached} scopes and managed policies, at most {ATTACHMENTS} can be attached");
        found.add("scopes", problem, "join scopes that always go together into one");
    }
    if identity.path.is_some() {
        found.add("path", "the embedded directory has no paths", "leave `path` out, or plan on AWS");
    }
    if identity.groups.len() > GROUPS {
        let problem = format!("it would be in {} groups, at most {GROUPS} are allowed", identity.groups.len());
        found.add("groups", problem, "join groups that always go together into one");
    }
    for resource in resources {
        match kinds::target(&resource.id) {
            Some(Target::Part(_, Part::Inline(_))) => {
                let limit = if identity.principal == Principal::User { USER_INLINE } else { ROLE_INLINE };
                let help = "move statements into a scope: a scope may be longer, and can be shared";
                found.size("statement", "the inline policy", resource.get("policy"), limit, help);
            }
            Some(Target::Principal(..)) => {
                let help = "name fewer principals, or use wildcards in subjects";
                found.size("trust", "the trust", resource.get("trust"), TRUST, help);
            }
            _ => {}
        }
    }
    found.all
}

/// The limits that a scope's resource would break.
pub fn scope(scope: &Scope, resource: &Resource) -> Vec<Violation> {
    let address = scope.address();
    let mut found = Findings { subject: &address, all: Vec::new() };
    if let Some(problem) = policy_name_problem(&scope.name) {
        found.add("", problem, "a scope's label has 1 to 128 letters, digits and _+=,.@-");
    }
    if let Some(description) = &scope.description {
        found.length("description", "the description", description, DESCRIPTION);
    }
    found.statements(&scope.statements);
    let help = "split the scope into two, and give both to the identities that hold it";
    found.size("statement", "the policy", resource.get("policy"), POLICY, help);
    found.all
}

/// The limits that a group's resources would break.
pub fn group(group: &Group, resources: &[Resource]) -> Vec<Violation> {
    let mut found = Findings { subject: &group.address, all: Vec::new() };
    if let Some(problem) = policy_name_problem(&group.name) {
        found.add("name", problem, "a name has 1 to 128 letters, digits and _+=,.@-");
    }
    found.statements(&group.statements);
    let attached = group.scopes.len().saturating_add(group.managed_policy_arns.len());
    if attached > ATTACHMENTS {
        let problem = format!("it holds {attached} scopes and managed policies, at most {ATTACHMENTS} can be attached");
        found.add("scopes", problem, "join scopes that always go together into one");
    }
    for resource in resources {
        let help = "move statements into a scope: a scope may be longer, and can be shared";
        found.size("statement", "the inline policy", resource.get("policy"), GROUP_INLINE, help);
    }
    found.all
}

/// Whether a policy of that length may stand there. An id does not say whose an inline policy is, and the directory itself takes any.
pub fn has_room(id: &ResourceId, policy: &serde_json::Value) -> bool {
    let limit = match kinds::target(id) {
        Some(Target::GroupPart(..)) => GROUP_INLINE,
        Some(Target::Part(..)) => ROLE_INLINE,
        _ => POLICY,
    };
    policy.to_string().chars().filter(|c| !c.is_whitespace()).count() <= limit
}

struct Findings<'a> {
    subject: &'a Address,
    all: Vec<Violation>,
}

impl Findings<'_> {
    fn add(&mut self, attribute: &'static str, problem: impl Into<String>, help: impl Into<String>) {
        let (problem, help) = (problem.into(), help.into());
        self.all.push(Violation { subject: self.subject.clone(), attribute, problem, help });
    }

    fn length(&mut self, attribute: &'static str, what: &str, text: &str, limit: usize) {
        let length = text.chars().count();
        if length > limit {
            let problem = format!("{what} has {length} characters, at most {limit} are allowed");
            self.add(attribute, problem, "shorten it");
        }
    }

    fn size(&mut self, attribute: &'static str, what: &str, document: Option<&Value>, limit: usize, help: &str) {
        let Some(Value::Document(document)) = document else { return };
        let size = document.text().chars().filter(|c| !c.is_whitespace()).count();
        if size > limit {
            let problem = format!("{what} has {size} characters, at most {limit} are allowed");
            self.add(attribute, problem, help);
        }
    }

    fn statements(&mut self, statements: &[Statement]) {
        let mut sids = BTreeSet::new();
        for statement in statements {
            if let Some(sid) = &statement.sid {
                if sid.is_empty() || !sid.chars().all(|c| c.is_ascii_alphanumeric()) {
                    self.add("statement", format!("{sid:?} is no sid"), "a sid is made of letters and digits");
                } else if sid.starts_with("Leasehold") {
                    let problem = format!("the sid {sid:?} is reserved");
                    self.add("statement", problem, "sids that begin with Leasehold are Leasehold's own");
                } else if !sids.insert(sid) {
                    let problem = format!("two statements have the sid {sid:?}");
                    self.add("statement", problem, "sids are unique within one identity or scope");
                }
            }
            let mut tests = BTreeSet::new();
            for condition in &statement.conditions {
                if !tests.insert((&condition.test, &condition.variable)) {
                    let problem = format!("two conditions test {} of {}", condition.test, condition.variable);
                    let help = "a policy holds one such condition only: write one with the values that satisfy both";
                    self.add("statement", problem, help);
                }
            }
        }
    }

    fn tags(&mut self, tags: &BTreeMap<String, String>, resources: &[Resource]) {
        let marks = resources.iter().filter_map(|r| r.marks.as_ref()).map(|m| m.to_tags().len()).max().unwrap_or(0);
        let count = tags.len().saturating_add(marks);
        if count > TAGS {
            let problem = format!("it has {count} tags, {marks} marks among them; at most {TAGS} are allowed");
            self.add("tags", problem, "use fewer tags");
        }
        for (key, value) in tags {
            if key.starts_with(PREFIX) || key.to_ascii_lowercase().starts_with("aws:") {
                self.add("tags", format!("the tag {key:?} is reserved"), "choose a key with another beginning");
            }
            for (what, text, limit) in [("key", key, TAG_KEY), ("value", value, TAG_VALUE)] {
                let length = text.chars().count();
                if length > limit {
                    let problem =
                        format!("the {what} of tag {key:?} has {length} characters, at most {limit} are allowed");
                    self.add("tags", problem, "shorten it");
                }
                if let Some(c) = text.chars().find(|c| !c.is_alphanumeric() && !" _.:/=+-@".contains(*c)) {
                    let problem = format!("the {what} of tag {key:?} contains {c:?}");
                    self.add("tags", problem, "tags are made of letters, digits, spaces and _.:/=+-@");
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
    use std::sync::Arc;

    use jiff::Timestamp;
    use leasehold_provider::{Condition, Effect, Kind, Marks, Realize as _, Realm, Span, StackName};

    use super::*;
    use crate::LocalDirectory;

    fn modest() -> DesiredIdentity {
        DesiredIdentity {
            address: Address::identity("bot", None),
            name: "bot".to_owned(),
            kind: Kind::Service,
            principal: Principal::User,
            owner: "jane".to_owned(),
            service: None,
            environment: None,
            purpose: None,
            created_at: Timestamp::UNIX_EPOCH,
            deadline: Some(Timestamp::UNIX_EPOCH),
            grace: None,
            statements: vec![allow(1)],
            scopes: BTreeSet::new(),
            trusts: Vec::new(),
            managed_policy_arns: BTreeSet::new(),
            groups: BTreeSet::new(),
            path: None,
            keeps: BTreeSet::new(),
            permissions_boundary: None,
            tags: BTreeMap::new(),
            sensitive_tags: BTreeSet::new(),
            max_session_duration: None,
            account: None,
        }
    }

    fn allow(actions: u32) -> Statement {
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

    /// Attribute and problem of each limit that is broken.
    fn broken(change: impl FnOnce(&mut DesiredIdentity)) -> Vec<String> {
        let directory = LocalDirectory::at("nowhere.db", "tests", Arc::new(|| Timestamp::UNIX_EPOCH));
        let realm = Realm {
            provider: "local".to_owned(),
            account: "embedded".to_owned(),
            partition: String::new(),
            actor: "tests".to_owned(),
            others: BTreeMap::new(),
        };
        let mut who = modest();
        change(&mut who);
        let marks = Marks::new(StackName::new("payments").unwrap(), who.address.clone());
        let resources = directory.active(&realm, &who, &marks);
        let violations = directory.limits(&who, &resources);
        assert!(violations.iter().all(|violation| !violation.help.is_empty() && violation.subject == who.address));
        violations.into_iter().map(|violation| format!("{}: {}", violation.attribute, violation.problem)).collect()
    }

    #[test]
    fn a_modest_identity_breaks_nothing() {
        assert!(broken(|_| ()).is_empty());
    }

    #[test]
    fn each_limit_is_said_with_its_figures() {
        assert_eq!(
            broken(|who| who.name = "x".repeat(65)),
            [format!("name: the name \"{}\" has 65 characters, at most 64 are allowed", "x".repeat(65))]
        );
        assert_eq!(broken(|who| who.name = "a b".to_owned()), ["name: the name \"a b\" contains ' '"]);
        assert_eq!(
            broken(|who| who.statements = vec![allow(200)]),
            ["statement: the inline policy has 3041 characters, at most 2048 are allowed"]
        );
        assert!(
            broken(|who| {
                who.principal = Principal::Role;
                who.statements = vec![allow(200)];
            })
            .is_empty()
        );
        assert_eq!(
            broken(|who| who.scopes = (0..11).map(|number| format!("s{number}")).collect()),
            ["scopes: it holds 11 scopes and managed policies, at most 10 can be attached"]
        );
        assert_eq!(
            broken(|who| who.tags = (0..49).map(|number| (format!("t{number}"), String::new())).collect()),
            ["tags: it has 51 tags, 2 marks among them; at most 50 are allowed"]
        );
        assert_eq!(
            broken(|who| who.tags = BTreeMap::from([("leasehold:stack".to_owned(), "x".to_owned())])),
            ["tags: the tag \"leasehold:stack\" is reserved"]
        );
        assert_eq!(
            broken(|who| who.max_session_duration = Span::from_seconds(60)),
            ["max_session_duration: a session of 1m is not possible"]
        );
    }

    #[test]
    fn conditions_that_one_policy_cannot_hold_are_refused() {
        let test = |value: &str| Condition {
            test: "StringLike".to_owned(),
            variable: "aws:PrincipalTag/team".to_owned(),
            values: vec![value.to_owned()],
        };
        let found =
            broken(|who| who.statements = vec![Statement { conditions: vec![test("a*"), test("*b")], ..allow(1) }]);
        assert_eq!(found, ["statement: two conditions test StringLike of aws:PrincipalTag/team"]);
        let twice = |sid: &str| Statement { sid: Some(sid.to_owned()), ..allow(1) };
        let found = broken(|who| who.statements = vec![twice("A"), twice("A"), twice("LeaseholdLease")]);
        let expected =
            ["statement: two statements have the sid \"A\"", "statement: the sid \"LeaseholdLease\" is reserved"];
        assert_eq!(found, expected);
    }
}
