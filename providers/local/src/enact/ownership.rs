//! Imports a principal into the stack by adding its marks, or releases it by removing them. Nothing else of the
//! principal changes.

use leasehold_provider::{Change, EnactErrorKind, Marks};
use rusqlite::params;

use super::{ChangeExecution, DirectoryResult, enacted_without_write};
use crate::precondition;
use crate::rows::{PrincipalRow, Tags};

impl ChangeExecution<'_> {
    /// Executes `Change::Import` or `Change::Release` on a principal.
    pub(super) fn change_principal_ownership(&self, live: Option<&PrincipalRow>) -> DirectoryResult {
        let Some(row) = live else {
            return match self.change {
                Change::Release { .. } => Ok(enacted_without_write()),
                _ => Err(self.conflict_error("it does not exist")),
            };
        };
        match self.change {
            Change::Import { after, .. } => self.import_principal(row, after),
            Change::Release { before, .. } => self.release_principal(row, before),
            _ => Ok(enacted_without_write()),
        }
    }

    fn import_principal(&self, row: &PrincipalRow, after: &Marks) -> DirectoryResult {
        match self.tags_after_import(&row.tags, after)? {
            Some(text) => self.execute_sql("UPDATE principals SET tags = ?1 WHERE id = ?2", params![text, row.id]),
            None => Ok(enacted_without_write()),
        }
    }

    /// Returns the tags of an unmarked object with `after` added, as JSON; `None` if it already has marks of this
    /// address. An object of another stack, or of another address of this stack, is an error.
    pub(super) fn tags_after_import(&self, live: &Tags, after: &Marks) -> DirectoryResult<Option<String>> {
        if after.stack != *self.stack {
            let message = format!("the new marks name stack {}, but this is stack {}", after.stack, self.stack);
            return Err(self.build_error(EnactErrorKind::NotManaged, &message, None));
        }
        let found = Marks::from_tags(live);
        match found {
            Ok(Some(marks)) if marks.stack != *self.stack => self.refuse_foreign_marks(&marks.stack.to_string()),
            Ok(Some(marks)) if marks.address == after.address && self.marks_decide() => Ok(None),
            Ok(Some(marks)) if self.marks_decide() => {
                Err(self.conflict_error(&format!("it already is {} of this stack", marks.address)))
            }
            // Marks of this stack on an object that it does not own: somebody else wrote them.
            Ok(_) => {
                let mut tags = Marks::without_marks(live);
                tags.extend(after.to_tags());
                serde_json::to_string(&tags).map(Some).map_err(|error| self.unexpected_error(&error))
            }
            Err(error) => Err(self.build_error(EnactErrorKind::NotManaged, &error.to_string(), None)),
        }
    }

    fn refuse_foreign_marks<T>(&self, stack: &str) -> DirectoryResult<T> {
        let message = format!("it has the marks of stack {stack}, not of {}", self.stack);
        Err(self.build_error(EnactErrorKind::NotManaged, &message, None))
    }

    fn release_principal(&self, row: &PrincipalRow, before: &Marks) -> DirectoryResult {
        if matches!(Marks::from_tags(&row.tags), Ok(None)) {
            return Ok(enacted_without_write());
        }
        let live = self.require_ownership(&row.unique_id, &row.tags)?;
        if self.marks_decide()
            && let Some(live) = live
            && !precondition::equal_except_digest(before, &live)
        {
            return Err(self.conflict_error("its marks have changed since the plan was made"));
        }
        let tags =
            serde_json::to_string(&Marks::without_marks(&row.tags)).map_err(|error| self.unexpected_error(&error))?;
        self.execute_sql("UPDATE principals SET tags = ?1 WHERE id = ?2", params![tags, row.id])
    }
}
