//! Converts rows of `principals` and `policies` to attributes in canonical form.
//!
//! Snapshots and the precondition checks of writes both use this conversion, so that they agree on what a live object
//! is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use leasehold_provider::{Attributes, Document, Marks, Principal, Value};
use rusqlite::{Row, types};

/// Tags by key, marks included.
pub type Tags = BTreeMap<String, String>;

/// The columns of `principals` in the order that [`RawPrincipalRow::read`] expects, except the last, the unique id.
pub const PRINCIPAL_COLUMNS: &str = "id, form, name, description, trust, max_session_duration, boundary, tags";

/// A row of `principals` whose JSON columns are not parsed yet.
#[derive(Debug)]
pub struct RawPrincipalRow {
    pub id: i64,
    form: Principal,
    name: String,
    description: Option<String>,
    trust: Option<String>,
    max_session_duration: Option<i64>,
    boundary: Option<String>,
    tags: String,
    pub unique_id: String,
}

impl RawPrincipalRow {
    /// Reads a row whose first columns are [`PRINCIPAL_COLUMNS`] and the unique id.
    pub fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            form: if row.get_ref(1)?.as_str()? == "role" { Principal::Role } else { Principal::User },
            name: row.get(2)?,
            description: row.get(3)?,
            trust: row.get(4)?,
            max_session_duration: row.get(5)?,
            boundary: row.get(6)?,
            tags: row.get(7)?,
            unique_id: row.get(8)?,
        })
    }
}

/// A parsed row of `principals`: a user or role.
#[derive(Debug)]
pub struct PrincipalRow {
    pub id: i64,
    pub form: Principal,
    pub name: String,
    pub tags: Tags,
    pub unique_id: String,
    description: Option<String>,
    trust: Option<Document>,
    max_session_duration: Option<i64>,
    boundary: Option<String>,
}

impl PrincipalRow {
    /// Reads a row whose first columns are [`PRINCIPAL_COLUMNS`].
    pub fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Self::from_raw(RawPrincipalRow::read(row)?)
    }

    /// Parses the JSON columns of a row.
    pub fn from_raw(text: RawPrincipalRow) -> rusqlite::Result<Self> {
        Ok(Self {
            id: text.id,
            form: text.form,
            name: text.name,
            tags: parse_json_column(&text.tags, 7)?,
            unique_id: text.unique_id,
            description: text.description,
            trust: text.trust.map(|trust| parse_document_column(&trust, 4)).transpose()?,
            max_session_duration: text.max_session_duration,
            boundary: text.boundary,
        })
    }

    /// Returns the attributes in canonical form. Tags do not include marks.
    pub fn into_attributes(self) -> Attributes {
        let mut attributes = Attributes::new();
        let mut set = |name: &'static str, value: Option<Value>| {
            if let Some(value) = value {
                attributes.insert(Cow::Borrowed(name), value);
            }
        };
        set("description", self.description.map(Value::Text));
        set("trust", self.trust.map(Value::Document));
        set("max_session_duration", self.max_session_duration.map(Value::Number));
        set("permissions_boundary", self.boundary.map(Value::Text));
        set("tags", unmarked_tags(&self.tags));
        attributes
    }
}

/// A parsed row of `policies`.
#[derive(Debug)]
pub struct PolicyRow {
    pub name: String,
    pub tags: Tags,
    pub unique_id: String,
    pub created_at: Option<Timestamp>,
    description: Option<String>,
    document: Document,
}

/// The columns of `policies` in the order that [`PolicyRow::read`] expects, except the last, the unique id.
pub const POLICY_COLUMNS: &str = "name, description, document, tags, created_at";

impl PolicyRow {
    /// Reads a row whose first columns are [`POLICY_COLUMNS`].
    pub fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get(0)?,
            description: row.get(1)?,
            document: parse_document_column(row.get_ref(2)?.as_str()?, 2)?,
            tags: parse_json_column(row.get_ref(3)?.as_str()?, 3)?,
            created_at: read_timestamp(row, 4)?,
            unique_id: row.get(5)?,
        })
    }

    /// Returns the attributes in canonical form. Tags do not include marks.
    pub fn into_attributes(self) -> Attributes {
        let mut attributes = Attributes::from([(Cow::Borrowed("policy"), Value::Document(self.document))]);
        if let Some(description) = self.description {
            attributes.insert(Cow::Borrowed("description"), Value::Text(description));
        }
        if let Some(tags) = unmarked_tags(&self.tags) {
            attributes.insert(Cow::Borrowed("tags"), tags);
        }
        attributes
    }
}

/// Returns the tags that are not marks as an attribute; `None` if there are none.
fn unmarked_tags(tags: &Tags) -> Option<Value> {
    let tags = Marks::without_marks(tags);
    (!tags.is_empty()).then_some(Value::Map(tags))
}

/// Parses a JSON column; `column` is its index in the query, for the error.
pub fn parse_json_column<T: serde::de::DeserializeOwned>(text: &str, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| invalid_json_error(error, column))
}

/// Parses a document column; `column` is its index in the query, for the error.
pub fn parse_document_column(text: &str, column: usize) -> rusqlite::Result<Document> {
    Document::parse_text(text).map_err(|error| invalid_json_error(error, column))
}

fn invalid_json_error(error: serde_json::Error, column: usize) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, types::Type::Text, Box::new(error))
}

/// Reads an RFC 3339 column; `None` for `NULL`.
pub fn read_timestamp(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    let parsed = text.map(str::parse::<Timestamp>).transpose();
    parsed.map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, types::Type::Text, Box::new(error)))
}
