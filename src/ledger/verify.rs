//! Verifies a ledger: the chain, its gaps, its signatures, its evidence, and the intents without an outcome.
//!
//! In: the objects of the ledger, one by one in the order of their numbers. Out: a [`VerifiedLedger`] with the flaws. Entries are not kept
//! in memory, and of their digests only the last 1024, so that long chains can be verified.
//!
//! If an entry does not link to the one before it, either of the two may have been changed. The entry after them decides. Example: entry
//! 3 was edited.
//!
//! ```text
//! entry 4   its `previous` is not the digest of entry 3: undecided
//! entry 5   its `previous` is the digest of entry 4: entry 4 is as it was written, so entry 3 is reported (NotFollowed)
//!           its `previous` is not the digest of entry 4: entry 4 is reported (NotLinked)
//! ```

use std::collections::BTreeMap;

use jiff::Timestamp;
use leasehold_provider::{Digest, StackName};

use super::checkpoint::{self, SignatureTrust, Signers};
use super::entry::{EntryError, LedgerEntry, LedgerHead};
use super::record::{ArchivedEvidence, Intent, LedgerRecord};
use leasehold_provider::Lineage;

/// A flaw of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerFlaw {
    /// The number of the entry; for evidence, of the entry that names it.
    pub entry: u64,
    /// The kind of flaw.
    pub what: FlawKind,
}

/// The kind of a [`LedgerFlaw`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlawKind {
    /// No entry has this number, and later entries exist.
    #[error("the entry is missing")]
    Missing,
    /// The object cannot be parsed as an entry.
    #[error("{0}")]
    NotAnEntry(EntryError),
    /// The number in the entry differs from the number in its name.
    #[error("the entry has the number {0}")]
    WrongNumber(u64),
    /// The entry belongs to another stack.
    #[error("the entry belongs to stack {0}")]
    OtherStack(StackName),
    /// The entry has another lineage than the entries before it.
    #[error("the entry has lineage {}, but the previous entries have lineage {expected}", found.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string))]
    OtherLineage {
        /// The lineage of the entries before it.
        expected: Lineage,
        /// Its own lineage. `None`: it has none.
        found: Option<Lineage>,
    },
    /// It does not link to the entry before it.
    #[error("it does not follow the previous entry: one of the two was changed, added or removed")]
    NotLinked,
    /// The entry after it links to another entry and was not changed itself, so this entry was.
    #[error("the next entry does not follow it: it was changed or added")]
    NotFollowed,
    /// Its date is earlier than that of the entry before it, by more than clocks may differ.
    #[error("its time {at} is before the time of the previous entry")]
    Backdated {
        /// The date of the entry.
        at: Timestamp,
    },
    /// The signature of a checkpoint in it is not valid.
    #[error("the signature of the checkpoint is not valid: {0}")]
    Signature(String),
    /// A checkpoint in it has another digest for the entry that it covers.
    #[error("its checkpoint has another digest for entry {0} than that entry")]
    Checkpoint(u64),
    /// The evidence that it names does not exist.
    #[error("evidence {0} is missing")]
    NoEvidence(Digest),
    /// The evidence that it names was changed.
    #[error("evidence {0} was changed")]
    Evidence(Digest),
    /// The chain was truncated: a checkpoint or the lock knows a later entry.
    #[error("entries after it are missing: the ledger had entry {0}")]
    Truncated(u64),
    /// A checkpoint or the lock knows this entry with another digest.
    #[error("the entry does not match the digest in a checkpoint or in the lock")]
    NotTheSame,
    /// The inventory does not match the ledger.
    #[error("the inventory cannot be used: {0}")]
    Inventory(String),
    /// An object below `ledger/` does not have the name of an entry.
    #[error("{0:?} is not an entry name")]
    UnexpectedObject(String),
}

/// The largest difference between two dates that clocks may explain.
const CLOCKS: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// The state of a verification.
#[derive(Debug)]
pub struct Verification<'a> {
    stack: &'a StackName,
    signers: Option<&'a Signers>,
    known: Vec<LedgerHead>,
    head: LedgerHead,
    lineage: Option<Lineage>,
    at: Option<Timestamp>,
    open: BTreeMap<(String, usize), (u64, Intent)>,
    /// The digests of the last entries, for the checkpoints that cover them.
    digests: BTreeMap<u64, Digest>,
    evidence: Vec<(u64, ArchivedEvidence)>,
    flaws: Vec<LedgerFlaw>,
    /// An entry that does not link to the one before it, until the next entry shows which of the two was changed.
    unlinked: Option<u64>,
    checkpoints: u64,
    trusted: u64,
}

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedLedger {
    /// Number and digest of the last entry.
    pub head: LedgerHead,
    /// The flaws, in the order in which they were found.
    pub flaws: Vec<LedgerFlaw>,
    /// The intents without an outcome: the run, the number of the entry, the intent.
    pub unfinished: Vec<(String, u64, Intent)>,
    /// The number of checkpoints in the chain, and how many of them have the signature of a known signer.
    pub checkpoints: (u64, u64),
    /// The evidence that the ledger names, with the number of the entry that names it.
    pub evidence: Vec<(u64, ArchivedEvidence)>,
}

/// The number of digests that are kept. A checkpoint covers the entry right before its own, or one a few entries earlier.
const KEPT_DIGESTS: u64 = 1024;

impl<'a> Verification<'a> {
    /// A verification before the first entry. `known` are points that the chain must contain: checkpoints that were kept elsewhere, and the
    /// last entry that the lock knows.
    #[must_use]
    pub fn new(stack: &'a StackName, signers: Option<&'a Signers>, known: Vec<LedgerHead>) -> Self {
        Self {
            stack,
            signers,
            known,
            head: LedgerHead::empty_ledger(),
            lineage: None,
            at: None,
            open: BTreeMap::new(),
            digests: BTreeMap::new(),
            evidence: Vec::new(),
            flaws: Vec::new(),
            unlinked: None,
            checkpoints: 0,
            trusted: 0,
        }
    }

    /// Verifies the object with that number. `None`: it does not exist.
    pub fn verify_object(&mut self, number: u64, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes else {
            self.assign_blame(false);
            return self.add_flaw(number, FlawKind::Missing);
        };
        let digest = Digest::from_bytes(bytes);
        match LedgerEntry::parse_entry(bytes) {
            Err(why) => {
                self.assign_blame(false);
                self.add_flaw(number, FlawKind::NotAnEntry(why));
            }
            Ok(entry) => self.verify_entry(number, digest, entry),
        }
        if self.known.iter().any(|known| known.number == number && known.digest != digest) {
            self.add_flaw(number, FlawKind::NotTheSame);
        }
        self.head = LedgerHead { number, digest };
        self.digests.insert(number, digest);
        self.digests.remove(&number.saturating_sub(KEPT_DIGESTS));
    }

    /// Decides which of two entries was changed when the second does not link to the first. If `vouched` (the next entry links to the
    /// second), it is the first.
    fn assign_blame(&mut self, vouched: bool) {
        match self.unlinked.take() {
            Some(number) if vouched => self.add_flaw(number.saturating_sub(1), FlawKind::NotFollowed),
            Some(number) => self.add_flaw(number, FlawKind::NotLinked),
            None => {}
        }
    }

    fn verify_entry(&mut self, number: u64, digest: Digest, entry: LedgerEntry) {
        self.assign_blame(entry.previous == self.head.digest);
        if entry.number != number {
            self.add_flaw(number, FlawKind::WrongNumber(entry.number));
        }
        if entry.stack != *self.stack {
            self.add_flaw(number, FlawKind::OtherStack(entry.stack.clone()));
        }
        match &self.lineage {
            None => self.lineage.clone_from(&entry.lineage),
            Some(expected) if entry.lineage.as_ref() != Some(expected) => {
                let wrong = FlawKind::OtherLineage { expected: expected.clone(), found: entry.lineage.clone() };
                self.add_flaw(number, wrong);
            }
            Some(_) => {}
        }
        if entry.previous != self.head.digest {
            // An entry before it was removed, or it is a copy of the entry before it. In both cases the flaw is in this entry.
            if entry.number > number || digest == self.head.digest || number == 1 {
                self.add_flaw(number, FlawKind::NotLinked);
            } else {
                self.unlinked = Some(number);
            }
        }
        if self.at.is_some_and(|before| entry.at.duration_until(before) > CLOCKS) {
            self.add_flaw(number, FlawKind::Backdated { at: entry.at });
        }
        self.at = Some(entry.at);
        for record in entry.records {
            self.verify_record(number, &entry.run, record);
        }
    }

    fn verify_record(&mut self, number: u64, run: &str, record: LedgerRecord) {
        match record {
            LedgerRecord::Intent(intent) => {
                self.open.insert((run.to_owned(), intent.step), (number, intent));
            }
            LedgerRecord::Outcome(outcome) => {
                self.open.remove(&(run.to_owned(), outcome.step));
            }
            LedgerRecord::Resolved(resolved) => {
                self.open.remove(&(resolved.of_run, resolved.step));
            }
            LedgerRecord::Evidence(archived) => self.evidence.push((number, archived)),
            LedgerRecord::Checkpoint(signed) => self.verify_checkpoint(number, &signed),
            _ => {}
        }
    }

    fn verify_checkpoint(&mut self, number: u64, signed: &super::record::SignedCheckpoint) {
        self.checkpoints = self.checkpoints.saturating_add(1);
        if self.digests.get(&signed.number).is_some_and(|digest| *digest != signed.digest) {
            self.add_flaw(number, FlawKind::Checkpoint(signed.number));
        }
        let body =
            checkpoint::render_checkpoint(self.stack, &LedgerHead { number: signed.number, digest: signed.digest });
        match checkpoint::verify_signature(&body, &signed.signature, self.signers) {
            Ok(SignatureTrust::Known(_)) => self.trusted = self.trusted.saturating_add(1),
            Ok(SignatureTrust::Unknown) => {}
            Err(why) => self.add_flaw(number, FlawKind::Signature(why.to_string())),
        }
    }

    /// Records an object below `ledger/` that does not have the name of an entry.
    pub fn note_unexpected_object(&mut self, name: &str) {
        self.add_flaw(self.head.number, FlawKind::UnexpectedObject(name.to_owned()));
    }

    fn add_flaw(&mut self, entry: u64, what: FlawKind) {
        self.flaws.push(LedgerFlaw { entry, what });
    }

    /// Ends the verification, after the last entry.
    #[must_use]
    pub fn finish_verification(mut self) -> VerifiedLedger {
        let end = self.head.number;
        self.assign_blame(self.known.contains(&self.head));
        if let Some(beyond) = self.known.iter().map(|known| known.number).filter(|number| *number > end).max() {
            self.add_flaw(end, FlawKind::Truncated(beyond));
        }
        VerifiedLedger {
            head: self.head,
            flaws: self.flaws,
            unfinished: self.open.into_iter().map(|((run, _), (number, intent))| (run, number, intent)).collect(),
            checkpoints: (self.checkpoints, self.trusted),
            evidence: self.evidence,
        }
    }
}

/// Checks archived bytes against the ledger. `None`: they match.
#[must_use]
pub fn check_evidence(entry: u64, archived: &ArchivedEvidence, bytes: Option<&[u8]>) -> Option<LedgerFlaw> {
    let what = match bytes {
        None => FlawKind::NoEvidence(archived.digest),
        Some(bytes) if Digest::from_bytes(bytes) != archived.digest => FlawKind::Evidence(archived.digest),
        Some(_) => return None,
    };
    Some(LedgerFlaw { entry, what })
}
