//! One change of one object, inside a transaction that the caller commits.
//!
//! Before anything is written it is established whose the object is; what hangs on a principal belongs to whom the principal
//! belongs. Then the live object is held against the change: it is as the change expects it, or already as the change wants
//! it, or it is a conflict.

use jiff::Timestamp;
use leasehold_provider::{
    Attributes, Change, EnactError, EnactErrorKind, Enacted, Marks, Principal, Resource, ResourceId, StackName, Value,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::columns::{Columns, text};
use crate::kinds::{self, Part, Target};
use crate::rows::{self, Owned, PolicyRow, PrincipalRow, Tags};
use crate::{failures, limits};

/// Access keys one user may have.
const KEYS: i64 = 2;

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
        None => Err(task.fail(EnactErrorKind::Other, "the directory has no such kind of object", None)),
    }
}

/// What is to be done about a change, once the live object is known.
enum Verdict {
    Write,
    AlreadySo,
}

struct Task<'a> {
    connection: &'a Connection,
    stack: &'a StackName,
    now: String,
    change: &'a Change,
    id: &'a ResourceId,
}

type Outcome<T = Enacted> = Result<T, EnactError>;

impl Task<'_> {
    fn principal(&self, form: Principal, name: &str) -> Outcome {
        let found = self.find_principal(name)?;
        let (live, namesake) = match found {
            Some(row) if row.form == form && row.name == name => (Some(row), None),
            other => (None, other),
        };
        let marks = live.as_ref().map(|row| self.owned(&row.tags)).transpose()?;
        if let (Change::Create { .. }, Some(row)) = (self.change, &namesake) {
            self.owned(&row.tags)?;
            let other = kinds::principal_path(row.form, &row.name);
            return Err(self.conflict(&format!("{other} has this name; users and roles share one space of names")));
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
            Change::Create { after } => {
                if let Some(problem) = limits::principal_name_problem(name) {
                    return Err(self.fail(EnactErrorKind::Limit, &problem, None));
                }
                self.check_attributes(
                    after,
                    &["description", "permissions_boundary", "tags", "trust", "max_session_duration"],
                )?;
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
            Change::Update { after, .. } => {
                self.check_attributes(
                    after,
                    &["description", "permissions_boundary", "tags", "trust", "max_session_duration"],
                )?;
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
            Change::Delete { .. } => {
                self.nothing_left(key)?;
                self.write("DELETE FROM principals WHERE id = ?1", params![key])
            }
            Change::Mark { .. } => Ok(already_so()),
        }
    }

    fn policy(&self, name: &str) -> Outcome {
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
                let holders = self.count("SELECT count(*) FROM attachments WHERE policy = ?1", params![name])?;
                if holders > 0 {
                    return Err(self.conflict(&format!("{holders} principals still hold it")));
                }
                self.write("DELETE FROM policies WHERE name = ?1", params![name])
            }
            Change::Mark { .. } => Ok(already_so()),
        }
    }

    fn part(&self, principal: &str, part: Part<'_>) -> Outcome {
        let Some(holder) = self.find_principal(principal)?.filter(|row| row.name == principal) else {
            return match self.change {
                Change::Delete { .. } => Ok(already_so()),
                _ => Err(self.conflict(&format!("the principal {principal} does not exist"))),
            };
        };
        self.owned(&holder.tags)?;
        if let Change::Mark { .. } = self.change {
            return Err(self.fail(EnactErrorKind::Other, "only principals and policies carry marks", None));
        }
        let live = self.live_part(holder.id, part)?;
        if let Verdict::AlreadySo = self.verdict(live.as_ref(), None)? {
            return Ok(already_so());
        }
        match (part, self.change) {
            (_, Change::Delete { .. }) => self.delete_part(holder.id, part),
            (Part::Inline(name), Change::Create { after } | Change::Update { after, .. }) => {
                self.check_attributes(after, &["policy"])?;
                self.write(
                    "INSERT INTO inline_policies (principal, name, document) VALUES (?1, ?2, ?3) \
                     ON CONFLICT DO UPDATE SET document = excluded.document",
                    params![holder.id, name, self.columns(after, None)?.policy],
                )
            }
            (Part::Attachment(policy), _) => self.attach(holder.id, policy),
            (Part::Key(key), Change::Create { after }) => self.add_key(&holder, key, after),
            (Part::Key(key), Change::Update { after, .. }) => {
                self.check_attributes(after, &["status"])?;
                self.write(
                    "UPDATE access_keys SET status = ?1 WHERE principal = ?2 AND id = ?3",
                    params![self.key_status(after)?, holder.id, key],
                )
            }
            (Part::Login, _) => {
                self.write("INSERT INTO logins (principal, created_at) VALUES (?1, ?2)", params![holder.id, self.now])
            }
            (_, Change::Mark { .. }) => Ok(already_so()),
        }
    }

    /// A policy of this directory must exist to be attached; one that others manage is known by its ARN only.
    fn attach(&self, holder: i64, policy: &str) -> Outcome {
        if !kinds::is_arn(policy) && self.find_policy(policy)?.is_none_or(|row| row.name != policy) {
            return Err(self.conflict(&format!("the policy {policy} does not exist")));
        }
        self.write("INSERT INTO attachments (principal, policy) VALUES (?1, ?2)", params![holder, policy])
    }

    fn add_key(&self, holder: &PrincipalRow, key: &str, after: &Resource) -> Outcome {
        if holder.form == Principal::Role {
            return Err(self.fail(EnactErrorKind::Other, "a role has no access keys", None));
        }
        let keys = self.count("SELECT count(*) FROM access_keys WHERE principal = ?1", params![holder.id])?;
        if keys >= KEYS {
            let message = format!("{} has {keys} access keys already", holder.name);
            return Err(self.fail(EnactErrorKind::Limit, &message, Some("delete one of them first")));
        }
        self.check_attributes(after, &["status"])?;
        self.write(
            "INSERT INTO access_keys (principal, id, status, created_at) VALUES (?1, ?2, ?3, ?4)",
            params![holder.id, key, self.key_status(after)?, self.now],
        )
    }

    fn delete_part(&self, holder: i64, part: Part<'_>) -> Outcome {
        match part {
            Part::Inline(name) => {
                self.write("DELETE FROM inline_policies WHERE principal = ?1 AND name = ?2", params![holder, name])
            }
            Part::Attachment(policy) => {
                self.write("DELETE FROM attachments WHERE principal = ?1 AND policy = ?2", params![holder, policy])
            }
            Part::Key(key) => {
                self.write("DELETE FROM access_keys WHERE principal = ?1 AND id = ?2", params![holder, key])
            }
            Part::Login => self.write("DELETE FROM logins WHERE principal = ?1", params![holder]),
        }
    }

    fn live_part(&self, holder: i64, part: Part<'_>) -> Outcome<Option<Attributes>> {
        let attributes = |name: &'static str, value: Value| Attributes::from([(name.into(), value)]);
        let query = |sql: &str, key: &str| -> rusqlite::Result<Option<String>> {
            self.connection.prepare_cached(sql)?.query_row(params![holder, key], |row| row.get(0)).optional()
        };
        let found = match part {
            Part::Inline(name) => {
                let sql = "SELECT document FROM inline_policies WHERE principal = ?1 AND name = ?2";
                let text = query(sql, name).map_err(|error| self.sqlite(&error))?;
                let document =
                    text.map(|text| rows::json(&text, 0)).transpose().map_err(|error| self.sqlite(&error))?;
                document.map(|document| attributes("policy", Value::Document(document)))
            }
            Part::Attachment(policy) => {
                let sql = "SELECT policy FROM attachments WHERE principal = ?1 AND policy = ?2";
                query(sql, policy).map_err(|error| self.sqlite(&error))?.map(|name| attributes("policy", name.into()))
            }
            Part::Key(key) => {
                let sql = "SELECT status FROM access_keys WHERE principal = ?1 AND id = ?2";
                query(sql, key).map_err(|error| self.sqlite(&error))?.map(|status| attributes("status", status.into()))
            }
            Part::Login => {
                let there = self.count("SELECT count(*) FROM logins WHERE principal = ?1", params![holder])?;
                (there > 0).then(Attributes::new)
            }
        };
        Ok(found)
    }

    /// Holds the live object against what the change expects. Marks are compared only where something is to be created or
    /// deleted; an update leaves them alone.
    fn verdict(&self, live: Option<&Attributes>, marks: Option<&Marks>) -> Outcome<Verdict> {
        match (self.change, live) {
            (Change::Create { .. }, None) => Ok(Verdict::Write),
            (Change::Create { after }, Some(live)) => {
                let address = after.marks.as_ref().map(|marks| &marks.address);
                if after.attributes == *live && address == marks.map(|marks| &marks.address) {
                    Ok(Verdict::AlreadySo)
                } else {
                    Err(self.conflict("it exists already, and is another than the one to be created"))
                }
            }
            (Change::Update { .. }, None) => Err(self.conflict("it does not exist")),
            (Change::Update { before, after }, Some(live)) => match () {
                () if after.attributes == *live => Ok(Verdict::AlreadySo),
                () if before.attributes == *live => Ok(Verdict::Write),
                () => Err(self.conflict("it is not as the plan found it")),
            },
            (Change::Delete { .. }, None) => Ok(Verdict::AlreadySo),
            (Change::Delete { before }, Some(live)) => {
                let same_marks = match (&before.marks, marks) {
                    (Some(before), Some(marks)) => without_digest(before) == without_digest(marks),
                    _ => true,
                };
                if before.attributes == *live && same_marks {
                    Ok(Verdict::Write)
                } else {
                    Err(self.conflict("it is not as the plan found it"))
                }
            }
            (Change::Mark { .. }, _) => Ok(Verdict::Write),
        }
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
        if before.is_some_and(|before| without_digest(before) != without_digest(&live)) {
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

    fn key_status(&self, after: &Resource) -> Outcome<String> {
        let status = text(after, "status").map_err(|problem| self.fail(EnactErrorKind::Other, &problem, None))?;
        status.ok_or_else(|| self.fail(EnactErrorKind::Other, "a key has a status", None))
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
            kind,
            operation: failures::operation(self.change),
            message: format!("{}: {message}", self.id),
            help: help.map(str::to_owned),
        }
    }
}

fn without_digest(marks: &Marks) -> Marks {
    Marks { digest: None, ..marks.clone() }
}

fn done() -> Enacted {
    Enacted { calls: 1, note: None }
}

fn already_so() -> Enacted {
    Enacted { calls: 1, note: Some("it was so already".to_owned()) }
}
