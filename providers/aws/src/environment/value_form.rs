//! The expected form of a variable's value, and the check for each form.

use std::ffi::OsStr;

use http::Uri;

/// The expected form of a variable's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueForm {
    /// Any UTF-8 text.
    Text,
    /// A secret: any UTF-8 text, never quoted in messages.
    Secret,
    /// A secret that is sent in an HTTP header: visible ASCII, never quoted in messages.
    HeaderSecret,
    /// Text that is sent in an HTTP header: visible ASCII.
    Header,
    /// The path of a file or folder.
    Path,
    /// `true` or `false`, in upper or lower case. The SDK accepts no other value.
    Flag,
    /// A whole number from 1 to 1000. A larger number of attempts or threads is a mistake, and makes tokio panic.
    Count,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// The name of a region.
    Region,
    /// The URL of a service: http or https, with a host and without a query.
    Endpoint,
    /// The URL of EC2 instance metadata, in the same form.
    MetadataEndpoint,
    /// An http or https URL.
    Url,
    /// The path part of a URL.
    UrlPath,
    /// The address of a proxy. Never quoted in messages, because it may contain a password.
    Proxy,
}

impl ValueForm {
    /// Describes the expected value, with an example.
    #[must_use]
    pub fn describe_expected(self) -> String {
        match self {
            Self::Text | Self::Secret => "UTF-8 text".to_owned(),
            Self::HeaderSecret | Self::Header => "printable ASCII characters without line breaks".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Count => "a whole number from 1 to 1000".to_owned(),
            Self::OneOf(words) => words.join(" or "),
            Self::Region => "the name of a region, such as eu-central-1".to_owned(),
            Self::Endpoint | Self::MetadataEndpoint | Self::Url => {
                "an http or https URL, such as https://iam.example.com".to_owned()
            }
            Self::UrlPath => "the path of a URL, such as /v2/credentials".to_owned(),
            Self::Proxy => "the address of an HTTP proxy, such as http://proxy.example.com:3128".to_owned(),
        }
    }

    /// Whether the value names a host to which requests are sent, so that [`leasehold_provider::EndpointRule`] applies.
    pub(super) fn is_endpoint_form(self) -> bool {
        matches!(self, Self::Endpoint | Self::MetadataEndpoint)
    }

    /// Checks a non-empty value. The error text follows the variable's name in the message.
    pub(super) fn check_value(self, value: &OsStr) -> Result<(), String> {
        if self == Self::Path {
            return Ok(());
        }
        let Some(text) = value.to_str() else { return Err("is not UTF-8".to_owned()) };
        if self.is_valid_text(text) {
            return Ok(());
        }
        Err(match self {
            Self::HeaderSecret => "contains a character that is not allowed in an HTTP header".to_owned(),
            Self::Secret | Self::Proxy => "cannot be used".to_owned(),
            _ => format!("is {text:?}"),
        })
    }

    fn is_valid_text(self, text: &str) -> bool {
        match self {
            Self::Text | Self::Secret | Self::Path => true,
            Self::HeaderSecret | Self::Header => is_header_value(text),
            Self::Flag => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
            Self::Count => text.trim().parse::<u32>().is_ok_and(|count| (1..=1000).contains(&count)),
            Self::OneOf(words) => words.iter().any(|word| word.eq_ignore_ascii_case(text)),
            Self::Region => is_region(text),
            Self::Endpoint | Self::MetadataEndpoint => is_endpoint(text),
            Self::Url => parse_url(text).is_some(),
            Self::UrlPath => text.starts_with('/') && text.parse::<Uri>().is_ok(),
            Self::Proxy => is_proxy(text),
        }
    }
}

/// Whether an HTTP header can contain the text (RFC 9110, section 5.5: visible ASCII, space and tab).
pub fn is_header_value(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte == b'\t' || byte.is_ascii_graphic())
}

/// Whether the text is an http or https URL without a query.
pub fn is_endpoint(text: &str) -> bool {
    parse_url(text).is_some_and(|url| url.query().is_none())
}

/// Whether the text is a valid region name: one label of a host name (RFC 1123), because AWS and the SDK insert it into host names.
fn is_region(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= 63 && text.bytes().all(is_inner) && !text.starts_with('-') && !text.ends_with('-')
}

fn parse_url(text: &str) -> Option<Uri> {
    let url: Uri = text.parse().ok()?;
    let is_http = matches!(url.scheme_str(), Some("http" | "https"));
    (is_http && url.host().is_some_and(|host| !host.is_empty())).then_some(url)
}

/// Whether the text is a proxy address. curl, botocore and the SDK accept an address without a scheme and assume http.
fn is_proxy(text: &str) -> bool {
    if text.contains("://") { parse_url(text).is_some() } else { parse_url(&format!("http://{text}")).is_some() }
}
