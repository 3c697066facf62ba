//! What came by.

use std::collections::BTreeMap;

/// One request that reached the proxy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// The API's name, such as `CreateRole`; of S3 the method, such as `S3:PUT`.
    pub action: String,
    /// All parameters, documents included; of S3 the `Key`.
    pub parameters: BTreeMap<String, String>,
    /// The fault that met it.
    pub fault: Option<&'static str>,
    /// What the emulator answered; `None` when the request was not sent on.
    pub answer: Option<Answer>,
    /// The status that the client was told; `None` when it was told nothing.
    pub told: Option<u16>,
}

/// An answer of the emulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its place among all answers: requests take effect in this order.
    pub order: usize,
    /// The HTTP status.
    pub status: u16,
    /// The whole text.
    pub text: String,
}

impl Answer {
    /// The text of the first element of that name.
    #[must_use]
    pub fn element(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    }
}

impl Request {
    /// Whether the call changes anything in IAM: all but `Get…`, `List…`, `Generate…`, `Simulate…` and those of STS and S3.
    #[must_use]
    pub fn writes(&self) -> bool {
        writes(&self.action)
    }

    /// Whether the emulator carried it out.
    #[must_use]
    pub fn committed(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| (200..300).contains(&answer.status))
    }

    /// A parameter, empty where there is none.
    #[must_use]
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }
}

pub(crate) fn writes(action: &str) -> bool {
    let reading = ["Get", "List", "Generate", "Simulate", "AssumeRole", "S3:"];
    !reading.iter().any(|reading| action.starts_with(reading))
}
