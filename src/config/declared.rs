//! What a stack declares, evaluated: every reference resolved, every default filled in, nothing decided yet.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use leasehold_provider::{
    Address, Alias, Credential, Digest, Federation, Group, Kind, Principal, Scope, Span, StackName, Statement, Trust,
};

use super::diagnostic::Diagnostic;
use super::estate::StateBlocks;
use super::source::{self, FileId};

/// A stack as its files declare it.
#[derive(Debug, Clone)]
pub struct DeclaredStack {
    /// The stack's name.
    pub stack: StackName,
    /// Where the stack's ledger, lock and evidence live.
    pub backend: Backend,
    /// The clouds, the first one first. Empty: the embedded directory.
    pub providers: Vec<ProviderBlock>,
    /// Where the secrets of issued keys go, by label.
    pub stores: BTreeMap<String, StoreBlock>,
    /// People who answer for identities, by label.
    pub owners: BTreeMap<String, DeclaredOwner>,
    /// Business services, by label.
    pub services: BTreeMap<String, DeclaredService>,
    /// Shared entitlements, by label, with where they are written.
    pub scopes: BTreeMap<String, (Scope, BlockOrigin)>,
    /// Groups, by label.
    pub groups: BTreeMap<String, DeclaredGroup>,
    /// Federations, by label, with where they are written.
    pub federations: DeclaredFederations,
    /// Identities, by address.
    pub identities: BTreeMap<Address, DeclaredIdentity>,
    /// What it says of objects that live already.
    pub estate: StateBlocks,
    /// The files that expressions read, such as with `file()`, and the digest of their bytes. A saved plan pins them.
    pub files_read: BTreeMap<String, Digest>,
    /// How long leavers of this stack stay quarantined, where their identity does not say: `defaults.leaver.grace`, or 7 days.
    pub grace: Span,
    /// The `leasehold` block.
    pub origin: BlockOrigin,
}

impl DeclaredStack {
    /// Every account that the stack works in, the first one first.
    pub fn accounts(&self) -> impl Iterator<Item = Option<&Alias>> {
        std::iter::once(None).chain(self.providers.iter().skip(1).map(|block| block.alias.as_ref()))
    }

    /// How blocks name the provider of an account: `provider.aws.audit`. `None`: they need not, it is meant where none is named.
    #[must_use]
    pub fn find_provider_reference(&self, account: Option<&Alias>) -> Option<String> {
        let block = match account {
            None => self.providers.first(),
            Some(_) => self.providers.iter().find(|block| block.alias.as_ref() == account),
        };
        block.filter(|block| block.alias.is_some()).map(ProviderBlock::render_reference)
    }
}

/// Federations by label, with where they are written.
pub type DeclaredFederations = BTreeMap<String, (Federation, BlockOrigin)>;

/// Where a stack keeps its records, and how long its lock lasts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Backend {
    /// Where.
    pub place: BackendLocation,
    /// How long a lock lasts that is not renewed; `None`: a minute. A run that was killed is waited for that long and a quarter more.
    pub lock_lease: Option<Span>,
}

/// A place for records.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BackendLocation {
    /// A folder, relative to the stack's directory.
    Local {
        /// The folder's path, `.leasehold` unless said otherwise.
        path: String,
    },
    /// A bucket of S3, or of a store that speaks its language.
    S3(S3Bucket),
    /// A container of Azure Blob Storage; in builds with the feature `azure`.
    Azure {
        /// The storage account.
        account: String,
        /// The container.
        container: String,
        /// What all keys begin with; `leasehold/STACK` unless said otherwise.
        prefix: Option<String>,
    },
    /// A bucket of Google Cloud Storage; in builds with the feature `gcs`.
    Gcs {
        /// The bucket.
        bucket: String,
        /// What all keys begin with; `leasehold/STACK` unless said otherwise.
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
    /// What all keys begin with; `leasehold/STACK` unless said otherwise.
    pub prefix: Option<String>,
    /// Its region; else the one of the AWS configuration.
    pub region: Option<String>,
    /// The endpoint, for stores that are not AWS; else the one of the AWS configuration.
    pub endpoint: Option<String>,
    /// How the bucket's object lock keeps ledger and evidence; `None`: as the bucket's own default says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<ObjectLockRetention>,
    /// The KMS key that encrypts every object: a key id, or the ARN of a key or an alias. `None`: as the bucket's default says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// The profile of the shared configuration files that reaches the bucket. `None`: the credentials of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The role to assume for the bucket, with the credentials of `profile` or of the environment. `None`: the credentials of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<AssumeRoleBlock>,
}

/// How long what is written once can be neither changed nor deleted. The bucket must have object lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ObjectLockRetention {
    /// Who may shorten it.
    pub mode: RetentionMode,
    /// For how long, counted from each object's writing.
    pub period: Span,
}

/// Who may shorten a retention: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html#object-lock-retention-modes>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionMode {
    /// Who has the right `s3:BypassGovernanceRetention`.
    Governance,
    /// Nobody.
    Compliance,
}

/// A `provider` block.
#[derive(Debug, Clone)]
pub struct ProviderBlock {
    /// `aws` or `local`.
    pub name: String,
    /// What other blocks call it; `None`: it is meant where none is named.
    pub alias: Option<Alias>,
    /// Its settings.
    pub settings: ProviderSettings,
    /// The block.
    pub origin: BlockOrigin,
}

impl ProviderBlock {
    /// How other blocks name it: `provider.aws.audit`.
    #[must_use]
    pub fn render_reference(&self) -> String {
        let alias = self.alias.as_ref().map_or_else(String::new, |alias| format!(".{alias}"));
        format!("provider.{}{alias}", self.name)
    }
}

/// The accounts that a stack works in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Providers {
    /// The first: the one without an alias, or where every one has an alias, the first by it.
    pub first: ProviderSettings,
    /// The first one's alias, where it has one.
    pub alias: Option<Alias>,
    /// The others.
    pub others: BTreeMap<Alias, ProviderSettings>,
}

impl Providers {
    /// What `provider` blocks say, the first one first; the embedded directory where there is none.
    #[must_use]
    pub fn from_blocks(blocks: &[ProviderBlock]) -> Self {
        let Some((first, others)) = blocks.split_first() else {
            return Self { first: ProviderSettings::Local { path: None }, alias: None, others: BTreeMap::new() };
        };
        let other = |block: &ProviderBlock| Some((block.alias.clone()?, block.settings.clone()));
        Self {
            first: first.settings.clone(),
            alias: first.alias.clone(),
            others: others.iter().filter_map(other).collect(),
        }
    }
}

/// What a `provider` block says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "provider", rename_all = "snake_case")]
pub enum ProviderSettings {
    /// The embedded directory.
    Local {
        /// The database file, relative to the stack's directory; `.leasehold/directory.db` unless said otherwise.
        path: Option<String>,
    },
    /// AWS IAM.
    Aws {
        /// The region whose endpoint is asked. IAM is global; the partition follows from it.
        region: Option<String>,
        /// The profile of the shared configuration files.
        profile: Option<String>,
        /// Accounts it may run against; empty: any.
        allowed_account_ids: BTreeSet<String>,
        /// A role to assume first.
        assume_role: Option<AssumeRoleBlock>,
    },
}

impl ProviderSettings {
    /// The embedded directory's file, below the stack's directory, unless the stack says otherwise.
    pub const DIRECTORY: &str = ".leasehold/directory.db";
}

/// A `store` block.
#[derive(Debug, Clone)]
pub struct StoreBlock {
    /// Its settings.
    pub settings: SecretStore,
    /// The block.
    pub origin: BlockOrigin,
}

/// A place for the secrets of issued keys.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SecretStore {
    /// A directory with a file for each identity.
    File {
        /// Its path, from the stack's directory; `.leasehold/secrets/NAME` unless said otherwise.
        path: String,
    },
}

/// How the access keys of an identity are issued and rotated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTerms {
    /// The label of the store that their secrets go to.
    pub store: String,
    /// How old a key may become before a new one takes its place.
    pub rotate_every: Span,
    /// How long an old key works on after the new one was delivered, and then how long it is off before it is deleted.
    pub overlap: Span,
}

/// The role a provider assumes before it does anything.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AssumeRoleBlock {
    /// The role's ARN.
    pub role_arn: String,
    /// The external id its trust asks for.
    pub external_id: Option<String>,
    /// The session's name; `leasehold` unless said otherwise.
    pub session_name: Option<String>,
}

/// A human sponsor.
#[derive(Debug, Clone)]
pub struct DeclaredOwner {
    /// The person's name.
    pub name: Option<String>,
    /// The person's mail address.
    pub email: Option<String>,
    /// The person's team.
    pub team: Option<String>,
    /// The block.
    pub origin: BlockOrigin,
}

/// A business service.
#[derive(Debug, Clone)]
pub struct DeclaredService {
    /// The label of the owner who answers for it.
    pub owner: Option<String>,
    /// `status = "retired"`: its identities leave.
    pub retired: bool,
    /// The block.
    pub origin: BlockOrigin,
}

/// A group as declared.
#[derive(Debug, Clone)]
pub struct DeclaredGroup {
    /// What it is and holds.
    pub group: Group,
    /// The label of the owner who answers for it.
    pub owner: Option<String>,
    /// Who is in it.
    pub members: BTreeSet<Address>,
    /// Where it is written.
    pub origin: BlockOrigin,
}

/// An identity as declared.
#[derive(Debug, Clone)]
pub struct DeclaredIdentity {
    /// Where it stands.
    pub address: Address,
    /// Its name in the cloud. Where the block says none, one that lives under another name keeps that.
    pub name: String,
    /// The block says the name.
    pub name_given: bool,
    /// What sort of actor it is.
    pub kind: Kind,
    /// Its form in the cloud.
    pub principal: Principal,
    /// The owner's label.
    pub owner: String,
    /// The service's label.
    pub service: Option<String>,
    /// Where it works.
    pub environment: Option<String>,
    /// Why it exists.
    pub purpose: Option<String>,
    /// How long it may live.
    pub lease: Lease,
    /// Its own `leaver { grace }`.
    pub grace: Option<Span>,
    /// Its own statements.
    pub statements: Vec<Statement>,
    /// Labels of the scopes it holds.
    pub scopes: BTreeSet<String>,
    /// Who may take it on.
    pub trusts: Vec<Trust>,
    /// Policies that others manage.
    pub managed_policy_arns: BTreeSet<String>,
    /// Names in the cloud of the groups it is in: the stack's, and those that others manage.
    pub groups: BTreeSet<String>,
    /// Its path in the cloud.
    pub path: Option<String>,
    /// Credentials that stay as they live.
    pub keeps: BTreeSet<Credential>,
    /// The access keys that it is issued.
    pub access_key: Option<KeyTerms>,
    /// The policy its access is cut to.
    pub permissions_boundary: Option<String>,
    /// Its own tags.
    pub tags: BTreeMap<String, String>,
    /// Keys of `tags` whose values are sensitive.
    pub sensitive_tags: BTreeSet<String>,
    /// How long a session may last.
    pub max_session_duration: Option<Span>,
    /// The account it lives in, by its provider's alias; `None`: in the stack's first.
    pub account: Option<Alias>,
    /// The template it takes words from, with the digest of what that says: the mark of it.
    pub template: Option<String>,
    /// Addresses of identities that must be there first.
    pub depends_on: BTreeSet<Address>,
    /// Where it is written.
    pub origin: BlockOrigin,
}

/// How long an identity may live. `expires_at` and `ttl` exclude each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lease {
    /// Counts from `renewed_at`, or from when the identity joined.
    pub ttl: Option<Span>,
    /// The end, as an instant.
    pub expires_at: Option<Timestamp>,
    /// Where the count restarts.
    pub renewed_at: Option<Timestamp>,
}

/// Where a block is written, and each of its attributes and inner blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockOrigin {
    /// The file.
    pub file: FileId,
    /// The block's header: its type and labels.
    pub header: Range<usize>,
    /// Each attribute's value, and each inner block's header, by name; several of one name in order. Instances of one block
    /// share them.
    pub parts: Arc<[(&'static str, Range<usize>)]>,
    /// Of a block in a module: the calls that lead to it, innermost first, each with a word on it.
    pub calls: Arc<[(source::FileSpan, String)]>,
}

impl BlockOrigin {
    /// The block's header.
    #[must_use]
    pub fn header_span(&self) -> source::FileSpan {
        source::FileSpan { file: self.file, bytes: self.header.clone() }
    }

    /// A finding on the block, with the calls that lead to its module.
    #[must_use]
    pub fn add_module_calls(&self, finding: Diagnostic) -> Diagnostic {
        self.calls.iter().fold(finding, |finding, (span, label)| finding.with_related(span.clone(), label.as_str()))
    }

    /// The first attribute or inner block of that name; the header where there is none.
    #[must_use]
    pub fn part_span(&self, name: &str) -> source::FileSpan {
        let range = self.parts.iter().find(|(part, _)| *part == name).map_or(&self.header, |(_, range)| range);
        source::FileSpan { file: self.file, bytes: range.clone() }
    }
}
