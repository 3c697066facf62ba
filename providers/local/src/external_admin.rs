//! Changes that bypass Leasehold: those an administrator, another tool or a login makes. For tests.
//!
//! In: names and documents. Out: rows written directly to the tables. There is no ownership check, and new objects only
//! have the marks that the caller passes as tags.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use leasehold_provider::{Document, Principal};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use crate::columns::to_stored_text;
use crate::schema::Durability;
use crate::{DirectoryClock, OpenError, documents, schema};

/// An administrator with full access to the directory who does not use Leasehold.
///
/// # Errors
///
/// All methods return [`ExternalAdminError`]: the file cannot be opened, SQLite rejects the statement, or the principal
/// does not exist.
pub struct ExternalAdmin {
    path: PathBuf,
    durability: Durability,
    clock: DirectoryClock,
}

/// Why a change that bypasses Leasehold failed.
#[derive(Debug, thiserror::Error)]
pub enum ExternalAdminError {
    /// The directory could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite rejected the statement.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The named object does not exist.
    #[error("the directory has no {0}")]
    Missing(String),
    /// The stored tags are not valid JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

type AdminResult<T = ()> = Result<T, ExternalAdminError>;

impl ExternalAdmin {
    pub(crate) fn new(path: PathBuf, durability: Durability, clock: DirectoryClock) -> Self {
        Self { path, durability, clock }
    }

    /// Creates a user or role with these tags, which can include the marks of any stack. A role gets an empty trust
    /// policy.
    pub fn create_principal(&self, form: Principal, name: &str, tags: &BTreeMap<String, String>) -> AdminResult {
        let trust = (form == Principal::Role).then(|| to_stored_text(&documents::empty_trust()));
        self.open_connection()?.execute(
            "INSERT INTO principals (form, name, trust, tags, created_at, unique_id) \
             VALUES (?1, ?2, ?3, ?4, ?5, 'X' || hex(randomblob(10)))",
            params![form.as_str(), name, trust, serde_json::to_string(tags)?, self.current_timestamp()],
        )?;
        Ok(())
    }

    /// Creates a policy with these tags.
    pub fn create_policy(&self, name: &str, policy: &Document, tags: &BTreeMap<String, String>) -> AdminResult {
        self.open_connection()?.execute(
            "INSERT INTO policies (name, document, tags, created_at, unique_id) \
             VALUES (?1, ?2, ?3, ?4, 'X' || hex(randomblob(10)))",
            params![name, to_stored_text(policy), serde_json::to_string(tags)?, self.current_timestamp()],
        )?;
        Ok(())
    }

    /// Creates a group with these tags and with an inline policy named `theirs`.
    pub fn create_group(&self, name: &str, policy: &Document, tags: &BTreeMap<String, String>) -> AdminResult {
        let connection = self.open_connection()?;
        connection.execute(
            "INSERT INTO groups (name, tags, created_at, unique_id) VALUES (?1, ?2, ?3, 'X' || hex(randomblob(10)))",
            params![name, serde_json::to_string(tags)?, self.current_timestamp()],
        )?;
        connection.execute(
            "INSERT INTO group_policies (team, name, document) SELECT id, 'theirs', ?2 FROM groups WHERE name = ?1",
            params![name, to_stored_text(policy)],
        )?;
        Ok(())
    }

    /// Adds a user to a group. Does nothing if the group does not exist.
    pub fn add_member(&self, user: &str, group: &str) -> AdminResult {
        self.execute_for_principal(
            user,
            "INSERT INTO memberships (principal, team) SELECT ?1, id FROM groups WHERE name = ?2",
            &[&group],
        )
    }

    /// Creates or replaces an inline policy of a principal.
    pub fn put_inline_policy(&self, principal: &str, name: &str, policy: &Document) -> AdminResult {
        self.execute_for_principal(
            principal,
            "INSERT OR REPLACE INTO inline_policies (principal, name, document) VALUES (?1, ?2, ?3)",
            &[&name, &to_stored_text(policy)],
        )
    }

    /// Deletes an inline policy. Does nothing if it does not exist.
    pub fn delete_inline_policy(&self, principal: &str, name: &str) -> AdminResult {
        self.execute_for_principal(
            principal,
            "DELETE FROM inline_policies WHERE principal = ?1 AND name = ?2",
            &[&name],
        )
    }

    /// Attaches a policy to a principal, by name or ARN. The policy need not exist.
    pub fn attach_policy(&self, principal: &str, policy: &str) -> AdminResult {
        self.execute_for_principal(
            principal,
            "INSERT OR IGNORE INTO attachments (principal, policy) VALUES (?1, ?2)",
            &[&policy],
        )
    }

    /// Detaches a policy from a principal. Does nothing if it is not attached.
    pub fn detach_policy(&self, principal: &str, policy: &str) -> AdminResult {
        self.execute_for_principal(
            principal,
            "DELETE FROM attachments WHERE principal = ?1 AND policy = ?2",
            &[&policy],
        )
    }

    /// Replaces the trust policy of a role.
    pub fn set_trust(&self, role: &str, trust: &Document) -> AdminResult {
        self.execute_for_principal(role, "UPDATE principals SET trust = ?2 WHERE id = ?1", &[&to_stored_text(trust)])
    }

    /// Adds an active access key with the id `key`. There is no limit per user here.
    pub fn add_key(&self, user: &str, key: &str) -> AdminResult {
        self.execute_for_principal(
            user,
            "INSERT INTO access_keys (principal, id, status, created_at) VALUES (?1, ?2, 'Active', ?3)",
            &[&key, &self.current_timestamp()],
        )
    }

    /// Adds a login (a console password) to a user.
    pub fn add_login(&self, user: &str) -> AdminResult {
        self.execute_for_principal(
            user,
            "INSERT OR IGNORE INTO logins (principal, created_at) VALUES (?1, ?2)",
            &[&self.current_timestamp()],
        )
    }

    /// Sets the time of a principal's last use.
    pub fn record_use(&self, principal: &str, at: Timestamp) -> AdminResult {
        self.execute_for_principal(principal, "UPDATE principals SET last_used = ?2 WHERE id = ?1", &[&at.to_string()])
    }

    /// Sets the time of an access key's last use.
    pub fn record_key_use(&self, user: &str, key: &str, at: Timestamp) -> AdminResult {
        self.execute_for_principal(
            user,
            "UPDATE access_keys SET last_used = ?3 WHERE principal = ?1 AND id = ?2",
            &[&key, &at.to_string()],
        )
    }

    /// Replaces all tags of a principal, marks included. Without marks the principal becomes unmanaged.
    pub fn set_tags(&self, principal: &str, tags: &BTreeMap<String, String>) -> AdminResult {
        self.execute_for_principal(
            principal,
            "UPDATE principals SET tags = ?2 WHERE id = ?1",
            &[&serde_json::to_string(tags)?],
        )
    }

    /// Replaces all tags of a policy, marks included. Does nothing if it does not exist.
    pub fn set_policy_tags(&self, policy: &str, tags: &BTreeMap<String, String>) -> AdminResult {
        let sql = "UPDATE policies SET tags = ?2 WHERE name = ?1";
        self.open_connection()?.execute(sql, params![policy, serde_json::to_string(tags)?])?;
        Ok(())
    }

    /// Replaces all tags of a group, marks included. Does nothing if it does not exist.
    pub fn set_group_tags(&self, group: &str, tags: &BTreeMap<String, String>) -> AdminResult {
        let sql = "UPDATE groups SET tags = ?2 WHERE name = ?1";
        self.open_connection()?.execute(sql, params![group, serde_json::to_string(tags)?])?;
        Ok(())
    }

    /// Gives a principal another name. Its unique id stays the same.
    pub fn rename_principal(&self, principal: &str, name: &str) -> AdminResult {
        self.execute_for_principal(principal, "UPDATE principals SET name = ?2 WHERE id = ?1", &[&name])
    }

    /// Returns all tags of a principal, marks included.
    pub fn principal_tags(&self, principal: &str) -> AdminResult<BTreeMap<String, String>> {
        let read = "SELECT tags FROM principals WHERE name = ?1";
        let tags: Option<String> = self.open_connection()?.query_row(read, [principal], |row| row.get(0)).optional()?;
        let tags = tags.ok_or_else(|| ExternalAdminError::Missing(format!("principal {principal}")))?;
        Ok(serde_json::from_str(&tags)?)
    }

    /// Deletes a principal and its policies, attachments, memberships, access keys and login.
    pub fn remove_principal(&self, principal: &str) -> AdminResult {
        for sql in [
            "DELETE FROM memberships WHERE principal = ?1",
            "DELETE FROM logins WHERE principal = ?1",
            "DELETE FROM access_keys WHERE principal = ?1",
            "DELETE FROM attachments WHERE principal = ?1",
            "DELETE FROM inline_policies WHERE principal = ?1",
            "DELETE FROM principals WHERE id = ?1",
        ] {
            self.execute_for_principal(principal, sql, &[])?;
        }
        Ok(())
    }

    /// Returns all rows of the principals, groups and policies with these names, by table and name (`key jane`). Equal
    /// results before and after a command prove that it did not change these objects.
    pub fn rows_of(&self, names: &[&str]) -> AdminResult<BTreeMap<String, Value>> {
        let connection = self.open_connection()?;
        let mut found = BTreeMap::new();
        for (table, sql) in [
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
                let rows = statement.query_map([name], |row| {
                    (0..columns).map(|column| Ok(cell_to_json(row.get_ref(column)?))).collect()
                })?;
                let rows: Vec<Value> = rows.collect::<rusqlite::Result<_>>()?;
                found.insert(format!("{table} {name}"), rows.into());
            }
        }
        Ok(found)
    }

    /// Returns every principal, policy and group with its parts, by unique id. Equal results before and after a command
    /// prove that it changed nothing.
    pub fn rows_by_unique_id(&self) -> AdminResult<BTreeMap<String, Value>> {
        let connection = self.open_connection()?;
        let mut found = BTreeMap::new();
        for (table, key, parts) in OBJECT_TABLES {
            let mut objects = connection.prepare(&format!("SELECT * FROM {table}"))?;
            let objects: Vec<Value> = objects.query_map([], row_to_json)?.collect::<rusqlite::Result<_>>()?;
            for object in objects {
                let id = object.get(key).cloned().unwrap_or_default();
                let mut whole = serde_json::Map::from_iter([("table".to_owned(), Value::from(*table))]);
                for (part, column) in *parts {
                    let mut rows = connection.prepare(&format!("SELECT * FROM {part} WHERE {column} = ?1"))?;
                    let rows = rows.query_map([id.as_i64()], row_to_json)?.collect::<rusqlite::Result<Vec<_>>>()?;
                    whole.insert((*part).to_owned(), rows.into());
                }
                let unique_id = object.get("unique_id").and_then(Value::as_str).unwrap_or_default().to_owned();
                whole.insert("row".to_owned(), object);
                found.insert(unique_id, whole.into());
            }
        }
        Ok(found)
    }

    /// Executes a statement whose first parameter is the primary key of the principal, followed by `values`.
    fn execute_for_principal(&self, principal: &str, sql: &str, values: &[&dyn rusqlite::ToSql]) -> AdminResult {
        let connection = self.open_connection()?;
        let find = "SELECT id FROM principals WHERE name = ?1";
        let key: Option<i64> = connection.query_row(find, [principal], |row| row.get(0)).optional()?;
        let key = key.ok_or_else(|| ExternalAdminError::Missing(format!("principal {principal}")))?;
        let values: Vec<&dyn rusqlite::ToSql> =
            std::iter::once(&key as &dyn rusqlite::ToSql).chain(values.iter().copied()).collect();
        connection.execute(sql, values.as_slice())?;
        Ok(())
    }

    fn open_connection(&self) -> AdminResult<Connection> {
        Ok(schema::open_to_write(&self.path, self.durability)?)
    }

    fn current_timestamp(&self) -> String {
        (self.clock)().to_string()
    }
}

/// A table, its primary key, and the tables of its parts with the column that refers to the key.
type ObjectTable = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// The tables of objects that have a unique id.
const OBJECT_TABLES: &[ObjectTable] = &[
    (
        "principals",
        "id",
        &[
            ("inline_policies", "principal"),
            ("attachments", "principal"),
            ("access_keys", "principal"),
            ("logins", "principal"),
            ("memberships", "principal"),
        ],
    ),
    ("policies", "name", &[]),
    ("groups", "id", &[("group_policies", "team"), ("group_attachments", "team")]),
];

fn row_to_json(row: &rusqlite::Row<'_>) -> rusqlite::Result<Value> {
    let names: Vec<String> = row.as_ref().column_names().map(str::to_owned).collect();
    let cells = names.into_iter().enumerate();
    let cells = cells.map(|(column, name)| Ok((name, cell_to_json(row.get_ref(column)?))));
    Ok(Value::Object(cells.collect::<rusqlite::Result<_>>()?))
}

fn cell_to_json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into(),
    }
}
