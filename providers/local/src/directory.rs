//! [`LocalDirectory`], the provider. It passes reads to a blocking task and writes to the writer thread.
//!
//! In: the provider traits' requests. Out: snapshots and the outcomes of changes. A missing file is only created by a
//! write.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use leasehold_provider::{
    Change, Enact, EnactError, EnactErrorKind, Enacted, IssueKeys, Observe, ObserveError, ObserveErrorKind,
    ObserveRequest, Provider, Quota, Realm, ResourceId, SecretStorage, Snapshot, StackName,
};

use crate::clock::DirectoryClock;
use crate::external_admin::ExternalAdmin;
use crate::faults::{FaultInjector, Faults};
use crate::owned_ids::OwnedIds;
use crate::realize::{LocalRealizer, build_realizer};
use crate::schema::Durability;
use crate::writer::DirectoryWriter;
use crate::{OpenError, errors, observe, schema};

/// Account name of a directory. The path of the file is not part of it: the stack's configuration already names the
/// file.
pub const ACCOUNT: &str = "embedded";

/// An identity directory in one SQLite file. Reading a missing file returns an empty directory and does not create it;
/// the first change does.
pub struct LocalDirectory {
    path: PathBuf,
    actor: String,
    account: String,
    durability: Durability,
    clock: DirectoryClock,
    faults: Faults,
    owned: OwnedIds,
    writer: Mutex<Option<DirectoryWriter>>,
}

impl LocalDirectory {
    /// Creates a provider for the file at `path`, which need not exist. `actor` is the name shown in plans and records
    /// for the person or program that makes changes; the directory does not check it.
    pub fn new(path: impl Into<PathBuf>, actor: impl Into<String>, clock: DirectoryClock) -> Self {
        let (path, actor) = (path.into(), actor.into());
        let account = ACCOUNT.to_owned();
        let (durability, faults) = (Durability::Power, Faults::default());
        let owned = OwnedIds::default();
        Self { path, actor, account, durability, clock, faults, owned, writer: Mutex::new(None) }
    }

    /// Names the account `embedded/NAME`, for a stack that uses several directories.
    #[must_use]
    pub fn with_account_name(self, name: &str) -> Self {
        Self { account: format!("{ACCOUNT}/{name}"), writer: Mutex::new(None), ..self }
    }

    /// Creates a provider as [`LocalDirectory::new`] does, and creates the file if it does not exist.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the file cannot be opened or created, or is not an identity directory of a supported version.
    pub fn open_or_create(
        path: impl Into<PathBuf>,
        actor: impl Into<String>,
        clock: DirectoryClock,
    ) -> Result<Self, OpenError> {
        let directory = Self::new(path, actor, clock);
        schema::open_to_write(&directory.path, directory.durability)?;
        Ok(directory)
    }

    /// Injects these faults into writes, for tests.
    #[must_use]
    pub fn with_faults(self, faults: Faults) -> Self {
        Self { faults, writer: Mutex::new(None), ..self }
    }

    /// Does not wait for the disk after a commit, for tests. Committed changes survive a crash of the process but not a
    /// loss of power.
    #[must_use]
    pub fn without_sync(self) -> Self {
        Self { durability: Durability::Process, writer: Mutex::new(None), ..self }
    }

    /// Path of the SQLite file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns an administrator who changes the directory without Leasehold, for tests of drift and of unmanaged
    /// objects.
    #[must_use]
    pub fn external_admin(&self) -> ExternalAdmin {
        ExternalAdmin::new(self.path.clone(), self.durability, Arc::clone(&self.clock))
    }

    /// The provider in its parts, as the engine uses it.
    #[must_use]
    pub fn into_provider(self: Arc<Self>) -> Provider {
        Provider {
            realize: build_realizer(),
            compare: Arc::new(LocalRealizer),
            observe: Arc::<Self>::clone(&self),
            enact: Arc::<Self>::clone(&self),
            issue: Some(self),
        }
    }

    fn build_realm(&self) -> Realm {
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
    async fn read_realm(&self) -> Result<Realm, ObserveError> {
        Ok(self.build_realm())
    }

    async fn observe_stack(&self, request: ObserveRequest<'_>) -> Result<Snapshot, ObserveError> {
        let (path, stack, realm) = (self.path.clone(), request.stack.clone(), self.build_realm());
        let (imports, owned) = (request.imports.clone(), request.owned.cloned());
        let read = tokio::task::spawn_blocking(move || {
            let nothing_shared = BTreeMap::new();
            let plain = ObserveRequest::for_plan(&stack, &nothing_shared);
            observe::read_snapshot(&path, ObserveRequest { owned: owned.as_ref(), imports: &imports, ..plain }, realm)
        });
        let snapshot = read.await.unwrap_or_else(|join_error| {
            Err(ObserveError {
                kind: ObserveErrorKind::Other,
                operation: errors::READ.to_owned(),
                message: join_error.to_string(),
                help: None,
            })
        })?;
        if request.owned.is_some() {
            self.owned.record_snapshot(&snapshot);
        }
        Ok(snapshot)
    }

    async fn read_quotas(&self) -> Result<Vec<Quota>, ObserveError> {
        Ok(Vec::new())
    }

    fn has_unread_details(&self, _snapshot: &Snapshot) -> bool {
        false
    }

    async fn read_exactly(
        &self,
        _stack: &StackName,
        _snapshot: &mut Snapshot,
        _principals: &BTreeSet<ResourceId>,
    ) -> Result<(), ObserveError> {
        Ok(())
    }
}

#[async_trait]
impl Enact for LocalDirectory {
    async fn enact_change(&self, stack: &StackName, change: &Change) -> Result<Enacted, EnactError> {
        let unreachable = |message: String| EnactError {
            requests: Vec::new(),
            kind: EnactErrorKind::Unreachable,
            operation: errors::operation_name(change),
            message,
            help: None,
        };
        let outcome = {
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let writer = match writer.as_mut() {
                Some(running) => running,
                None => {
                    let injector = FaultInjector::new(self.faults.clone());
                    let started = DirectoryWriter::spawn_thread(
                        self.path.clone(),
                        self.durability,
                        Arc::clone(&self.clock),
                        self.owned.clone(),
                        injector,
                    );
                    writer.insert(started.map_err(|error| unreachable(error.to_string()))?)
                }
            };
            writer.queue_change(stack, change)
        };
        outcome.await.unwrap_or_else(|_| Err(unreachable("the writer thread of the directory stopped".to_owned())))
    }
}

#[async_trait]
impl IssueKeys for LocalDirectory {
    async fn issue_access_key(
        &self,
        stack: &StackName,
        change: &Change,
        vault: &dyn SecretStorage,
    ) -> Result<Enacted, EnactError> {
        self.issue_key(stack, change, vault).await
    }
}
