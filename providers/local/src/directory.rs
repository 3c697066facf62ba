//! The directory as a provider: where it is, who acts, and the way from the async traits to the file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use leasehold_provider::{
    Change, Enact, EnactError, EnactErrorKind, Enacted, Observe, ObserveError, ObserveErrorKind, ObserveRequest, Realm,
    Snapshot, StackName, Vault,
};

use crate::faults::{Faults, Injector};
use crate::outside::Outside;
use crate::schema::Durability;
use crate::writer::Writer;
use crate::{OpenError, failures, observe, schema};

/// Where the directory gets the time from; it stamps what it creates.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The account that a directory names, unless it is told another: a file is told from another by its path, which the stack knows.
const ACCOUNT: &str = "embedded";

/// An identity directory in one SQLite file. Opening, planning and observing leave a missing file missing: it reads as an
/// empty directory and is created by the first change.
pub struct LocalDirectory {
    path: PathBuf,
    actor: String,
    account: String,
    durability: Durability,
    clock: Clock,
    faults: Faults,
    writer: Mutex<Option<Writer>>,
}

impl LocalDirectory {
    /// The directory at `path`, whose file may not be there yet. `actor` is who changes it, for people.
    pub fn at(path: impl Into<PathBuf>, actor: impl Into<String>, clock: Clock) -> Self {
        let (path, actor) = (path.into(), actor.into());
        let account = ACCOUNT.to_owned();
        let (durability, faults) = (Durability::Power, Faults::default());
        Self { path, actor, account, durability, clock, faults, writer: Mutex::new(None) }
    }

    /// The same as one account among several: `embedded/NAME`.
    #[must_use]
    pub fn called(self, name: &str) -> Self {
        Self { account: format!("{ACCOUNT}/{name}"), writer: Mutex::new(None), ..self }
    }

    /// As [`LocalDirectory::at`], and the file is there afterwards.
    pub fn open(path: impl Into<PathBuf>, actor: impl Into<String>, clock: Clock) -> Result<Self, OpenError> {
        let directory = Self::at(path, actor, clock);
        schema::open_to_write(&directory.path, directory.durability)?;
        Ok(directory)
    }

    /// The same, failing on purpose.
    #[must_use]
    pub fn with_faults(self, faults: Faults) -> Self {
        Self { faults, writer: Mutex::new(None), ..self }
    }

    /// The same, not waiting for the disk: for tests. What was answered outlives the process, but not a loss of power.
    #[must_use]
    pub fn without_sync(self) -> Self {
        Self { durability: Durability::Process, writer: Mutex::new(None), ..self }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What somebody who does not use this program can do to the directory.
    #[must_use]
    pub fn outside(&self) -> Outside {
        Outside::new(self.path.clone(), self.durability, Arc::clone(&self.clock))
    }

    fn realm_now(&self) -> Realm {
        Realm {
            provider: "local".to_owned(),
            account: self.account.clone(),
            partition: String::new(),
            actor: self.actor.clone(),
            others: BTreeMap::new(),
        }
    }
}

impl fmt::Debug for LocalDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalDirectory").field("path", &self.path).field("actor", &self.actor).finish_non_exhaustive()
    }
}

#[async_trait]
impl Observe for LocalDirectory {
    async fn realm(&self) -> Result<Realm, ObserveError> {
        Ok(self.realm_now())
    }

    async fn observe(&self, request: ObserveRequest<'_>) -> Result<Snapshot, ObserveError> {
        let (path, stack, realm) = (self.path.clone(), request.stack.clone(), self.realm_now());
        let adopt = request.adopt.clone();
        let read = tokio::task::spawn_blocking(move || observe::read(&path, &stack, &adopt, realm));
        read.await.unwrap_or_else(|stopped| {
            Err(ObserveError {
                kind: ObserveErrorKind::Other,
                operation: failures::READ.to_owned(),
                message: stopped.to_string(),
                help: None,
            })
        })
    }
}

#[async_trait]
impl Enact for LocalDirectory {
    async fn enact(&self, stack: &StackName, change: &Change) -> Result<Enacted, EnactError> {
        let unreachable = |message: String| EnactError {
            requests: Vec::new(),
            kind: EnactErrorKind::Unreachable,
            operation: failures::operation(change),
            message,
            help: None,
        };
        let outcome = {
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let writer = match writer.as_mut() {
                Some(running) => running,
                None => {
                    let injector = Injector::new(self.faults.clone());
                    let started = Writer::start(self.path.clone(), self.durability, Arc::clone(&self.clock), injector);
                    writer.insert(started.map_err(|error| unreachable(error.to_string()))?)
                }
            };
            writer.submit(stack, change)
        };
        outcome.await.unwrap_or_else(|_| Err(unreachable("the directory's writer stopped".to_owned())))
    }

    async fn issue(&self, stack: &StackName, change: &Change, vault: &dyn Vault) -> Result<Enacted, EnactError> {
        self.issue_key(stack, change, vault).await
    }
}
