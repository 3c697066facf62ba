//! The provider as a whole: its clients, its realm (account, partition, actor), and what this run knows about objects in the account.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use leasehold_provider::{Notices, ObserveError, ObserveErrorKind, Provider, Realm, ResourceId, StackName};
use tokio::sync::OnceCell;

use crate::arn::{self, IamArn};
use crate::connect::{self, Clients};
use crate::failure::CallError;
use crate::realize::{AwsRealizer, build_realizer};
use crate::retry::{AwsCaller, CallLog, RetryClass};
use crate::settings::{AwsSettings, ConnectError};

/// AWS IAM in one account. It calls AWS only when the realm is first needed.
#[derive(Debug)]
pub struct AwsProvider {
    pub(crate) clients: Clients,
    pub(crate) caller: AwsCaller,
    pub(crate) known: KnownObjects,
    allowed: BTreeSet<String>,
    realm: OnceCell<Realm>,
}

impl AwsProvider {
    /// Builds the clients. Reads the environment and the AWS configuration files; makes no call to AWS.
    ///
    /// # Errors
    /// The settings, the environment or the AWS configuration files contain a value that cannot be used.
    pub async fn connect(settings: AwsSettings) -> Result<Self, ConnectError> {
        Self::connect_with_loader(settings, connect::standard_loader()).await
    }

    /// The same as [`connect`](Self::connect), but starts from a loader that the caller has configured, for example with its own endpoint
    /// or credentials.
    ///
    /// # Errors
    /// The same as for [`connect`](Self::connect).
    pub async fn connect_with_loader(
        settings: AwsSettings,
        loader: aws_config::ConfigLoader,
    ) -> Result<Self, ConnectError> {
        settings.check_settings()?;
        let clients = connect::build_clients(&settings, loader).await?;
        let caller = AwsCaller::new(&clients, &settings, connect::read_max_attempts());
        let allowed = settings.allowed_account_ids;
        Ok(Self { clients, caller, known: KnownObjects::default(), allowed, realm: OnceCell::new() })
    }

    /// Reports to `notices` when calls wait because AWS throttles them.
    #[must_use]
    pub fn with_notices(mut self, notices: Arc<dyn Notices>) -> Self {
        self.caller.set_notices(notices);
        self
    }

    /// The provider in its parts, as the engine uses it.
    #[must_use]
    pub fn into_provider(self) -> Provider {
        let aws = Arc::new(self);
        Provider {
            realize: build_realizer(),
            compare: Arc::new(AwsRealizer),
            observe: Arc::<Self>::clone(&aws),
            enact: Arc::<Self>::clone(&aws),
            issue: Some(aws),
        }
    }

    /// The realm of this provider, read once with `sts:GetCallerIdentity`. No other call is made before the account is known to be allowed.
    pub(crate) async fn resolve_realm(&self) -> Result<&Realm, ObserveError> {
        self.realm.get_or_try_init(|| self.read_caller_identity()).await
    }

    async fn read_caller_identity(&self) -> Result<Realm, ObserveError> {
        const OPERATION: &str = "sts:GetCallerIdentity";
        let sts = &self.clients.sts;
        let send = || sts.get_caller_identity().send();
        let answer =
            self.caller.call_with_retries(&CallLog::default(), OPERATION, RetryClass::Idempotent, send).await?;
        let (Some(account), Some(caller)) = (answer.account, answer.arn) else {
            return Err(CallError::from_malformed_answer(
                OPERATION,
                "the response contains no account or no caller ARN",
            )
            .into());
        };
        let Some(partition) = IamArn::parse_arn(&caller).map(|arn| arn.partition.to_owned()) else {
            return Err(CallError::from_malformed_answer(
                OPERATION,
                format!("the caller's ARN is not valid: {caller:?}"),
            )
            .into());
        };
        let actor = arn::describe_actor(&caller);
        if !self.allowed.is_empty() && !self.allowed.contains(&account) {
            let allowed: Vec<&str> = self.allowed.iter().map(String::as_str).collect();
            return Err(ObserveError {
                kind: ObserveErrorKind::WrongAccount,
                operation: OPERATION.to_owned(),
                message: format!(
                    "these credentials are for account {account} (as {actor}), but allowed_account_ids allows only {}",
                    allowed.join(", ")
                ),
                help: Some(
                    "use credentials of an allowed account (AWS_PROFILE, `profile`, `assume_role`), or correct \
                     allowed_account_ids; Leasehold has not read or written anything"
                        .to_owned(),
                ),
            });
        }
        Ok(Realm { provider: "aws".to_owned(), account, partition, actor, others: BTreeMap::new() })
    }
}

/// The objects that this run has observed, created or changed, so that no extra call is needed to check the mark of an object.
#[derive(Debug, Default)]
pub struct KnownObjects(Mutex<ObjectFacts>);

#[derive(Debug, Default)]
struct ObjectFacts {
    ours: HashSet<(StackName, ResourceId)>,
    made: HashSet<ResourceId>,
    touched: HashSet<ResourceId>,
}

impl KnownObjects {
    fn lock_facts(&self) -> MutexGuard<'_, ObjectFacts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that these objects carry the stack's mark. Objects recorded earlier for the stack and missing here are dropped.
    pub fn record_observed(&self, stack: &StackName, ours: impl IntoIterator<Item = ResourceId>) {
        let mut facts = self.lock_facts();
        facts.ours.retain(|(other, _)| other != stack);
        facts.ours.extend(ours.into_iter().map(|id| (stack.clone(), id)));
    }

    /// Records that the object was found with the stack's mark.
    pub fn record_owned(&self, stack: &StackName, id: &ResourceId) {
        self.lock_facts().ours.insert((stack.clone(), id.clone()));
    }

    /// Records that this run created the object, with the stack's mark.
    pub fn record_created(&self, stack: &StackName, id: &ResourceId) {
        let mut facts = self.lock_facts();
        facts.ours.insert((stack.clone(), id.clone()));
        facts.made.insert(id.clone());
    }

    /// Records that this run removed something from the object, such as an attachment.
    pub fn record_reduced(&self, id: &ResourceId) {
        self.lock_facts().touched.insert(id.clone());
    }

    /// Records that the object no longer exists.
    pub fn record_removed(&self, stack: &StackName, id: &ResourceId) {
        let mut facts = self.lock_facts();
        facts.ours.remove(&(stack.clone(), id.clone()));
        facts.made.remove(id);
        facts.touched.remove(id);
    }

    /// Whether the object is known to carry the stack's mark.
    pub fn is_managed(&self, stack: &StackName, id: &ResourceId) -> bool {
        self.lock_facts().ours.contains(&(stack.clone(), id.clone()))
    }

    /// Whether this run created the object.
    pub fn is_created(&self, id: &ResourceId) -> bool {
        self.lock_facts().made.contains(id)
    }

    /// Whether this run removed something from the object.
    pub fn is_touched(&self, id: &ResourceId) -> bool {
        self.lock_facts().touched.contains(id)
    }
}
