//! Converts the attributes of a resource to the columns of its table row.
//!
//! In: a [`Resource`] and the marks it will carry. Out: [`ResourceColumns`], or a message that names the attribute of
//! the wrong type. User tags never overwrite marks: a tag whose key is that of a mark is rejected.

use leasehold_provider::{Document, Marks, Resource, Value};

/// Column values of one resource. A table uses only the columns it has; `None` is stored as SQL `NULL`.
#[derive(Debug)]
pub struct ResourceColumns {
    pub description: Option<String>,
    pub boundary: Option<String>,
    /// Seconds.
    pub max_session_duration: Option<i64>,
    pub trust: Option<String>,
    pub policy: Option<String>,
    /// A JSON object of all tags, marks included.
    pub tags: String,
}

impl ResourceColumns {
    /// Converts the attributes of `resource`, and writes `marks` into its tags.
    ///
    /// # Errors
    ///
    /// A message that names the first attribute of the wrong type, or says that a tag has the key of a mark.
    pub fn from_resource(resource: &Resource, marks: Option<Marks>) -> Result<Self, String> {
        let mut tags = match resource.get("tags") {
            None => std::collections::BTreeMap::new(),
            Some(Value::Map(tags)) => tags.clone(),
            Some(_) => return Err("the attribute tags is not a map".to_owned()),
        };
        // Marks decide which stack owns an object: an attribute must not be able to set them.
        if Marks::without_marks(&tags).len() != tags.len() {
            return Err("a tag has the key of a mark".to_owned());
        }
        if let Some(marks) = marks {
            tags.extend(marks.to_tags());
        }
        Ok(Self {
            description: text_attribute(resource, "description")?,
            boundary: text_attribute(resource, "permissions_boundary")?,
            max_session_duration: match resource.get("max_session_duration") {
                None => None,
                Some(Value::Number(seconds)) => Some(*seconds),
                Some(_) => return Err("the attribute max_session_duration is not a number".to_owned()),
            },
            trust: document_attribute(resource, "trust")?,
            // The `policy` attribute of an attachment is a policy name, which has a column of its own.
            policy: match resource.get("policy") {
                Some(Value::Text(_)) => None,
                _ => document_attribute(resource, "policy")?,
            },
            tags: serde_json::to_string(&tags).map_err(|error| error.to_string())?,
        })
    }
}

/// Reads the text attribute `name`; `None` if the resource does not have it.
pub fn text_attribute(resource: &Resource, name: &str) -> Result<Option<String>, String> {
    match resource.get(name) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("the attribute {name} is not a text")),
    }
}

/// Reads the document attribute `name` in the form in which it is stored.
fn document_attribute(resource: &Resource, name: &str) -> Result<Option<String>, String> {
    match resource.get(name) {
        None => Ok(None),
        Some(Value::Document(document)) => Ok(Some(to_stored_text(document))),
        Some(_) => Err(format!("the attribute {name} is not a document")),
    }
}

/// Returns the JSON text of a document, which is what its column holds.
pub fn to_stored_text(document: &Document) -> String {
    document.canonical_text().to_owned()
}
