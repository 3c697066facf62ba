//! The record of a request: what the client sent, what the emulator answered, what the client got.

use std::collections::BTreeMap;

/// One request that reached the proxy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordedRequest {
    /// Name of the API action (`CreateRole`), or `S3:` and the method for S3 (`S3:PUT`).
    pub action: String,
    /// All parameters by name, documents included. For S3: `Key`, which is the path with the bucket, the query, and the headers that need
    /// permissions of their own.
    pub parameters: BTreeMap<String, String>,
    /// Name of the fault that affected the request, such as `response lost`; `None` if no fault did.
    pub fault: Option<&'static str>,
    /// Response of the emulator; `None` if the request was not forwarded.
    pub response: Option<RecordedResponse>,
    /// HTTP status that the client got; `None` if it got no response.
    pub client_status: Option<u16>,
}

/// A response of the emulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedResponse {
    /// Position among all responses of the emulator. Requests take effect in this order.
    pub sequence: usize,
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub text: String,
}

impl RecordedResponse {
    /// Returns the text of the first XML element with this name; `None` if there is none.
    #[must_use]
    pub fn element_text(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    }
}

impl RecordedRequest {
    /// Returns whether the action writes to IAM: all except `Get…`, `List…`, `Generate…`, `Simulate…`, and those of STS
    /// and S3.
    #[must_use]
    pub fn is_write(&self) -> bool {
        is_write_action(&self.action)
    }

    /// Returns whether the emulator executed the request (status 2xx).
    #[must_use]
    pub fn is_committed(&self) -> bool {
        self.response.as_ref().is_some_and(|response| (200..300).contains(&response.status))
    }

    /// Returns a parameter, or the empty string if the request does not have it.
    #[must_use]
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }
}

pub(crate) fn is_write_action(action: &str) -> bool {
    let read_prefixes = ["Get", "List", "Generate", "Simulate", "AssumeRole", "S3:"];
    !read_prefixes.iter().any(|prefix| action.starts_with(prefix))
}
