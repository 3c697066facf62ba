//! What an access reaches: whether an action can be done at all, and everything that can. Asked of the comparison, so
//! that a Deny, a boundary or a condition that cannot hold is taken for what it is.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::access::Access;
use crate::catalogue::{AccessLevel, Action, catalogue};
use crate::compare::{Budget, Containment, contains_within};
use crate::document::{Clause, Condition, Document, Effect, Statement, Version};
use crate::evaluate::action_is;
use crate::operator::{Operator, Quantifier, Test};
use crate::pattern::{Dialect, Pattern};
use crate::request::Request;
use crate::sample;

/// Whether an action is granted on anything, under any circumstances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// For example this request.
    Granted(Box<Request>),
    /// No request for the action is granted.
    Never,
    /// Not known.
    Unknown,
}

/// What to ask for.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// `service:Action`.
    pub action: &'a str,
    /// Only requests on resources that match this pattern.
    pub resource: Option<&'a str>,
    /// Only requests in which this key has this one value.
    pub context: Option<(&'a str, &'a str)>,
}

impl<'a> Question<'a> {
    /// About an action on whatever resource.
    pub fn about(action: &'a str) -> Self {
        Self { action, resource: None, context: None }
    }
}

/// Whether the access grants some request of this kind.
pub fn reach(access: &Access, question: &Question<'_>) -> Reach {
    reach_within(access, question, &mut Budget::standard())
}

/// The same with what is left of a budget.
pub(crate) fn reach_within(access: &Access, question: &Question<'_>, budget: &mut Budget) -> Reach {
    let action = Pattern::read(&question.action.to_lowercase(), Version::V2012, Dialect::Plain);
    let everything = || Clause { negated: false, items: vec![Pattern::read("*", Version::V2012, Dialect::Full)] };
    // Everything but the question is denied; what is then still granted is the answer.
    let mut deny = vec![deny(Clause { negated: true, items: vec![action.clone()] }, everything(), Vec::new())];
    if let Some(resource) = question.resource {
        let items = vec![Pattern::read(resource, Version::V2008, Dialect::Full)];
        deny.push(self::deny(everything(), Clause { negated: true, items }, Vec::new()));
    }
    if let Some((key, value)) = question.context {
        let operator =
            Operator::Test { quantifier: Quantifier::One, test: Test::StringEquals, negated: true, if_exists: false };
        let values = vec![Pattern::read(value, Version::V2008, Dialect::Plain)];
        let condition = Condition { operator, key: key.to_lowercase(), values };
        deny.push(self::deny(everything(), everything(), vec![condition]));
    }
    let mut asked = access.clone();
    for document in asked.policies.iter_mut().chain(asked.boundary.iter_mut().flatten()) {
        document.statements.retain(|statement| speaks_of(statement, question.action));
    }
    asked.policies.push(Document { version: Version::V2012, id: None, statements: deny });
    match contains_within(&Access::default(), &asked, budget) {
        Containment::Refuted(request) => Reach::Granted(request),
        Containment::Proved => Reach::Never,
        Containment::Unknown(_) => Reach::Unknown,
    }
}

fn deny(actions: Clause<Pattern>, resources: Clause<Pattern>, conditions: Vec<Condition>) -> Statement {
    Statement { sid: None, effect: Effect::Deny, principals: None, actions, resources: Some(resources), conditions }
}

/// Whether a statement names the action.
pub(crate) fn speaks_of(statement: &Statement, action: &str) -> bool {
    statement.actions.items.iter().any(|pattern| action_is(pattern, action)) != statement.actions.negated
}

/// What an access lets one do in one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceReach {
    /// The prefix of the service's actions.
    pub service: &'static str,
    /// What AWS calls it.
    pub name: &'static str,
    /// The actions that are granted on something, by level.
    pub levels: BTreeMap<AccessLevel, Vec<&'static str>>,
    /// Of these, how many are granted only as far as can be told.
    pub uncertain: usize,
}

/// Everything in the catalogue that an access lets one do, by service and level.
pub fn explain(access: &Access) -> Vec<ServiceReach> {
    let mut known = Known::new();
    let mut out = Vec::new();
    for service in catalogue().services() {
        let mut found =
            ServiceReach { service: service.prefix, name: service.name, levels: BTreeMap::new(), uncertain: 0 };
        for action in service.actions.values() {
            match known.reach(access, action) {
                Reach::Never => continue,
                Reach::Unknown => found.uncertain += 1,
                Reach::Granted(_) => {}
            }
            found.levels.entry(action.level).or_default().push(action.name);
        }
        if !found.levels.is_empty() {
            out.push(found);
        }
    }
    out
}

/// The highest level of anything in the catalogue that an access lets one do. Unlike [`explain`] it looks from the top, at what the
/// policies name, and stops at the first that is granted.
pub fn highest_level(access: &Access) -> Option<AccessLevel> {
    const FROM_THE_TOP: [AccessLevel; 5] = [
        AccessLevel::PermissionsManagement,
        AccessLevel::Write,
        AccessLevel::Tagging,
        AccessLevel::Read,
        AccessLevel::List,
    ];
    let statements = access.policies.iter().flat_map(|document| &document.statements);
    let allows: Vec<&Statement> = statements.filter(|statement| statement.effect == Effect::Allow).collect();
    let mut known = Known::new();
    FROM_THE_TOP.into_iter().find(|level| {
        let mut named = allows.iter().flat_map(|statement| named_by(statement)).filter(|action| action.level == *level);
        named.any(|action| known.reach(access, action) != Reach::Never)
    })
}

/// The actions of the catalogue that a statement names.
fn named_by(statement: &Statement) -> Box<dyn Iterator<Item = &'static Action> + '_> {
    if statement.actions.negated {
        let all = catalogue().services().flat_map(|service| service.actions.values());
        return Box::new(all.filter(|action| speaks_of(statement, &action.full_name())));
    }
    Box::new(statement.actions.items.iter().flat_map(|pattern| catalogue().matching(pattern)))
}

/// What one access is known to reach. Actions that the same statements name have the same answer; each combination is asked
/// once, and all questions share the work that they may take.
struct Known {
    by_statements: BTreeMap<Vec<bool>, Reach>,
    budget: Budget,
}

/// Questions about one access take as much work as so many comparisons.
const COMPARISONS: usize = 5;

impl Known {
    fn new() -> Self {
        Self { by_statements: BTreeMap::new(), budget: Budget::of_comparisons(COMPARISONS) }
    }

    fn reach(&mut self, access: &Access, action: &Action) -> Reach {
        let name = action.full_name();
        let documents = access.policies.iter().chain(access.boundary.iter().flatten());
        let named: Vec<bool> =
            documents.flat_map(|document| &document.statements).map(|statement| speaks_of(statement, &name)).collect();
        let ask = || match sample::granted(access, &name) {
            Some(request) => Reach::Granted(Box::new(request)),
            None => reach_within(access, &Question::about(&name), &mut self.budget),
        };
        self.by_statements.entry(named).or_insert_with(ask).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(statements: &str) -> Access {
        Access::of(vec![
            Document::parse(&format!(r#"{{"Version": "2012-10-17", "Statement": {statements}}}"#)).unwrap(),
        ])
    }

    #[test]
    fn a_deny_or_a_condition_that_cannot_hold_is_seen() {
        let open = access(r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#);
        assert!(matches!(reach(&open, &Question::about("s3:GetObject")), Reach::Granted(_)));
        assert_eq!(reach(&open, &Question::about("iam:PassRole")), Reach::Never);
        let shut = access(
            r#"[{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"}]"#,
        );
        assert_eq!(reach(&shut, &Question::about("s3:GetObject")), Reach::Never);
        let never = access(
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceVpc": "a"}, "StringNotEquals": {"aws:SourceVpc": "a"}}}"#,
        );
        assert_eq!(reach(&never, &Question::about("s3:GetObject")), Reach::Never);
    }

    #[test]
    fn a_question_may_name_resource_and_context() {
        let pass = access(
            r#"{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::*:role/app/*",
                "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}"#,
        );
        let to =
            |service| Question { context: Some(("iam:PassedToService", service)), ..Question::about("iam:PassRole") };
        assert!(matches!(reach(&pass, &to("ec2.amazonaws.com")), Reach::Granted(_)));
        assert_eq!(reach(&pass, &to("lambda.amazonaws.com")), Reach::Never);
        let on = |resource| Question { resource: Some(resource), ..Question::about("iam:PassRole") };
        assert!(matches!(reach(&pass, &on("arn:aws:iam::*:role/*")), Reach::Granted(_)));
        assert_eq!(reach(&pass, &on("arn:aws:iam::123456789012:role/admin")), Reach::Never);
    }

    #[test]
    fn explained_by_service_and_level() {
        let some = access(r#"{"Effect": "Allow", "Action": ["sts:Get*", "iam:PutRolePolicy"], "Resource": "*"}"#);
        let services = explain(&some);
        let names: Vec<&str> = services.iter().map(|service| service.service).collect();
        assert_eq!(names, ["iam", "sts"]);
        assert_eq!(services[0].levels[&AccessLevel::PermissionsManagement], ["PutRolePolicy"]);
        assert!(services[1].levels[&AccessLevel::Read].contains(&"GetCallerIdentity"));
        assert_eq!(highest_level(&some), Some(AccessLevel::PermissionsManagement));
        assert_eq!(highest_level(&Access::default()), None);
    }
}
