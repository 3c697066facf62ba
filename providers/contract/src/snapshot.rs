//! What is live: the cloud's side of a diff, in the normal form of [`Resource`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Address, Alias, Delivery, DeliveryIndex, Document, Marks, Principal, Resource, ResourceId, StackName};

/// Where a provider works, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Realm {
    /// The provider's name: `aws`, `local`.
    pub provider: String,
    /// The account, or what stands for one.
    pub account: String,
    /// The cloud's partition, such as `aws` or `aws-cn`; empty where there is none.
    pub partition: String,
    /// The caller as the cloud knows it, for people: `role/ci`.
    pub actor: String,
    /// The stack's other accounts. A provider knows of none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<Alias, Realm>,
}

impl Realm {
    /// The place that the stack knows by that alias; the first where it knows none.
    #[must_use]
    pub fn for_account(&self, account: Option<&Alias>) -> &Self {
        account.and_then(|alias| self.others.get(alias)).unwrap_or(self)
    }

    /// Every account of the stack, the first one first.
    pub fn accounts(&self) -> impl Iterator<Item = (Option<&Alias>, &Self)> {
        std::iter::once((None, self)).chain(self.others.iter().map(|(alias, realm)| (Some(alias), realm)))
    }

    /// The provider and the account, as stores name it: `aws 111122223333`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.provider, self.account)
    }

    /// Whether both are the same account of the same cloud.
    #[must_use]
    pub fn is_same_account(&self, other: &Self) -> bool {
        self.provider == other.provider && self.partition == other.partition && self.account == other.account
    }
}

/// For people: `aws 111122223333`, and behind it what the stack calls its other accounts: `aws 111122223333, audit 222233334444`.
impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.provider, self.account)?;
        self.others.iter().try_for_each(|(alias, realm)| write!(f, ", {alias} {}", realm.account))
    }
}

/// One identity of this stack as it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveIdentity {
    /// The resource that is the principal; a key of `resources`.
    pub id: ResourceId,
    /// Its form.
    pub principal: Principal,
    /// Its name in the cloud.
    pub name: String,
    /// The id that the cloud gave it and gives no other, such as `AIDA…`: a name may be given again. `None`: the cloud has no such ids.
    pub unique_id: Option<String>,
    /// Its marks.
    pub marks: Marks,
    /// When the cloud says it was made.
    pub created_at: Option<Timestamp>,
    /// When it, or a credential of it, was last used, as far as the cloud tells.
    pub last_used: Option<Timestamp>,
    /// All it is and holds, strays included.
    pub resources: BTreeMap<ResourceId, Resource>,
    /// What is known of its access keys beside their status. Each is one of `resources` too.
    pub keys: BTreeMap<ResourceId, LiveKey>,
}

/// An access key as it lives, beside what its resource says. Nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LiveKey {
    /// When the cloud made it.
    pub created_at: Option<Timestamp>,
    /// When it was last used, as far as the cloud tells.
    pub last_used: Option<Timestamp>,
    /// Where its secret was delivered to. A provider does not know: the engine fills it in.
    pub delivered: Option<Delivery>,
}

impl LiveIdentity {
    /// Its address, from its marks.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.marks.address
    }
}

/// One object of this stack that identities share, as it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveShared {
    /// The object. Its marks are `None` where no bulk read tells them and nothing asked for a closer look.
    pub resource: Resource,
    /// Its address as far as the cloud tells, or that of what it is part of.
    pub address: Address,
    /// It carries no mark, and was asked for to be taken in.
    pub adoptable: bool,
    /// What is not this stack's and holds it, by name: `user/jane`. As long as somebody does, it cannot go.
    pub held_by: BTreeSet<String>,
}

impl LiveShared {
    /// An object that nobody else holds.
    #[must_use]
    pub fn new(resource: Resource, address: Address) -> Self {
        Self { resource, address, adoptable: false, held_by: BTreeSet::new() }
    }
}

/// A principal or policy that does not carry this stack's mark. It is never written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stranger {
    /// The stack whose mark it carries, if one's.
    pub stack: Option<StackName>,
    /// The object's own name for itself, such as its ARN.
    pub arn: String,
    /// Why its marks could not be read, where they could not.
    pub unreadable: Option<String>,
}

/// A principal that carries no mark and was asked for by name, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmarked {
    /// The resource that is the principal; a key of `resources`.
    pub id: ResourceId,
    /// Its form.
    pub principal: Principal,
    /// Its name in the cloud.
    pub name: String,
    /// When the cloud says it was made.
    pub created_at: Option<Timestamp>,
    /// When it, or a credential of it, was last used, as far as the cloud tells.
    pub last_used: Option<Timestamp>,
    /// All it is and holds. They carry no marks, and are part of the address that was asked for.
    pub resources: BTreeMap<ResourceId, Resource>,
}

/// All that a plan needs to know of the cloud. A snapshot is whole or it is not there: a read that failed half-way is an
/// [`crate::ObserveError`], never a smaller snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Where this is.
    pub realm: Realm,
    /// This stack's identities, by principal.
    pub identities: BTreeMap<ResourceId, LiveIdentity>,
    /// What this stack's identities share.
    pub shared: BTreeMap<ResourceId, LiveShared>,
    /// Everything else of the kinds this provider realizes.
    pub strangers: BTreeMap<ResourceId, Stranger>,
    /// Of the strangers, those that carry no mark and were asked for whole.
    pub unmarked: BTreeMap<ResourceId, Unmarked>,
    /// Groups that are not the stack's, and what of the stack they hold: members have it through them.
    pub through_others: BTreeMap<ResourceId, BTreeSet<ResourceId>>,
    /// Managed policies that are not the stack's and deny something, or read tags of who holds them, by the name by which an attachment says them; and groups that do, by
    /// theirs, with all they hold in one document; each with the account that it is in. Others only allow, as far as the provider can know.
    pub denying: BTreeMap<ObjectName, Document>,
    /// What was delivered and is not among the live keys: keys that are gone, or that the cloud does not show yet.
    pub not_shown: DeliveryIndex,
}

/// What an attachment or membership names in an account: an ARN, or the name of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// Whose; `None`: the stack's first account, or its only one.
    pub account: Option<Alias>,
    /// The name.
    pub name: String,
}

impl ObjectName {
    /// What an object means by that name.
    #[must_use]
    pub fn for_object(object: &ResourceId, name: &str) -> Self {
        Self { account: object.account.clone(), name: name.to_owned() }
    }
}

impl Snapshot {
    /// An empty cloud.
    #[must_use]
    pub fn for_realm(realm: Realm) -> Self {
        Self {
            realm,
            identities: BTreeMap::new(),
            shared: BTreeMap::new(),
            strangers: BTreeMap::new(),
            unmarked: BTreeMap::new(),
            through_others: BTreeMap::new(),
            denying: BTreeMap::new(),
            not_shown: DeliveryIndex::new(),
        }
    }
}
