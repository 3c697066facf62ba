//! A table of AWS's error answers: each cause has its own message and remedy. Requests without an answer are tested in
//! `tests/cloud/aws_story/remedies.rs` on real sockets, and credential sources in `tests/cloud/aws_story/credential_sources.rs`.

use std::collections::BTreeMap;

use aws_sdk_iam::operation::get_user::GetUserError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};

use super::service_error::ServiceError;
use super::{CallContext, CallError, CallErrorCause};
use crate::credentials::CredentialSource;

const ENDPOINT: &str = "https://iam.amazonaws.com";

fn place<'a>() -> CallContext<'a> {
    CallContext {
        endpoint: Some(ENDPOINT),
        proxy: None,
        region: "eu-central-1",
        assumes: None,
        profile: None,
        source: None,
        now: "2026-11-21T08:00:00Z".parse().unwrap(),
    }
}

fn answered(status: u16, code: &str, message: &str, place: CallContext<'_>) -> CallError {
    let location = (300..400).contains(&status).then_some("https://login.example.com/");
    let clock = "this machine's clock is 13 minutes behind AWS's";
    let operation = "iam:CreateRole";
    let error = ServiceError { operation, status, code, message, location, place, clock };
    error.explain_service_error()
}

/// Status, code and message of AWS; then the expected cause, a part of our message, and a part of the remedy.
type Row = (u16, &'static str, &'static str, CallErrorCause, &'static str, &'static str);

const NOT_AUTHORIZED: &str = "User: arn:aws:iam::1:user/x is not authorized to perform: iam:TagRole on resource: y";

const ROWS: [Row; 20] = [
    (
        400,
        "Throttling",
        "Rate exceeded",
        CallErrorCause::Throttled,
        "too many calls",
        "wait a few minutes and run the command again; use a lower --parallelism",
    ),
    (
        429,
        "",
        "",
        CallErrorCause::Throttled,
        "too many calls",
        "wait a few minutes and run the command again; use a lower --parallelism",
    ),
    (
        403,
        "AccessDenied",
        "no",
        CallErrorCause::Denied,
        "does not have permission",
        "allow iam:CreateRole to the caller",
    ),
    (
        403,
        "AccessDenied",
        NOT_AUTHORIZED,
        CallErrorCause::Denied,
        "does not have permission",
        "allow iam:TagRole to the caller",
    ),
    (403, "OptInRequired", "x", CallErrorCause::Denied, "not opted in", "enable region eu-central-1"),
    (
        403,
        "RegionDisabledException",
        "x",
        CallErrorCause::Denied,
        "STS is not active",
        "activate STS for region eu-central-1",
    ),
    (403, "ExpiredToken", "x", CallErrorCause::Unauthenticated, "have expired", "log in again"),
    (400, "RequestExpired", "x", CallErrorCause::Unauthenticated, "13 minutes behind", "set the clock"),
    (
        403,
        "SignatureDoesNotMatch",
        "Signature expired: a",
        CallErrorCause::Unauthenticated,
        "13 minutes behind",
        "set the clock",
    ),
    (
        403,
        "SignatureDoesNotMatch",
        "Credential should be scoped to a valid region",
        CallErrorCause::Unauthenticated,
        "these credentials are not valid in region",
        "set `region`",
    ),
    (
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated",
        CallErrorCause::Unauthenticated,
        "does not belong to the access key",
        "check AWS_SECRET_ACCESS_KEY",
    ),
    (
        403,
        "InvalidClientTokenId",
        "x",
        CallErrorCause::Unauthenticated,
        "does not recognize this access key",
        "it may be deleted, inactive",
    ),
    (403, "MissingAuthenticationToken", "x", CallErrorCause::Unauthenticated, "had no credentials", "name a `profile`"),
    (
        409,
        "LimitExceeded",
        "Cannot exceed quota for RolesPerAccount: 1000",
        CallErrorCause::Rejected,
        "RolesPerAccount",
        "request a higher quota from AWS",
    ),
    (
        409,
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
        CallErrorCause::Rejected,
        "AccessKeysPerUser",
        "AWS does not raise the quota AccessKeysPerUser",
    ),
    (
        409,
        "LimitExceeded",
        "Maximum policy size of 2048 bytes exceeded for user x",
        CallErrorCause::Rejected,
        "2048 bytes",
        "move statements to a scope",
    ),
    (
        302,
        "",
        "",
        CallErrorCause::Malformed,
        "redirects (HTTP 302) to https://login.example.com/",
        "correct the region (eu-central-1)",
    ),
    (503, "ServiceUnavailable", "x", CallErrorCause::Faulted, "is unavailable (HTTP 503)", "AWS is overloaded"),
    (500, "ServiceFailure", "x", CallErrorCause::Faulted, "returned an error (HTTP 500)", "the error is in AWS"),
    (
        404,
        "",
        "no message",
        CallErrorCause::Malformed,
        "HTTP 404 without an error code",
        "the response does not come from AWS",
    ),
];

#[test]
fn each_answer_has_its_cause_and_its_next_step() {
    let mut steps: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (status, code, words, cause, message, remedy) in ROWS {
        let failure = answered(status, code, words, place());
        let help = failure.help.clone().unwrap_or_else(|| panic!("{code} {words} has no remedy"));
        assert_eq!(failure.cause, cause, "{code}: {}", failure.message);
        assert!(failure.message.contains(message), "{code}: {}", failure.message);
        assert!(help.contains(remedy), "{code}: {help}");
        steps.entry(help).or_default().push(message);
    }
    // Answers with the same remedy must have the same message.
    for (help, messages) in steps {
        assert!(messages.iter().all(|message| *message == messages[0]), "{messages:?} share the remedy {help:?}");
    }
}

#[test]
fn the_policy_that_decided_is_the_one_to_change() {
    for (reason, remedy) in [
        (
            "because no identity-based policy allows the iam:TagRole action",
            "allow iam:TagRole in a policy of the caller",
        ),
        (
            "with an explicit deny in an identity-based policy",
            "remove iam:TagRole from a Deny statement of a policy of the caller",
        ),
        (
            "with an explicit deny in a service control policy",
            "remove iam:TagRole from a Deny statement of the organization's service control policy",
        ),
        (
            "because no service control policy allows the action",
            "allow iam:TagRole in the organization's service control policy",
        ),
        ("because no permissions boundary allows the action", "allow iam:TagRole in the caller's permissions boundary"),
        ("because no session policy allows the action", "allow iam:TagRole in the session policy"),
        ("because no VPC endpoint policy allows the action", "allow iam:TagRole in the policy of the VPC endpoint"),
    ] {
        let failure = answered(403, "AccessDenied", &format!("{NOT_AUTHORIZED} {reason}"), place());
        assert!(failure.help.as_ref().unwrap().starts_with(remedy), "{reason}: {:?}", failure.help);
    }
}

#[test]
fn possible_proxy_cause_is_named() {
    let place = CallContext { proxy: Some("http://proxy:3128"), ..place() };
    for (status, code, message, remedy) in [
        (
            403,
            "SignatureDoesNotMatch",
            "does not match the request as AWS received it",
            "configure the proxy http://proxy:3128 to forward host",
        ),
        (
            407,
            "",
            "the proxy http://proxy:3128 requires a user name",
            "set the user name and the password in HTTP_PROXY",
        ),
        (403, "", "HTTP 403 without an error code", "allow https://iam.amazonaws.com on the proxy http://proxy:3128"),
        (502, "", "the proxy http://proxy:3128 returned HTTP 502", "add its host to NO_PROXY"),
        (307, "", "redirects (HTTP 307)", "comes from the proxy http://proxy:3128"),
    ] {
        let failure = answered(status, code, "x", place);
        assert!(failure.message.contains(message), "{}", failure.message);
        assert!(failure.help.as_ref().unwrap().contains(remedy), "{:?}", failure.help);
    }
}

#[test]
fn expired_credentials_are_renewed_at_their_source() {
    let sources = [
        (CredentialSource::Environment, "AWS_SESSION_TOKEN"),
        (CredentialSource::Profile, "the session keys in profile \"dev\""),
        (CredentialSource::Sso, "`aws sso login --profile dev`"),
        (CredentialSource::Process, "credential_process of profile \"dev\""),
        (CredentialSource::WebIdentity, "a new role session"),
        (CredentialSource::AssumedRole, "a new role session"),
        (CredentialSource::Container, "restart the task, pod or agent"),
        (CredentialSource::Instance, "restart the task, pod or agent"),
    ];
    for (source, remedy) in sources {
        let place = CallContext { source: Some(source), profile: Some("dev"), ..place() };
        let help = answered(403, "ExpiredToken", "x", place).help.unwrap();
        assert!(help.contains(remedy), "{source:?}: {help}");
    }
}

#[test]
fn timeouts_and_unreadable_responses_are_explained() {
    let of = |error: SdkError<GetUserError, HttpResponse>| {
        let failure = CallError::from_sdk_error("iam:GetUser", error, place());
        (failure.cause, failure.message, failure.help.unwrap())
    };
    let (cause, message, help) = of(SdkError::timeout_error("operation attempt timeout"));
    assert_eq!(
        (cause, message.as_str()),
        (CallErrorCause::NoAnswer, "the request to https://iam.amazonaws.com timed out")
    );
    assert!(help.contains("overloaded, or the network loses packets"), "{help}");
    let (cause, message, help) =
        of(SdkError::dispatch_failure(ConnectorError::timeout("HTTP connect timeout occurred after 4s".into())));
    assert_eq!(cause, CallErrorCause::Unreachable);
    assert_eq!(message, "https://iam.amazonaws.com cannot be reached: the connection timed out");
    assert!(help.contains("a firewall may drop the packets") && help.contains("or set HTTPS_PROXY"), "{help}");
    let response = HttpResponse::new(200.try_into().unwrap(), aws_smithy_types::body::SdkBody::empty());
    let (cause, message, help) = of(SdkError::response_error("unexpected end of document", response));
    assert_eq!(cause, CallErrorCause::Malformed);
    assert!(
        message.contains("the response (HTTP 200) cannot be read: ") && help.contains("changes or truncates responses"),
        "{message} {help}"
    );
}
