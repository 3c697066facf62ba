//! Whether an access allows an action on a resource at an instant, as far as that can be said without a request: conditions on the
//! time are decided, all others are told.

use leasehold_provider::{Access, Answer, Deciding, Permission, Question};

use crate::document::{Condition, Document, Effect, Statement};
use crate::evaluate::{Truth, evaluate};
use crate::pattern::Pattern;
use crate::reach::{self, Reach, reach};
use crate::request::{Caller, Request};

const TIME: [&str; 2] = ["aws:currenttime", "aws:epochtime"];

/// The answer, with the statements it rests on.
#[must_use]
pub fn decide(access: &Access, question: &Question<'_>) -> Answer {
    let request = request(question);
    let mut answer = Answer { unread: access.opaque.clone(), ..Answer::default() };
    let mut denied = false;
    // What speaks of the request, at this time; whether its other conditions can hold together is asked of the comparison.
    let mut standing = Vec::new();
    for (policy, document) in access.policies.iter().enumerate() {
        let Ok(document) = Document::parse(document.text()) else {
            answer.unread.insert(format!("policy {policy}, which does not read"));
            continue;
        };
        let mut left = Document { statements: Vec::new(), ..document.clone() };
        for (index, statement) in document.statements.iter().enumerate() {
            let (timed, others) = split(statement);
            let matches = matches(&document, timed, &request);
            if matches == Truth::No {
                continue;
            }
            let mut conditions: Vec<String> = others.iter().map(words).collect();
            if matches == Truth::Unknown {
                conditions.push("what AWS does not document".to_owned());
            }
            left.statements.push(Statement { conditions: others, ..statement.clone() });
            let deciding = Deciding { policy, statement: index, sid: statement.sid.clone(), conditions };
            match statement.effect {
                Effect::Allow => answer.through.push(deciding),
                Effect::Deny if deciding.conditions.is_empty() => denied = true,
                Effect::Deny => answer.unless.push(deciding),
            }
        }
        standing.push(left);
    }
    answer.permission = permission(&answer, denied, standing, question);
    answer
}

fn permission(answer: &Answer, denied: bool, standing: Vec<Document>, question: &Question<'_>) -> Permission {
    let conditional = |all: &[Deciding]| all.iter().all(|one| !one.conditions.is_empty());
    if denied {
        return Permission::No;
    }
    if answer.through.is_empty() {
        return if answer.unread.is_empty() { Permission::No } else { Permission::Unknown };
    }
    if !conditional(&answer.through) && answer.unless.is_empty() {
        return Permission::Yes;
    }
    let access = crate::access::Access::of(standing);
    let asked = reach::Question { resource: Some(question.resource), ..reach::Question::about(question.action) };
    match reach(&access, &asked) {
        Reach::Never if answer.unread.is_empty() => Permission::No,
        Reach::Never => Permission::Unknown,
        Reach::Granted(_) | Reach::Unknown => Permission::OnlyIf,
    }
}

fn request(question: &Question<'_>) -> Request {
    let request = Request::new(Caller::Anonymous, question.action, question.resource)
        .with("aws:CurrentTime", question.now)
        .with("aws:EpochTime", &question.epoch.to_string());
    match question.user {
        Some(user) => request.with("aws:username", user),
        None => request,
    }
}

/// The statement with what it says of the time, and its other conditions.
fn split(statement: &Statement) -> (Statement, Vec<Condition>) {
    let of_time = |condition: &Condition| TIME.contains(&condition.key.as_str());
    let (timed, others) = statement.conditions.iter().cloned().partition(of_time);
    (Statement { conditions: timed, ..statement.clone() }, others)
}

fn matches(document: &Document, statement: Statement, request: &Request) -> Truth {
    let alone = Statement { effect: Effect::Allow, ..statement };
    let alone = Document { statements: vec![alone], ..document.clone() };
    evaluate(&crate::access::Access::of(vec![alone]), request).allowed()
}

fn words(condition: &Condition) -> String {
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
        decide(&Access { policies: vec![policy.into()], ..Access::default() }, &QUESTION)
    }

    fn statement(effect: &str, condition: Value) -> Value {
        let mut statement = json!({"Effect": effect, "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/*"});
        if !condition.is_null() {
            statement["Condition"] = condition;
        }
        statement
    }

    fn conditions(all: &[Deciding]) -> Vec<&str> {
        all.iter().flat_map(|one| &one.conditions).map(String::as_str).collect()
    }

    #[test]
    fn an_allow_that_nothing_stands_against() {
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
    fn the_time_is_decided() {
        let fence = |at: &str| statement("Deny", json!({"DateGreaterThanEquals": {"aws:CurrentTime": at}}));
        let with = |at: &str| answer(json!([fence(at), statement("Allow", Value::Null)]));
        let before = with("2026-11-21T00:00:00Z");
        assert_eq!((before.permission, before.unless), (Permission::Yes, Vec::new()));
        assert_eq!(with("2026-11-20T22:00:00Z").permission, Permission::No);
        let later = json!({"NumericGreaterThan": {"aws:EpochTime": "1795212001"}});
        assert_eq!(answer(json!([statement("Allow", later)])).permission, Permission::No);
    }

    #[test]
    fn other_conditions_are_told() {
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
    fn the_name_of_a_user_is_known() {
        let own = json!([{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/${aws:username}/*"}]);
        assert_eq!(answer(own.clone()).permission, Permission::Yes);
        let policy = json!({"Version": "2012-10-17", "Statement": own});
        let access = Access { policies: vec![policy.into()], ..Access::default() };
        assert_eq!(decide(&access, &Question { user: Some("tom"), ..QUESTION }).permission, Permission::No);
    }

    #[test]
    fn what_is_not_read_leaves_it_open() {
        let opaque = BTreeSet::from(["AdministratorAccess".to_owned()]);
        let open = decide(&Access { opaque, ..Access::default() }, &QUESTION);
        assert_eq!((open.permission, open.unread.len()), (Permission::Unknown, 1));
    }
}
