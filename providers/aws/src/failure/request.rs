//! Explains requests that got no answer: DNS, connections, TLS, proxies, timeouts.

use std::error::Error;

use rustls::CertificateError;

use super::{CallContext, CallError, CallErrorCause};
use crate::complete_response::IncompleteResponseError;
use crate::environment;
use crate::error_chain::{describe_chain, describe_innermost, error_chain};
use crate::http_client::RequestError;

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RequestProblem {
    /// The host name does not resolve.
    Dns,
    /// The port refuses connections.
    Refused,
    /// The connection timed out.
    ConnectTimeout,
    /// The certificate or the TLS protocol of the host was rejected.
    Tls(TlsProblem),
    /// The proxy requires a user name and a password (HTTP 407).
    ProxyLogin,
    /// The proxy refuses to connect to the host.
    ProxyRefused,
    /// The connection failed for another reason.
    Unconnected,
    /// Connected, but no answer arrived.
    NoAnswer,
    /// An answer arrived, and a part of it is missing.
    Incomplete,
    /// An answer arrived that does not have the form of AWS: a login page, a health page of a gateway.
    Foreign,
}

/// Why TLS failed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum TlsProblem {
    UnknownAuthority,
    Expired,
    NotYetValid,
    OtherName,
    NotTls,
    Other(String),
}

/// The error for a request without an answer.
pub fn explain_failed_request(
    operation: &'static str,
    error: &(dyn Error + 'static),
    place: CallContext<'_>,
) -> CallError {
    let problem = classify_request_error(error);
    let request = error_chain(error).find_map(|source| source.downcast_ref::<RequestError>());
    let endpoint = request.map_or(place.name(), |request| &request.endpoint);
    let proxy = request.and_then(|request| request.proxy.as_deref());
    let target = RequestTarget { endpoint, proxy, region: place.region, now: place.now };
    let (message, help) = target.explain_problem(&problem, &describe_innermost(error));
    let cause = match problem {
        RequestProblem::Foreign => CallErrorCause::Malformed,
        RequestProblem::NoAnswer | RequestProblem::Incomplete => CallErrorCause::NoAnswer,
        _ => CallErrorCause::Unreachable,
    };
    CallError { operation, cause, code: None, message, help: Some(help) }
}

fn classify_request_error(error: &(dyn Error + 'static)) -> RequestProblem {
    if let Some(tls) = error_chain(error).find_map(find_tls_error) {
        return RequestProblem::Tls(classify_tls_error(tls));
    }
    if let Some(incomplete) = error_chain(error).find_map(|source| source.downcast_ref::<IncompleteResponseError>()) {
        return match incomplete {
            IncompleteResponseError::NotXml | IncompleteResponseError::NoRequestId => RequestProblem::Foreign,
            IncompleteResponseError::Empty
            | IncompleteResponseError::Truncated(_)
            | IncompleteResponseError::TooLong => RequestProblem::Incomplete,
        };
    }
    let text = describe_chain(error);
    // The connector reports tunnel errors only as text.
    if let Some((_, tunnel)) = text.split_once("CONNECT tunnel failed: ") {
        return match tunnel {
            tunnel if tunnel.contains("authorization required") => RequestProblem::ProxyLogin,
            tunnel if tunnel.contains("underlying connection") => RequestProblem::Refused,
            _ => RequestProblem::ProxyRefused,
        };
    }
    if text.contains("dns error") {
        return RequestProblem::Dns;
    }
    let kind = error_chain(error).find_map(|source| source.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    use std::io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable, NotConnected};
    match kind {
        Some(ConnectionRefused) => RequestProblem::Refused,
        Some(HostUnreachable | NetworkUnreachable | NotConnected | AddrNotAvailable) => RequestProblem::Unconnected,
        _ if text.contains("connect timeout") => RequestProblem::ConnectTimeout,
        _ if text.contains("(Connect)") => RequestProblem::Unconnected,
        _ => RequestProblem::NoAnswer,
    }
}

/// Finds the TLS error in a chain. rustls and hyper wrap errors in [`std::io::Error`], once or twice; its `source` skips the error that it
/// wraps.
fn find_tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut error = error;
    while let Some(inner) = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        error = inner;
    }
    error.downcast_ref()
}

fn classify_tls_error(error: &rustls::Error) -> TlsProblem {
    use CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            Certificate::UnknownIssuer | Certificate::BadSignature => TlsProblem::UnknownAuthority,
            Certificate::Expired | Certificate::ExpiredContext { .. } => TlsProblem::Expired,
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => TlsProblem::NotYetValid,
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => TlsProblem::OtherName,
            other => TlsProblem::Other(other.to_string()),
        },
        rustls::Error::InvalidMessage(_) => TlsProblem::NotTls,
        other => TlsProblem::Other(other.to_string()),
    }
}

/// The endpoint and proxy of a request.
struct RequestTarget<'a> {
    endpoint: &'a str,
    proxy: Option<&'a str>,
    region: &'a str,
    now: jiff::Timestamp,
}

impl RequestTarget<'_> {
    /// The message and the remedy for a problem.
    fn explain_problem(&self, problem: &RequestProblem, reason: &str) -> (String, String) {
        let Self { endpoint, .. } = self;
        // With a proxy, the peer of the connection is the proxy: its name is resolved and its connection times out.
        let peer = self.proxy.map_or_else(|| (*endpoint).to_owned(), |proxy| format!("the proxy {proxy}"));
        match problem {
            RequestProblem::Dns => {
                (format!("the host name of {peer} does not resolve: {reason}"), self.advise_correct_host())
            }
            RequestProblem::Refused => (format!("{peer} cannot be reached: connection refused"), self.advise_refused()),
            RequestProblem::ConnectTimeout => (
                format!("{peer} cannot be reached: the connection timed out"),
                format!("a firewall may drop the packets: allow connections to {peer}{}", self.proxy_advice()),
            ),
            RequestProblem::Unconnected => (
                format!("{peer} cannot be reached: {reason}"),
                format!("check this machine's network and its route to {peer}{}", self.proxy_advice()),
            ),
            RequestProblem::ProxyLogin => (
                format!("the proxy {} requires a user name and a password (HTTP 407)", self.proxy_name()),
                "set them in HTTPS_PROXY (for http endpoints HTTP_PROXY): http://USER:PASSWORD@HOST:PORT".to_owned(),
            ),
            RequestProblem::ProxyRefused => (
                format!("the proxy {} refuses to connect to {endpoint}", self.proxy_name()),
                format!(
                    "allow {endpoint} on the proxy; if the endpoint can be reached without the proxy, add its host to NO_PROXY"
                ),
            ),
            RequestProblem::Tls(problem) => self.explain_tls(problem),
            RequestProblem::Incomplete => {
                (format!("the response of {endpoint} is not complete: {reason}"), self.advise_retry())
            }
            RequestProblem::Foreign => {
                let between = self.proxy.map(|proxy| format!("the proxy {proxy}"));
                let between = between.unwrap_or_else(|| "a proxy or gateway between this machine and AWS".to_owned());
                (
                    format!("the response of {endpoint} does not have the form of AWS: {reason}"),
                    format!(
                        "the response does not come from AWS: allow {endpoint} on {between}, or correct AWS_ENDPOINT_URL"
                    ),
                )
            }
            RequestProblem::NoAnswer => {
                (format!("{endpoint} closed the connection without a response: {reason}"), self.advise_retry())
            }
        }
    }

    fn explain_tls(&self, problem: &TlsProblem) -> (String, String) {
        let Self { endpoint, now, .. } = self;
        match problem {
            TlsProblem::UnknownAuthority => {
                let help = match environment::read_variable("AWS_CA_BUNDLE") {
                    Some(path) => format!(
                        "add the PEM certificate of the authority that signed the certificate to {path} (AWS_CA_BUNDLE), which replaces the system's authorities"
                    ),
                    None => "if a private authority of your company signs the certificates of a proxy or an endpoint, set AWS_CA_BUNDLE to a file with its PEM \
                             certificate (or `ca_bundle` in the profile)"
                        .to_owned(),
                };
                (format!("the certificate of {endpoint} is signed by an authority that is not trusted"), help)
            }
            TlsProblem::Expired => (
                format!("the certificate of {endpoint} has expired"),
                format!("check this machine's clock, which shows {now:.0}; if it is correct, renew the certificate of {endpoint}"),
            ),
            TlsProblem::NotYetValid => (
                format!("the certificate of {endpoint} is not valid yet"),
                format!("set this machine's clock, which shows {now:.0} (NTP: `timedatectl`, `chronyc tracking`)"),
            ),
            TlsProblem::OtherName => (
                format!("the certificate of {endpoint} is for another host name"),
                "use the host name of the certificate in AWS_ENDPOINT_URL (or `endpoint_url` of the profile); if the host is an AWS host, \
                 a device between this machine and AWS responds in its place"
                    .to_owned(),
            ),
            TlsProblem::NotTls => (
                format!("{endpoint} does not speak TLS"),
                "use http:// instead of https:// in AWS_ENDPOINT_URL, or in HTTPS_PROXY if the proxy has an https URL".to_owned(),
            ),
            TlsProblem::Other(reason) => (
                format!("cannot establish a TLS connection to {endpoint}: {reason}"),
                format!("check that {endpoint} accepts TLS 1.2 or 1.3 without a client certificate"),
            ),
        }
    }

    fn is_aws(&self) -> bool {
        [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].iter().any(|suffix| self.endpoint.ends_with(suffix))
    }

    fn proxy_name(&self) -> &str {
        self.proxy.unwrap_or("of the environment")
    }

    fn advise_correct_host(&self) -> String {
        if self.proxy.is_some() {
            return "correct the proxy's host in HTTPS_PROXY or HTTP_PROXY".to_owned();
        }
        if self.is_aws() {
            return format!(
                "check that region {:?} exists, and that the DNS of this machine resolves AWS host names",
                self.region
            );
        }
        "correct the host in AWS_ENDPOINT_URL (or `endpoint_url` of the profile)".to_owned()
    }

    fn advise_refused(&self) -> String {
        match self.proxy {
            Some(proxy) => format!("start the proxy on {proxy}, or correct HTTPS_PROXY or HTTP_PROXY"),
            None if self.is_aws() => {
                format!("a firewall refuses connections to {}: allow them, or set HTTPS_PROXY", self.endpoint)
            }
            None => format!(
                "start the service on {}, or correct AWS_ENDPOINT_URL (or `endpoint_url` of the profile)",
                self.endpoint
            ),
        }
    }

    fn proxy_advice(&self) -> &'static str {
        if self.proxy.is_none() && self.is_aws() { ", or set HTTPS_PROXY" } else { "" }
    }

    fn advise_retry(&self) -> String {
        let by = self.proxy.map(|proxy| format!(" (for example the proxy {proxy})")).unwrap_or_default();
        format!(
            "run the command again; if the error persists, check for a device that closes connections between this machine and {}{by}",
            self.endpoint
        )
    }
}

/// The error for a whole attempt that took too long.
pub fn explain_timeout(operation: &'static str, place: CallContext<'_>) -> CallError {
    let name = place.name();
    let by = place.proxy.map(|proxy| format!(" or the proxy {proxy}")).unwrap_or_default();
    CallError {
        operation,
        cause: CallErrorCause::NoAnswer,
        code: None,
        message: format!("the request to {name} timed out"),
        help: Some(format!(
            "run the command again; if the error persists, {name}{by} is overloaded, or the network loses packets"
        )),
    }
}
