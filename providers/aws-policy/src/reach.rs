//! Whether policies grant an action at all, and which actions they grant. Both are answered with the comparison, so
//! Deny statements, the boundary and conditions that can never hold are taken into account.
//!
//! Method: add a Deny for everything except the action in question; the result grants some request (compared with no
//! policies at all) exactly if the original grants the action.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalogue::{ActionAccessLevel, CatalogueAction, embedded_catalogue};
use crate::compare::{Containment, WorkBudget, check_containment_within};
use crate::document::{Clause, LanguageVersion, PolicyDocument, PolicyStatement, StatementCondition, StatementEffect};
use crate::evaluate::names_action;
use crate::operator::{ConditionOperator, ConditionTest, Quantifier};
use crate::pattern::{Pattern, PatternDialect};
use crate::policy_set::PolicySet;
use crate::request::AccessRequest;
use crate::sample_request;

/// Whether some request for an action is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Yes, for example this request.
    Granted(Box<AccessRequest>),
    /// No request for the action is granted; proved.
    Never,
    /// Neither proved nor refuted.
    Unknown,
}

/// The requests that [`check_reach`] considers.
#[derive(Debug, Clone, Copy)]
pub struct ReachQuery<'a> {
    /// The action as `service:Action`, in any case.
    pub action: &'a str,
    /// Only requests on resources that match this ARN pattern. `None`: on any resource.
    pub resource: Option<&'a str>,
    /// Only requests in which this context key has this value. `None`: in any context.
    pub context: Option<(&'a str, &'a str)>,
}

impl<'a> ReachQuery<'a> {
    /// Requests for an action on any resource, in any context.
    pub fn for_action(action: &'a str) -> Self {
        Self { action, resource: None, context: None }
    }
}

/// Whether the policies grant some request that the query describes.
pub fn check_reach(access: &PolicySet, query: &ReachQuery<'_>) -> Reach {
    check_reach_within(access, query, &mut WorkBudget::for_one_comparison())
}

/// Like [`check_reach`], within the rest of a budget.
pub(crate) fn check_reach_within(access: &PolicySet, query: &ReachQuery<'_>, budget: &mut WorkBudget) -> Reach {
    let action = Pattern::parse(&query.action.to_lowercase(), LanguageVersion::V2012, PatternDialect::Plain);
    let everything =
        || Clause { negated: false, items: vec![Pattern::parse("*", LanguageVersion::V2012, PatternDialect::Full)] };
    // Deny every request that the query does not describe. What is still granted answers the query.
    let mut deny =
        vec![deny_statement(Clause { negated: true, items: vec![action.clone()] }, everything(), Vec::new())];
    if let Some(resource) = query.resource {
        let items = vec![Pattern::parse(resource, LanguageVersion::V2008, PatternDialect::Full)];
        deny.push(deny_statement(everything(), Clause { negated: true, items }, Vec::new()));
    }
    if let Some((key, value)) = query.context {
        let operator = ConditionOperator::Test {
            quantifier: Quantifier::One,
            test: ConditionTest::StringEquals,
            negated: true,
            if_exists: false,
        };
        let values = vec![Pattern::parse(value, LanguageVersion::V2008, PatternDialect::Plain)];
        let condition = StatementCondition { operator, key: key.to_lowercase(), values };
        deny.push(deny_statement(everything(), everything(), vec![condition]));
    }
    let mut asked = access.clone();
    for document in asked.policies.iter_mut().chain(asked.boundary.iter_mut().flatten()) {
        document.statements.retain(|statement| names_action(statement, query.action));
    }
    asked.policies.push(PolicyDocument { version: LanguageVersion::V2012, id: None, statements: deny });
    match check_containment_within(&PolicySet::default(), &asked, budget) {
        Containment::Refuted(request) => Reach::Granted(request),
        Containment::Proved => Reach::Never,
        Containment::Unknown(_) => Reach::Unknown,
    }
}

fn deny_statement(
    actions: Clause<Pattern>,
    resources: Clause<Pattern>,
    conditions: Vec<StatementCondition>,
) -> PolicyStatement {
    PolicyStatement {
        sid: None,
        effect: StatementEffect::Deny,
        principals: None,
        actions,
        resources: Some(resources),
        conditions,
    }
}

/// The actions of one service that policies grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceReach {
    /// The prefix of the service's actions, such as `s3`.
    pub service: &'static str,
    /// AWS's name for the service.
    pub name: &'static str,
    /// The names of the actions for which some request is granted, by access level.
    pub levels: BTreeMap<ActionAccessLevel, Vec<&'static str>>,
    /// The number of these actions whose [`Reach`] is `Unknown`.
    pub uncertain: usize,
}

/// All actions of the catalogue that the policies grant, by service and access level. Includes uncertain ones.
pub fn explain_reach(access: &PolicySet) -> Vec<ServiceReach> {
    let mut known = ReachCache::new();
    let mut out = Vec::new();
    for service in embedded_catalogue().services() {
        let mut found =
            ServiceReach { service: service.prefix, name: service.name, levels: BTreeMap::new(), uncertain: 0 };
        for action in service.actions.values() {
            match known.cached_reach(access, action) {
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

/// The highest access level of the actions that the policies grant; `None` if they grant none. Faster than
/// [`explain_reach`]: it checks only actions that an Allow statement names, from the highest level down, and stops at
/// the first that is granted.
pub fn highest_level(access: &PolicySet) -> Option<ActionAccessLevel> {
    const FROM_THE_TOP: [ActionAccessLevel; 5] = [
        ActionAccessLevel::PermissionsManagement,
        ActionAccessLevel::Write,
        ActionAccessLevel::Tagging,
        ActionAccessLevel::Read,
        ActionAccessLevel::List,
    ];
    let statements = access.policies.iter().flat_map(|document| &document.statements);
    let allows: Vec<&PolicyStatement> =
        statements.filter(|statement| statement.effect == StatementEffect::Allow).collect();
    let mut known = ReachCache::new();
    FROM_THE_TOP.into_iter().find(|level| {
        let mut named =
            allows.iter().flat_map(|statement| named_actions(statement)).filter(|action| action.level == *level);
        named.any(|action| known.cached_reach(access, action) != Reach::Never)
    })
}

/// The actions of the catalogue that a statement matches.
fn named_actions(statement: &PolicyStatement) -> Box<dyn Iterator<Item = &'static CatalogueAction> + '_> {
    if statement.actions.negated {
        let all = embedded_catalogue().services().flat_map(|service| service.actions.values());
        return Box::new(all.filter(|action| names_action(statement, &action.full_name())));
    }
    Box::new(statement.actions.items.iter().flat_map(|pattern| embedded_catalogue().matching_actions(pattern)))
}

/// Answers for one policy set. Actions that match the same statements have the same answer, so each combination of
/// statements is checked once. All checks share one budget.
struct ReachCache {
    by_statements: BTreeMap<Vec<bool>, Reach>,
    budget: WorkBudget,
}

/// The budget for all checks of one policy set, as a number of comparisons.
const COMPARISONS: usize = 5;

impl ReachCache {
    fn new() -> Self {
        Self { by_statements: BTreeMap::new(), budget: WorkBudget::for_comparisons(COMPARISONS) }
    }

    fn cached_reach(&mut self, access: &PolicySet, action: &CatalogueAction) -> Reach {
        let name = action.full_name();
        let documents = access.policies.iter().chain(access.boundary.iter().flatten());
        let named: Vec<bool> = documents
            .flat_map(|document| &document.statements)
            .map(|statement| names_action(statement, &name))
            .collect();
        let check = || match sample_request::sample_granted_request(access, &name) {
            Some(request) => Reach::Granted(Box::new(request)),
            None => check_reach_within(access, &ReachQuery::for_action(&name), &mut self.budget),
        };
        self.by_statements.entry(named).or_insert_with(check).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(statements: &str) -> PolicySet {
        PolicySet::new(vec![
            PolicyDocument::parse(&format!(r#"{{"Version": "2012-10-17", "Statement": {statements}}}"#)).unwrap(),
        ])
    }

    #[test]
    fn deny_and_contradictory_conditions_prevent_reach() {
        let open = access(r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#);
        assert!(matches!(check_reach(&open, &ReachQuery::for_action("s3:GetObject")), Reach::Granted(_)));
        assert_eq!(check_reach(&open, &ReachQuery::for_action("iam:PassRole")), Reach::Never);
        let shut = access(
            r#"[{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"}]"#,
        );
        assert_eq!(check_reach(&shut, &ReachQuery::for_action("s3:GetObject")), Reach::Never);
        let never = access(
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceVpc": "a"}, "StringNotEquals": {"aws:SourceVpc": "a"}}}"#,
        );
        assert_eq!(check_reach(&never, &ReachQuery::for_action("s3:GetObject")), Reach::Never);
    }

    #[test]
    fn query_with_resource_and_with_context() {
        let pass = access(
            r#"{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::*:role/app/*",
                "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}"#,
        );
        let to = |service| ReachQuery {
            context: Some(("iam:PassedToService", service)),
            ..ReachQuery::for_action("iam:PassRole")
        };
        assert!(matches!(check_reach(&pass, &to("ec2.amazonaws.com")), Reach::Granted(_)));
        assert_eq!(check_reach(&pass, &to("lambda.amazonaws.com")), Reach::Never);
        let on = |resource| ReachQuery { resource: Some(resource), ..ReachQuery::for_action("iam:PassRole") };
        assert!(matches!(check_reach(&pass, &on("arn:aws:iam::*:role/*")), Reach::Granted(_)));
        assert_eq!(check_reach(&pass, &on("arn:aws:iam::123456789012:role/admin")), Reach::Never);
    }

    #[test]
    fn explanation_by_service_and_level() {
        let some = access(r#"{"Effect": "Allow", "Action": ["sts:Get*", "iam:PutRolePolicy"], "Resource": "*"}"#);
        let services = explain_reach(&some);
        let names: Vec<&str> = services.iter().map(|service| service.service).collect();
        assert_eq!(names, ["iam", "sts"]);
        assert_eq!(services[0].levels[&ActionAccessLevel::PermissionsManagement], ["PutRolePolicy"]);
        assert!(services[1].levels[&ActionAccessLevel::Read].contains(&"GetCallerIdentity"));
        assert_eq!(highest_level(&some), Some(ActionAccessLevel::PermissionsManagement));
        assert_eq!(highest_level(&PolicySet::default()), None);
    }
}
