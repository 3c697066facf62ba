//! The ledger: an append-only chain of entries that says who decided what, on which basis, what was about to be written, and how it
//! went.
//!
//! An entry is one object, `ledger/<20 digits>.json`, of canonical JSON, made by a conditional write: the store serialises its
//! writers. It holds one or more [`LedgerRecord`]s and the SHA-256 of the entry before it. No record holds a secret, or the value of any
//! attribute: objects are named by id and digest, and what is archived lies under `evidence/`.
//!
//! [`entry`] and [`record`] are the format; [`chain`] appends and reads; [`journal`] stands between the executor and the chain;
//! [`accounts`] says where a stack has anything; [`unfinished`] finds what a killed run left open; [`evidence`] archives; [`checkpoint`] signs; [`verify`] checks all of it.

pub mod accounts;
pub mod chain;
pub mod checkpoint;
pub mod entry;
pub mod evidence;
pub mod journal;
pub mod record;
pub mod unfinished;
pub mod verify;

pub use chain::{Chain, LedgerError};
pub use entry::{LedgerEntry, LedgerHead};
pub use record::LedgerRecord;
