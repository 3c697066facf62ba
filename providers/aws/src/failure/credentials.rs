//! Explains credentials that could not be loaded: which source failed, and what to do.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;

use super::request::explain_failed_request;
use super::{CallContext, CallError, CallErrorCause};
use crate::environment;
use crate::error_chain::{describe_chain, error_chain};
use crate::http_client::RequestError;

/// The advice if there are no credentials at all.
pub const NO_CREDENTIALS: &str = "log in (`aws sso login`), name a `profile` in the provider block, or set AWS_ACCESS_KEY_ID and \
                                  AWS_SECRET_ACCESS_KEY";

/// The error for credentials that could not be loaded.
pub fn explain_unloaded(operation: &'static str, error: &(dyn Error + 'static), place: CallContext<'_>) -> CallError {
    if error_chain(error).any(|source| source.downcast_ref::<RequestError>().is_some()) {
        let failure = explain_failed_request(operation, error, place);
        let message = format!("the credentials cannot be loaded: {}", failure.message);
        return CallError { cause: CallErrorCause::Unreachable, message, ..failure };
    }
    let (message, help) = explain_refusal(error, place);
    CallError { operation, cause: CallErrorCause::Unauthenticated, code: None, message, help: Some(help) }
}

fn explain_refusal(error: &(dyn Error + 'static), place: CallContext<'_>) -> (String, String) {
    let refused = error_chain(error).find_map(|source| source.downcast_ref::<AssumeRoleError>());
    if let Some(refused) = refused {
        let (code, words) = (refused.code().unwrap_or_default(), refused.message().unwrap_or_default());
        return explain_refused_role(code, words, place);
    }
    let refused = error_chain(error).find_map(|source| source.downcast_ref::<AssumeRoleWithWebIdentityError>());
    if let Some(refused) = refused {
        let (code, words) = (refused.code().unwrap_or_default(), refused.message().unwrap_or_default());
        return explain_refused_token(code, words);
    }
    explain_source(&describe_chain(error), error, place)
}

/// STS refuses a session for the role that the provider block or the profile assumes. Returns a message and a remedy.
fn explain_refused_role(code: &str, words: &str, place: CallContext<'_>) -> (String, String) {
    let profile = format!("the role of {}", place.profile_name());
    let role = place.assumes.unwrap_or(&profile);
    let message = format!("{role} cannot be assumed ({code}: {words})");
    let help = match code {
        "AccessDenied" if words.contains("no identity-based policy") => {
            "allow sts:AssumeRole on the role in an identity-based policy of the caller".to_owned()
        }
        "AccessDenied" if words.contains("resource-based policy") => {
            "add the caller to the role's trust policy, with a condition on sts:ExternalId that matches `external_id`".to_owned()
        }
        "AccessDenied" if words.contains("explicit deny") => {
            "remove sts:AssumeRole on the role from the Deny statement that the message names".to_owned()
        }
        "AccessDenied" => "check that the role exists, that its trust policy allows the caller (and `external_id`, if it requires one), and \
                           that a policy of the caller allows sts:AssumeRole on the role"
            .to_owned(),
        "ExpiredToken" | "ExpiredTokenException" => {
            format!("the credentials that assume the role have expired: renew the credentials of {}", place.profile_name())
        }
        "RegionDisabledException" => format!("activate STS for region {} in the role's account, or use another region", place.region),
        "ValidationError" | "ValidationException" => {
            "correct the role's ARN, the session name, or the duration in the provider block or the profile".to_owned()
        }
        "InvalidClientTokenId" | "SignatureDoesNotMatch" => {
            format!("correct the access key and secret that assume the role, in {} or in the environment", place.profile_name())
        }
        _ => "see the AWS message; nothing was changed".to_owned(),
    };
    (message, help)
}

/// STS refuses a session for the OIDC token. Returns a message and a remedy.
fn explain_refused_token(code: &str, words: &str) -> (String, String) {
    let role = environment::read_variable("AWS_ROLE_ARN").unwrap_or_else(|| "the role of the profile".to_owned());
    let message = format!("{role} cannot be assumed with the OIDC token ({code}: {words})");
    let lower = words.to_ascii_lowercase();
    let help = match code {
        "ExpiredTokenException" | "ExpiredToken" => {
            "write a new token to AWS_WEB_IDENTITY_TOKEN_FILE: its token has expired (tokens of a CI job are valid for a few minutes)"
        }
        "InvalidIdentityToken" | "InvalidIdentityTokenException" if lower.contains("audience") => {
            "request the token for an audience that the account's OIDC provider lists as a client id (usually sts.amazonaws.com)"
        }
        "InvalidIdentityToken" | "InvalidIdentityTokenException" if lower.contains("provider") => {
            "create an OIDC provider for the token's issuer in the role's account, or correct the account in AWS_ROLE_ARN"
        }
        "InvalidIdentityToken" | "InvalidIdentityTokenException" => {
            "write an OIDC token that the issuer signed to AWS_WEB_IDENTITY_TOKEN_FILE: this token is not valid"
        }
        "AccessDenied" | "AccessDeniedException" => {
            "check that the role in AWS_ROLE_ARN exists, and that its trust policy allows sts:AssumeRoleWithWebIdentity for the token's subject \
             and audience"
        }
        "IDPCommunicationError" => {
            "run the command again; if the error persists, AWS cannot fetch the keys of the token's issuer"
        }
        "ValidationError" | "ValidationException" => {
            "correct AWS_ROLE_ARN (arn:aws:iam::ACCOUNT:role/NAME) or AWS_ROLE_SESSION_NAME"
        }
        _ => "see the AWS message; nothing was changed",
    };
    (message, help.to_owned())
}

/// The SDK reports the errors of its own sources only as text. The tests in `tests/cloud/aws_story/credential_sources.rs` produce each of them.
fn explain_source(text: &str, error: &(dyn Error + 'static), place: CallContext<'_>) -> (String, String) {
    let profile = place.profile_name();
    let failed = |what: &str| append_sdk_text(what, text);
    // In a chain of sources, the outermost error says whether any source was configured at all.
    let outermost = error_chain(error).find_map(|source| source.downcast_ref::<CredentialsError>());
    if matches!(outermost, Some(CredentialsError::CredentialsNotLoaded(_))) {
        return match (
            environment::read_variable("AWS_ACCESS_KEY_ID"),
            environment::read_variable("AWS_SECRET_ACCESS_KEY"),
        ) {
            (Some(_), None) => (
                "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not".to_owned(),
                "set both, or unset both to use another source of credentials".to_owned(),
            ),
            (None, Some(_)) => (
                "AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not".to_owned(),
                "set both, or unset both to use another source of credentials".to_owned(),
            ),
            _ => ("no AWS credentials were found".to_owned(), NO_CREDENTIALS.to_owned()),
        };
    }
    if text.contains("external process") || text.contains("credential_process") {
        return (
            failed(&format!("the credential_process of {profile} failed")),
            "run its command by hand: it must exit with 0 and print JSON with Version 1".to_owned(),
        );
    }
    if text.contains("ForbiddenException") {
        let help = format!(
            "correct sso_account_id and sso_role_name of {profile}, or ask an administrator to assign you the permission set"
        );
        return (failed("IAM Identity Center returned no credentials for this account and role"), help);
    }
    if ["SSO", "sso_", "sso-session", "/sso/", "UnauthorizedException"].iter().any(|word| text.contains(word)) {
        let help = format!("run `aws sso login{}`, then run the command again", place.profile_argument());
        return (failed("the IAM Identity Center session is missing or has expired"), help);
    }
    explain_endpoint(text).or_else(|| explain_token_file(text, error)).unwrap_or_else(|| {
        let help = format!("correct {profile} or the AWS_ variables that the message names");
        (failed("the AWS credentials cannot be loaded"), help)
    })
}

/// Our message followed by the SDK's text.
fn append_sdk_text(what: &str, text: &str) -> String {
    format!("{what}: {}", strip_sdk_layers(text))
}

/// Errors of the container credentials endpoint of ECS and EKS. `None` for other errors.
fn explain_endpoint(text: &str) -> Option<(String, String)> {
    let of_container = ["HTTP credential provider", "ECS provider", "in response", "AUTHORIZATION_TOKEN"];
    if text.contains("not refer to an allowed IP") {
        let help = "set AWS_CONTAINER_CREDENTIALS_FULL_URI to an https URL, or to a URL on loopback, 169.254.170.2 or 169.254.170.23";
        return Some((
            append_sdk_text("the container credentials endpoint is not an allowed address", text),
            help.to_owned(),
        ));
    }
    of_container.iter().any(|words| text.contains(words)).then(|| {
        let help = "check AWS_CONTAINER_CREDENTIALS_FULL_URI (or _RELATIVE_URI) and its AWS_CONTAINER_AUTHORIZATION_TOKEN or _TOKEN_FILE, and \
                    that the task or pod has a role";
        (append_sdk_text("the container credentials endpoint returned no credentials", text), help.to_owned())
    })
}

/// Errors of a token file that cannot be read. `None` for other errors.
fn explain_token_file(text: &str, error: &(dyn Error + 'static)) -> Option<(String, String)> {
    let files = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", environment::read_variable("AWS_WEB_IDENTITY_TOKEN_FILE"), "the OIDC token"),
        (
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            environment::read_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
            "the token for the container credentials endpoint",
        ),
    ];
    let found = files.into_iter().find_map(|(name, file, what)| file.map(|file| (name, file, what)));
    found.filter(|_| has_io_error(error)).map(|(name, file, what)| {
        let help = format!("make {file} ({name}) readable, or unset the variable");
        (append_sdk_text(&format!("{what} cannot be read"), text), help)
    })
}

fn has_io_error(error: &(dyn Error + 'static)) -> bool {
    error_chain(error).any(|source| source.downcast_ref::<std::io::Error>().is_some())
}

/// The text without the outer layers of the SDK, which do not name a cause.
fn strip_sdk_layers(text: &str) -> &str {
    let layers = [
        "dispatch failure: ",
        "other: ",
        "identity resolver failed: ",
        "an error occurred while loading credentials: ",
        "failed to construct request: ",
    ];
    let mut rest = text;
    while let Some(inner) = layers.iter().find_map(|layer| rest.strip_prefix(layer)) {
        rest = inner;
    }
    rest
}
