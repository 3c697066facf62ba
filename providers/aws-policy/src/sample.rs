//! A request that a plain statement matches, made without a search. Most statements are plain; whoever asks whether one matches
//! anything at all tries this first, and lets the evaluator judge it.

use crate::access::Access;
use crate::catalogue::catalogue;
use crate::document::{Effect, Statement};
use crate::evaluate::{Truth, evaluate};
use crate::pattern::{Pattern, Token};
use crate::reach::speaks_of;
use crate::request::{Caller, Request};

/// Whoever holds an identity policy.
const HOLDER: &str = "arn:aws:iam::111122223333:user/example";

/// A request for the action, made from one of the access' own statements, that the access grants for certain. `None` says nothing.
pub(crate) fn granted(access: &Access, action: &str) -> Option<Request> {
    let statements = access.policies.iter().flat_map(|document| &document.statements);
    let speaking = statements.filter(|statement| statement.effect == Effect::Allow && speaks_of(statement, action));
    speaking
        .filter_map(|statement| of(statement, action))
        .find(|request| evaluate(access, request).allowed() == Truth::Yes)
}

/// An action that a statement names.
pub(crate) fn action(statement: &Statement) -> Option<String> {
    let pattern = statement.actions.items.first().filter(|_| !statement.actions.negated)?;
    if pattern.tokens().iter().all(|token| matches!(token, Token::Literal(_))) {
        return Some(pattern.text().to_owned());
    }
    Some(catalogue().matching(pattern).next()?.full_name())
}

fn of(statement: &Statement, action: &str) -> Option<Request> {
    let plain = statement.principals.is_none() && statement.conditions.is_empty();
    let resources = statement.resources.as_ref().filter(|clause| plain && !clause.negated)?;
    Some(Request::new(Caller::Aws(HOLDER.to_owned()), action, &matching(resources.items.first()?)?))
}

/// A text that the pattern matches; `None` where that depends on a variable.
fn matching(pattern: &Pattern) -> Option<String> {
    let literal = |token: &Token| match token {
        Token::Literal(c) => Some(*c),
        Token::One | Token::Many => Some('x'),
        Token::Variable { .. } => None,
    };
    pattern.tokens().iter().map(literal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    #[test]
    fn plain_statements_are_sampled_and_others_are_left_to_the_search() {
        let access = |statements: &str| {
            let text = format!(r#"{{"Version": "2012-10-17", "Statement": {statements}}}"#);
            Access::of(vec![Document::parse(&text).unwrap()])
        };
        let plain = access(r#"{"Effect": "Allow", "Action": "S3:Get*", "Resource": "arn:aws:s3:::a?/*"}"#);
        let request = granted(&plain, "s3:GetObject").unwrap();
        assert_eq!(request.resource, "arn:aws:s3:::ax/x");
        assert_eq!(granted(&plain, "s3:PutObject"), None);
        assert!(action(&plain.policies[0].statements[0]).unwrap().starts_with("s3:Get"));
        for other in [
            r#"[{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"}]"#,
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}"#,
            r#"{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::a"}"#,
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username}"}"#,
        ] {
            assert_eq!(granted(&access(other), "s3:GetObject"), None, "{other}");
        }
    }
}
