//! The objects that a directory may write for its caller: those that the last observation found to be the stack's, and those
//! created since.
//!
//! In: unique ids, from snapshots and creations. Out: whether an object may be written. Shared by the reads and by the writer thread.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use leasehold_provider::Snapshot;

/// The unique ids of the stack's objects. It has none until a caller that has a record of its objects observes the directory: until
/// then marks decide what may be written.
#[derive(Debug, Clone, Default)]
pub struct OwnedIds(Arc<Mutex<Option<BTreeSet<String>>>>);

impl OwnedIds {
    /// Replaces the ids by those of the stack's objects in a snapshot.
    pub fn record_snapshot(&self, snapshot: &Snapshot) {
        let identities = snapshot.identities.values().map(|live| live.unique_id.clone());
        let shared = snapshot.shared.values().filter(|live| !live.importable).filter_map(|live| live.unique_id.clone());
        *self.lock_ids() = Some(identities.chain(shared).collect());
    }

    /// Adds an object that the stack created or imported.
    pub fn record_created(&self, unique_id: &str) {
        if let Some(ids) = self.lock_ids().as_mut() {
            ids.insert(unique_id.to_owned());
        }
    }

    /// Whether the stack owns the object. `None`: marks decide.
    pub fn is_owned(&self, unique_id: &str) -> Option<bool> {
        self.lock_ids().as_ref().map(|ids| ids.contains(unique_id))
    }

    fn lock_ids(&self) -> std::sync::MutexGuard<'_, Option<BTreeSet<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
