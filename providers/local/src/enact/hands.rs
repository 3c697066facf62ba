//! Principals that become the stack's, or nobody's: their marks are put on or taken off, and nothing else is written.

use leasehold_provider::{Change, EnactErrorKind, Marks};
use rusqlite::params;

use super::{Outcome, Task, already_so};
use crate::expectation;
use crate::rows::{Owned, PrincipalRow, Tags};

impl Task<'_> {
    /// Puts the marks of a change on a principal, or takes them off.
    pub(super) fn change_hands(&self, live: Option<&PrincipalRow>) -> Outcome {
        let Some(row) = live else {
            return match self.change {
                Change::Unmark { .. } => Ok(already_so()),
                _ => Err(self.conflict("it does not exist")),
            };
        };
        match self.change {
            Change::Adopt { after, .. } => self.adopt(row, after),
            Change::Unmark { before, .. } => self.unmark(row, before),
            _ => Ok(already_so()),
        }
    }

    fn adopt(&self, row: &PrincipalRow, after: &Marks) -> Outcome {
        match self.adopted_tags(&row.tags, after)? {
            Some(text) => self.write("UPDATE principals SET tags = ?1 WHERE id = ?2", params![text, row.id]),
            None => Ok(already_so()),
        }
    }

    /// The tags of an object that carries no mark, with marks; `None`: it carries them already.
    pub(super) fn adopted_tags(&self, live: &Tags, after: &Marks) -> Outcome<Option<String>> {
        if after.stack != *self.stack {
            let message = format!("the new marks are of stack {}, and this is stack {}", after.stack, self.stack);
            return Err(self.fail(EnactErrorKind::NotOurs, &message, None));
        }
        match Owned::of(live, self.stack) {
            Owned::Unmarked => {
                let mut tags = live.clone();
                tags.extend(after.to_tags());
                serde_json::to_string(&tags).map(Some).map_err(|error| self.other(&error))
            }
            Owned::Ours(marks) if marks.address == after.address => Ok(None),
            Owned::Ours(marks) => Err(self.conflict(&format!("it is {} of this stack already", marks.address))),
            Owned::Other(_) | Owned::Unreadable(_) => self.owned(live).map(|_| None),
        }
    }

    fn unmark(&self, row: &PrincipalRow, before: &Marks) -> Outcome {
        if let Owned::Unmarked = Owned::of(&row.tags, self.stack) {
            return Ok(already_so());
        }
        let live = self.owned(&row.tags)?;
        if !expectation::same_but_digest(before, &live) {
            return Err(self.conflict("its marks are not as the plan found them"));
        }
        let tags = serde_json::to_string(&Marks::without_marks(&row.tags)).map_err(|error| self.other(&error))?;
        self.write("UPDATE principals SET tags = ?1 WHERE id = ?2", params![tags, row.id])
    }
}
