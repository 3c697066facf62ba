//! Executes changes of groups, their policies and attachments, and their members.

use leasehold_provider::{Attributes, Change, EnactErrorKind, Value};
use rusqlite::{OptionalExtension, params};

use super::{ChangeExecution, DirectoryResult, enacted_without_write};
use crate::kinds::{self, DirectoryPart};
use crate::precondition::LiveMatch;
use crate::rows::{self, Tags};
use crate::{limits, schema};

/// A row of `groups`.
pub(super) struct GroupRow {
    /// Primary key, which other tables refer to as `team`.
    pub key: i64,
    pub name: String,
    pub tags: Tags,
    pub unique_id: String,
}

impl ChangeExecution<'_> {
    /// Executes a change of a group itself.
    pub(super) fn change_group(&self, name: &str) -> DirectoryResult {
        let found = self.find_group(name)?;
        if let (Change::Import { .. } | Change::Release { .. }, row) = (self.change, &found) {
            return self.import_group(row.as_ref());
        }
        let marks = found.as_ref().map(|row| self.require_ownership(&row.unique_id, &row.tags)).transpose()?.flatten();
        if let Some(row) = found.as_ref().filter(|row| row.name != name) {
            return Err(self.conflict_error(&format!("the group {} has the same name in another case", row.name)));
        }
        if let Change::Mark { before, after, .. } = self.change {
            let tags = found.as_ref().map(|row| row.tags.clone()).unwrap_or_default();
            let key = found.as_ref().map(|row| row.key);
            return self.write_marks((found.is_some(), marks), before.as_deref(), after, &tags, |tags| {
                let mut update = self.connection.prepare_cached("UPDATE groups SET tags = ?1 WHERE id = ?2")?;
                update.execute(params![tags, key]).map(drop)
            });
        }
        let live = found.as_ref().map(|_| Attributes::new());
        if let LiveMatch::After = self.match_live_state(live.as_ref(), marks.as_ref())? {
            return Ok(enacted_without_write());
        }
        match (self.change, found) {
            (Change::Create { after }, _) => {
                if let Some(problem) = limits::policy_name_problem(name) {
                    return Err(self.build_error(EnactErrorKind::Limit, &problem, None));
                }
                self.check_attributes(after, &[])?;
                let tags = self.build_columns(after, Some(self.new_marks(after)?))?.tags;
                self.execute_sql(
                    "INSERT INTO groups (name, tags, created_at, unique_id) VALUES (?1, ?2, ?3, 'G' || hex(randomblob(10)))",
                    params![name, tags, self.now],
                )
            }
            (Change::Delete { .. }, Some(row)) => {
                for (parts, table) in
                    [("members", "memberships"), ("policies", "group_policies"), ("attachments", "group_attachments")]
                {
                    let left =
                        self.count_rows(&format!("SELECT count(*) FROM {table} WHERE team = ?1"), params![row.key])?;
                    if left > 0 {
                        return Err(self.conflict_error(&format!("it still has {left} {parts}")));
                    }
                }
                self.execute_sql("DELETE FROM groups WHERE id = ?1", params![row.key])
            }
            _ => Ok(enacted_without_write()),
        }
    }

    fn import_group(&self, row: Option<&GroupRow>) -> DirectoryResult {
        let (Some(row), Change::Import { after, .. }) = (row, self.change) else {
            return Err(self.conflict_error("it does not exist, or the change is not an import"));
        };
        let Some(tags) = self.tags_after_import(&row.tags, after)? else { return Ok(enacted_without_write()) };
        self.execute_sql("UPDATE groups SET tags = ?1 WHERE id = ?2", params![tags, row.key])
    }

    /// Executes a change of a group's inline policy or attachment.
    pub(super) fn change_group_part(&self, group: &str, part: DirectoryPart<'_>) -> DirectoryResult {
        let Some(row) = self.find_group(group)?.filter(|row| row.name == group) else {
            return match self.change {
                Change::Delete { .. } => Ok(enacted_without_write()),
                _ => Err(self.conflict_error(&format!("the group {group} does not exist"))),
            };
        };
        self.require_ownership(&row.unique_id, &row.tags)?;
        let (table, column, key) = match part {
            DirectoryPart::Inline(name) => ("group_policies", "name", name),
            DirectoryPart::Attachment(policy) => ("group_attachments", "policy", policy),
            _ => return Err(self.build_error(EnactErrorKind::Other, "a group can only have policies", None)),
        };
        if self.change.is_marks_only() {
            return Err(self.build_error(
                EnactErrorKind::Other,
                "policies and attachments of a group have no marks",
                None,
            ));
        }
        let live = self.read_group_part(row.key, part)?;
        if let LiveMatch::After = self.match_live_state(live.as_ref(), None)? {
            return Ok(enacted_without_write());
        }
        match (part, self.change) {
            (_, Change::Delete { .. }) => {
                let sql = format!("DELETE FROM {table} WHERE team = ?1 AND {column} = ?2");
                self.execute_sql(&sql, params![row.key, key])
            }
            (DirectoryPart::Inline(name), Change::Create { after } | Change::Update { after, .. }) => {
                self.check_attributes(after, &["policy"])?;
                self.execute_sql(
                    "INSERT INTO group_policies (team, name, document) VALUES (?1, ?2, ?3) \
                     ON CONFLICT DO UPDATE SET document = excluded.document",
                    params![row.key, name, self.build_columns(after, None)?.policy],
                )
            }
            _ => {
                if !kinds::is_arn(key) && self.find_policy(key)?.is_none_or(|row| row.name != key) {
                    return Err(self.conflict_error(&format!("the policy {key} does not exist")));
                }
                self.execute_sql("INSERT INTO group_attachments (team, policy) VALUES (?1, ?2)", params![row.key, key])
            }
        }
    }

    fn read_group_part(&self, group: i64, part: DirectoryPart<'_>) -> DirectoryResult<Option<Attributes>> {
        let query = |sql: &str, key: &str| -> rusqlite::Result<Option<String>> {
            self.connection.prepare_cached(sql)?.query_row(params![group, key], |row| row.get(0)).optional()
        };
        let attributes = |value: Value| Attributes::from([("policy".into(), value)]);
        match part {
            DirectoryPart::Inline(name) => {
                let sql = "SELECT document FROM group_policies WHERE team = ?1 AND name = ?2";
                let text = query(sql, name).map_err(|error| self.sqlite_error(&error))?;
                let document = text.map(|text| rows::parse_json_column(&text, 0)).transpose();
                Ok(document.map_err(|error| self.sqlite_error(&error))?.map(|found| attributes(Value::Document(found))))
            }
            DirectoryPart::Attachment(policy) => {
                let sql = "SELECT policy FROM group_attachments WHERE team = ?1 AND policy = ?2";
                let found = query(sql, policy).map_err(|error| self.sqlite_error(&error))?;
                Ok(found.map(|policy| attributes(policy.into())))
            }
            _ => Ok(None),
        }
    }

    /// Adds a principal to a group.
    pub(super) fn add_to_group(&self, principal: i64, group: &str) -> DirectoryResult {
        let Some(row) = self.find_group(group)?.filter(|row| row.name == group) else {
            return Err(self.conflict_error(&format!("the group {group} does not exist")));
        };
        self.execute_sql("INSERT INTO memberships (principal, team) VALUES (?1, ?2)", params![principal, row.key])
    }

    pub(super) fn find_group(&self, name: &str) -> DirectoryResult<Option<GroupRow>> {
        let read = |row: &rusqlite::Row<'_>| {
            let tags = rows::parse_json_column(row.get_ref(2)?.as_str()?, 2)?;
            Ok(GroupRow { key: row.get(0)?, name: row.get(1)?, tags, unique_id: row.get(3)? })
        };
        let sql = format!("SELECT id, name, tags, {} FROM groups WHERE name = ?1", schema::GROUP_ID);
        let find = || self.connection.prepare_cached(&sql)?.query_row(params![name], read).optional();
        find().map_err(|error| self.sqlite_error(&error))
    }
}
