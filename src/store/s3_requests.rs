//! Completes every request to S3: the headers of S3's object lock, then the signature.
//!
//! In: a request as the store abstraction builds it, without a signature. Out: the same request with an
//! [AWS Signature Version 4](https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html) over all of its headers and
//! the hash of its body. Invariant: nothing changes a request after it is signed, so it is signed here and nowhere else.

use std::sync::Arc;

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use object_store::CredentialProvider;
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{
    HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpService,
};
use reqwest::header::HeaderValue;

use crate::config::declared::{Retention, RetentionMode};

const LOCK_MODE: &str = "x-amz-object-lock-mode";
const RETAIN_UNTIL: &str = "x-amz-object-lock-retain-until-date";
/// Where objects are retained, by these headers or by the bucket's default, S3 requires the name of the checksum's algorithm:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>
const CHECKSUM_ALGORITHM: &str = "x-amz-sdk-checksum-algorithm";

/// Marks a request that writes an object which is never written again, such as an entry of the ledger.
#[derive(Debug, Clone, Copy)]
pub struct WrittenOnce;

/// What completes a request.
#[derive(Debug, Clone)]
pub struct RequestSettings {
    /// How long object lock keeps what is written once; `None`: as the bucket's default says.
    pub retention: Option<Retention>,
    /// The credentials that sign.
    pub credentials: Arc<dyn CredentialProvider<Credential = AwsCredential>>,
    /// The bucket's region: part of the signature.
    pub region: String,
}

/// A client that completes each request before it sends it.
#[derive(Debug)]
pub struct SigningClient {
    pub client: HttpClient,
    pub settings: RequestSettings,
}

#[async_trait]
impl HttpService for SigningClient {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = self.settings.complete(request, Timestamp::now()).await?;
        self.client.execute(request).await
    }
}

impl RequestSettings {
    /// Adds the headers of object lock to a write, and signs.
    async fn complete(&self, request: HttpRequest, now: Timestamp) -> Result<HttpRequest, HttpError> {
        let mut request = contiguous(request).await?;
        if request.method() == "PUT" {
            self.add_object_lock(&mut request, now)?;
        }
        let credential = self.credentials.get_credential().await.map_err(not_sendable)?;
        AwsAuthorizer::new(&credential, "s3", &self.region).try_authorize(&mut request, None).map_err(not_sendable)?;
        Ok(request)
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
        let period = SignedDuration::from_secs(retention.period.seconds().into());
        let until = now.checked_add(period).map_err(not_sendable)?.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        headers.insert(LOCK_MODE, mode);
        headers.insert(RETAIN_UNTIL, until.parse().map_err(not_sendable)?);
        Ok(())
    }
}

/// The request with its body in one piece. The authorizer hashes only such a body; of one in several pieces it signs the hash of an
/// empty body, which S3 refuses.
async fn contiguous(request: HttpRequest) -> Result<HttpRequest, HttpError> {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await?.to_bytes();
    Ok(HttpRequest::from_parts(parts, HttpRequestBody::from(bytes)))
}

fn not_sendable<E: std::error::Error + Send + Sync + 'static>(error: E) -> HttpError {
    HttpError::new(HttpErrorKind::Request, error)
}

#[cfg(test)]
mod tests {
    use object_store::{PutPayload, StaticCredentialProvider};
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn settings(mode: RetentionMode, period: &str) -> RequestSettings {
        let credential = AwsCredential { key_id: "AKIA".to_owned(), secret_key: "secret".to_owned(), token: None };
        RequestSettings {
            retention: Some(Retention { mode, period: period.parse().unwrap() }),
            credentials: Arc::new(StaticCredentialProvider::new(credential)),
            region: "eu-west-1".to_owned(),
        }
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
        let now = "2026-11-21T06:00:00Z".parse().unwrap();
        let again = settings(RetentionMode::Governance, "1d").complete(put("lock".to_owned()), now).await.unwrap();
        assert!(!again.headers().contains_key(LOCK_MODE), "the lock is written again and again");
        let mut request = put("entry".to_owned());
        request.extensions_mut().insert(WrittenOnce);
        let request = settings(RetentionMode::Compliance, "365d").complete(request, now).await.unwrap();
        assert_eq!(header(&request, LOCK_MODE), "COMPLIANCE");
        assert_eq!(header(&request, RETAIN_UNTIL), "2027-11-21T06:00:00Z");
        let authorization = header(&request, "authorization");
        for name in [LOCK_MODE, RETAIN_UNTIL, CHECKSUM_ALGORITHM, "x-amz-content-sha256"] {
            assert!(authorization.contains(name), "{authorization}");
        }
    }

    #[tokio::test]
    async fn the_hash_is_that_of_the_body_in_one_piece_or_several() {
        let now = "2026-11-21T06:00:00Z".parse().unwrap();
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
            let request = settings(RetentionMode::Governance, "1d").complete(put(body), now).await.unwrap();
            let expected: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(header(&request, "x-amz-content-sha256"), expected);
            assert_eq!(request.into_body().collect().await.unwrap().to_bytes(), text);
        }
    }
}
