//! Whether an access allows an action on a resource at an instant. There is no full request, so conditions on the time
//! are decided and all other conditions are reported.

use leasehold_provider::{Access, Answer, ContributingStatement, Permission, Question};

use crate::document::{PolicyDocument, PolicyStatement, StatementCondition, StatementEffect};
use crate::evaluate::{Truth, evaluate_request};
use crate::pattern::Pattern;
use crate::reach::{Reach, ReachQuery, check_reach};
use crate::request::{AccessRequest, RequestCaller};

const TIME: [&str; 2] = ["aws:currenttime", "aws:epochtime"];

/// Answers the question, with the statements the answer depends on.
#[must_use]
pub fn decide_permission(access: &Access, question: &Question<'_>) -> Answer {
    let request = request_from_question(question);
    let mut answer = Answer { unread: access.opaque.clone(), ..Answer::default() };
    let mut denied = false;
    // The statements that match the request at this time. The comparison decides whether their other conditions can
    // hold together.
    let mut remaining_documents = Vec::new();
    for (policy, document) in access.policies.iter().enumerate() {
        let Ok(document) = PolicyDocument::parse(document.canonical_text()) else {
            answer.unread.insert(format!("policy {policy}, which cannot be parsed"));
            continue;
        };
        let mut remaining = PolicyDocument { statements: Vec::new(), ..document.clone() };
        for (index, statement) in document.statements.iter().enumerate() {
            let (timed, others) = split_time_conditions(statement);
            let matches = statement_matches(&document, timed, &request);
            if matches == Truth::No {
                continue;
            }
            let mut conditions: Vec<String> = others.iter().map(describe_condition).collect();
            if matches == Truth::Unknown {
                conditions.push("a behaviour that AWS does not document".to_owned());
            }
            remaining.statements.push(PolicyStatement { conditions: others, ..statement.clone() });
            let deciding = ContributingStatement { policy, statement: index, sid: statement.sid.clone(), conditions };
            match statement.effect {
                StatementEffect::Allow => answer.through.push(deciding),
                StatementEffect::Deny if deciding.conditions.is_empty() => denied = true,
                StatementEffect::Deny => answer.unless.push(deciding),
            }
        }
        remaining_documents.push(remaining);
    }
    answer.permission = resolve_permission(&answer, denied, remaining_documents, question);
    answer
}

fn resolve_permission(
    answer: &Answer,
    denied: bool,
    documents: Vec<PolicyDocument>,
    question: &Question<'_>,
) -> Permission {
    let conditional = |all: &[ContributingStatement]| all.iter().all(|one| !one.conditions.is_empty());
    if denied {
        return Permission::No;
    }
    if answer.through.is_empty() {
        return if answer.unread.is_empty() { Permission::No } else { Permission::Unknown };
    }
    if !conditional(&answer.through) && answer.unless.is_empty() {
        return Permission::Yes;
    }
    let access = crate::policy_set::PolicySet::new(documents);
    let asked = ReachQuery { resource: Some(question.resource), ..ReachQuery::for_action(question.action) };
    match check_reach(&access, &asked) {
        Reach::Never if answer.unread.is_empty() => Permission::No,
        Reach::Never => Permission::Unknown,
        Reach::Granted(_) | Reach::Unknown => Permission::OnlyIf,
    }
}

fn request_from_question(question: &Question<'_>) -> AccessRequest {
    let request = AccessRequest::new(RequestCaller::Anonymous, question.action, question.resource)
        .with_context_value("aws:CurrentTime", question.now)
        .with_context_value("aws:EpochTime", &question.epoch.to_string());
    match question.user {
        Some(user) => request.with_context_value("aws:username", user),
        None => request,
    }
}

/// The statement with only its conditions on the time, and the other conditions.
fn split_time_conditions(statement: &PolicyStatement) -> (PolicyStatement, Vec<StatementCondition>) {
    let of_time = |condition: &StatementCondition| TIME.contains(&condition.key.as_str());
    let (timed, others) = statement.conditions.iter().cloned().partition(of_time);
    (PolicyStatement { conditions: timed, ..statement.clone() }, others)
}

fn statement_matches(document: &PolicyDocument, statement: PolicyStatement, request: &AccessRequest) -> Truth {
    let alone = PolicyStatement { effect: StatementEffect::Allow, ..statement };
    let alone = PolicyDocument { statements: vec![alone], ..document.clone() };
    evaluate_request(&crate::policy_set::PolicySet::new(vec![alone]), request).is_allowed()
}

fn describe_condition(condition: &StatementCondition) -> String {
    let values: Vec<&str> = condition.values.iter().map(Pattern::text).collect();
    format!("{} {} {}", condition.operator, condition.key, values.join(" or "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;

    const QUESTION: Question<'_> = Question {
        action: "s3:GetObject",
        resource: "arn:aws:s3:::b/jane/x",
        now: "2026-11-20T22:00:00Z",
        epoch: 1_795_212_000,
        user: Some("jane"),
    };

    fn answer(statements: Value) -> Answer {
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        decide_permission(&Access { policies: vec![policy.into()], ..Access::default() }, &QUESTION)
    }

    fn statement(effect: &str, condition: Value) -> Value {
        let mut statement = json!({"Effect": effect, "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/*"});
        if !condition.is_null() {
            statement["Condition"] = condition;
        }
        statement
    }

    fn conditions(all: &[ContributingStatement]) -> Vec<&str> {
        all.iter().flat_map(|one| &one.conditions).map(String::as_str).collect()
    }

    #[test]
    fn allow_without_and_with_deny() {
        let yes = answer(json!([statement("Deny", json!({"Bool": {"aws:x": "y"}})), statement("Allow", Value::Null)]));
        assert_eq!((yes.permission, yes.through[0].statement), (Permission::OnlyIf, 1));
        let yes = answer(json!([statement("Allow", Value::Null)]));
        assert_eq!((yes.permission, yes.through[0].policy), (Permission::Yes, 0));
        assert_eq!(answer(json!([])).permission, Permission::No);
        assert_eq!(
            answer(json!([statement("Allow", Value::Null), statement("Deny", Value::Null)])).permission,
            Permission::No
        );
    }

    #[test]
    fn conditions_on_the_time_are_decided() {
        let lease_deny = |at: &str| statement("Deny", json!({"DateGreaterThanEquals": {"aws:CurrentTime": at}}));
        let with = |at: &str| answer(json!([lease_deny(at), statement("Allow", Value::Null)]));
        let before = with("2026-11-21T00:00:00Z");
        assert_eq!((before.permission, before.unless), (Permission::Yes, Vec::new()));
        assert_eq!(with("2026-11-20T22:00:00Z").permission, Permission::No);
        let later = json!({"NumericGreaterThan": {"aws:EpochTime": "1795212001"}});
        assert_eq!(answer(json!([statement("Allow", later)])).permission, Permission::No);
    }

    #[test]
    fn other_conditions_are_reported() {
        let inside = json!({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.0.2.1"]}});
        let answer_of = answer(json!([statement("Allow", inside.clone())]));
        assert_eq!(answer_of.permission, Permission::OnlyIf);
        assert_eq!(conditions(&answer_of.through), ["IpAddress aws:sourceip 10.0.0.0/8 or 192.0.2.1"]);
        let unless = answer(json!([statement("Allow", Value::Null), statement("Deny", inside.clone())]));
        assert_eq!((unless.permission, conditions(&unless.unless).len()), (Permission::OnlyIf, 1));
        let both = answer(json!([statement("Allow", inside.clone()), statement("Deny", inside)]));
        assert_eq!(both.permission, Permission::No);
    }

    #[test]
    fn username_variable_is_resolved() {
        let own = json!([{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/${aws:username}/*"}]);
        assert_eq!(answer(own.clone()).permission, Permission::Yes);
        let policy = json!({"Version": "2012-10-17", "Statement": own});
        let access = Access { policies: vec![policy.into()], ..Access::default() };
        assert_eq!(decide_permission(&access, &Question { user: Some("tom"), ..QUESTION }).permission, Permission::No);
    }

    #[test]
    fn unknown_policy_is_unknown_permission() {
        let opaque = BTreeSet::from(["AdministratorAccess".to_owned()]);
        let open = decide_permission(&Access { opaque, ..Access::default() }, &QUESTION);
        assert_eq!((open.permission, open.unread.len()), (Permission::Unknown, 1));
    }
}
