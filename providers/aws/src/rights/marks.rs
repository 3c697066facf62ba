//! The statements of a service control policy or permissions boundary that keep others from editing marks.
//!
//! In: the ARNs of the principals that run Leasehold. Out: two Deny statements. Invariant: they deny every request that sets, changes or
//! removes a tag `leasehold:*` on any IAM resource, at its creation or later, unless one of those principals makes it. Requests with other
//! tags and without tags are not denied.
//!
//! Tags never prove ownership to Leasehold: the ledger does. These statements prevent the findings and repairs that edited marks cause.

use leasehold_provider::marks::{KEYS, PREFIX};
use serde_json::{Value, json};

/// The actions that can set or remove tags. Their names are patterns, so that IAM resources that AWS adds are covered:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>. `aws:TagKeys` is absent from requests without tags.
const ACTIONS: [&str; 4] = ["iam:Create*", "iam:Tag*", "iam:Untag*", "iam:Upload*"];

/// Why an ARN does not name a principal that runs Leasehold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{arn:?} is not the ARN of a role or user, such as arn:aws:iam::111122223333:role/leasehold-apply: {problem}")]
pub struct RunPrincipalError {
    /// The ARN.
    pub arn: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// The statements for these principals.
///
/// The second statement names each mark, because tag keys of IAM ignore case: `Leasehold:Stack` replaces `leasehold:stack`, and
/// `StringLike` respects case.
///
/// # Errors
/// An ARN is not that of a role or user, or has a wildcard in its name, which others could choose for a principal of their own.
///
/// ```
/// use leasehold_aws::rights::marks::build_protection;
///
/// let statements = build_protection(&["arn:aws:iam::111122223333:role/leasehold-apply".to_owned()])?;
/// assert_eq!(statements[0]["Effect"], "Deny");
/// # Ok::<(), leasehold_aws::rights::marks::RunPrincipalError>(())
/// ```
pub fn build_protection(principals: &[String]) -> Result<Vec<Value>, RunPrincipalError> {
    principals.iter().try_for_each(|arn| check_principal(arn))?;
    let names: Vec<String> = KEYS.iter().map(|key| format!("{PREFIX}{key}")).collect();
    let statement = |sid: &str, operator: &str, keys: Value| {
        json!({
            "Sid": sid,
            "Effect": "Deny",
            "Action": ACTIONS,
            "Resource": "*",
            "Condition": {
                (operator): { "aws:TagKeys": keys },
                "ArnNotLike": { "aws:PrincipalArn": principals },
            },
        })
    };
    Ok(vec![
        statement("ProtectMarks", "ForAnyValue:StringLike", json!(format!("{PREFIX}*"))),
        statement("ProtectMarksInAnyCase", "ForAnyValue:StringEqualsIgnoreCase", json!(names)),
    ])
}

fn check_principal(arn: &str) -> Result<(), RunPrincipalError> {
    let wrong = |problem| Err(RunPrincipalError { arn: arn.to_owned(), problem });
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else { return wrong("not an ARN of IAM") };
    let is_account = *account == "*" || (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()));
    let name = resource.strip_prefix("role/").or_else(|| resource.strip_prefix("user/")).unwrap_or_default();
    match () {
        () if partition.is_empty() || partition.contains(['*', '?']) => wrong("its partition is missing"),
        () if !is_account => wrong("its account is neither 12 digits nor `*`"),
        () if name.is_empty() => wrong("it names no role or user"),
        () if name.contains(['*', '?', '$']) => wrong("a wildcard in the name would also match principals of others"),
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use leasehold_policy::{AccessRequest, PolicyDocument, PolicySet, RequestCaller, Truth, evaluate_request};

    use super::*;

    const TOOL: &str = "arn:aws:iam::111122223333:role/ci/leasehold-apply";
    const OTHER: &str = "arn:aws:iam::111122223333:role/admin";

    /// Whether a caller with all permissions may make a request with these tag keys under the policy.
    fn is_allowed(caller: &str, action: &str, resource: &str, keys: &[&str]) -> bool {
        let mut statements = build_protection(&[TOOL.to_owned()]).unwrap();
        statements.push(json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }));
        let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
        let policy = PolicySet::new(vec![PolicyDocument::parse(&policy).unwrap()]);
        let resource = format!("arn:aws:iam::111122223333:{resource}");
        let action = format!("iam:{action}");
        let request = AccessRequest::new(RequestCaller::Aws(caller.to_owned()), &action, &resource);
        let request = request.with_context_value("aws:PrincipalArn", caller);
        let request = keys.iter().fold(request, |request, key| request.with_context_value("aws:TagKeys", key));
        match evaluate_request(&policy, &request).is_allowed() {
            Truth::Yes => true,
            Truth::No => false,
            unknown => panic!("{action}: {unknown:?}"),
        }
    }

    /// Every action of IAM that accepts tags or tag keys, with a resource.
    const TAGGING: [(&str, &str); 24] = [
        ("CreateUser", "user/x"),
        ("TagUser", "user/x"),
        ("UntagUser", "user/x"),
        ("CreateRole", "role/x"),
        ("TagRole", "role/x"),
        ("UntagRole", "role/x"),
        ("CreatePolicy", "policy/x"),
        ("TagPolicy", "policy/x"),
        ("UntagPolicy", "policy/x"),
        ("CreateOpenIDConnectProvider", "oidc-provider/x"),
        ("TagOpenIDConnectProvider", "oidc-provider/x"),
        ("UntagOpenIDConnectProvider", "oidc-provider/x"),
        ("CreateSAMLProvider", "saml-provider/x"),
        ("TagSAMLProvider", "saml-provider/x"),
        ("UntagSAMLProvider", "saml-provider/x"),
        ("CreateInstanceProfile", "instance-profile/x"),
        ("TagInstanceProfile", "instance-profile/x"),
        ("UntagInstanceProfile", "instance-profile/x"),
        ("CreateVirtualMFADevice", "mfa/x"),
        ("TagMFADevice", "mfa/x"),
        ("UntagMFADevice", "mfa/x"),
        ("UploadServerCertificate", "server-certificate/x"),
        ("TagServerCertificate", "server-certificate/x"),
        ("UntagServerCertificate", "server-certificate/x"),
    ];

    #[test]
    fn others_cannot_edit_marks_and_the_tool_can() {
        for (action, resource) in TAGGING {
            for keys in [&["leasehold:stack"][..], &["team", "leasehold:anything"], &["LeaseHold:Digest"]] {
                assert!(!is_allowed(OTHER, action, resource, keys), "{action} {keys:?}");
                assert!(is_allowed(TOOL, action, resource, keys), "{action} {keys:?}");
            }
        }
        for key in KEYS {
            assert!(!is_allowed(OTHER, "TagRole", "role/x", &[&format!("LEASEHOLD:{}", key.to_uppercase())]), "{key}");
        }
    }

    #[test]
    fn other_tags_and_other_requests_are_not_denied() {
        for (action, resource) in TAGGING {
            for keys in [&[][..], &["team"], &["leaseholder:x", "my-leasehold:stack"]] {
                assert!(is_allowed(OTHER, action, resource, keys), "{action} {keys:?}");
            }
        }
        assert!(is_allowed(OTHER, "DeleteUser", "user/x", &[]));
        let like_tool = "arn:aws:iam::111122223333:role/leasehold-apply";
        assert!(!is_allowed(like_tool, "TagUser", "user/x", &["leasehold:stack"]), "another path is another role");
    }

    #[test]
    fn principal_is_named_in_full() {
        for arn in [
            "",
            "*",
            "leasehold",
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws:iam::111122223333:role/leasehold-?",
            "arn:aws:iam::1111*:role/leasehold",
            "arn:aws:sts::111122223333:assumed-role/leasehold/x",
            "arn:*:iam::111122223333:role/leasehold",
            "arn:aws:iam::111122223333:role/${aws:PrincipalTag/x}",
        ] {
            assert!(build_protection(&[arn.to_owned()]).is_err(), "{arn}");
        }
        assert!(build_protection(&["arn:aws-cn:iam::*:role/leasehold".to_owned()]).is_ok());
    }

    #[test]
    fn statements_fit_into_a_service_control_policy() {
        let principals: Vec<String> =
            (0..10).map(|number| format!("arn:aws:iam::111122223333:role/leasehold-{number}")).collect();
        let policy = json!({ "Version": "2012-10-17", "Statement": build_protection(&principals).unwrap() });
        // https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
        assert!(policy.to_string().len() < 5_120);
    }
}
