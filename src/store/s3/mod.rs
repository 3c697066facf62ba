//! Opens a bucket in S3, or in another store with the same protocol, as the store for a stack's records.
//!
//! In: the `backend "s3"` block and the AWS configuration. Out: a [`Store`]. No request is sent.

mod connector;
mod credentials;
pub(super) mod refusal;
pub(super) mod requests;
pub(super) mod whole_response;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use leasehold_aws::partition::{EndpointVariant, s3_endpoint};
use object_store::RetryConfig;
use object_store::aws::{AmazonS3Builder, Checksum, S3ConditionalPut};
use object_store::path::Path;

use super::Store;
use super::server::ServerClock;
use crate::config::declared::S3Bucket;
use connector::S3Connector;
use credentials::S3Credentials;
use requests::RequestSettings;

/// The timeout of one request, from connecting to the last byte. A record has a few kilobytes.
const REQUEST: Duration = Duration::from_secs(30);
/// The timeout for connecting, the same as for IAM calls.
const CONNECT: Duration = Duration::from_secs(4);

/// The region if the configuration names none: the default region of S3 itself.
const DEFAULT_REGION: &str = "us-east-1";

/// The settings for requests to AWS.
#[derive(Debug, Clone)]
pub struct AwsAccess {
    /// Credentials, region, endpoints, FIPS and dual stack.
    pub config: SdkConfig,
    /// The certificate authorities to trust instead of the system's, in PEM format. `None`: trust the system's.
    pub ca_bundle: Option<Vec<u8>>,
}

impl From<SdkConfig> for AwsAccess {
    fn from(config: SdkConfig) -> Self {
        Self { config, ca_bundle: None }
    }
}

/// Opens a bucket for a stack. `aws` gives the credentials and what the block does not set: region, endpoint, FIPS, dual stack.
///
/// # Errors
/// If the settings are invalid: no source of credentials, an endpoint that does not exist, or a prefix that cannot begin a key.
pub fn open_bucket(bucket: &S3Bucket, stack: &str, aws: &AwsAccess) -> anyhow::Result<Store> {
    let config = &aws.config;
    let prefix = bucket.prefix.clone().unwrap_or_else(|| format!("leasehold/{stack}"));
    let place = format!("s3://{}/{prefix}", bucket.name);
    let unusable = || format!("the backend {place} is not valid");
    let chain = config.credentials_provider().context("no AWS credentials found").with_context(unusable)?;
    let region = bucket.region.clone().or_else(|| config.region().map(ToString::to_string));
    let region = region.unwrap_or_else(|| DEFAULT_REGION.to_owned());
    let endpoint = BucketEndpoint::for_bucket(bucket, &region, config).with_context(unusable)?;
    let server = ServerClock::default();
    let connector = S3Connector {
        client: build_http_client(&endpoint, aws.ca_bundle.as_deref()).with_context(unusable)?,
        clock: server.clone(),
        credentials: Arc::new(S3Credentials::from_chain(chain)),
        settings: RequestSettings { retention: bucket.retention, region: region.clone() },
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket.name)
        .with_region(region)
        .with_endpoint(&endpoint.url)
        .with_virtual_hosted_style_request(endpoint.names_bucket)
        // The connector signs requests after it has added its headers.
        .with_skip_signature(true)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        // A bucket with object lock requires a checksum for every object.
        .with_checksum_algorithm(Checksum::SHA256)
        // The module `attempt` retries: only it knows the bytes, which it needs to decide whether a write took effect.
        .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
        .with_allow_http(endpoint.allows_http())
        .with_http_connector(connector);
    if let Some(key) = &bucket.kms_key_id {
        builder = builder.with_sse_kms_encryption(key);
    }
    let objects = builder.build().with_context(unusable)?;
    let root = Path::parse(&prefix).with_context(|| format!("{prefix:?} is not a valid key prefix"))?;
    let objects = Arc::new(objects);
    Ok(Store::new(Arc::clone(&objects) as _, root, None, server, place).with_pages(objects))
}

/// The endpoint of a bucket.
#[derive(Debug, PartialEq, Eq)]
struct BucketEndpoint {
    url: String,
    /// Whether the host name contains the bucket's name (virtual-hosted style). Otherwise the path does (path style):
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>
    names_bucket: bool,
}

/// The HTTP client for the bucket. It does not follow redirects: they lead to another region, and the signature is valid for one region.
fn build_http_client(endpoint: &BucketEndpoint, ca_bundle: Option<&[u8]>) -> anyhow::Result<reqwest::Client> {
    // reqwest is built without a cryptography provider. If one is already installed, this call fails, and that one is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("leasehold/", env!("CARGO_PKG_VERSION")))
        .timeout(REQUEST)
        .connect_timeout(CONNECT)
        .https_only(!endpoint.allows_http())
        .http1_only()
        .redirect(reqwest::redirect::Policy::none());
    if let Some(pem) = ca_bundle {
        builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem)?);
    }
    Ok(builder.build()?)
}

impl BucketEndpoint {
    fn allows_http(&self) -> bool {
        self.url.starts_with("http://")
    }

    /// The endpoint from the block or the environment; otherwise AWS's endpoint for the region.
    fn for_bucket(bucket: &S3Bucket, region: &str, config: &SdkConfig) -> anyhow::Result<Self> {
        let named = bucket.endpoint.clone().or_else(|| find_configured_endpoint(config));
        if let Some(url) = named {
            return Ok(Self { url, names_bucket: false });
        }
        let variant = EndpointVariant {
            fips: config.use_fips().unwrap_or_default(),
            dual_stack: config.use_dual_stack().unwrap_or_default(),
        };
        let url = s3_endpoint(region, variant)?;
        // The certificate covers one label before the host. A bucket name with a dot has two labels or more.
        let fits_host = !bucket.name.contains('.') && !bucket.name.contains(char::is_uppercase);
        Ok(match url.strip_prefix("https://").filter(|_| fits_host) {
            Some(host) => Self { url: format!("https://{}.{host}", bucket.name), names_bucket: true },
            None => Self { url, names_bucket: false },
        })
    }
}

/// The endpoint from `AWS_ENDPOINT_URL_S3`, the `s3` section of the profile's `services`, `AWS_ENDPOINT_URL`, or `endpoint_url` of the
/// profile, in this order: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
fn find_configured_endpoint(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url").build().ok();
    let of_service = key.and_then(|key| config.service_config()?.load_config(key));
    of_service.or_else(|| config.endpoint_url().map(str::to_owned)).filter(|url| !url.is_empty())
}

#[cfg(test)]
mod tests {
    use aws_types::region::Region;

    use super::*;

    fn bucket(name: &str, endpoint: Option<&str>) -> S3Bucket {
        S3Bucket { name: name.to_owned(), endpoint: endpoint.map(str::to_owned), ..S3Bucket::default() }
    }

    #[test]
    fn the_endpoint_is_the_named_one_or_that_of_region_and_variant() {
        let aws = |fips: bool, dual_stack: bool| {
            SdkConfig::builder().region(Region::new("eu-west-1")).use_fips(fips).use_dual_stack(dual_stack).build()
        };
        let custom = SdkConfig::builder().endpoint_url("http://127.0.0.1:5000").build();
        for (bucket, region, config, url, names_bucket) in [
            (bucket("acme", None), "eu-west-1", aws(false, false), "https://acme.s3.eu-west-1.amazonaws.com", true),
            (
                bucket("acme", None),
                "cn-north-1",
                aws(false, false),
                "https://acme.s3.cn-north-1.amazonaws.com.cn",
                true,
            ),
            (
                bucket("acme", None),
                "us-gov-west-1",
                aws(true, false),
                "https://acme.s3-fips.us-gov-west-1.amazonaws.com",
                true,
            ),
            (
                bucket("acme", None),
                "us-east-2",
                aws(true, true),
                "https://acme.s3-fips.dualstack.us-east-2.amazonaws.com",
                true,
            ),
            (bucket("acme.example", None), "eu-west-1", aws(false, false), "https://s3.eu-west-1.amazonaws.com", false),
            (bucket("acme", None), "eu-west-1", custom.clone(), "http://127.0.0.1:5000", false),
            (bucket("acme", Some("https://minio.example")), "eu-west-1", custom, "https://minio.example", false),
        ] {
            let endpoint = BucketEndpoint::for_bucket(&bucket, region, &config).unwrap();
            assert_eq!(endpoint, BucketEndpoint { url: url.to_owned(), names_bucket });
        }
    }

    #[test]
    fn fips_where_there_is_none_is_refused() {
        let config = SdkConfig::builder().use_fips(true).build();
        assert!(BucketEndpoint::for_bucket(&bucket("acme", None), "cn-north-1", &config).is_err());
    }
}
