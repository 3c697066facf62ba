//! One change of one object, inside a transaction that the caller commits.
//!
//! Before anything is written it is established whose the object is; what hangs on a principal belongs to whom the principal
//! belongs. Then the live object is held against the change: it is as the change expects it, or already as the change wants
//! it, or it is a conflict.

mod groups;
mod hands;
mod parts;

use jiff::Timestamp;
use leasehold_provider::{
    Attributes, Change, EnactError, EnactErrorKind, Enacted, Marks, Principal, Resource, ResourceId, StackName,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::columns::Columns;
use crate::expectation::{self, Verdict};
use crate::kinds::{self, Target};
use crate::rows::{self, Owned, PolicyRow, PrincipalRow, Tags};
use crate::{failures, limits};

/// Carries out a change of an object of `stack`. `now` becomes the creation time of what is created.
pub fn carry_out(
    connection: &Connection,
    stack: &StackName,
    now: Timestamp,
    change: &Change,
) -> Result<Enacted, EnactError> {
    let task = Task { connection, stack, now: now.to_string(), change, id: change.id() };
    match kinds::target(task.id) {
        Some(Target::Principal(form, name)) => task.principal(form, name),
        Some(Target::Policy(name)) => task.policy(name),
        Some(Target::Part(principal, part)) => task.part(principal, part),
        Some(Target::Group(name)) => task.group(name),
        Some(Target::GroupPart(group, part)) => task.group_part(group, part),
        None => Err(task.fail(EnactErrorKind::Other, "the directory has no such kind of object", None)),
    }
}

struct Task<'a> {
    connection: &'a Connection,
    stack: &'a StackName,
    now: String,
    change: &'a Change,
    id: &'a ResourceId,
}

type Outcome<T = Enacted> = Result<T, EnactError>;

/// The attributes that a principal may have.
const OF_PRINCIPALS: [&str; 5] = ["description", "permissions_boundary", "tags", "trust", "max_session_duration"];

impl Task<'_> {
    fn principal(&self, form: Principal, name: &str) -> Outcome {
        let found = self.find_principal(name)?;
        let (live, namesake) = match found {
            Some(row) if row.form == form && row.name == name => (Some(row), None),
            other => (None, other),
        };
        if let Change::Adopt { .. } | Change::Unmark { .. } = self.change {
            return self.change_hands(live.as_ref());
        }
        let marks = live.as_ref().map(|row| self.owned(&row.tags)).transpose()?;
        if let (Change::Create { .. }, Some(row)) = (self.change, &namesake) {
            self.owned(&row.tags)?;
            let other = kinds::principal_path(row.form, &row.name);
            let message =
                format!("{other} has this name; users and roles share one space of names, whatever their case");
            return Err(self.fail(EnactErrorKind::Conflict, &message, Some("choose another name")));
        }
        let key = live.as_ref().map(|row| row.id);
        let tags = live.as_ref().map(|row| row.tags.clone()).unwrap_or_default();
        let live = live.map(PrincipalRow::attributes);
        if let Change::Mark { before, after, .. } = self.change {
            return self.mark(marks, before.as_deref(), after, &tags, |tags| {
                let mut update = self.connection.prepare_cached("UPDATE principals SET tags = ?1 WHERE id = ?2")?;
                update.execute(params![tags, key]).map(drop)
            });
        }
        if let Verdict::AlreadySo = self.verdict(live.as_ref(), marks.as_ref())? {
            return Ok(already_so());
        }
        match self.change {
            Change::Create { after } => self.create_principal(form, name, after),
            Change::Update { after, .. } => self.update_principal(after, marks, key),
            Change::Delete { .. } => {
                self.nothing_left(key)?;
                self.write("DELETE FROM principals WHERE id = ?1", params![key])
            }
            Change::Mark { .. } | Change::Adopt { .. } | Change::Unmark { .. } => Ok(already_so()),
        }
    }

    fn create_principal(&self, form: Principal, name: &str, after: &Resource) -> Outcome {
        if let Some(problem) = limits::principal_name_problem(name) {
            return Err(self.fail(EnactErrorKind::Limit, &problem, None));
        }
        self.check_attributes(after, &OF_PRINCIPALS)?;
        let columns = self.columns(after, Some(self.new_marks(after)?))?;
        self.write(
            "INSERT INTO principals (form, name, description, trust, max_session_duration, boundary, tags, \
             created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
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

    fn update_principal(&self, after: &Resource, marks: Option<Marks>, key: Option<i64>) -> Outcome {
        self.check_attributes(after, &OF_PRINCIPALS)?;
        let columns = self.columns(after, marks)?;
        self.write(
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

    fn policy(&self, name: &str) -> Outcome {
        if let Change::Adopt { .. } | Change::Unmark { .. } = self.change {
            return Err(self.fail(EnactErrorKind::Other, "only principals change hands", None));
        }
        let found = self.find_policy(name)?;
        let marks = found.as_ref().map(|row| self.owned(&row.tags)).transpose()?;
        if let Some(row) = found.as_ref().filter(|row| row.name != name) {
            return match self.change {
                Change::Delete { .. } => Ok(already_so()),
                _ => Err(self.conflict(&format!("the policy {} has this name but for case", row.name))),
            };
        }
        let tags = found.as_ref().map(|row| row.tags.clone()).unwrap_or_default();
        let live = found.map(PolicyRow::attributes);
        if let Change::Mark { before, after, .. } = self.change {
            return self.mark(marks, before.as_deref(), after, &tags, |tags| {
                let mut update = self.connection.prepare_cached("UPDATE policies SET tags = ?1 WHERE name = ?2")?;
                update.execute(params![tags, name]).map(drop)
            });
        }
        if let Verdict::AlreadySo = self.verdict(live.as_ref(), marks.as_ref())? {
            return Ok(already_so());
        }
        match self.change {
            Change::Create { after } => {
                if let Some(problem) = limits::policy_name_problem(name) {
                    return Err(self.fail(EnactErrorKind::Limit, &problem, None));
                }
                self.check_attributes(after, &["description", "policy", "tags"])?;
                let columns = self.columns(after, Some(self.new_marks(after)?))?;
                self.write(
                    "INSERT INTO policies (name, description, document, tags, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![name, columns.description, columns.policy, columns.tags, self.now],
                )
            }
            Change::Update { after, .. } => {
                self.check_attributes(after, &["description", "policy", "tags"])?;
                let columns = self.columns(after, marks)?;
                self.write(
                    "UPDATE policies SET description = ?1, document = ?2, tags = ?3 WHERE name = ?4",
                    params![columns.description, columns.policy, columns.tags, name],
                )
            }
            Change::Delete { .. } => {
                let holders = self.count(
                    "SELECT (SELECT count(*) FROM attachments WHERE policy = ?1) + \
                     (SELECT count(*) FROM group_attachments WHERE policy = ?1)",
                    params![name],
                )?;
                if holders > 0 {
                    return Err(self.conflict(&format!("{holders} principals still hold it")));
                }
                self.write("DELETE FROM policies WHERE name = ?1", params![name])
            }
            Change::Mark { .. } | Change::Adopt { .. } | Change::Unmark { .. } => Ok(already_so()),
        }
    }

    /// What is to be done, now that the live object is known.
    fn verdict(&self, live: Option<&Attributes>, marks: Option<&Marks>) -> Outcome<Verdict> {
        expectation::verdict(self.change, live, marks).map_err(|message| self.conflict(message))
    }

    fn mark(
        &self,
        live: Option<Marks>,
        before: Option<&Marks>,
        after: &Marks,
        tags: &Tags,
        write: impl FnOnce(&str) -> rusqlite::Result<()>,
    ) -> Outcome {
        let Some(live) = live else {
            return Err(self.conflict("it does not exist"));
        };
        if after.stack != *self.stack {
            let message = format!("the new marks are of stack {}, and this is stack {}", after.stack, self.stack);
            return Err(self.fail(EnactErrorKind::NotOurs, &message, None));
        }
        let mut wanted = Marks::without_marks(tags);
        wanted.extend(after.to_tags());
        if wanted == *tags {
            return Ok(already_so());
        }
        if before.is_some_and(|before| !expectation::same_but_digest(before, &live)) {
            return Err(self.conflict("its marks are not as the plan found them"));
        }
        let text = serde_json::to_string(&wanted).map_err(|error| self.other(&error))?;
        write(&text).map_err(|error| self.sqlite(&error))?;
        Ok(done())
    }

    /// The marks a new object gets. Nothing is ever created without this stack's mark.
    fn new_marks(&self, after: &Resource) -> Outcome<Marks> {
        match &after.marks {
            Some(marks) if marks.stack == *self.stack => Ok(marks.clone()),
            _ => {
                let message = format!("it would be created without the mark of stack {}", self.stack);
                Err(self.fail(EnactErrorKind::NotOurs, &message, None))
            }
        }
    }

    /// The marks of an object of this stack; an error when it is not one.
    fn owned(&self, tags: &Tags) -> Outcome<Marks> {
        let whose = match Owned::of(tags, self.stack) {
            Owned::Ours(marks) => return Ok(*marks),
            Owned::Other(stack) => format!("it carries the mark of stack {stack}, not of {}", self.stack),
            Owned::Unmarked => format!("it does not carry the mark of stack {}", self.stack),
            Owned::Unreadable(error) => error.to_string(),
        };
        let help = "choose another name, or remove the object by hand if nobody needs it";
        Err(self.fail(EnactErrorKind::NotOurs, &whose, Some(help)))
    }

    fn nothing_left(&self, key: Option<i64>) -> Outcome<()> {
        let tables = [
            ("inline policies", "SELECT count(*) FROM inline_policies WHERE principal = ?1"),
            ("attachments", "SELECT count(*) FROM attachments WHERE principal = ?1"),
            ("access keys", "SELECT count(*) FROM access_keys WHERE principal = ?1"),
            ("memberships", "SELECT count(*) FROM memberships WHERE principal = ?1"),
            ("logins", "SELECT count(*) FROM logins WHERE principal = ?1"),
        ];
        for (what, sql) in tables {
            let left = self.count(sql, params![key])?;
            if left > 0 {
                return Err(self.conflict(&format!("it still has {left} {what}")));
            }
        }
        Ok(())
    }

    fn find_principal(&self, name: &str) -> Outcome<Option<PrincipalRow>> {
        let sql = format!("SELECT {} FROM principals WHERE name = ?1", rows::PRINCIPAL);
        let read = || self.connection.prepare_cached(&sql)?.query_row(params![name], PrincipalRow::read).optional();
        read().map_err(|error| self.sqlite(&error))
    }

    fn find_policy(&self, name: &str) -> Outcome<Option<PolicyRow>> {
        let sql = format!("SELECT {} FROM policies WHERE name = ?1", rows::POLICY);
        let read = || self.connection.prepare_cached(&sql)?.query_row(params![name], PolicyRow::read).optional();
        read().map_err(|error| self.sqlite(&error))
    }

    fn count(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Outcome<i64> {
        let read = || self.connection.prepare_cached(sql)?.query_row(values, |row| row.get(0));
        read().map_err(|error| self.sqlite(&error))
    }

    fn write(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Outcome {
        let write = || self.connection.prepare_cached(sql)?.execute(values);
        write().map_err(|error| self.sqlite(&error))?;
        Ok(done())
    }

    fn columns(&self, after: &Resource, marks: Option<Marks>) -> Outcome<Columns> {
        Columns::of(after, marks).map_err(|problem| self.fail(EnactErrorKind::Other, &problem, None))
    }

    fn check_attributes(&self, after: &Resource, known: &[&str]) -> Outcome<()> {
        match after.attributes.keys().find(|name| !known.contains(&name.as_ref())) {
            None => Ok(()),
            Some(name) => Err(self.fail(EnactErrorKind::Other, &format!("it has no attribute {name:?}"), None)),
        }
    }

    fn conflict(&self, message: &str) -> EnactError {
        self.fail(EnactErrorKind::Conflict, message, Some("plan again: the directory has changed"))
    }

    fn other(&self, error: &dyn std::error::Error) -> EnactError {
        self.fail(EnactErrorKind::Other, &error.to_string(), None)
    }

    fn sqlite(&self, error: &rusqlite::Error) -> EnactError {
        failures::writing(&failures::operation(self.change), error)
    }

    fn fail(&self, kind: EnactErrorKind, message: &str, help: Option<&str>) -> EnactError {
        EnactError {
            requests: Vec::new(),
            kind,
            operation: failures::operation(self.change),
            message: format!("{}: {message}", self.id),
            help: help.map(str::to_owned),
        }
    }
}

fn done() -> Enacted {
    Enacted { calls: 1, ..Enacted::default() }
}

fn already_so() -> Enacted {
    Enacted { calls: 1, note: Some("it was so already".to_owned()), ..Enacted::default() }
}
