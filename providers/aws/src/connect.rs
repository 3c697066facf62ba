//! Builds the clients of IAM and STS. This module does I/O: it reads the environment and the AWS configuration files through `aws-config`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_iam::config::SharedCredentialsProvider;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;

use crate::complete_response::require_complete_responses;
use crate::credentials::{CheckedCredentials, SeenSource};
use crate::environment;
use crate::http_client::build_http_client;
use crate::settings::{AwsSettings, ConnectError};
use crate::{ca_bundle, profile};

/// Timeout of one attempt, connecting included. IAM answers in well under a second; a page of a thousand roles takes a few seconds.
const ATTEMPT: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(4);

/// The two clients, and details about their calls for messages.
#[derive(Debug, Clone)]
pub struct Clients {
    /// The IAM client.
    pub iam: aws_sdk_iam::Client,
    /// The STS client.
    pub sts: aws_sdk_sts::Client,
    /// The endpoint of the last call.
    pub endpoint: SeenEndpoint,
    /// The region in use.
    pub region: String,
    /// The source of the credentials in use.
    pub source: SeenSource,
}

/// The maximum number of attempts per call, from `AWS_MAX_ATTEMPTS`. `None`: unset; the retry class and the failure decide.
pub fn read_max_attempts() -> Option<u32> {
    // `environment::check_process_environment` has already rejected values that do not parse.
    environment::read_variable("AWS_MAX_ATTEMPTS").and_then(|text| text.trim().parse().ok())
}

/// A loader with the SDK's standard credential chain: environment, profiles, SSO, process, container, instance.
pub fn standard_loader() -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
}

/// Combines the settings with the standard chain: region, endpoint and a credentials provider, for other AWS services that a stack uses.
/// Makes no call; credentials are loaded when they are first needed.
///
/// # Errors
/// The environment or the AWS configuration files contain a value that cannot be used.
pub async fn load_sdk_config(settings: &AwsSettings) -> Result<SdkConfig, ConnectError> {
    build_sdk_config(settings, standard_loader(), &SeenSource::default()).await
}

/// Builds the clients. Makes no call; credentials are loaded when the first call needs them.
///
/// # Errors
/// The environment or the AWS configuration files contain a value that cannot be used.
pub async fn build_clients(settings: &AwsSettings, loader: ConfigLoader) -> Result<Clients, ConnectError> {
    let source = SeenSource::default();
    let config = build_sdk_config(settings, loader, &source).await?;
    let endpoint = SeenEndpoint::default();
    let none = RetryConfig::disabled();
    let http = config.http_client().map(require_complete_responses);
    let mut iam = aws_sdk_iam::config::Builder::from(&config).retry_config(none.clone()).interceptor(endpoint.clone());
    iam.set_http_client(http.clone());
    let mut sts = aws_sdk_sts::config::Builder::from(&config).retry_config(none).interceptor(endpoint.clone());
    sts.set_http_client(http);
    Ok(Clients {
        iam: aws_sdk_iam::Client::from_conf(iam.build()),
        sts: aws_sdk_sts::Client::from_conf(sts.build()),
        endpoint,
        region: config.region().map(ToString::to_string).unwrap_or_default(),
        source,
    })
}

async fn build_sdk_config(
    settings: &AwsSettings,
    loader: ConfigLoader,
    source: &SeenSource,
) -> Result<SdkConfig, ConnectError> {
    environment::check_process_environment(environment::VARIABLES)?;
    environment::check_process_endpoints(&settings.endpoints)?;
    let profiles = profile::load_profiles(settings).await?;
    let client = build_http_client(ca_bundle::find_ca_bundle(&profiles)?.as_ref())?;
    let mut loader = loader
        .http_client(client.clone())
        // These retries apply only to loading credentials (assuming a role, SSO). `retry` handles the retries of our own calls.
        .retry_config(RetryConfig::standard())
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build());
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &settings.profile {
        // The standard chain would prefer credentials in the environment and ignore the profile that the provider block names.
        let region = settings.region.clone().or_else(|| profiles.get("region").map(str::to_owned)).map(Region::new);
        let provider = ProviderConfig::default().with_http_client(client).with_region(region);
        let provider = ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build();
        loader = loader.profile_name(profile).credentials_provider(provider);
    }
    let mut config = with_checked_credentials(loader.load().await, source);
    profile::check_endpoints(&config, &profiles, &settings.endpoints)?;
    if config.region().is_none() {
        // IAM is global within a partition. Without a region we use the commercial partition, where most accounts are.
        config = config.into_builder().region(Region::from_static("us-east-1")).build();
    }
    if let Some(role) = &settings.assume_role {
        config = with_checked_credentials(assume_role(config, role).await, source);
    }
    Ok(config)
}

fn with_checked_credentials(config: SdkConfig, source: &SeenSource) -> SdkConfig {
    let Some(provider) = config.credentials_provider() else { return config };
    let checked = CheckedCredentials::new(provider, source.clone());
    config.into_builder().credentials_provider(SharedCredentialsProvider::new(checked)).build()
}

async fn assume_role(config: SdkConfig, role: &crate::settings::AssumeRoleSettings) -> SdkConfig {
    let mut provider = AssumeRoleProvider::builder(&role.role_arn)
        .session_name(role.session_name.as_deref().unwrap_or("leasehold"))
        .configure(&config);
    if let Some(external_id) = &role.external_id {
        provider = provider.external_id(external_id);
    }
    let provider = provider.build().await;
    config.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
}

/// The endpoint of each call, recorded as the request is sent: `http://127.0.0.1:5000`, `https://iam.amazonaws.com`.
#[derive(Debug, Clone, Default)]
pub struct SeenEndpoint(Arc<Mutex<Option<String>>>);

impl SeenEndpoint {
    /// The endpoint of the last call. `None` before the first call.
    pub fn last_endpoint(&self) -> Option<String> {
        self.0.lock().ok().and_then(|seen| seen.clone())
    }
}

#[dyn_dispatch_hint]
impl Intercept for SeenEndpoint {
    fn name(&self) -> &'static str {
        "SeenEndpoint"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let uri = context.request().uri();
        let endpoint = uri.split('?').next().unwrap_or(uri).trim_end_matches('/');
        if let Ok(mut seen) = self.0.lock()
            && seen.as_deref() != Some(endpoint)
        {
            *seen = Some(endpoint.to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
    use aws_smithy_runtime_api::client::result::ConnectorError;

    use super::*;

    /// A connector that sends nothing and fails every request.
    #[derive(Debug)]
    struct FailingConnector;

    impl HttpConnector for FailingConnector {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            HttpConnectorFuture::ready(Err(ConnectorError::other("this connector sends no requests".into(), None)))
        }
    }

    /// The endpoints to which IAM's and STS's calls would go.
    async fn endpoints(region: &str, fips: bool, dual_stack: bool) -> [String; 2] {
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .empty_test_environment()
            .test_credentials()
            .use_fips(fips)
            .use_dual_stack(dual_stack);
        let settings = AwsSettings { region: Some(region.to_owned()), ..AwsSettings::default() };
        let clients = build_clients(&settings, loader).await.unwrap();
        let quiet = || http_client_fn(|_, _| SharedHttpConnector::new(FailingConnector));
        let iam = aws_sdk_iam::Client::from_conf(clients.iam.config().to_builder().http_client(quiet()).build());
        let sts = aws_sdk_sts::Client::from_conf(clients.sts.config().to_builder().http_client(quiet()).build());
        assert!(iam.list_roles().send().await.is_err());
        let of_iam = clients.endpoint.last_endpoint().unwrap();
        assert!(sts.get_caller_identity().send().await.is_err());
        [of_iam, clients.endpoint.last_endpoint().unwrap()]
    }

    #[tokio::test]
    async fn partitions_fips_and_dual_stack_have_endpoints_of_their_own() {
        for (region, fips, dual_stack, iam, sts) in [
            ("us-east-1", false, false, "https://iam.amazonaws.com", "https://sts.us-east-1.amazonaws.com"),
            ("eu-central-1", false, false, "https://iam.amazonaws.com", "https://sts.eu-central-1.amazonaws.com"),
            ("us-east-1", true, false, "https://iam-fips.amazonaws.com", "https://sts-fips.us-east-1.amazonaws.com"),
            ("us-east-1", false, true, "https://iam.global.api.aws", "https://sts.us-east-1.api.aws"),
            (
                "cn-north-1",
                false,
                false,
                "https://iam.cn-north-1.amazonaws.com.cn",
                "https://sts.cn-north-1.amazonaws.com.cn",
            ),
            (
                "us-gov-west-1",
                false,
                false,
                "https://iam.us-gov.amazonaws.com",
                "https://sts.us-gov-west-1.amazonaws.com",
            ),
            (
                "us-gov-west-1",
                true,
                false,
                "https://iam.us-gov.amazonaws.com",
                "https://sts.us-gov-west-1.amazonaws.com",
            ),
        ] {
            assert_eq!(endpoints(region, fips, dual_stack).await, [iam, sts], "{region} fips {fips} dual {dual_stack}");
        }
    }
}
