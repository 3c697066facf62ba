//! Whether a ledger is whole: the chain, its gaps, its signatures, its evidence, and what a run left unfinished.
//!
//! Entries are taken in one by one, in the order of their numbers, so that the memory it takes does not grow with the chain.

use std::collections::BTreeMap;

use jiff::Timestamp;
use leasehold_provider::{Digest, StackName};

use super::checkpoint::{self, SignatureTrust, Signers};
use super::entry::{EntryError, LedgerEntry, LedgerHead};
use super::record::{ArchivedEvidence, Intent, LedgerRecord};
use crate::store::lineage::Lineage;

/// Something that is not as a ledger must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerFlaw {
    /// The number of the entry; for evidence, of the entry that names it.
    pub entry: u64,
    /// What is wrong.
    pub what: FlawKind,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlawKind {
    /// There is none of that number, and there are later ones.
    #[error("the entry is missing")]
    Missing,
    /// It is not an entry.
    #[error("{0}")]
    NotAnEntry(EntryError),
    /// It says another number than its name.
    #[error("the entry says it is number {0}")]
    OtherNumber(u64),
    /// It is of another stack.
    #[error("the entry is of stack {0}")]
    OtherStack(StackName),
    /// It is of another history than the entries before it.
    #[error("the entry has lineage {}, and the entries before it have lineage {expected}", found.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string))]
    OtherLineage {
        /// The lineage of the entries before it.
        expected: Lineage,
        /// Its own, if it has one.
        found: Option<Lineage>,
    },
    /// The entry before it is not the one it followed.
    #[error("it does not follow from the entry before it: one of the two was changed, added or taken away")]
    NotLinked,
    /// The entry after it followed another one, and is itself as it was written.
    #[error("it is not the entry that the next one followed: it was changed or added")]
    NotFollowed,
    /// It was written before the entry before it, by more than clocks may differ.
    #[error("it is dated {at}, before the entry it follows")]
    Backdated {
        /// Its date.
        at: Timestamp,
    },
    /// A signature in it does not hold.
    #[error("the signature of the checkpoint does not hold: {0}")]
    Signature(String),
    /// A checkpoint in it speaks of another chain.
    #[error("the checkpoint in it covers entry {0} with another digest than that entry has")]
    Checkpoint(u64),
    /// The evidence that it names is not there.
    #[error("evidence {0} is missing")]
    NoEvidence(Digest),
    /// The evidence that it names was changed.
    #[error("evidence {0} was changed")]
    Evidence(Digest),
    /// The chain once had a later entry than it has.
    #[error("the chain was cut off after it: it once had entry {0}")]
    Truncated(u64),
    /// A point that is known from elsewhere has another digest.
    #[error("the entry is not the one that a checkpoint, or the lock, knows")]
    NotTheSame,
    /// An object lies in the ledger that is no entry.
    #[error("{0:?} is no name of an entry")]
    Stray(String),
}

/// Far enough apart that no clocks explain it.
const CLOCKS: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// What a verification has seen so far.
#[derive(Debug)]
pub struct Verification<'a> {
    stack: &'a StackName,
    signers: Option<&'a Signers>,
    known: Vec<LedgerHead>,
    head: LedgerHead,
    lineage: Option<Lineage>,
    at: Option<Timestamp>,
    open: BTreeMap<(String, u32), (u64, Intent)>,
    /// Checkpoints on entries to come, and digests of entries that one may speak of.
    digests: BTreeMap<u64, Digest>,
    evidence: Vec<(u64, ArchivedEvidence)>,
    flaws: Vec<LedgerFlaw>,
    /// An entry that does not follow from the one before it, while nobody has told which of the two is to blame.
    unlinked: Option<u64>,
    checkpoints: u64,
    trusted: u64,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedLedger {
    /// The last entry.
    pub head: LedgerHead,
    /// What is wrong, in the order of entries.
    pub flaws: Vec<LedgerFlaw>,
    /// Intents without an outcome: the run, the entry, the intent.
    pub unfinished: Vec<(String, u64, Intent)>,
    /// How many checkpoints the chain holds, and how many of them a known signer made.
    pub checkpoints: (u64, u64),
    /// The evidence that is named, with the entry that names it.
    pub evidence: Vec<(u64, ArchivedEvidence)>,
}

/// How many of the last digests are kept: a checkpoint covers the entry right before its own, or one of a few before.
const KEPT: u64 = 1024;

impl<'a> Verification<'a> {
    /// Begins before the first entry. `known` are points that the chain must contain: checkpoints from elsewhere, the end that the
    /// lock's last holder saw.
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

    /// Takes in the object of that number; `None`: there is none.
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
        self.digests.remove(&number.saturating_sub(KEPT));
    }

    /// Settles whose fault it is that an entry does not follow from the one before it: of the one before, where what comes after
    /// vouches for the entry itself.
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
            self.add_flaw(number, FlawKind::OtherNumber(entry.number));
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
            // One was taken away before it, or it is a copy of the one before it: the fault shows here.
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

    /// Takes in an object that is not named as an entry.
    pub fn note_unexpected_object(&mut self, name: &str) {
        self.add_flaw(self.head.number, FlawKind::Stray(name.to_owned()));
    }

    fn add_flaw(&mut self, entry: u64, what: FlawKind) {
        self.flaws.push(LedgerFlaw { entry, what });
    }

    /// The end: all entries are in.
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

/// Whether archived bytes are what the ledger says they are.
#[must_use]
pub fn check_evidence(entry: u64, archived: &ArchivedEvidence, bytes: Option<&[u8]>) -> Option<LedgerFlaw> {
    let what = match bytes {
        None => FlawKind::NoEvidence(archived.digest),
        Some(bytes) if Digest::from_bytes(bytes) != archived.digest => FlawKind::Evidence(archived.digest),
        Some(_) => return None,
    };
    Some(LedgerFlaw { entry, what })
}
