//! What others do to the directory: administrators by hand, other tools, and the passing of time.
//!
//! For rehearsals and tests. Nothing here asks whose an object is, and nothing here marks what it makes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use leasehold_provider::{Document, Principal};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use crate::columns::stored;
use crate::schema::Durability;
use crate::{Clock, OpenError, documents, schema};

/// Somebody with full access to the directory who does not use this program.
pub struct Outside {
    path: PathBuf,
    durability: Durability,
    clock: Clock,
}

/// Why something could not be done to the directory.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// The directory could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite refused.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// There is nothing of that name.
    #[error("the directory has no {0}")]
    Missing(String),
    /// Tags that are not JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

type Outcome<T = ()> = Result<T, OutsideError>;

impl Outside {
    pub(crate) fn new(path: PathBuf, durability: Durability, clock: Clock) -> Self {
        Self { path, durability, clock }
    }

    /// Makes a user or role. Its tags are whatever is given: none, as a stranger's has, or the marks of some stack.
    pub fn create_principal(&self, form: Principal, name: &str, tags: &BTreeMap<String, String>) -> Outcome {
        let trust = (form == Principal::Role).then(|| stored(&documents::closed_trust()));
        self.connect()?.execute(
            "INSERT INTO principals (form, name, trust, tags, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![form.as_str(), name, trust, serde_json::to_string(tags)?, self.now()],
        )?;
        Ok(())
    }

    /// Makes a policy.
    pub fn create_policy(&self, name: &str, policy: &Document, tags: &BTreeMap<String, String>) -> Outcome {
        self.connect()?.execute(
            "INSERT INTO policies (name, document, tags, created_at) VALUES (?1, ?2, ?3, ?4)",
            params![name, stored(policy), serde_json::to_string(tags)?, self.now()],
        )?;
        Ok(())
    }

    /// Makes a group with a policy inside. Its tags are whatever is given.
    pub fn create_group(&self, name: &str, policy: &Document, tags: &BTreeMap<String, String>) -> Outcome {
        let connection = self.connect()?;
        connection.execute(
            "INSERT INTO groups (name, tags, created_at) VALUES (?1, ?2, ?3)",
            params![name, serde_json::to_string(tags)?, self.now()],
        )?;
        connection.execute(
            "INSERT INTO group_policies (team, name, document) SELECT id, 'theirs', ?2 FROM groups WHERE name = ?1",
            params![name, stored(policy)],
        )?;
        Ok(())
    }

    /// Puts a user into a group.
    pub fn add_member(&self, user: &str, group: &str) -> Outcome {
        self.of(user, "INSERT INTO memberships (principal, team) SELECT ?1, id FROM groups WHERE name = ?2", &[&group])
    }

    /// Writes an inline policy of a principal, new or not.
    pub fn put_inline_policy(&self, principal: &str, name: &str, policy: &Document) -> Outcome {
        self.of(
            principal,
            "INSERT OR REPLACE INTO inline_policies (principal, name, document) VALUES (?1, ?2, ?3)",
            &[&name, &stored(policy)],
        )
    }

    /// Removes an inline policy.
    pub fn delete_inline_policy(&self, principal: &str, name: &str) -> Outcome {
        self.of(principal, "DELETE FROM inline_policies WHERE principal = ?1 AND name = ?2", &[&name])
    }

    /// Attaches a policy, by name or ARN.
    pub fn attach(&self, principal: &str, policy: &str) -> Outcome {
        self.of(principal, "INSERT OR IGNORE INTO attachments (principal, policy) VALUES (?1, ?2)", &[&policy])
    }

    /// Takes a policy off.
    pub fn detach(&self, principal: &str, policy: &str) -> Outcome {
        self.of(principal, "DELETE FROM attachments WHERE principal = ?1 AND policy = ?2", &[&policy])
    }

    /// Replaces a role's trust.
    pub fn set_trust(&self, role: &str, trust: &Document) -> Outcome {
        self.of(role, "UPDATE principals SET trust = ?2 WHERE id = ?1", &[&stored(trust)])
    }

    /// Adds an active access key.
    pub fn add_key(&self, user: &str, key: &str) -> Outcome {
        self.of(
            user,
            "INSERT INTO access_keys (principal, id, status, created_at) VALUES (?1, ?2, 'Active', ?3)",
            &[&key, &self.now()],
        )
    }

    /// Gives a user a password.
    pub fn add_login(&self, user: &str) -> Outcome {
        self.of(user, "INSERT OR IGNORE INTO logins (principal, created_at) VALUES (?1, ?2)", &[&self.now()])
    }

    /// The principal was used at an instant.
    pub fn record_use(&self, principal: &str, at: Timestamp) -> Outcome {
        self.of(principal, "UPDATE principals SET last_used = ?2 WHERE id = ?1", &[&at.to_string()])
    }

    /// An access key was used at an instant.
    pub fn record_key_use(&self, user: &str, key: &str, at: Timestamp) -> Outcome {
        self.of(
            user,
            "UPDATE access_keys SET last_used = ?3 WHERE principal = ?1 AND id = ?2",
            &[&key, &at.to_string()],
        )
    }

    /// Replaces all tags of a principal, marks included.
    pub fn set_tags(&self, principal: &str, tags: &BTreeMap<String, String>) -> Outcome {
        self.of(principal, "UPDATE principals SET tags = ?2 WHERE id = ?1", &[&serde_json::to_string(tags)?])
    }

    /// All tags of a principal, marks included.
    pub fn tags(&self, principal: &str) -> Outcome<BTreeMap<String, String>> {
        let read = "SELECT tags FROM principals WHERE name = ?1";
        let tags: Option<String> = self.connect()?.query_row(read, [principal], |row| row.get(0)).optional()?;
        let tags = tags.ok_or_else(|| OutsideError::Missing(format!("principal {principal}")))?;
        Ok(serde_json::from_str(&tags)?)
    }

    /// Removes a principal with all that hangs on it.
    pub fn remove_principal(&self, principal: &str) -> Outcome {
        for sql in [
            "DELETE FROM memberships WHERE principal = ?1",
            "DELETE FROM logins WHERE principal = ?1",
            "DELETE FROM access_keys WHERE principal = ?1",
            "DELETE FROM attachments WHERE principal = ?1",
            "DELETE FROM inline_policies WHERE principal = ?1",
            "DELETE FROM principals WHERE id = ?1",
        ] {
            self.of(principal, sql, &[])?;
        }
        Ok(())
    }

    /// All that the directory holds of the principals and policies of these names, row by row: equal before and after means
    /// that nobody touched them.
    pub fn rows_of(&self, names: &[&str]) -> Outcome<BTreeMap<String, Value>> {
        let connection = self.connect()?;
        let mut found = BTreeMap::new();
        for (what, sql) in [
            ("principal", "SELECT * FROM principals WHERE name = ?1"),
            ("policy", "SELECT * FROM policies WHERE name = ?1"),
            ("inline", "SELECT i.* FROM inline_policies i JOIN principals p ON p.id = i.principal WHERE p.name = ?1"),
            ("attachment", "SELECT a.* FROM attachments a JOIN principals p ON p.id = a.principal WHERE p.name = ?1"),
            ("key", "SELECT k.* FROM access_keys k JOIN principals p ON p.id = k.principal WHERE p.name = ?1"),
            ("group", "SELECT * FROM groups WHERE name = ?1"),
            ("group policy", "SELECT i.* FROM group_policies i JOIN groups g ON g.id = i.team WHERE g.name = ?1"),
            ("membership", "SELECT m.* FROM memberships m JOIN principals p ON p.id = m.principal WHERE p.name = ?1"),
            ("login", "SELECT l.* FROM logins l JOIN principals p ON p.id = l.principal WHERE p.name = ?1"),
        ] {
            let mut statement = connection.prepare(sql)?;
            let columns = statement.column_count();
            for name in names {
                let rows = statement
                    .query_map([name], |row| (0..columns).map(|column| Ok(cell(row.get_ref(column)?))).collect())?;
                let rows: Vec<Value> = rows.collect::<rusqlite::Result<_>>()?;
                found.insert(format!("{what} {name}"), rows.into());
            }
        }
        Ok(found)
    }

    /// Runs a statement whose first parameter is the principal's key.
    fn of(&self, principal: &str, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Outcome {
        let connection = self.connect()?;
        let find = "SELECT id FROM principals WHERE name = ?1";
        let key: Option<i64> = connection.query_row(find, [principal], |row| row.get(0)).optional()?;
        let key = key.ok_or_else(|| OutsideError::Missing(format!("principal {principal}")))?;
        let values: Vec<&dyn rusqlite::ToSql> =
            std::iter::once(&key as &dyn rusqlite::ToSql).chain(values.iter().copied()).collect();
        connection.execute(sql, values.as_slice())?;
        Ok(())
    }

    fn connect(&self) -> Outcome<Connection> {
        Ok(schema::open_to_write(&self.path, self.durability)?)
    }

    fn now(&self) -> String {
        (self.clock)().to_string()
    }
}

fn cell(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into(),
    }
}
