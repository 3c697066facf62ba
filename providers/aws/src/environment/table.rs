//! The table of environment variables. `docs/environment.md` shows the same table; a test keeps the two equal.

use super::{EnvironmentVariable, ValueForm, VariableReader};

const fn sdk_variable(name: &'static str, form: ValueForm, sets: &'static str) -> EnvironmentVariable {
    EnvironmentVariable { name, sets, reader: VariableReader::Sdk, form }
}

const fn http_variable(name: &'static str, form: ValueForm, sets: &'static str) -> EnvironmentVariable {
    EnvironmentVariable { name, sets, reader: VariableReader::Http, form }
}

const fn leasehold_variable(name: &'static str, form: ValueForm, sets: &'static str) -> EnvironmentVariable {
    EnvironmentVariable { name, sets, reader: VariableReader::Leasehold, form }
}

const fn unread_variable(name: &'static str, sets: &'static str) -> EnvironmentVariable {
    EnvironmentVariable { name, sets, reader: VariableReader::Nothing, form: ValueForm::Text }
}

/// The variables that decide how AWS is reached, and the ones that only other AWS tools read for this purpose.
pub const VARIABLES: &[EnvironmentVariable] = &[
    // Credentials.
    sdk_variable("AWS_ACCESS_KEY_ID", ValueForm::HeaderSecret, "the access key"),
    sdk_variable("AWS_SECRET_ACCESS_KEY", ValueForm::Secret, "its secret"),
    sdk_variable("SECRET_ACCESS_KEY", ValueForm::Secret, "its secret, where `AWS_SECRET_ACCESS_KEY` is unset"),
    sdk_variable("AWS_SESSION_TOKEN", ValueForm::HeaderSecret, "the session token of temporary credentials"),
    sdk_variable("AWS_ACCOUNT_ID", ValueForm::Header, "the account of the access key; informational"),
    sdk_variable("AWS_PROFILE", ValueForm::Text, "the profile; `profile` of the provider block overrides it"),
    sdk_variable("AWS_CONFIG_FILE", ValueForm::Path, "the configuration file, else `~/.aws/config`"),
    sdk_variable("AWS_SHARED_CREDENTIALS_FILE", ValueForm::Path, "the credentials file, else `~/.aws/credentials`"),
    sdk_variable(
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        ValueForm::Path,
        "a file with the OIDC token that is exchanged for a role session",
    ),
    sdk_variable("AWS_ROLE_ARN", ValueForm::Text, "the role of that session"),
    sdk_variable("AWS_ROLE_SESSION_NAME", ValueForm::Text, "the name of that session"),
    sdk_variable(
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        ValueForm::UrlPath,
        "the path of the ECS task role's credentials on `http://169.254.170.2`",
    ),
    sdk_variable(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ValueForm::Url,
        "the URL of the credentials of EKS Pod Identity and others: https, loopback, 169.254.170.2 or 169.254.170.23",
    ),
    sdk_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", ValueForm::HeaderSecret, "the token sent to that URL"),
    sdk_variable(
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ValueForm::Path,
        "a file with that token, read for every request; overrides the variable above",
    ),
    sdk_variable(
        "AWS_EC2_METADATA_DISABLED",
        ValueForm::Flag,
        "`true`: no credentials or region from EC2 instance metadata",
    ),
    sdk_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", ValueForm::MetadataEndpoint, "the URL of instance metadata"),
    sdk_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", ValueForm::OneOf(&["IPv4", "IPv6"]), "its address family"),
    // Region and endpoints.
    sdk_variable("AWS_REGION", ValueForm::Region, "the region; `region` of the provider block overrides it"),
    sdk_variable("AWS_DEFAULT_REGION", ValueForm::Region, "the region, where `AWS_REGION` is unset"),
    sdk_variable("AWS_ENDPOINT_URL", ValueForm::Endpoint, "the URL of every service"),
    sdk_variable("AWS_ENDPOINT_URL_IAM", ValueForm::Endpoint, "the URL of IAM"),
    sdk_variable("AWS_ENDPOINT_URL_STS", ValueForm::Endpoint, "the URL of STS, also for role sessions"),
    sdk_variable("AWS_ENDPOINT_URL_SSO", ValueForm::Endpoint, "the URL of the IAM Identity Center portal"),
    sdk_variable("AWS_ENDPOINT_URL_SSO_OIDC", ValueForm::Endpoint, "the URL that renews IAM Identity Center tokens"),
    leasehold_variable("AWS_ENDPOINT_URL_S3", ValueForm::Endpoint, "the URL of S3, for `backend \"s3\"`"),
    sdk_variable(
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        ValueForm::Flag,
        "`true`: `AWS_ENDPOINT_URL` and `endpoint_url` of profiles are ignored",
    ),
    sdk_variable("AWS_USE_FIPS_ENDPOINT", ValueForm::Flag, "`true`: FIPS endpoints"),
    sdk_variable("AWS_USE_DUALSTACK_ENDPOINT", ValueForm::Flag, "`true`: endpoints for IPv4 and IPv6"),
    // Calls.
    leasehold_variable(
        "AWS_MAX_ATTEMPTS",
        ValueForm::Count,
        "maximum number of attempts for a call; unset: depends on the call and the error",
    ),
    sdk_variable("AWS_EXECUTION_ENV", ValueForm::Header, "part of the user agent"),
    sdk_variable("AWS_SDK_UA_APP_ID", ValueForm::Header, "part of the user agent"),
    // Network.
    leasehold_variable(
        "AWS_CA_BUNDLE",
        ValueForm::Path,
        "a file with PEM certificates of the authorities to trust instead of the system's; else `ca_bundle` of the profile",
    ),
    http_variable(
        "SSL_CERT_FILE",
        ValueForm::Path,
        "a file with PEM certificates of the authorities to trust, if `AWS_CA_BUNDLE` is unset",
    ),
    http_variable("SSL_CERT_DIR", ValueForm::Path, "directories with such files"),
    http_variable("HTTPS_PROXY", ValueForm::Proxy, "the proxy for https"),
    http_variable("https_proxy", ValueForm::Proxy, "the same, where `HTTPS_PROXY` is unset"),
    http_variable("HTTP_PROXY", ValueForm::Proxy, "the proxy for http"),
    http_variable("http_proxy", ValueForm::Proxy, "the same, where `HTTP_PROXY` is unset"),
    http_variable("ALL_PROXY", ValueForm::Proxy, "the proxy for http and https, where the specific variable is unset"),
    http_variable("all_proxy", ValueForm::Proxy, "the same, where `ALL_PROXY` is unset"),
    http_variable(
        "NO_PROXY",
        ValueForm::Text,
        "hosts, domains and address ranges that are reached without a proxy; `*`: all",
    ),
    http_variable("no_proxy", ValueForm::Text, "the same, where `NO_PROXY` is unset"),
    http_variable(
        "REQUEST_METHOD",
        ValueForm::Text,
        "if set, as in CGI programs, no proxy is read from the environment",
    ),
    // Read by other AWS tools.
    unread_variable("AWS_DEFAULT_PROFILE", "another name of `AWS_PROFILE` in the AWS CLI"),
    unread_variable("AWS_SECURITY_TOKEN", "an older name of `AWS_SESSION_TOKEN`"),
    unread_variable("AWS_CREDENTIAL_EXPIRATION", "when the credentials in the environment expire"),
    unread_variable("AWS_STS_REGIONAL_ENDPOINTS", "STS calls always use the regional endpoint"),
    unread_variable("AWS_RETRY_MODE", "Leasehold has its own retries"),
    unread_variable("AWS_METADATA_SERVICE_TIMEOUT", "the SDK sets the timeouts"),
    unread_variable("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "the SDK sets the number of attempts"),
    unread_variable("AWS_SDK_LOAD_CONFIG", "the configuration file is always read"),
    unread_variable("AWS_LOGIN_CACHE_DIRECTORY", "`aws login` sessions are not supported"),
];
