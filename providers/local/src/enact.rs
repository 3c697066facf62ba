//! Executes one change of one object, inside a transaction that the caller commits.
//!
//! In: a change and the stack that makes it. Out: [`Enacted`] or an [`EnactError`]. Three checks come before every
//! write:
//!
//! 1. The stack owns the object (see [`OwnedIds`]). A part of a principal or group (a policy, an attachment, a key) belongs to the
//!    stack that owns the principal or group.
//! 2. The live object equals the change's `before` (write it), or its `after` (nothing to do). Otherwise it is a conflict.
//! 3. The new object is within the directory's limits.

mod groups;
mod ownership;
mod parts;

use jiff::Timestamp;
use leasehold_provider::{
    Attributes, Change, EnactError, EnactErrorKind, Enacted, Marks, Principal, Resource, ResourceId, StackName,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::columns::ResourceColumns;
use crate::kinds::{self, DirectoryObject};
use crate::owned_ids::OwnedIds;
use crate::precondition::{self, LiveMatch};
use crate::rows::{self, PolicyRow, PrincipalRow, Tags};
use crate::{errors, limits, schema};

/// Executes a change of an object of a stack. `now` becomes the creation time of a new object.
///
/// # Errors
///
/// `NotOurs` if the object does not belong to `stack`, `Conflict` if it is not as the change expects it, `Limit` if the
/// new object exceeds a limit, and the kinds of [`errors::write_error`].
pub fn execute_change(
    connection: &Connection,
    (stack, owned): (&StackName, &OwnedIds),
    now: Timestamp,
    change: &Change,
) -> Result<Enacted, EnactError> {
    let execution = ChangeExecution { connection, stack, owned, now: now.to_string(), change, id: change.id() };
    let enacted = match kinds::parse_object_id(execution.id) {
        Some(DirectoryObject::Principal(form, name)) => execution.change_principal(form, name),
        Some(DirectoryObject::Policy(name)) => execution.change_policy(name),
        Some(DirectoryObject::Part(principal, part)) => execution.change_part(principal, part),
        Some(DirectoryObject::Group(name)) => execution.change_group(name),
        Some(DirectoryObject::GroupPart(group, part)) => execution.change_group_part(group, part),
        None => Err(execution.build_error(
            EnactErrorKind::Other,
            "the directory does not support this kind of object",
            None,
        )),
    }?;
    Ok(Enacted { unique_id: execution.record_new_object()?, ..enacted })
}

/// One change and what its execution needs.
struct ChangeExecution<'a> {
    connection: &'a Connection,
    stack: &'a StackName,
    owned: &'a OwnedIds,
    /// RFC 3339.
    now: String,
    change: &'a Change,
    id: &'a ResourceId,
}

/// Result of one change, or of a step of it.
pub type DirectoryResult<T = Enacted> = Result<T, EnactError>;

/// The attributes a principal can have.
const PRINCIPAL_ATTRIBUTES: [&str; 5] =
    ["description", "permissions_boundary", "tags", "trust", "max_session_duration"];

impl ChangeExecution<'_> {
    fn change_principal(&self, form: Principal, name: &str) -> DirectoryResult {
        let found = self.find_principal(name)?;
        let (live, same_name) = match found {
            Some(row) if row.form == form && row.name == name => (Some(row), None),
            other => (None, other),
        };
        if let Change::Import { .. } | Change::Release { .. } = self.change {
            return self.change_principal_ownership(live.as_ref());
        }
        let marks = live.as_ref().map(|row| self.require_ownership(&row.unique_id, &row.tags)).transpose()?.flatten();
        if let (Change::Create { .. }, Some(row)) = (self.change, &same_name) {
            self.require_ownership(&row.unique_id, &row.tags)?;
            let other = kinds::principal_path(row.form, &row.name);
            let message =
                format!("{other} has this name; names are unique among users and roles, and case-insensitive");
            return Err(self.build_error(EnactErrorKind::Conflict, &message, Some("choose another name")));
        }
        let key = live.as_ref().map(|row| row.id);
        let tags = live.as_ref().map(|row| row.tags.clone()).unwrap_or_default();
        let live = live.map(PrincipalRow::into_attributes);
        if let Change::Mark { before, after, .. } = self.change {
            return self.write_marks((live.is_some(), marks), before.as_deref(), after, &tags, |tags| {
                let mut update = self.connection.prepare_cached("UPDATE principals SET tags = ?1 WHERE id = ?2")?;
                update.execute(params![tags, key]).map(drop)
            });
        }
        if let LiveMatch::After = self.match_live_state(live.as_ref(), marks.as_ref())? {
            return Ok(enacted_without_write());
        }
        match self.change {
            Change::Create { after } => self.create_principal(form, name, after),
            Change::Update { after, .. } => self.update_principal(after, marks, key),
            Change::Delete { .. } => {
                self.require_no_parts(key)?;
                self.execute_sql("DELETE FROM principals WHERE id = ?1", params![key])
            }
            Change::Mark { .. } | Change::Import { .. } | Change::Release { .. } => Ok(enacted_without_write()),
        }
    }

    fn create_principal(&self, form: Principal, name: &str, after: &Resource) -> DirectoryResult {
        if let Some(problem) = limits::principal_name_problem(name) {
            return Err(self.build_error(EnactErrorKind::Limit, &problem, None));
        }
        self.check_attributes(after, &PRINCIPAL_ATTRIBUTES)?;
        let columns = self.build_columns(after, Some(self.new_marks(after)?))?;
        self.execute_sql(
            "INSERT INTO principals (form, name, description, trust, max_session_duration, boundary, tags, \
             created_at, unique_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'P' || hex(randomblob(10)))",
            params![
                form.as_str(),
                name,
                columns.description,
                columns.trust,
                columns.max_session_duration,
                columns.boundary,
                columns.tags,
                self.now
            ],
        )
    }

    fn update_principal(&self, after: &Resource, marks: Option<Marks>, key: Option<i64>) -> DirectoryResult {
        self.check_attributes(after, &PRINCIPAL_ATTRIBUTES)?;
        let columns = self.build_columns(after, marks)?;
        self.execute_sql(
            "UPDATE principals SET description = ?1, trust = ?2, max_session_duration = ?3, boundary = ?4, \
             tags = ?5 WHERE id = ?6",
            params![
                columns.description,
                columns.trust,
                columns.max_session_duration,
                columns.boundary,
                columns.tags,
                key
            ],
        )
    }

    fn change_policy(&self, name: &str) -> DirectoryResult {
        if let Change::Import { .. } | Change::Release { .. } = self.change {
            return Err(self.build_error(
                EnactErrorKind::Other,
                "only principals and groups can be imported or released",
                None,
            ));
        }
        let found = self.find_policy(name)?;
        let marks = found.as_ref().map(|row| self.require_ownership(&row.unique_id, &row.tags)).transpose()?.flatten();
        if let Some(row) = found.as_ref().filter(|row| row.name != name) {
            return match self.change {
                Change::Delete { .. } => Ok(enacted_without_write()),
                _ => Err(self.conflict_error(&format!("the policy {} has the same name in another case", row.name))),
            };
        }
        let tags = found.as_ref().map(|row| row.tags.clone()).unwrap_or_default();
        let live = found.map(PolicyRow::into_attributes);
        if let Change::Mark { before, after, .. } = self.change {
            return self.write_marks((live.is_some(), marks), before.as_deref(), after, &tags, |tags| {
                let mut update = self.connection.prepare_cached("UPDATE policies SET tags = ?1 WHERE name = ?2")?;
                update.execute(params![tags, name]).map(drop)
            });
        }
        if let LiveMatch::After = self.match_live_state(live.as_ref(), marks.as_ref())? {
            return Ok(enacted_without_write());
        }
        match self.change {
            Change::Create { after } => {
                if let Some(problem) = limits::policy_name_problem(name) {
                    return Err(self.build_error(EnactErrorKind::Limit, &problem, None));
                }
                self.check_attributes(after, &["description", "policy", "tags"])?;
                let columns = self.build_columns(after, Some(self.new_marks(after)?))?;
                self.execute_sql(
                    "INSERT INTO policies (name, description, document, tags, created_at, unique_id) \
                     VALUES (?1, ?2, ?3, ?4, ?5, 'S' || hex(randomblob(10)))",
                    params![name, columns.description, columns.policy, columns.tags, self.now],
                )
            }
            Change::Update { after, .. } => {
                self.check_attributes(after, &["description", "policy", "tags"])?;
                let columns = self.build_columns(after, marks)?;
                self.execute_sql(
                    "UPDATE policies SET description = ?1, document = ?2, tags = ?3 WHERE name = ?4",
                    params![columns.description, columns.policy, columns.tags, name],
                )
            }
            Change::Delete { .. } => {
                let attachments = self.count_rows(
                    "SELECT (SELECT count(*) FROM attachments WHERE policy = ?1) + \
                     (SELECT count(*) FROM group_attachments WHERE policy = ?1)",
                    params![name],
                )?;
                if attachments > 0 {
                    return Err(self.conflict_error(&format!("it is still attached to {attachments} principals")));
                }
                self.execute_sql("DELETE FROM policies WHERE name = ?1", params![name])
            }
            Change::Mark { .. } | Change::Import { .. } | Change::Release { .. } => Ok(enacted_without_write()),
        }
    }

    /// Compares the live object with the change; a conflict if it matches neither side.
    fn match_live_state(&self, live: Option<&Attributes>, marks: Option<&Marks>) -> DirectoryResult<LiveMatch> {
        // If the record of the stack decides, nobody else's edit of a mark is a conflict.
        let marks = marks.filter(|_| self.marks_decide() || matches!(self.change, Change::Create { .. }));
        precondition::check_precondition(self.change, live, marks).map_err(|message| self.conflict_error(message))
    }

    /// Replaces the marks of an object by `after`; `write` stores the new tags. A conflict if the live marks are not
    /// `before`, apart from the digest.
    fn write_marks(
        &self,
        (exists, live): (bool, Option<Marks>),
        before: Option<&Marks>,
        after: &Marks,
        tags: &Tags,
        write: impl FnOnce(&str) -> rusqlite::Result<()>,
    ) -> DirectoryResult {
        if !exists {
            return Err(self.conflict_error("it does not exist"));
        }
        if after.stack != *self.stack {
            let message = format!("the new marks name stack {}, but this is stack {}", after.stack, self.stack);
            return Err(self.build_error(EnactErrorKind::NotManaged, &message, None));
        }
        let mut desired = Marks::without_marks(tags);
        desired.extend(after.to_tags());
        if desired == *tags {
            return Ok(enacted_without_write());
        }
        let is_as_planned = match (before, &live) {
            (Some(before), Some(live)) => precondition::equal_except_digest(before, live),
            _ => true,
        };
        if self.marks_decide() && !is_as_planned {
            return Err(self.conflict_error("its marks have changed since the plan was made"));
        }
        let text = serde_json::to_string(&desired).map_err(|error| self.unexpected_error(&error))?;
        write(&text).map_err(|error| self.sqlite_error(&error))?;
        Ok(enacted_by_write())
    }

    /// Returns the marks of an object to be created. Objects without this stack's marks are not created.
    fn new_marks(&self, after: &Resource) -> DirectoryResult<Marks> {
        match &after.marks {
            Some(marks) if marks.stack == *self.stack => Ok(marks.clone()),
            _ => {
                let message = format!("it would be created without the marks of stack {}", self.stack);
                Err(self.build_error(EnactErrorKind::NotManaged, &message, None))
            }
        }
    }

    /// Returns the marks of an object of this stack; a `NotManaged` error for any other object. `None`: the stack owns the object, and
    /// somebody else removed its marks.
    fn require_ownership(&self, unique_id: &str, tags: &Tags) -> DirectoryResult<Option<Marks>> {
        let marks = Marks::from_tags(tags);
        let reason = match (self.owned.is_owned(unique_id), marks) {
            (Some(true), marks) => return Ok(marks.ok().flatten()),
            (None, Ok(Some(marks))) if marks.stack == *self.stack => return Ok(Some(marks)),
            (Some(false), Ok(Some(marks))) if marks.stack == *self.stack => {
                format!("it has the marks of {}, but stack {} did not create or import it", marks.address, self.stack)
            }
            (_, Ok(Some(marks))) => format!("it has the marks of stack {}, not of {}", marks.stack, self.stack),
            (_, Ok(None)) => format!("it does not have the marks of stack {}", self.stack),
            (_, Err(error)) => error.to_string(),
        };
        let help = "choose another name, or delete the object by hand if it is not needed";
        Err(self.build_error(EnactErrorKind::NotManaged, &reason, Some(help)))
    }

    /// Whether marks decide what belongs to the stack, because the caller has no record.
    fn marks_decide(&self) -> bool {
        self.owned.is_owned("").is_none()
    }

    /// Records the object that the change created or imported, and returns its unique id. `None`: the change was of another kind.
    fn record_new_object(&self) -> DirectoryResult<Option<String>> {
        if !matches!(self.change, Change::Create { .. } | Change::Import { .. }) {
            return Ok(None);
        }
        let (column, table, name) = match kinds::parse_object_id(self.id) {
            Some(DirectoryObject::Principal(_, name)) => (schema::PRINCIPAL_ID, "principals", name),
            Some(DirectoryObject::Policy(name)) => (schema::POLICY_ID, "policies", name),
            Some(DirectoryObject::Group(name)) => (schema::GROUP_ID, "groups", name),
            Some(DirectoryObject::Part(..) | DirectoryObject::GroupPart(..)) | None => return Ok(None),
        };
        let sql = format!("SELECT {column} FROM {table} WHERE name = ?1");
        let read = || self.connection.prepare_cached(&sql)?.query_row(params![name], |row| row.get::<_, String>(0));
        let unique_id = read().map_err(|error| self.sqlite_error(&error))?;
        self.owned.record_created(&unique_id);
        Ok(Some(unique_id))
    }

    /// A conflict if the principal still has parts. The engine deletes parts first; others may have added some since.
    fn require_no_parts(&self, key: Option<i64>) -> DirectoryResult<()> {
        let tables = [
            ("inline policies", "SELECT count(*) FROM inline_policies WHERE principal = ?1"),
            ("attachments", "SELECT count(*) FROM attachments WHERE principal = ?1"),
            ("access keys", "SELECT count(*) FROM access_keys WHERE principal = ?1"),
            ("memberships", "SELECT count(*) FROM memberships WHERE principal = ?1"),
            ("logins", "SELECT count(*) FROM logins WHERE principal = ?1"),
        ];
        for (parts, sql) in tables {
            let left = self.count_rows(sql, params![key])?;
            if left > 0 {
                return Err(self.conflict_error(&format!("it still has {left} {parts}")));
            }
        }
        Ok(())
    }

    fn find_principal(&self, name: &str) -> DirectoryResult<Option<PrincipalRow>> {
        let sql =
            format!("SELECT {}, {} FROM principals WHERE name = ?1", rows::PRINCIPAL_COLUMNS, schema::PRINCIPAL_ID);
        let read = || self.connection.prepare_cached(&sql)?.query_row(params![name], PrincipalRow::read).optional();
        read().map_err(|error| self.sqlite_error(&error))
    }

    fn find_policy(&self, name: &str) -> DirectoryResult<Option<PolicyRow>> {
        let sql = format!("SELECT {}, {} FROM policies WHERE name = ?1", rows::POLICY_COLUMNS, schema::POLICY_ID);
        let read = || self.connection.prepare_cached(&sql)?.query_row(params![name], PolicyRow::read).optional();
        read().map_err(|error| self.sqlite_error(&error))
    }

    fn count_rows(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> DirectoryResult<i64> {
        let read = || self.connection.prepare_cached(sql)?.query_row(values, |row| row.get(0));
        read().map_err(|error| self.sqlite_error(&error))
    }

    fn execute_sql(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> DirectoryResult {
        let write = || self.connection.prepare_cached(sql)?.execute(values);
        write().map_err(|error| self.sqlite_error(&error))?;
        Ok(enacted_by_write())
    }

    fn build_columns(&self, after: &Resource, marks: Option<Marks>) -> DirectoryResult<ResourceColumns> {
        ResourceColumns::from_resource(after, marks)
            .map_err(|problem| self.build_error(EnactErrorKind::Other, &problem, None))
    }

    fn check_attributes(&self, after: &Resource, known: &[&str]) -> DirectoryResult<()> {
        match after.attributes.keys().find(|name| !known.contains(&name.as_ref())) {
            None => Ok(()),
            Some(name) => Err(self.build_error(
                EnactErrorKind::Other,
                &format!("this kind of object has no attribute {name:?}"),
                None,
            )),
        }
    }

    fn conflict_error(&self, message: &str) -> EnactError {
        self.build_error(EnactErrorKind::Conflict, message, Some("the directory has changed: make a new plan"))
    }

    fn unexpected_error(&self, error: &dyn std::error::Error) -> EnactError {
        self.build_error(EnactErrorKind::Other, &error.to_string(), None)
    }

    fn sqlite_error(&self, error: &rusqlite::Error) -> EnactError {
        errors::write_error(&errors::operation_name(self.change), error)
    }

    fn build_error(&self, kind: EnactErrorKind, message: &str, help: Option<&str>) -> EnactError {
        EnactError {
            requests: Vec::new(),
            kind,
            operation: errors::operation_name(self.change),
            message: format!("{}: {message}", self.id),
            help: help.map(str::to_owned),
        }
    }
}

/// A change that was written.
fn enacted_by_write() -> Enacted {
    Enacted { calls: 1, ..Enacted::default() }
}

/// A change whose result was already in place.
fn enacted_without_write() -> Enacted {
    Enacted { calls: 1, note: Some("already in this state".to_owned()), ..Enacted::default() }
}
