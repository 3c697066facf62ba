//! The ledger: an append-only chain of entries. It records each decision with its basis and its author, each write before it is tried, and
//! the result.
//!
//! In: records of a run. Out: a chain that [`verify`] can check. An entry is one object, `ledger/<20 digits>.json`, of canonical JSON. A
//! conditional write creates it, so the store serializes its writers. It has one or more [`LedgerRecord`]s and the SHA-256 of the entry
//! before it. Invariant: no record contains a secret or the value of an attribute. Objects are named by id and digest; archived objects are
//! under `evidence/`.
//!
//! Example: a plan with one step. The intent is written before the change to the cloud, so a run that is killed in between leaves an
//! intent without an outcome, which the next run resolves.
//!
//! ```text
//! ledger/00000000000000000001.json   previous: SHA-256 of the empty string   run_started, change, approval, intent (step 0)
//!                                    (the change is written to the cloud)
//! ledger/00000000000000000002.json   previous: SHA-256 of entry 1            outcome (step 0), run_ended
//! ```
//!
//! [`entry`] and [`record`] define the format; [`chain`] appends and reads; [`journal`] writes the records of an execution; [`accounts`]
//! stores in which accounts a stack has objects; [`inventory`] which objects it owns; [`unfinished`] finds the intents that a killed run left without an outcome; [`evidence`]
//! archives objects; [`checkpoint`] signs; [`verify`] checks all of it.

pub mod accounts;
pub mod chain;
pub mod checkpoint;
pub mod entry;
pub mod evidence;
pub mod inventory;
pub mod journal;
pub mod record;
pub mod stored_inventory;
pub mod unfinished;
pub mod verify;

pub use chain::{Chain, LedgerError};
pub use entry::{LedgerEntry, LedgerHead};
pub use record::LedgerRecord;
