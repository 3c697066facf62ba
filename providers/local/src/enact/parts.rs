//! Changes of what hangs on a principal: inline policies, attachments, access keys, the login.

use leasehold_provider::{Attributes, Change, EnactErrorKind, Principal, Resource, Value};
use rusqlite::{OptionalExtension, params};

use super::{Outcome, Task, already_so};
use crate::columns::text;
use crate::expectation::Verdict;
use crate::kinds::{self, Part};
use crate::rows::{self, PrincipalRow};

/// Access keys one user may have.
const KEYS: i64 = 2;

impl Task<'_> {
    /// A change of an object that hangs on `principal`.
    pub(super) fn part(&self, principal: &str, part: Part<'_>) -> Outcome {
        let Some(holder) = self.find_principal(principal)?.filter(|row| row.name == principal) else {
            return match self.change {
                Change::Delete { .. } => Ok(already_so()),
                _ => Err(self.conflict(&format!("the principal {principal} does not exist"))),
            };
        };
        self.owned(&holder.tags)?;
        if self.change.is_of_marks() {
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
            (Part::Membership(_), _) if holder.form == Principal::Role => {
                Err(self.fail(EnactErrorKind::Other, "a role is in no group", None))
            }
            (Part::Membership(group), _) => self.join(holder.id, group),
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
            (_, Change::Mark { .. } | Change::Adopt { .. } | Change::Unmark { .. }) => Ok(already_so()),
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
            Part::Membership(group) => {
                let sql = "DELETE FROM memberships WHERE principal = ?1 \
                           AND team = (SELECT id FROM groups WHERE name = ?2)";
                self.write(sql, params![holder, group])
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
            Part::Membership(group) => {
                let sql = "SELECT g.name FROM memberships m JOIN groups g ON g.id = m.team \
                           WHERE m.principal = ?1 AND g.name = ?2";
                query(sql, group).map_err(|error| self.sqlite(&error))?.map(|name| attributes("group", name.into()))
            }
            Part::Login => {
                let there = self.count("SELECT count(*) FROM logins WHERE principal = ?1", params![holder])?;
                (there > 0).then(Attributes::new)
            }
        };
        Ok(found)
    }

    fn key_status(&self, after: &Resource) -> Outcome<String> {
        let status = text(after, "status").map_err(|problem| self.fail(EnactErrorKind::Other, &problem, None))?;
        status.ok_or_else(|| self.fail(EnactErrorKind::Other, "a key has a status", None))
    }
}
