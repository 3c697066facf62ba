//! Which identities and scopes were applied and not deleted since, according to the ledger.

use leasehold_provider::ChangeKind;

use super::{LedgerReader, list};
use crate::cli::CommandError;
use crate::drift::RecordedIdentities;
use crate::ledger::LedgerRecord;
use crate::workflow::Stack;

/// Their addresses and accounts. `None`: the ledger has no entries, so that this is not known.
///
/// # Errors
/// The ledger cannot be read, or an entry does not parse.
pub async fn read_applied_addresses(stack: &Stack) -> Result<Option<RecordedIdentities>, CommandError> {
    let entries = list::read_entries(&LedgerReader::open_for_stack(stack).await?).await?;
    if entries.is_empty() {
        return Ok(None);
    }
    let mut applied = RecordedIdentities::new();
    for record in entries.into_iter().flat_map(|entry| entry.records) {
        let LedgerRecord::Intent(intent) = record else { continue };
        // The last write to an object that goes away is a deletion. An object that only loses a part is marked after that deletion.
        let subject = (intent.subject, intent.resource.account);
        if intent.action == ChangeKind::Delete {
            applied.remove(&subject);
        } else {
            applied.insert(subject);
        }
    }
    Ok(Some(applied))
}
