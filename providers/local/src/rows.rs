//! The directory's rows and the attributes they are: one translation, used when reading and when writing.

use std::borrow::Cow;
use std::collections::BTreeMap;

use leasehold_provider::marks::InvalidMarks;
use leasehold_provider::{Attributes, Document, Marks, Principal, StackName, Value};
use rusqlite::{Row, types};

/// Tags by key, marks among them.
pub type Tags = BTreeMap<String, String>;

/// The columns of `principals` that [`PrincipalText::read`] wants, in its order.
pub const PRINCIPAL: &str = "id, form, name, description, trust, max_session_duration, boundary, tags";

/// A user or role as its row says it, with nothing taken apart yet.
#[derive(Debug)]
pub struct PrincipalText {
    pub id: i64,
    form: Principal,
    name: String,
    description: Option<String>,
    trust: Option<String>,
    max_session_duration: Option<i64>,
    boundary: Option<String>,
    tags: String,
}

impl PrincipalText {
    /// Reads a row that begins with the columns of [`PRINCIPAL`].
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
        })
    }
}

/// A user or role.
#[derive(Debug)]
pub struct PrincipalRow {
    pub id: i64,
    pub form: Principal,
    pub name: String,
    pub tags: Tags,
    description: Option<String>,
    trust: Option<Document>,
    max_session_duration: Option<i64>,
    boundary: Option<String>,
}

impl PrincipalRow {
    /// Reads a row that begins with the columns of [`PRINCIPAL`].
    pub fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Self::of(PrincipalText::read(row)?)
    }

    /// Takes apart what a row says.
    pub fn of(text: PrincipalText) -> rusqlite::Result<Self> {
        Ok(Self {
            id: text.id,
            form: text.form,
            name: text.name,
            tags: json(&text.tags, 7)?,
            description: text.description,
            trust: text.trust.map(|trust| document(&trust, 4)).transpose()?,
            max_session_duration: text.max_session_duration,
            boundary: text.boundary,
        })
    }

    /// What the row says in normal form.
    pub fn attributes(self) -> Attributes {
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
        set("tags", own_tags(&self.tags));
        attributes
    }
}

/// A policy that stands on its own.
#[derive(Debug)]
pub struct PolicyRow {
    pub name: String,
    pub tags: Tags,
    description: Option<String>,
    document: Document,
}

/// The columns of `policies` that [`PolicyRow::read`] wants, in its order.
pub const POLICY: &str = "name, description, document, tags";

impl PolicyRow {
    /// Reads a row that begins with the columns of [`POLICY`].
    pub fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get(0)?,
            description: row.get(1)?,
            document: document(row.get_ref(2)?.as_str()?, 2)?,
            tags: json(row.get_ref(3)?.as_str()?, 3)?,
        })
    }

    /// What the row says in normal form.
    pub fn attributes(self) -> Attributes {
        let mut attributes = Attributes::from([(Cow::Borrowed("policy"), Value::Document(self.document))]);
        if let Some(description) = self.description {
            attributes.insert(Cow::Borrowed("description"), Value::Text(description));
        }
        if let Some(tags) = own_tags(&self.tags) {
            attributes.insert(Cow::Borrowed("tags"), tags);
        }
        attributes
    }
}

/// The tags that are no marks, as an attribute.
fn own_tags(tags: &Tags) -> Option<Value> {
    let own = Marks::without_marks(tags);
    (!own.is_empty()).then_some(Value::Map(own))
}

/// Reads a JSON column.
pub fn json<T: serde::de::DeserializeOwned>(text: &str, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| no_json(error, column))
}

/// Reads a column that holds a document.
pub fn document(text: &str, column: usize) -> rusqlite::Result<Document> {
    Document::read(text).map_err(|error| no_json(error, column))
}

fn no_json(error: serde_json::Error, column: usize) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, types::Type::Text, Box::new(error))
}

/// Whose an object is, by its tags.
#[derive(Debug)]
pub enum Owned {
    /// This stack's.
    Ours(Box<Marks>),
    /// Another stack's.
    Other(StackName),
    /// Nobody's that is known.
    Unmarked,
    /// It cannot be told.
    Unreadable(InvalidMarks),
}

impl Owned {
    /// Reads the marks among an object's tags.
    pub fn of(tags: &Tags, stack: &StackName) -> Self {
        match Marks::from_tags(tags) {
            Ok(Some(marks)) if marks.stack == *stack => Self::Ours(Box::new(marks)),
            Ok(Some(marks)) => Self::Other(marks.stack),
            Ok(None) => Self::Unmarked,
            Err(error) => Self::Unreadable(error),
        }
    }
}
