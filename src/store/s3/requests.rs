//! Adds headers to every request to S3, and signs it.
//!
//! In: an unsigned request from `object_store`. Out: the response to the same request with an
//! [AWS Signature Version 4](https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html) over all of its headers and
//! the hash of its body. An error response becomes a [`S3Refusal`], and a response that is not whole becomes an error. Invariant: nothing changes a request after it is signed, so requests
//! are signed in this module only.

use std::sync::Arc;

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{
    HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpService,
};
use reqwest::header::HeaderValue;

use super::credentials::S3Credentials;
use super::refusal::S3Refusal;
use super::whole_response::{CHECKSUM_MODE, ExpectedBody, read_whole_response};
use crate::config::declared::{ObjectLockRetention, RetentionMode};

const LOCK_MODE: &str = "x-amz-object-lock-mode";
const RETAIN_UNTIL: &str = "x-amz-object-lock-retain-until-date";
/// Names the algorithm of the checksum. S3 requires it if the object is retained, by these headers or by the bucket's default:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>
const CHECKSUM_ALGORITHM: &str = "x-amz-sdk-checksum-algorithm";

/// Marks a request that writes an object which is never replaced, such as an entry of the ledger.
#[derive(Debug, Clone, Copy)]
pub struct WrittenOnce;

/// The settings for object lock and the signature.
#[derive(Debug, Clone)]
pub struct RequestSettings {
    /// How long object lock retains an object marked [`WrittenOnce`]. `None`: the bucket's default applies.
    pub retention: Option<ObjectLockRetention>,
    /// The bucket's region, which is part of the signature.
    pub region: String,
}

/// An HTTP client that adds headers to each request and signs it before it sends it.
#[derive(Debug)]
pub struct SigningClient {
    pub client: HttpClient,
    pub credentials: Arc<S3Credentials>,
    pub settings: RequestSettings,
}

/// The code with which S3 refuses an expired session token: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
const EXPIRED: &str = "ExpiredToken";

#[async_trait]
impl HttpService for SigningClient {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = make_body_contiguous(request).await?;
        let credential = self.credentials.current_credentials().await.map_err(not_sendable_error)?;
        match self.send_signed(request.clone(), &credential).await? {
            // Another process may have renewed the credentials, such as one that keeps a token file up to date.
            Err(refusal) if refusal.code == EXPIRED => {
                match self.credentials.replace_refused(&credential).await.map_err(not_sendable_error)? {
                    Some(newer) => self.send_signed(request, &newer).await?.map_err(refused_error),
                    None => Err(refused_error(refusal)),
                }
            }
            answered => answered.map_err(refused_error),
        }
    }
}

impl SigningClient {
    /// Signs a request with these credentials and sends it. The outer error means that there is no response.
    async fn send_signed(
        &self,
        mut request: HttpRequest,
        credential: &AwsCredential,
    ) -> Result<Result<HttpResponse, S3Refusal>, HttpError> {
        self.settings.complete_request(&mut request, credential, Timestamp::now())?;
        let expected = ExpectedBody::for_request(&request);
        let response = self.client.execute(request).await?;
        if response.status().is_success() {
            Ok(Ok(read_whole_response(response, expected).await?))
        } else {
            Ok(Err(S3Refusal::read_response(response).await))
        }
    }
}

impl RequestSettings {
    /// Adds the headers of object lock to a write, requests the checksum of an object that is read, and signs the request.
    fn complete_request(
        &self,
        request: &mut HttpRequest,
        credential: &AwsCredential,
        now: Timestamp,
    ) -> Result<(), HttpError> {
        if ExpectedBody::for_request(request) == ExpectedBody::StoredObject {
            request.headers_mut().insert(CHECKSUM_MODE, HeaderValue::from_static("ENABLED"));
        }
        if request.method() == "PUT" {
            self.add_object_lock(request, now)?;
        }
        AwsAuthorizer::new(credential, "s3", &self.region).try_authorize(request, None).map_err(not_sendable_error)
    }

    fn add_object_lock(&self, request: &mut HttpRequest, now: Timestamp) -> Result<(), HttpError> {
        let once = request.extensions().get::<WrittenOnce>().is_some();
        let headers = request.headers_mut();
        headers.insert(CHECKSUM_ALGORITHM, HeaderValue::from_static("SHA256"));
        let Some(retention) = self.retention.filter(|_| once) else { return Ok(()) };
        let mode = match retention.mode {
            RetentionMode::Governance => HeaderValue::from_static("GOVERNANCE"),
            RetentionMode::Compliance => HeaderValue::from_static("COMPLIANCE"),
        };
        let period = SignedDuration::from_secs(retention.period.as_seconds().into());
        let until = now.checked_add(period).map_err(not_sendable_error)?.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        headers.insert(LOCK_MODE, mode);
        headers.insert(RETAIN_UNTIL, until.parse().map_err(not_sendable_error)?);
        Ok(())
    }
}

/// The request with its body in one piece. For a body in several pieces, the authorizer would sign the hash of an empty body, which S3
/// refuses.
async fn make_body_contiguous(request: HttpRequest) -> Result<HttpRequest, HttpError> {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await?.to_bytes();
    Ok(HttpRequest::from_parts(parts, HttpRequestBody::from(bytes)))
}

/// Wraps a refusal in an error of a kind that `object_store` does not retry. The module `attempt` retries, because it can decide whether a
/// write took effect.
fn refused_error(refusal: S3Refusal) -> HttpError {
    HttpError::new(HttpErrorKind::Unknown, refusal)
}

fn not_sendable_error<E: std::error::Error + Send + Sync + 'static>(error: E) -> HttpError {
    HttpError::new(HttpErrorKind::Request, error)
}

#[cfg(test)]
mod tests {
    use object_store::PutPayload;
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn settings(mode: RetentionMode, period: &str) -> RequestSettings {
        let retention = Some(ObjectLockRetention { mode, period: period.parse().unwrap() });
        RequestSettings { retention, region: "eu-west-1".to_owned() }
    }

    async fn completed(settings: RequestSettings, request: HttpRequest) -> HttpRequest {
        let credential = AwsCredential { key_id: "AKIA".to_owned(), secret_key: "secret".to_owned(), token: None };
        let now = "2026-11-21T06:00:00Z".parse().unwrap();
        let mut request = make_body_contiguous(request).await.unwrap();
        settings.complete_request(&mut request, &credential, now).unwrap();
        request
    }

    fn put(body: impl Into<HttpRequestBody>) -> HttpRequest {
        let mut request = HttpRequest::new(body.into());
        *request.method_mut() = "PUT".parse().unwrap();
        *request.uri_mut() = "https://records.s3.eu-west-1.amazonaws.com/ledger/1.json".parse().unwrap();
        request
    }

    fn header(request: &HttpRequest, name: &str) -> String {
        request.headers()[name].to_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn retention_is_part_of_what_is_signed() {
        let again = completed(settings(RetentionMode::Governance, "1d"), put("lock".to_owned())).await;
        assert!(!again.headers().contains_key(LOCK_MODE), "the lock is written again and again");
        let mut request = put("entry".to_owned());
        request.extensions_mut().insert(WrittenOnce);
        let request = completed(settings(RetentionMode::Compliance, "365d"), request).await;
        assert_eq!(header(&request, LOCK_MODE), "COMPLIANCE");
        assert_eq!(header(&request, RETAIN_UNTIL), "2027-11-21T06:00:00Z");
        let authorization = header(&request, "authorization");
        for name in [LOCK_MODE, RETAIN_UNTIL, CHECKSUM_ALGORITHM, "x-amz-content-sha256"] {
            assert!(authorization.contains(name), "{authorization}");
        }
    }

    #[tokio::test]
    async fn the_hash_is_that_of_the_body_in_one_piece_or_several() {
        let pieces: PutPayload = [PutPayload::from_static(b"one, "), PutPayload::from_static(b"two, three")]
            .iter()
            .flat_map(|part| part.iter().cloned())
            .collect();
        for (body, text) in [
            (HttpRequestBody::from("one, two, three".to_owned()), "one, two, three"),
            (HttpRequestBody::from(PutPayload::from("one, two, three".to_owned())), "one, two, three"),
            (HttpRequestBody::from(pieces), "one, two, three"),
            (HttpRequestBody::empty(), ""),
        ] {
            let request = completed(settings(RetentionMode::Governance, "1d"), put(body)).await;
            let expected = hex::encode(Sha256::digest(text));
            assert_eq!(header(&request, "x-amz-content-sha256"), expected);
            assert_eq!(request.into_body().collect().await.unwrap().to_bytes(), text);
        }
    }

    /// A server that answers each request with the next of these statuses and bodies, and records the access key that signed it.
    #[derive(Debug)]
    struct Scripted {
        answers: std::sync::Mutex<Vec<(u16, &'static str)>>,
        keys: Arc<std::sync::Mutex<Vec<String>>>,
    }

    #[async_trait]
    impl HttpService for Scripted {
        async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
            let authorization = request.headers()["authorization"].to_str().unwrap().to_owned();
            let key = authorization.split("Credential=").nth(1).unwrap().split('/').next().unwrap().to_owned();
            self.keys.lock().unwrap().push(key);
            let (status, body) = self.answers.lock().unwrap().remove(0);
            let mut response = HttpResponse::new(body.as_bytes().to_vec().into());
            *response.status_mut() = status.try_into().unwrap();
            Ok(response)
        }
    }

    const EXPIRED_TOKEN: &str = "<Error><Code>ExpiredToken</Code><Message>The token has expired.</Message></Error>";

    /// Sends one request. The chain gives the credentials `AKIA1`, `AKIA2`, … up to a given number. Returns the result and the keys that
    /// signed.
    async fn send_with(chain: u32, answers: &[(u16, &'static str)]) -> (Result<u16, String>, Vec<String>) {
        use aws_credential_types::Credentials as SdkCredentials;
        use aws_credential_types::provider::SharedCredentialsProvider;
        use aws_credential_types::provider::future::ProvideCredentials;

        #[derive(Debug)]
        struct Numbered(u32, std::sync::atomic::AtomicU32);
        impl aws_credential_types::provider::ProvideCredentials for Numbered {
            fn provide_credentials<'a>(&'a self) -> ProvideCredentials<'a>
            where
                Self: 'a,
            {
                let number = self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                let key = format!("AKIA{}", number.min(self.0));
                ProvideCredentials::ready(Ok(SdkCredentials::new(key, "secret", None, None, "test")))
            }
        }
        let keys = Arc::new(std::sync::Mutex::new(Vec::new()));
        let scripted = Scripted { answers: std::sync::Mutex::new(answers.to_vec()), keys: Arc::clone(&keys) };
        let client = SigningClient {
            client: HttpClient::new(scripted),
            credentials: Arc::new(S3Credentials::from_chain(SharedCredentialsProvider::new(Numbered(chain, 0.into())))),
            settings: settings(RetentionMode::Governance, "1d"),
        };
        let result = client.call(put("entry".to_owned())).await;
        let result = result.map(|response| response.status().as_u16()).map_err(|error| error.to_string());
        let keys = keys.lock().unwrap().clone();
        (result, keys)
    }

    #[tokio::test]
    async fn expired_credentials_are_requested_once_more() {
        let (result, keys) = send_with(2, &[(400, EXPIRED_TOKEN), (200, "")]).await;
        assert_eq!((result, keys), (Ok(200), vec!["AKIA1".to_owned(), "AKIA2".to_owned()]));
        let (result, keys) = send_with(1, &[(400, EXPIRED_TOKEN)]).await;
        assert!(result.unwrap_err().contains("ExpiredToken"));
        assert_eq!(keys, ["AKIA1"], "the same credentials are not sent again");
        let (result, keys) = send_with(9, &[(400, EXPIRED_TOKEN), (400, EXPIRED_TOKEN)]).await;
        assert!(result.unwrap_err().contains("ExpiredToken"));
        assert_eq!(keys, ["AKIA1", "AKIA2"]);
    }
}
