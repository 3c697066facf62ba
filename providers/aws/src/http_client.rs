//! The HTTP client of all AWS clients: rustls with ring, the configured certificate authorities, and the proxies of the environment.
//!
//! In: an optional [`CaBundle`] and the proxy variables. Out: a [`SharedHttpClient`]. Invariant: a failed request carries the endpoint that
//! it went to ([`RequestError`]), because credentials come from other hosts than IAM and a remedy must name the right host. Instance and
//! container metadata endpoints are never reached through a proxy: they are link-local addresses, and the proxy would receive the token
//! that is sent there.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use crate::ca_bundle::CaBundle;
use crate::settings::ConnectError;

/// Builds the client. `bundle` replaces the system's authorities.
///
/// # Errors
/// The TLS library does not accept the bundle.
pub fn build_http_client(bundle: Option<&CaBundle>) -> Result<SharedHttpClient, ConnectError> {
    let tls = match bundle {
        None => TlsContext::default(),
        Some(bundle) => {
            let trusted = TrustStore::empty().with_pem_certificate(bundle.pem.clone());
            let context = TlsContext::builder().with_trust_store(trusted).build();
            context.map_err(|error| ConnectError::CaBundle {
                setting: "the CA bundle".to_owned(),
                path: bundle.path.clone(),
                problem: error.to_string(),
            })?
        }
    };
    Ok(SharedHttpClient::new(RoutingClient {
        direct: build_client(ProxyConfig::disabled(), tls.clone()),
        proxied: build_client(ProxyConfig::from_env(), tls),
        proxies: Arc::new(Matcher::from_env()),
    }))
}

fn build_client(proxy: ProxyConfig, tls: TlsContext) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls.clone()).build()
    })
}

/// Sends a request through a proxy if the environment configures one for its host.
#[derive(Debug)]
struct RoutingClient {
    direct: SharedHttpClient,
    proxied: SharedHttpClient,
    proxies: Arc<Matcher>,
}

impl HttpClient for RoutingClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(RoutingConnector {
            direct: self.direct.http_connector(settings, components),
            proxied: self.proxied.http_connector(settings, components),
            proxies: Arc::clone(&self.proxies),
        })
    }
}

#[derive(Debug)]
struct RoutingConnector {
    direct: SharedHttpConnector,
    proxied: SharedHttpConnector,
    proxies: Arc<Matcher>,
}

impl HttpConnector for RoutingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri: Option<Uri> = request.uri().parse().ok();
        let proxy = uri.as_ref().filter(|uri| !is_metadata_host(uri)).and_then(|uri| self.proxies.intercept(uri));
        let proxy = proxy.map(|proxy| url_origin(proxy.uri()));
        let endpoint = uri.as_ref().map_or_else(|| request.uri().to_owned(), url_origin);
        let connector = if proxy.is_some() { &self.proxied } else { &self.direct };
        let answer = connector.call(request);
        HttpConnectorFuture::new(async move {
            answer.await.map_err(|source| RequestError::wrap_connector_error(endpoint, proxy, source))
        })
    }
}

/// The origin of the proxy that the environment configures for an endpoint. `None`: the request goes directly.
pub fn find_proxy(endpoint: &str) -> Option<String> {
    let uri: Uri = endpoint.parse().ok().filter(|uri| !is_metadata_host(uri))?;
    Matcher::from_env().intercept(&uri).map(|proxy| url_origin(proxy.uri()))
}

/// Whether the host serves container or instance metadata: 169.254.0.0/16, or fd00:ec2::/32 for EC2 and EKS.
fn is_metadata_host(uri: &Uri) -> bool {
    uri.host().is_some_and(|host| host.starts_with("169.254.") || host.to_ascii_lowercase().starts_with("[fd00:ec2:"))
}

/// Scheme, host and port of a URL, without user name and password.
fn url_origin(uri: &Uri) -> String {
    let (scheme, host) = (uri.scheme_str().unwrap_or("http"), uri.host().unwrap_or_default());
    uri.port_u16().map_or_else(|| format!("{scheme}://{host}"), |port| format!("{scheme}://{host}:{port}"))
}

/// A request that got no answer, with the endpoint that it went to.
#[derive(Debug)]
pub struct RequestError {
    /// The origin of the endpoint: `https://iam.amazonaws.com`.
    pub endpoint: String,
    /// The origin of the proxy. `None` if the request went directly.
    pub proxy: Option<String>,
    source: ConnectorError,
}

impl RequestError {
    /// Wraps the error and preserves its kind: the SDK's retries of credential requests depend on it.
    fn wrap_connector_error(endpoint: String, proxy: Option<String>, source: ConnectorError) -> ConnectorError {
        let connection = source.connection_metadata().cloned();
        let (is_timeout, is_user, is_io, kind) =
            (source.is_timeout(), source.is_user(), source.is_io(), source.as_other());
        let error = Box::new(Self { endpoint, proxy, source });
        let error = match () {
            () if is_timeout => ConnectorError::timeout(error),
            () if is_user => ConnectorError::user(error),
            () if is_io => ConnectorError::io(error),
            () => ConnectorError::other(error, kind),
        };
        match connection {
            Some(connection) => error.with_connection(connection),
            None => error,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.endpoint)?;
        self.proxy.as_ref().map_or(Ok(()), |proxy| write!(f, " through the proxy {proxy}"))
    }
}

impl Error for RequestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_hosts_are_reached_directly() {
        for (uri, direct) in [
            ("http://169.254.170.2/v2/credentials", true),
            ("http://169.254.170.23/v1/credentials", true),
            ("http://[fd00:ec2::23]/v1/credentials", true),
            ("https://iam.amazonaws.com/", false),
            ("http://127.0.0.1:5000/", false),
        ] {
            assert_eq!(is_metadata_host(&uri.parse().unwrap()), direct, "{uri}");
        }
    }

    #[test]
    fn an_origin_has_no_password() {
        assert_eq!(url_origin(&"http://ann:secret@proxy:3128/".parse().unwrap()), "http://proxy:3128");
    }
}
