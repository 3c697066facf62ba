//! Changes of groups, of what they hold, and of who is in them.

use leasehold_provider::{Attributes, Change, EnactErrorKind, Value};
use rusqlite::{OptionalExtension, params};

use super::{Outcome, Task, already_so};
use crate::expectation::Verdict;
use crate::kinds::{self, Part};
use crate::limits;
use crate::rows::{self, Tags};

/// A group.
pub(super) struct GroupRow {
    pub key: i64,
    pub name: String,
    pub tags: Tags,
}

impl Task<'_> {
    /// A change of a group itself.
    pub(super) fn group(&self, name: &str) -> Outcome {
        let found = self.find_group(name)?;
        if let (Change::Adopt { .. } | Change::Unmark { .. }, row) = (self.change, &found) {
            return self.group_changes_hands(row.as_ref());
        }
        let marks = found.as_ref().map(|row| self.owned(&row.tags)).transpose()?;
        if let Some(row) = found.as_ref().filter(|row| row.name != name) {
            return Err(self.conflict(&format!("the group {} has this name but for case", row.name)));
        }
        if let Change::Mark { before, after, .. } = self.change {
            let tags = found.as_ref().map(|row| row.tags.clone()).unwrap_or_default();
            let key = found.as_ref().map(|row| row.key);
            return self.mark(marks, before.as_deref(), after, &tags, |tags| {
                let mut update = self.connection.prepare_cached("UPDATE groups SET tags = ?1 WHERE id = ?2")?;
                update.execute(params![tags, key]).map(drop)
            });
        }
        let live = found.as_ref().map(|_| Attributes::new());
        if let Verdict::AlreadySo = self.verdict(live.as_ref(), marks.as_ref())? {
            return Ok(already_so());
        }
        match (self.change, found) {
            (Change::Create { after }, _) => {
                if let Some(problem) = limits::policy_name_problem(name) {
                    return Err(self.fail(EnactErrorKind::Limit, &problem, None));
                }
                self.check_attributes(after, &[])?;
                let tags = self.columns(after, Some(self.new_marks(after)?))?.tags;
                self.write(
                    "INSERT INTO groups (name, tags, created_at) VALUES (?1, ?2, ?3)",
                    params![name, tags, self.now],
                )
            }
            (Change::Delete { .. }, Some(row)) => {
                for (what, table) in
                    [("members", "memberships"), ("policies", "group_policies"), ("attachments", "group_attachments")]
                {
                    let left =
                        self.count(&format!("SELECT count(*) FROM {table} WHERE team = ?1"), params![row.key])?;
                    if left > 0 {
                        return Err(self.conflict(&format!("it still has {left} {what}")));
                    }
                }
                self.write("DELETE FROM groups WHERE id = ?1", params![row.key])
            }
            _ => Ok(already_so()),
        }
    }

    fn group_changes_hands(&self, row: Option<&GroupRow>) -> Outcome {
        let (Some(row), Change::Adopt { after, .. }) = (row, self.change) else {
            return Err(self.conflict("it does not exist, or is not to be adopted"));
        };
        let Some(tags) = self.adopted_tags(&row.tags, after)? else { return Ok(already_so()) };
        self.write("UPDATE groups SET tags = ?1 WHERE id = ?2", params![tags, row.key])
    }

    /// A change of what hangs on a group.
    pub(super) fn group_part(&self, group: &str, part: Part<'_>) -> Outcome {
        let Some(row) = self.find_group(group)?.filter(|row| row.name == group) else {
            return match self.change {
                Change::Delete { .. } => Ok(already_so()),
                _ => Err(self.conflict(&format!("the group {group} does not exist"))),
            };
        };
        self.owned(&row.tags)?;
        let (table, column, key) = match part {
            Part::Inline(name) => ("group_policies", "name", name),
            Part::Attachment(policy) => ("group_attachments", "policy", policy),
            _ => return Err(self.fail(EnactErrorKind::Other, "a group holds policies only", None)),
        };
        if self.change.is_of_marks() {
            return Err(self.fail(EnactErrorKind::Other, "what hangs on a group carries no marks", None));
        }
        let live = self.live_group_part(row.key, part)?;
        if let Verdict::AlreadySo = self.verdict(live.as_ref(), None)? {
            return Ok(already_so());
        }
        match (part, self.change) {
            (_, Change::Delete { .. }) => {
                let sql = format!("DELETE FROM {table} WHERE team = ?1 AND {column} = ?2");
                self.write(&sql, params![row.key, key])
            }
            (Part::Inline(name), Change::Create { after } | Change::Update { after, .. }) => {
                self.check_attributes(after, &["policy"])?;
                self.write(
                    "INSERT INTO group_policies (team, name, document) VALUES (?1, ?2, ?3) \
                     ON CONFLICT DO UPDATE SET document = excluded.document",
                    params![row.key, name, self.columns(after, None)?.policy],
                )
            }
            _ => {
                if !kinds::is_arn(key) && self.find_policy(key)?.is_none_or(|row| row.name != key) {
                    return Err(self.conflict(&format!("the policy {key} does not exist")));
                }
                self.write("INSERT INTO group_attachments (team, policy) VALUES (?1, ?2)", params![row.key, key])
            }
        }
    }

    fn live_group_part(&self, group: i64, part: Part<'_>) -> Outcome<Option<Attributes>> {
        let query = |sql: &str, key: &str| -> rusqlite::Result<Option<String>> {
            self.connection.prepare_cached(sql)?.query_row(params![group, key], |row| row.get(0)).optional()
        };
        let attributes = |value: Value| Attributes::from([("policy".into(), value)]);
        match part {
            Part::Inline(name) => {
                let sql = "SELECT document FROM group_policies WHERE team = ?1 AND name = ?2";
                let text = query(sql, name).map_err(|error| self.sqlite(&error))?;
                let document = text.map(|text| rows::json(&text, 0)).transpose();
                Ok(document.map_err(|error| self.sqlite(&error))?.map(|found| attributes(Value::Document(found))))
            }
            Part::Attachment(policy) => {
                let sql = "SELECT policy FROM group_attachments WHERE team = ?1 AND policy = ?2";
                let found = query(sql, policy).map_err(|error| self.sqlite(&error))?;
                Ok(found.map(|policy| attributes(policy.into())))
            }
            _ => Ok(None),
        }
    }

    /// Puts a principal into a group.
    pub(super) fn join(&self, principal: i64, group: &str) -> Outcome {
        let Some(row) = self.find_group(group)?.filter(|row| row.name == group) else {
            return Err(self.conflict(&format!("the group {group} does not exist")));
        };
        self.write("INSERT INTO memberships (principal, team) VALUES (?1, ?2)", params![principal, row.key])
    }

    pub(super) fn find_group(&self, name: &str) -> Outcome<Option<GroupRow>> {
        let read = |row: &rusqlite::Row<'_>| {
            let tags = rows::json(row.get_ref(2)?.as_str()?, 2)?;
            Ok(GroupRow { key: row.get(0)?, name: row.get(1)?, tags })
        };
        let sql = "SELECT id, name, tags FROM groups WHERE name = ?1";
        let find = || self.connection.prepare_cached(sql)?.query_row(params![name], read).optional();
        find().map_err(|error| self.sqlite(&error))
    }
}
