//! A request as IAM sees it. A witness of a comparison is one, too.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// Who sends a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Caller {
    /// Nobody in particular: the request is not signed.
    Anonymous,
    /// An account root, user, role or role session, by ARN.
    Aws(String),
    /// An AWS service acting for itself.
    Service(String),
    /// Someone that this identity provider vouches for.
    Federated(String),
    /// An S3 canonical user.
    CanonicalUser(String),
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Aws(s) | Self::Service(s) | Self::Federated(s) | Self::CanonicalUser(s) => f.write_str(s),
        }
    }
}

/// One request: someone does one thing to one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who.
    pub principal: Caller,
    /// What, as `service:Action`; its case has no meaning.
    pub action: String,
    /// To what: an ARN, or `*` for an action that takes no resource.
    pub resource: String,
    /// The context: key in lower case → values. A key without values counts as absent.
    pub context: BTreeMap<String, Vec<String>>,
}

impl Request {
    /// A request without context.
    pub fn new(principal: Caller, action: &str, resource: &str) -> Self {
        Self { principal, action: action.to_owned(), resource: resource.to_owned(), context: BTreeMap::new() }
    }

    /// The same request with one more value under a context key.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.context.entry(key.to_lowercase()).or_default().push(value.to_owned());
        self
    }

    /// `{"principal": …, "action": …, "resource": …, "context": {…}}`; the principal as a policy would name it, a
    /// context key of one value as that value.
    pub fn to_value(&self) -> Value {
        let principal = match &self.principal {
            Caller::Anonymous => json!("*"),
            Caller::Aws(arn) => json!({ "AWS": arn }),
            Caller::Service(name) => json!({ "Service": name }),
            Caller::Federated(provider) => json!({ "Federated": provider }),
            Caller::CanonicalUser(id) => json!({ "CanonicalUser": id }),
        };
        let context: BTreeMap<&String, Value> = self
            .context
            .iter()
            .map(|(key, values)| match values.as_slice() {
                [one] => (key, json!(one)),
                many => (key, json!(many)),
            })
            .collect();
        json!({ "principal": principal, "action": self.action, "resource": self.resource, "context": context })
    }
}
