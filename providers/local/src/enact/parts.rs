//! Executes changes of a principal's parts: inline policies, attachments, group memberships, access keys, the login.

use leasehold_provider::{Attributes, Change, EnactErrorKind, Principal, Resource, Value};
use rusqlite::{OptionalExtension, params};

use super::{ChangeExecution, DirectoryResult, enacted_without_write};
use crate::columns::text_attribute;
use crate::kinds::{self, DirectoryPart};
use crate::precondition::LiveMatch;
use crate::rows::{self, PrincipalRow};

/// Access keys per user, as in AWS IAM ("IAM and STS quotas").
const MAX_ACCESS_KEYS: i64 = 2;

impl ChangeExecution<'_> {
    /// Executes a change of `part` of `principal`. Deleting a part of a missing principal has nothing to do.
    pub(super) fn change_part(&self, principal: &str, part: DirectoryPart<'_>) -> DirectoryResult {
        let Some(holder) = self.find_principal(principal)?.filter(|row| row.name == principal) else {
            return match self.change {
                Change::Delete { .. } => Ok(enacted_without_write()),
                _ => Err(self.conflict_error(&format!("the principal {principal} does not exist"))),
            };
        };
        self.require_ownership(&holder.unique_id, &holder.tags)?;
        if self.change.is_marks_only() {
            return Err(self.build_error(
                EnactErrorKind::Other,
                "only principals, groups and policies have marks",
                None,
            ));
        }
        let live = self.read_part(holder.id, part)?;
        if let LiveMatch::After = self.match_live_state(live.as_ref(), None)? {
            return Ok(enacted_without_write());
        }
        match (part, self.change) {
            (_, Change::Delete { .. }) => self.delete_part(holder.id, part),
            (DirectoryPart::Inline(name), Change::Create { after } | Change::Update { after, .. }) => {
                self.check_attributes(after, &["policy"])?;
                self.execute_sql(
                    "INSERT INTO inline_policies (principal, name, document) VALUES (?1, ?2, ?3) \
                     ON CONFLICT DO UPDATE SET document = excluded.document",
                    params![holder.id, name, self.build_columns(after, None)?.policy],
                )
            }
            (DirectoryPart::Attachment(policy), _) => self.attach_policy(holder.id, policy),
            (DirectoryPart::Membership(_), _) if holder.form == Principal::Role => {
                Err(self.build_error(EnactErrorKind::Other, "a role cannot be a member of a group", None))
            }
            (DirectoryPart::Membership(group), _) => self.add_to_group(holder.id, group),
            (DirectoryPart::Key(key), Change::Create { after }) => self.add_access_key(&holder, key, after),
            (DirectoryPart::Key(key), Change::Update { after, .. }) => {
                self.check_attributes(after, &["status"])?;
                self.execute_sql(
                    "UPDATE access_keys SET status = ?1 WHERE principal = ?2 AND id = ?3",
                    params![self.key_status(after)?, holder.id, key],
                )
            }
            (DirectoryPart::Login, _) => self.execute_sql(
                "INSERT INTO logins (principal, created_at) VALUES (?1, ?2)",
                params![holder.id, self.now],
            ),
            (_, Change::Mark { .. } | Change::Import { .. } | Change::Release { .. }) => Ok(enacted_without_write()),
        }
    }

    /// Attaches a policy. A policy of this directory must exist; one named by ARN is managed elsewhere and is not
    /// checked.
    fn attach_policy(&self, holder: i64, policy: &str) -> DirectoryResult {
        if !kinds::is_arn(policy) && self.find_policy(policy)?.is_none_or(|row| row.name != policy) {
            return Err(self.conflict_error(&format!("the policy {policy} does not exist")));
        }
        self.execute_sql("INSERT INTO attachments (principal, policy) VALUES (?1, ?2)", params![holder, policy])
    }

    fn add_access_key(&self, holder: &PrincipalRow, key: &str, after: &Resource) -> DirectoryResult {
        if holder.form == Principal::Role {
            return Err(self.build_error(EnactErrorKind::Other, "a role cannot have access keys", None));
        }
        let keys = self.count_rows("SELECT count(*) FROM access_keys WHERE principal = ?1", params![holder.id])?;
        if keys >= MAX_ACCESS_KEYS {
            let message = format!("{} already has {keys} access keys", holder.name);
            return Err(self.build_error(EnactErrorKind::Limit, &message, Some("delete one of them first")));
        }
        self.check_attributes(after, &["status"])?;
        self.execute_sql(
            "INSERT INTO access_keys (principal, id, status, created_at) VALUES (?1, ?2, ?3, ?4)",
            params![holder.id, key, self.key_status(after)?, self.now],
        )
    }

    fn delete_part(&self, holder: i64, part: DirectoryPart<'_>) -> DirectoryResult {
        match part {
            DirectoryPart::Inline(name) => self
                .execute_sql("DELETE FROM inline_policies WHERE principal = ?1 AND name = ?2", params![holder, name]),
            DirectoryPart::Attachment(policy) => self
                .execute_sql("DELETE FROM attachments WHERE principal = ?1 AND policy = ?2", params![holder, policy]),
            DirectoryPart::Key(key) => {
                self.execute_sql("DELETE FROM access_keys WHERE principal = ?1 AND id = ?2", params![holder, key])
            }
            DirectoryPart::Membership(group) => {
                let sql = "DELETE FROM memberships WHERE principal = ?1 \
                           AND team = (SELECT id FROM groups WHERE name = ?2)";
                self.execute_sql(sql, params![holder, group])
            }
            DirectoryPart::Login => self.execute_sql("DELETE FROM logins WHERE principal = ?1", params![holder]),
        }
    }

    fn read_part(&self, holder: i64, part: DirectoryPart<'_>) -> DirectoryResult<Option<Attributes>> {
        let attributes = |name: &'static str, value: Value| Attributes::from([(name.into(), value)]);
        let query = |sql: &str, key: &str| -> rusqlite::Result<Option<String>> {
            self.connection.prepare_cached(sql)?.query_row(params![holder, key], |row| row.get(0)).optional()
        };
        let found = match part {
            DirectoryPart::Inline(name) => {
                let sql = "SELECT document FROM inline_policies WHERE principal = ?1 AND name = ?2";
                let text = query(sql, name).map_err(|error| self.sqlite_error(&error))?;
                let document = text
                    .map(|text| rows::parse_json_column(&text, 0))
                    .transpose()
                    .map_err(|error| self.sqlite_error(&error))?;
                document.map(|document| attributes("policy", Value::Document(document)))
            }
            DirectoryPart::Attachment(policy) => {
                let sql = "SELECT policy FROM attachments WHERE principal = ?1 AND policy = ?2";
                query(sql, policy)
                    .map_err(|error| self.sqlite_error(&error))?
                    .map(|name| attributes("policy", name.into()))
            }
            DirectoryPart::Key(key) => {
                let sql = "SELECT status FROM access_keys WHERE principal = ?1 AND id = ?2";
                query(sql, key)
                    .map_err(|error| self.sqlite_error(&error))?
                    .map(|status| attributes("status", status.into()))
            }
            DirectoryPart::Membership(group) => {
                let sql = "SELECT g.name FROM memberships m JOIN groups g ON g.id = m.team \
                           WHERE m.principal = ?1 AND g.name = ?2";
                query(sql, group)
                    .map_err(|error| self.sqlite_error(&error))?
                    .map(|name| attributes("group", name.into()))
            }
            DirectoryPart::Login => {
                let logins = self.count_rows("SELECT count(*) FROM logins WHERE principal = ?1", params![holder])?;
                (logins > 0).then(Attributes::new)
            }
        };
        Ok(found)
    }

    fn key_status(&self, after: &Resource) -> DirectoryResult<String> {
        let status = text_attribute(after, "status")
            .map_err(|problem| self.build_error(EnactErrorKind::Other, &problem, None))?;
        status.ok_or_else(|| self.build_error(EnactErrorKind::Other, "the access key has no attribute status", None))
    }
}
