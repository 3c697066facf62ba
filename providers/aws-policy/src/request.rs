//! A request as IAM sees it. The witness of a comparison is such a request.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// The caller of a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestCaller {
    /// An unsigned request.
    Anonymous,
    /// An account root user, user, role or role session, by ARN.
    Aws(String),
    /// An AWS service principal, such as `lambda.amazonaws.com`.
    Service(String),
    /// A caller that this identity provider authenticated.
    Federated(String),
    /// An S3 canonical user.
    CanonicalUser(String),
}

impl fmt::Display for RequestCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Aws(s) | Self::Service(s) | Self::Federated(s) | Self::CanonicalUser(s) => f.write_str(s),
        }
    }
}

/// One request: a caller performs an action on a resource, in a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRequest {
    /// The caller.
    pub principal: RequestCaller,
    /// The action as `service:Action`, in any case.
    pub action: String,
    /// The resource: an ARN, or `*` for an action without resource.
    pub resource: String,
    /// The request context: key in lower case → values. A key without values counts as absent.
    pub context: BTreeMap<String, Vec<String>>,
}

impl AccessRequest {
    /// A request with an empty context.
    pub fn new(principal: RequestCaller, action: &str, resource: &str) -> Self {
        Self { principal, action: action.to_owned(), resource: resource.to_owned(), context: BTreeMap::new() }
    }

    /// The same request with one more value for a context key.
    #[must_use]
    pub fn with_context_value(mut self, key: &str, value: &str) -> Self {
        self.context.entry(key.to_lowercase()).or_default().push(value.to_owned());
        self
    }

    /// `{"principal": …, "action": …, "resource": …, "context": {…}}`. The principal has the form of a policy's
    /// `Principal` element. A context key with one value maps to that value, otherwise to a list.
    pub fn to_value(&self) -> Value {
        let principal = match &self.principal {
            RequestCaller::Anonymous => json!("*"),
            RequestCaller::Aws(arn) => json!({ "AWS": arn }),
            RequestCaller::Service(name) => json!({ "Service": name }),
            RequestCaller::Federated(provider) => json!({ "Federated": provider }),
            RequestCaller::CanonicalUser(id) => json!({ "CanonicalUser": id }),
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
