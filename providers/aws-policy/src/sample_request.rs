//! A request that a simple statement grants, built without a search. Most statements are simple, so callers try this
//! before the more expensive comparison. The evaluator verifies the result.

use crate::catalogue::embedded_catalogue;
use crate::document::{PolicyStatement, StatementEffect};
use crate::evaluate::names_action;
use crate::evaluate::{Truth, evaluate_request};
use crate::pattern::{Pattern, PatternToken};
use crate::policy_set::PolicySet;
use crate::request::{AccessRequest, RequestCaller};

/// The caller of sampled requests.
const HOLDER: &str = "arn:aws:iam::111122223333:user/example";

/// A request for the action that the policies certainly grant, built from one of their Allow statements. `None`: no
/// simple statement gives one; the policies may still grant the action.
pub(crate) fn sample_granted_request(access: &PolicySet, action: &str) -> Option<AccessRequest> {
    let statements = access.policies.iter().flat_map(|document| &document.statements);
    let speaking =
        statements.filter(|statement| statement.effect == StatementEffect::Allow && names_action(statement, action));
    speaking
        .filter_map(|statement| sample_request(statement, action))
        .find(|request| evaluate_request(access, request).is_allowed() == Truth::Yes)
}

/// An action that a statement matches. `None` for `NotAction`, and if the catalogue has no matching action.
pub(crate) fn sample_action(statement: &PolicyStatement) -> Option<String> {
    let pattern = statement.actions.items.first().filter(|_| !statement.actions.negated)?;
    if pattern.tokens().iter().all(|token| matches!(token, PatternToken::Literal(_))) {
        return Some(pattern.text().to_owned());
    }
    Some(embedded_catalogue().matching_actions(pattern).next()?.full_name())
}

fn sample_request(statement: &PolicyStatement, action: &str) -> Option<AccessRequest> {
    let plain = statement.principals.is_none() && statement.conditions.is_empty();
    let resources = statement.resources.as_ref().filter(|clause| plain && !clause.negated)?;
    Some(AccessRequest::new(RequestCaller::Aws(HOLDER.to_owned()), action, &sample_text(resources.items.first()?)?))
}

/// A text that matches the pattern. `None`: the pattern has a variable.
fn sample_text(pattern: &Pattern) -> Option<String> {
    let literal = |token: &PatternToken| match token {
        PatternToken::Literal(c) => Some(*c),
        PatternToken::One | PatternToken::Many => Some('x'),
        PatternToken::Variable { .. } => None,
    };
    pattern.tokens().iter().map(literal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::PolicyDocument;

    #[test]
    fn only_simple_statements_are_sampled() {
        let access = |statements: &str| {
            let text = format!(r#"{{"Version": "2012-10-17", "Statement": {statements}}}"#);
            PolicySet::new(vec![PolicyDocument::parse(&text).unwrap()])
        };
        let plain = access(r#"{"Effect": "Allow", "Action": "S3:Get*", "Resource": "arn:aws:s3:::a?/*"}"#);
        let request = sample_granted_request(&plain, "s3:GetObject").unwrap();
        assert_eq!(request.resource, "arn:aws:s3:::ax/x");
        assert_eq!(sample_granted_request(&plain, "s3:PutObject"), None);
        assert!(sample_action(&plain.policies[0].statements[0]).unwrap().starts_with("s3:Get"));
        for other in [
            r#"[{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"}]"#,
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}"#,
            r#"{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::a"}"#,
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username}"}"#,
        ] {
            assert_eq!(sample_granted_request(&access(other), "s3:GetObject"), None, "{other}");
        }
    }
}
