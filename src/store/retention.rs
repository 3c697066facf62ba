//! Object lock: what is written once, such as an entry of the ledger, is kept by the bucket until an instant.
//!
//! The store abstraction has no word for it: its headers are put on the request on its way out, which is then signed anew.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use object_store::CredentialProvider;
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService};
use reqwest::header::HeaderValue;

use crate::config::declared::{Retention, RetentionMode};

const MODE: &str = "x-amz-object-lock-mode";
const UNTIL: &str = "x-amz-object-lock-retain-until-date";
/// Where objects are retained, by us or by the bucket's default, S3 asks for the name of the checksum beside the checksum:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>
const CHECKSUM: &str = "x-amz-sdk-checksum-algorithm";

/// Marks a request that writes what is written once.
#[derive(Debug, Clone, Copy)]
pub struct WrittenOnce;

/// Who signs, and for how long objects are kept.
#[derive(Debug, Clone)]
pub struct Terms {
    /// For how long, and who may shorten it; `None`: as the bucket's default says.
    pub retention: Option<Retention>,
    /// Whose signature.
    pub credentials: Arc<dyn CredentialProvider<Credential = AwsCredential>>,
    /// The bucket's region, which a signature names.
    pub region: String,
}

/// A client whose writes meet what a bucket with object lock asks for.
#[derive(Debug)]
pub struct Retaining {
    pub client: HttpClient,
    pub terms: Terms,
}

#[async_trait]
impl HttpService for Retaining {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if request.method() == "PUT" {
            self.terms.retain(&mut request, Timestamp::now()).await?;
        }
        self.client.execute(request).await
    }
}

impl Terms {
    async fn retain(&self, request: &mut HttpRequest, now: Timestamp) -> Result<(), HttpError> {
        let once = request.extensions().get::<WrittenOnce>().is_some();
        let headers = request.headers_mut();
        headers.insert(CHECKSUM, HeaderValue::from_static("SHA256"));
        if let Some(retention) = self.retention.filter(|_| once) {
            let mode = match retention.mode {
                RetentionMode::Governance => HeaderValue::from_static("GOVERNANCE"),
                RetentionMode::Compliance => HeaderValue::from_static("COMPLIANCE"),
            };
            let period = SignedDuration::from_secs(retention.period.seconds().into());
            let until = now.checked_add(period).map_err(unsendable)?.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            headers.insert(MODE, mode);
            headers.insert(UNTIL, until.parse().map_err(unsendable)?);
        }
        let credential = self.credentials.get_credential().await.map_err(unsendable)?;
        AwsAuthorizer::new(&credential, "s3", &self.region).try_authorize(request, None).map_err(unsendable)
    }
}

fn unsendable<E: std::error::Error + Send + Sync + 'static>(error: E) -> HttpError {
    HttpError::new(HttpErrorKind::Request, error)
}

#[cfg(test)]
mod tests {
    use object_store::StaticCredentialProvider;
    use object_store::client::HttpRequestBody;

    use super::*;

    fn terms(mode: RetentionMode, period: &str) -> Terms {
        let credential = AwsCredential { key_id: "AKIA".to_owned(), secret_key: "secret".to_owned(), token: None };
        Terms {
            retention: Some(Retention { mode, period: period.parse().unwrap() }),
            credentials: Arc::new(StaticCredentialProvider::new(credential)),
            region: "eu-west-1".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_retention_is_part_of_what_is_signed() {
        let mut request = HttpRequest::new(HttpRequestBody::from("entry".to_owned()));
        *request.method_mut() = "PUT".parse().unwrap();
        *request.uri_mut() = "https://records.s3.eu-west-1.amazonaws.com/ledger/1.json".parse().unwrap();
        request.headers_mut().insert("authorization", "what was signed before".parse().unwrap());
        let now = "2026-11-21T06:00:00Z".parse().unwrap();
        terms(RetentionMode::Governance, "1d").retain(&mut request, now).await.unwrap();
        assert!(!request.headers().contains_key(MODE), "the lock is written again and again");
        request.extensions_mut().insert(WrittenOnce);
        terms(RetentionMode::Compliance, "365d").retain(&mut request, now).await.unwrap();
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header(MODE), "COMPLIANCE");
        assert_eq!(header(UNTIL), "2027-11-21T06:00:00Z");
        let signature = header("authorization");
        assert!(signature.contains("/eu-west-1/s3/aws4_request"), "{signature}");
        assert!(signature.contains(&format!("{MODE};{UNTIL};{CHECKSUM}")), "{signature}");
    }
}
