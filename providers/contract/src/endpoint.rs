//! Decides which endpoints may be named, by a stack or by the environment.
//!
//! In: a URL as it is written, and an [`EndpointRule`]. Out: nothing, or an [`EndpointError`]. Invariant: an endpoint that
//! is accepted reads the same to every URL parser. Its scheme is in lower case, its host is the one that the WHATWG
//! parser (crate `url`) prints, and it has no user name, query or fragment. A request therefore goes to the host that
//! was checked.
//!
//! ```text
//! https://minio.example:9000        accepted
//! http://127.0.0.1:5000             accepted: a loopback address
//! http://minio.example              rejected: other people on the network could read the session token
//! http://127.0.0.1@minio.example    rejected: the host is minio.example
//! http://2130706433                 rejected: 127.0.0.1 in another form
//! ```

use url::{Host, Url};

/// The rule for endpoints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EndpointRule {
    /// https to any host, http to loopback addresses.
    #[default]
    HttpsOrLoopback,
    /// The endpoints that the operator lists, and no others.
    Listed {
        /// The list.
        patterns: Vec<EndpointPattern>,
        /// Where the list is written, such as `/etc/leasehold/operator.hcl:3`.
        place: String,
    },
}

/// Why an endpoint must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It is not a URL of the accepted form.
    #[error("{0}")]
    Form(String),
    /// It is http, and its host is not a loopback address.
    #[error("it is http and not a loopback address, so that others on the network could read the session token")]
    NotEncrypted,
    /// The operator does not list it.
    #[error("the operator's bounds do not allow it ({place})")]
    NotListed {
        /// Where the operator's list is written.
        place: String,
    },
}

impl EndpointError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Form(_) => "write a URL such as https://minio.example:9000",
            Self::NotEncrypted => {
                "use https, or a loopback address such as http://127.0.0.1:9000; only the operator can allow other \
                 endpoints (LEASEHOLD_OPERATOR, docs/operator.md)"
            }
            Self::NotListed { .. } => "use an endpoint that the operator allows, or ask the operator to add this one",
        }
    }
}

impl EndpointRule {
    /// Checks an endpoint.
    ///
    /// # Errors
    /// The endpoint does not have the accepted form, or the rule does not allow it.
    pub fn check_endpoint(&self, text: &str) -> Result<(), EndpointError> {
        let url = parse_endpoint(text)?;
        match self {
            Self::HttpsOrLoopback if url.scheme() == "https" || is_loopback(&url) => Ok(()),
            Self::HttpsOrLoopback => Err(EndpointError::NotEncrypted),
            Self::Listed { patterns, .. } if patterns.iter().any(|pattern| pattern.matches_url(&url)) => Ok(()),
            Self::Listed { place, .. } => Err(EndpointError::NotListed { place: place.clone() }),
        }
    }
}

/// An allowed endpoint: one URL, or all URLs whose path begins with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointPattern {
    /// The URL as the parser prints it, with at least `/` as its path.
    url: String,
    /// Whether a path may go on after the text.
    is_prefix: bool,
}

impl EndpointPattern {
    /// Parses a pattern: a URL, which may end in `*` after the `/` that ends the host.
    ///
    /// # Errors
    /// The URL does not have the accepted form, or the `*` is in the host, where it would allow the hosts of others.
    pub fn parse_pattern(text: &str) -> Result<Self, EndpointError> {
        let fixed = text.strip_suffix('*').unwrap_or(text);
        let has_path = fixed.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        if fixed.contains('*') || (fixed.len() < text.len() && !has_path) {
            return Err(EndpointError::Form(
                "`*` is only allowed at the end, after the `/` that ends the host".to_owned(),
            ));
        }
        Ok(Self { url: parse_endpoint(fixed)?.into(), is_prefix: fixed.len() < text.len() })
    }

    fn matches_url(&self, url: &Url) -> bool {
        if self.is_prefix { url.as_str().starts_with(&self.url) } else { url.as_str() == self.url }
    }
}

/// Parses an endpoint. Accepts only the text that the parser itself would print, apart from a default port, upper-case
/// letters in the host, and a missing `/` at the end: another parser, such as that of an SDK, must not see another host.
fn parse_endpoint(text: &str) -> Result<Url, EndpointError> {
    let form = |problem: String| EndpointError::Form(problem);
    let url = Url::parse(text).map_err(|error| form(format!("it is not a URL: {error}")))?;
    let scheme = url.scheme();
    if !matches!(scheme, "https" | "http") {
        return Err(form(format!("its scheme is {scheme}; endpoints are https or http")));
    }
    let Some(host) = url.host_str() else { return Err(form("it has no host".to_owned())) };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(form(format!("it has a user name; its host is {host}")));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(form("it has a query or a fragment".to_owned()));
    }
    let canonical = || form(format!("it is not in the usual form; write {url}"));
    let rest = text.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://")).ok_or_else(canonical)?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let (written, port) = split_port(authority);
    let is_port = port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    if written.eq_ignore_ascii_case(host) && is_port && path == url.path() { Ok(url) } else { Err(canonical()) }
}

/// Splits `host:port`. The host may be an IPv6 address in brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// Whether requests to the URL stay on this machine: 127.0.0.0/8, ::1, or the name `localhost`, which RFC 6761 reserves.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_loopback_are_accepted() {
        for text in [
            "https://minio.example",
            "https://minio.example:9000/",
            "https://minio.example:443/store/a",
            "https://MinIO.Example",
            "https://10.0.0.1",
            "http://127.0.0.1:5000",
            "http://127.0.0.1:80",
            "http://127.8.9.1/",
            "http://localhost:4566",
            "http://[::1]:9000",
        ] {
            assert_eq!(EndpointRule::default().check_endpoint(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn other_endpoints_are_rejected() {
        for text in [
            "http://other",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil",
            "http://localhost.",
            "http://127.0.0.1.",
            "http://10.0.0.1",
            "http://[::2]",
            "http://[::ffff:127.0.0.1]",
            "http://[0:0:0:0:0:0:0:1]",
            "HTTP://evil.example",
            "HTTP://127.0.0.1",
            "HTTPS://minio.example",
            "http://127.0.0.1@evil.example",
            "https://minio.example@evil.example",
            "https://user:word@minio.example",
            "http://127.0.0.1\\@evil.example",
            "http://127.0.0.1\\.evil.example",
            "http://2130706433",
            "http://0x7f000001",
            "http://0177.0.0.1",
            "http://127.1",
            "http://127.0.0.01",
            "http://0.0.0.0",
            "http://%6c%6fcalhost",
            "http://127.0.0.1%2eevil.example",
            "https:\\\\minio.example",
            "https:/minio.example",
            "https:minio.example",
            "https:///minio.example",
            "https://minio.example:",
            "https://minio.example:+9",
            "https://minio.example/a/../b",
            "https://minio.example/?x",
            "https://minio.example#x",
            "https://mini\to.example",
            " https://minio.example",
            "https://minio.example ",
            "https://ｍinio.example",
            "https://minío.example",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "unix:/run/x",
            "javascript:1",
            "//minio.example",
            "minio.example",
            "127.0.0.1:5000",
            "",
        ] {
            assert!(EndpointRule::default().check_endpoint(text).is_err(), "{text:?} is accepted");
        }
    }

    fn listed(patterns: &[&str]) -> EndpointRule {
        let patterns = patterns.iter().map(|text| EndpointPattern::parse_pattern(text).unwrap()).collect();
        EndpointRule::Listed { patterns, place: "operator.hcl:2".to_owned() }
    }

    #[test]
    fn operator_list_is_the_whole_rule() {
        let rule = listed(&["http://minio.internal:9000", "https://gate.example/store/*"]);
        for text in ["http://minio.internal:9000", "http://minio.internal:9000/", "https://gate.example/store/a"] {
            assert_eq!(rule.check_endpoint(text), Ok(()), "{text}");
        }
        for text in [
            "http://minio.internal",
            "https://minio.internal:9000",
            "http://minio.internal:9000/a",
            "http://minio.internal:90001",
            "http://minio.internal:9000@evil.example",
            "http://minio.internal.evil.example:9000",
            "https://gate.example/other",
            "https://gate.example/store/../other",
            "https://gate.example.evil/store/a",
            "http://127.0.0.1:9000",
        ] {
            assert!(rule.check_endpoint(text).is_err(), "{text} is accepted");
        }
        assert!(listed(&[]).check_endpoint("https://minio.example").is_err());
    }

    #[test]
    fn star_in_the_host_is_rejected() {
        for text in
            ["https://*", "https://minio*", "https://*.example/", "https://minio.example*", "*", "https://a/*b*"]
        {
            assert!(EndpointPattern::parse_pattern(text).is_err(), "{text}");
        }
    }

    mod laws {
        use proptest::prelude::*;

        use super::super::*;

        proptest! {
            /// Every parser that takes the part before the first `/`, and drops what is before an `@`, sees the host that was checked.
            #[test]
            fn accepted_http_endpoint_is_loopback_for_a_naive_parser(
                text in r"[hH]ttp:[/\\]{1,3}(localhost|127\.0\.0\.1|\[::1\]|0177|[a-z0-9.@:%\\\[\]]{0,12}){1,3}[/?#@:]?[a-z0-9.@]{0,8}",
            ) {
                if EndpointRule::default().check_endpoint(&text).is_ok() {
                    let authority = text.strip_prefix("http://").unwrap().split(['/', '?', '#', '\\']).next().unwrap();
                    let host = split_port(authority.rsplit('@').next().unwrap()).0;
                    let plain = host.trim_matches(['[', ']']);
                    let is_loopback = plain == "localhost" || plain.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
                    prop_assert!(is_loopback, "{text}");
                }
            }
        }
    }
}
