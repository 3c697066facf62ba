//! What a stack declares, evaluated. Every reference is resolved and every default filled in. Nothing here depends on the cloud.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold_provider::{Address, Alias, Digest, Federation, Group, IdentitySpec, Scope, Span, StackName};

use super::estate::StateBlocks;
use super::origin::BlockOrigin;
use crate::providers::ProviderSettings;

/// A stack, as its files declare it.
#[derive(Debug, Clone)]
pub struct DeclaredStack {
    /// The stack's name.
    pub stack: StackName,
    /// Where the stack's ledger, lock and evidence are stored.
    pub backend: Backend,
    /// The providers, the first account first. Empty: the embedded directory.
    pub providers: Vec<ProviderBlock>,
    /// The stores for the secrets of issued keys, by label.
    pub stores: BTreeMap<String, StoreBlock>,
    /// The people responsible for identities, by label.
    pub owners: BTreeMap<String, DeclaredOwner>,
    /// Business services, by label.
    pub services: BTreeMap<String, DeclaredService>,
    /// Shared entitlements, by label, each with its place in the files.
    pub scopes: BTreeMap<String, (Scope, BlockOrigin)>,
    /// Groups, by label.
    pub groups: BTreeMap<String, DeclaredGroup>,
    /// Federations, by label, each with its place in the files.
    pub federations: DeclaredFederations,
    /// Identities, by address.
    pub identities: BTreeMap<Address, DeclaredIdentity>,
    /// The `moved`, `removed` and `import` blocks.
    pub estate: StateBlocks,
    /// The files that expressions read, for example with `file()`, each with the digest of its bytes. A saved plan pins them.
    pub files_read: BTreeMap<String, Digest>,
    /// The digest of the value of each variable of the stack. `None`: the value contains sensitive content.
    pub variables: BTreeMap<String, Option<Digest>>,
    /// How long leavers of this stack stay quarantined if their identity does not say: `defaults.leaver.grace`, or 7 days.
    pub grace: Span,
    /// The `leasehold` block.
    pub origin: BlockOrigin,
    /// The `backend` block. `None`: there is none, and the records are in the default folder.
    pub backend_origin: Option<BlockOrigin>,
}

impl DeclaredStack {
    /// Every account of the stack, the first one first. `None` is the first account.
    pub fn accounts(&self) -> impl Iterator<Item = Option<&Alias>> {
        std::iter::once(None).chain(self.providers.iter().skip(1).map(|block| block.alias.as_ref()))
    }

    /// The reference to the provider of an account, such as `provider.aws.audit`. `None`: no reference is needed, because blocks without a
    /// `provider` belong to that account.
    #[must_use]
    pub fn find_provider_reference(&self, account: Option<&Alias>) -> Option<String> {
        let block = match account {
            None => self.providers.first(),
            Some(_) => self.providers.iter().find(|block| block.alias.as_ref() == account),
        };
        block.filter(|block| block.alias.is_some()).map(ProviderBlock::render_reference)
    }
}

/// Federations by label, each with its place in the files.
pub type DeclaredFederations = BTreeMap<String, (Federation, BlockOrigin)>;

/// Where a stack keeps its records, and how long its lock lasts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Backend {
    /// The location of the records.
    pub place: BackendLocation,
    /// How long a lock lasts without renewal. `None`: one minute. After a run was killed, the next run waits this long plus a quarter.
    pub lock_lease: Option<Span>,
}

/// A location for records.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BackendLocation {
    /// A folder, relative to the stack's directory.
    Local {
        /// The folder's path; default `.leasehold`.
        path: String,
    },
    /// A bucket in S3 or in a store with an S3-compatible API.
    S3(S3Bucket),
    /// A container in Azure Blob Storage. Needs a build with the feature `azure`.
    Azure {
        /// The storage account.
        account: String,
        /// The container.
        container: String,
        /// The prefix of all keys; default `leasehold/STACK`.
        prefix: Option<String>,
    },
    /// A bucket in Google Cloud Storage. Needs a build with the feature `gcs`.
    Gcs {
        /// The bucket.
        bucket: String,
        /// The prefix of all keys; default `leasehold/STACK`.
        prefix: Option<String>,
    },
}

impl Default for BackendLocation {
    fn default() -> Self {
        Self::Local { path: ".leasehold".to_owned() }
    }
}

/// A bucket of S3.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct S3Bucket {
    /// Its name.
    pub name: String,
    /// The prefix of all keys; default `leasehold/STACK`.
    pub prefix: Option<String>,
    /// Its region. `None`: the region of the AWS configuration.
    pub region: Option<String>,
    /// The endpoint of a store that is not AWS. `None`: the endpoint of the AWS configuration.
    pub endpoint: Option<String>,
    /// The object lock retention of ledger and evidence. `None`: the bucket's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<ObjectLockRetention>,
    /// The KMS key that encrypts every object: a key id, or the ARN of a key or an alias. `None`: the bucket's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// The profile of the shared AWS configuration files that has access to the bucket. `None`: the provider's credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The role to assume for the bucket, with the credentials of `profile` or of the environment. `None`: the provider's credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<AssumeRoleBlock>,
}

/// How long a written object can be neither changed nor deleted. The bucket must have object lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ObjectLockRetention {
    /// Who may shorten it.
    pub mode: RetentionMode,
    /// The length of the retention, counted from the write of each object.
    pub period: Span,
}

/// Who may shorten a retention: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html#object-lock-retention-modes>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionMode {
    /// Principals with the permission `s3:BypassGovernanceRetention`.
    Governance,
    /// No one.
    Compliance,
}

/// A `provider` block.
#[derive(Debug, Clone)]
pub struct ProviderBlock {
    /// Its alias. `None`: this provider serves blocks that name no provider.
    pub alias: Option<Alias>,
    /// The provider and its settings.
    pub settings: ProviderSettings,
    /// Where it is written.
    pub origin: BlockOrigin,
}

impl ProviderBlock {
    /// The reference that other blocks use: `provider.aws.audit`.
    #[must_use]
    pub fn render_reference(&self) -> String {
        self.settings.render_reference(self.alias.as_ref())
    }
}

/// The accounts of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Providers {
    /// The first account: the provider without an alias, else the one whose alias sorts first.
    pub first: ProviderSettings,
    /// The alias of the first account. `None`: it has none.
    pub alias: Option<Alias>,
    /// The other accounts.
    pub others: BTreeMap<Alias, ProviderSettings>,
}

impl Providers {
    /// Reads the `provider` blocks, the first account first. Without blocks: the embedded directory.
    #[must_use]
    pub fn from_blocks(blocks: &[ProviderBlock]) -> Self {
        let Some((first, others)) = blocks.split_first() else {
            return Self { first: ProviderSettings::default(), alias: None, others: BTreeMap::new() };
        };
        let other = |block: &ProviderBlock| Some((block.alias.clone()?, block.settings.clone()));
        Self {
            first: first.settings.clone(),
            alias: first.alias.clone(),
            others: others.iter().filter_map(other).collect(),
        }
    }
}

/// A `store` block.
#[derive(Debug, Clone)]
pub struct StoreBlock {
    /// Where the secrets go.
    pub settings: SecretStore,
    /// Where it is written.
    pub origin: BlockOrigin,
}

/// A store for the secrets of issued keys.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SecretStore {
    /// A directory with one file for each identity.
    File {
        /// Its path, relative to the stack's directory; default `.leasehold/secrets/NAME`.
        path: String,
    },
}

/// How the access keys of an identity are issued and rotated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRotation {
    /// The label of the store that receives their secrets.
    pub store: String,
    /// The maximum age of a key. An older key is replaced.
    pub rotate_every: Span,
    /// How long a replaced key still works after the delivery of the new one. It is then disabled for the same time before it is deleted.
    pub overlap: Span,
}

/// The role that a backend assumes before its first call.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AssumeRoleBlock {
    /// The role's ARN.
    pub role_arn: String,
    /// The external id that the role's trust policy requires.
    pub external_id: Option<String>,
    /// The session's name. `None`: `leasehold`.
    pub session_name: Option<String>,
}

/// A person responsible for identities.
#[derive(Debug, Clone)]
pub struct DeclaredOwner {
    /// The person's name.
    pub name: Option<String>,
    /// The person's mail address.
    pub email: Option<String>,
    /// The person's team.
    pub team: Option<String>,
    /// Where it is written.
    pub origin: BlockOrigin,
}

/// A business service.
#[derive(Debug, Clone)]
pub struct DeclaredService {
    /// The label of its owner.
    pub owner: Option<String>,
    /// True for `status = "retired"`: its identities leave.
    pub retired: bool,
    /// Where it is written.
    pub origin: BlockOrigin,
}

/// A group, as its block declares it.
#[derive(Debug, Clone)]
pub struct DeclaredGroup {
    /// Its name, account and access.
    pub group: Group,
    /// The label of its owner.
    pub owner: Option<String>,
    /// The addresses of its members.
    pub members: BTreeSet<Address>,
    /// Where it is written.
    pub origin: BlockOrigin,
}

/// An identity, as its block declares it.
#[derive(Debug, Clone)]
pub struct DeclaredIdentity {
    /// The identity itself. If its block has no `name`, an existing principal keeps the name it has.
    pub spec: IdentitySpec,
    /// True if the block has a `name`.
    pub name_given: bool,
    /// Its lease.
    pub lease: Lease,
    /// The terms for its issued access keys. `None`: Leasehold issues it none.
    pub access_key: Option<KeyRotation>,
    /// Addresses of identities that must exist first.
    pub depends_on: BTreeSet<Address>,
    /// Where it is written.
    pub origin: BlockOrigin,
}

/// The lease of an identity. `expires_at` and `ttl` exclude each other. Without both, it has no lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Lease {
    /// The length, counted from `renewed_at`, or else from the creation of the identity.
    pub ttl: Option<Span>,
    /// The deadline as an instant.
    pub expires_at: Option<Timestamp>,
    /// When the lease was last renewed; `ttl` counts from here.
    pub renewed_at: Option<Timestamp>,
}
