//! Attributes on their way into columns.

use leasehold_provider::{Document, Marks, Resource, Value};

/// The columns that a resource's attributes fill; which of them there are depends on its table.
#[derive(Debug)]
pub struct Columns {
    pub description: Option<String>,
    pub boundary: Option<String>,
    pub max_session_duration: Option<i64>,
    pub trust: Option<String>,
    pub policy: Option<String>,
    pub tags: String,
}

impl Columns {
    /// The columns of `resource`, its marks among its tags. The error says which attribute has the wrong type.
    pub fn of(resource: &Resource, marks: Option<Marks>) -> Result<Self, String> {
        let mut tags = match resource.get("tags") {
            None => std::collections::BTreeMap::new(),
            Some(Value::Map(tags)) => tags.clone(),
            Some(_) => return Err("tags are a map".to_owned()),
        };
        // Otherwise an attribute could say whose an object is.
        if Marks::without_marks(&tags).len() != tags.len() {
            return Err("a tag is named like a mark".to_owned());
        }
        if let Some(marks) = marks {
            tags.extend(marks.to_tags());
        }
        Ok(Self {
            description: text(resource, "description")?,
            boundary: text(resource, "permissions_boundary")?,
            max_session_duration: match resource.get("max_session_duration") {
                None => None,
                Some(Value::Number(seconds)) => Some(*seconds),
                Some(_) => return Err("max_session_duration is a number".to_owned()),
            },
            trust: document(resource, "trust")?,
            // An attachment's policy is a name, and is no column of this kind.
            policy: match resource.get("policy") {
                Some(Value::Text(_)) => None,
                _ => document(resource, "policy")?,
            },
            tags: serde_json::to_string(&tags).map_err(|error| error.to_string())?,
        })
    }
}

/// A text attribute.
pub fn text(resource: &Resource, name: &str) -> Result<Option<String>, String> {
    match resource.get(name) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{name} is a text")),
    }
}

/// A document attribute, as the text that is stored.
fn document(resource: &Resource, name: &str) -> Result<Option<String>, String> {
    match resource.get(name) {
        None => Ok(None),
        Some(Value::Document(document)) => Ok(Some(stored(document))),
        Some(_) => Err(format!("{name} is a document")),
    }
}

/// A document as it is stored.
pub fn stored(document: &Document) -> String {
    document.text().to_owned()
}
