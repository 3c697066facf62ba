//! Accepts an answer of IAM or STS only if it is complete.
//!
//! In: the HTTP client of the SDK. Out: a client whose successful answers have been read to their end and checked. Invariant: an answer
//! that the SDK parses ends with the closing tag of its root element, contains a request id, and has at most [`MAX_RESPONSE_BYTES`] bytes.
//!
//! Why: the SDK's parser reads the elements it needs and stops. A page of `GetAccountAuthorizationDetails` that a proxy cut off in the
//! middle, with a `Content-Length` that fits, reads as a shorter page: its users are "absent", and a plan would create them again. An empty
//! body reads as the success of an operation without a result.
//!
//! ```text
//! <ListRolesResponse …>…<ResponseMetadata><RequestId>7a62…</RequestId></ResponseMetadata></ListRolesResponse>   accepted
//! <ListRolesResponse …>…<member><RoleName>ci</RoleName>                                                        rejected
//! ```
//!
//! Every response of the IAM and STS query APIs has this form:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonParameters.html>.

use std::fmt;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

/// Maximum size of one answer, in bytes. A page of `GetAccountAuthorizationDetails` has at most 1,000 principals; with ten inline policies
/// of the maximum size each (10,240 characters for all of a role, URL-encoded to three times that) it stays below 40 MB.
pub const MAX_RESPONSE_BYTES: usize = 64 << 20;

/// Wraps a client so that it rejects incomplete answers.
pub fn require_complete_responses(client: SharedHttpClient) -> SharedHttpClient {
    SharedHttpClient::new(CompleteResponseClient(client))
}

#[derive(Debug)]
struct CompleteResponseClient(SharedHttpClient);

impl HttpClient for CompleteResponseClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(CompleteResponseConnector(self.0.http_connector(settings, components)))
    }
}

#[derive(Debug)]
struct CompleteResponseConnector(SharedHttpConnector);

impl HttpConnector for CompleteResponseConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move { read_complete_response(answer.await?).await })
    }
}

/// Reads the body to its end and checks it. Answers that report an error stay as they are: their status alone makes the call fail.
async fn read_complete_response(mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    if !response.status().is_success() {
        return Ok(response);
    }
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let bytes = Limited::new(body, MAX_RESPONSE_BYTES).collect().await.map_err(read_error)?.to_bytes();
    check_answer(&bytes).map_err(|incomplete| ConnectorError::other(incomplete.into(), None))?;
    *response.body_mut() = SdkBody::from(bytes);
    Ok(response)
}

fn read_error(error: Box<dyn std::error::Error + Send + Sync>) -> ConnectorError {
    if error.is::<LengthLimitError>() {
        return ConnectorError::other(IncompleteResponseError::TooLong.into(), None);
    }
    ConnectorError::io(error)
}

/// Checks the end of an answer's body.
///
/// # Errors
/// The body is no XML document of the query API, or a part of it is missing.
fn check_answer(bytes: &[u8]) -> Result<(), IncompleteResponseError> {
    let text = std::str::from_utf8(bytes).map_err(|_| IncompleteResponseError::NotXml)?.trim();
    if text.is_empty() {
        return Err(IncompleteResponseError::Empty);
    }
    let root = root_element(text).ok_or(IncompleteResponseError::NotXml)?;
    let closing = format!("</{root}>");
    let content = text.strip_suffix(closing.as_str()).ok_or(IncompleteResponseError::Truncated(closing))?;
    let id = content.rsplit_once("<RequestId>").and_then(|(_, rest)| rest.split_once("</RequestId>"));
    match id {
        Some((id, _)) if !id.trim().is_empty() => Ok(()),
        _ => Err(IncompleteResponseError::NoRequestId),
    }
}

/// The name of the root element. `None`: the text has none, or it is not complete.
fn root_element(text: &str) -> Option<&str> {
    let mut rest = text;
    // The XML declaration.
    if rest.starts_with("<?") {
        rest = rest.split_once("?>")?.1.trim_start();
    }
    let name = rest.strip_prefix('<')?.split(|c: char| c.is_whitespace() || c == '>').next()?;
    (!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric())).then_some(name)
}

/// Why an answer is not complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncompleteResponseError {
    /// It has no body.
    Empty,
    /// It is not an XML document of the query API.
    NotXml,
    /// It does not end with this closing tag of its root element.
    Truncated(String),
    /// It contains no request id.
    NoRequestId,
    /// It has more than [`MAX_RESPONSE_BYTES`] bytes.
    TooLong,
}

impl fmt::Display for IncompleteResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::NotXml => f.write_str("it is not an XML document"),
            Self::Truncated(closing) => write!(f, "it does not end with {closing}"),
            Self::NoRequestId => f.write_str("it contains no request id"),
            Self::TooLong => write!(f, "it has more than {} MiB", MAX_RESPONSE_BYTES >> 20),
        }
    }
}

impl std::error::Error for IncompleteResponseError {}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "<?xml version=\"1.0\"?>\n<ListRolesResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListRolesResult>\
                         <Roles/></ListRolesResult><ResponseMetadata><RequestId>7a62</RequestId></ResponseMetadata></ListRolesResponse>";

    #[test]
    fn complete_response_is_accepted() {
        assert_eq!(check_answer(WHOLE.as_bytes()), Ok(()));
        assert_eq!(check_answer(format!("\n{WHOLE}\r\n").as_bytes()), Ok(()));
    }

    #[test]
    fn every_cut_of_an_answer_is_rejected() {
        for end in 0..WHOLE.len() {
            assert!(check_answer(&WHOLE.as_bytes()[..end]).is_err(), "{}", &WHOLE[..end]);
        }
    }

    #[test]
    fn other_documents_are_rejected() {
        for (text, problem) in [
            ("{\"Roles\": []}", IncompleteResponseError::NotXml),
            ("<!DOCTYPE html><html></html>", IncompleteResponseError::NotXml),
            ("<html><body>Sign in to the guest network</body></html>", IncompleteResponseError::NoRequestId),
            ("<R><RequestId></RequestId></R>", IncompleteResponseError::NoRequestId),
            ("<R><RequestId> </R>", IncompleteResponseError::NoRequestId),
            ("<R><RequestId>1</RequestId></Other>", IncompleteResponseError::Truncated("</R>".to_owned())),
        ] {
            assert_eq!(check_answer(text.as_bytes()), Err(problem), "{text}");
        }
        assert_eq!(check_answer(b"<R>\xff</R>"), Err(IncompleteResponseError::NotXml));
    }

    #[tokio::test]
    async fn an_error_answer_is_left_as_it_is() {
        let response = HttpResponse::new(400.try_into().unwrap(), SdkBody::from("cut"));
        assert!(read_complete_response(response).await.is_ok());
        let response = HttpResponse::new(200.try_into().unwrap(), SdkBody::from("cut"));
        assert!(read_complete_response(response).await.is_err());
    }
}
