//! Live objects: the cloud's side of a diff, in the normal form of [`Resource`].
//!
//! A [`Snapshot`] is complete. If any part of it cannot be read, there is an error and no snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Address, Alias, Delivery, DeliveryIndex, Document, Lineage, Marks, Principal, Resource, ResourceId, StackName,
};

/// The account that a provider works in, and the caller it works as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Realm {
    /// The provider's name: `aws`, `local`.
    pub provider: String,
    /// The account id, or the provider's equivalent of an account.
    pub account: String,
    /// The cloud's partition, such as `aws` or `aws-cn`. Empty: the cloud has no partitions.
    pub partition: String,
    /// The caller's name in the cloud, for people: `role/ci`.
    pub actor: String,
    /// The stack's other accounts. Empty in the realm that a provider returns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<Alias, Realm>,
}

impl Realm {
    /// The realm of the account with this alias. `None`, or an alias that the stack does not have: the first
    /// account's realm.
    #[must_use]
    pub fn for_account(&self, account: Option<&Alias>) -> &Self {
        account.and_then(|alias| self.others.get(alias)).unwrap_or(self)
    }

    /// Every account of the stack with its alias, the first account first.
    pub fn accounts(&self) -> impl Iterator<Item = (Option<&Alias>, &Self)> {
        std::iter::once((None, self)).chain(self.others.iter().map(|(alias, realm)| (Some(alias), realm)))
    }

    /// The provider and the account, as stores name them: `aws 111122223333`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.provider, self.account)
    }

    /// Whether both realms are the same account of the same cloud.
    #[must_use]
    pub fn is_same_account(&self, other: &Self) -> bool {
        self.provider == other.provider && self.partition == other.partition && self.account == other.account
    }
}

/// For people: `aws 111122223333`, then the stack's other accounts with their aliases: `aws 111122223333, audit
/// 222233334444`.
impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.provider, self.account)?;
        self.others.iter().try_for_each(|(alias, realm)| write!(f, ", {alias} {}", realm.account))
    }
}

/// One live identity of this stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveIdentity {
    /// The id of the principal. It is a key of `resources`.
    pub id: ResourceId,
    /// Its principal form.
    pub principal: Principal,
    /// Its name in the cloud.
    pub name: String,
    /// The id that the cloud assigned and never reuses, such as `AIDA…`. A name can be reused.
    pub unique_id: String,
    /// The marks that count: those that the stack recorded when it last wrote them. The marks in the live object's tags are in its
    /// resource and may differ, because somebody else can edit tags. If the request had no record, these are the tags' marks.
    pub marks: Marks,
    /// When it was created, as reported by the cloud.
    pub created_at: Option<Timestamp>,
    /// When it, or one of its credentials, was last used, as reported by the cloud. `None`: never, or not known.
    pub last_used: Option<Timestamp>,
    /// All its resources, including unmanaged ones.
    pub resources: BTreeMap<ResourceId, Resource>,
    /// Details of its access keys beyond their attributes. Each key is also in `resources`.
    pub keys: BTreeMap<ResourceId, LiveKey>,
}

/// A live access key: what is known in addition to its resource. None of it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LiveKey {
    /// When it was created, as reported by the cloud.
    pub created_at: Option<Timestamp>,
    /// When it was last used, as reported by the cloud. `None`: never, or not known.
    pub last_used: Option<Timestamp>,
    /// Where its secret was delivered. The engine fills this in; it is `None` in what a provider returns.
    pub delivered: Option<Delivery>,
}

impl LiveIdentity {
    /// Its address, according to the marks that count.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.marks.address
    }
}

/// One live object of this stack that identities share: a scope, a group, a part of a group, or a federation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveShared {
    /// The object. Its marks are `None` if the bulk read does not include them and no exact read was requested.
    pub resource: Resource,
    /// The id that the cloud assigned to it and never reuses. `None`: it is part of another object, such as a policy of a group.
    pub unique_id: Option<String>,
    /// Its address as read from the cloud, or the address of the object that it is part of.
    pub address: Address,
    /// The marks that the stack recorded when it last wrote them. `None`: it is part of another object, or the request had no record.
    pub recorded: Option<Marks>,
    /// Whether it carries no mark and the request asked to import it.
    pub importable: bool,
    /// Objects outside this stack that it is attached to, by name: `user/jane`. It cannot be deleted while there are any.
    pub foreign_attachments: BTreeSet<String>,
}

impl LiveShared {
    /// A shared object that is not attached to anything outside the stack.
    #[must_use]
    pub fn new(resource: Resource, address: Address, unique_id: Option<String>) -> Self {
        Self { resource, unique_id, address, recorded: None, importable: false, foreign_attachments: BTreeSet::new() }
    }
}

impl LiveShared {
    /// The same object, with the marks that the stack recorded for it.
    #[must_use]
    pub fn with_recorded_marks(self, recorded: Option<Marks>) -> Self {
        Self { recorded, ..self }
    }

    /// The object as the stack recorded it: with the marks that count, which may differ from those in its tags.
    #[must_use]
    pub fn as_recorded(&self) -> Resource {
        let marks = self.recorded.clone().or_else(|| self.resource.marks.clone());
        Resource { marks, ..self.resource.clone() }
    }
}

/// A principal, policy or group that this stack does not own. Leasehold never writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmanagedObject {
    /// The stack that its marks name. `None`: it carries no marks. Marks that name this stack were written by somebody else.
    pub stack: Option<StackName>,
    /// The address that its marks name. `None`: it carries no marks, or they cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The lineage that its marks name. `None`: they name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Lineage>,
    /// The object's cloud name, such as its ARN.
    pub arn: String,
    /// Why its marks could not be read. `None`: they could.
    pub unreadable: Option<String>,
}

/// A principal that the stack does not own and that the request imports, read completely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmarked {
    /// The id of the principal. It is a key of `resources`.
    pub id: ResourceId,
    /// Its principal form.
    pub principal: Principal,
    /// Its name in the cloud.
    pub name: String,
    /// When it was created, as reported by the cloud.
    pub created_at: Option<Timestamp>,
    /// When it, or one of its credentials, was last used, as reported by the cloud. `None`: never, or not known.
    pub last_used: Option<Timestamp>,
    /// All its resources. They carry no marks and have the address that the request gave.
    pub resources: BTreeMap<ResourceId, Resource>,
}

/// Everything that a plan needs to know about the cloud. A snapshot is complete: if a part cannot be read, the result
/// is a [`crate::ObserveError`], never a smaller snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The account it was read from, and the stack's other accounts.
    pub realm: Realm,
    /// This stack's identities, by the id of their principal.
    pub identities: BTreeMap<ResourceId, LiveIdentity>,
    /// The objects that this stack's identities share.
    pub shared: BTreeMap<ResourceId, LiveShared>,
    /// All other objects of the kinds that this provider realizes.
    pub unmanaged_objects: BTreeMap<ResourceId, UnmanagedObject>,
    /// The strangers without marks that the request asked to read completely.
    pub import_candidates: BTreeMap<ResourceId, Unmarked>,
    /// Groups outside the stack, with the stack's objects that are attached to them. Members of such a group have
    /// these objects through it.
    pub foreign_groups: BTreeMap<ResourceId, BTreeSet<ResourceId>>,
    /// Policies and groups outside the stack that deny something, or that read tags of the principal. A managed
    /// policy is listed under the name that attachments use. A group is listed under its own name, with all its
    /// policies in one document. As far as the provider can know, all others only allow.
    pub denying: BTreeMap<ObjectName, Document>,
    /// Deliveries whose key is not among the live keys: the key was deleted, or the cloud does not list it yet.
    pub unlisted_deliveries: DeliveryIndex,
}

/// The name that an attachment or membership uses for an object: an ARN, or the name of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// The account that it is in. `None`: the stack's first account.
    pub account: Option<Alias>,
    /// The name.
    pub name: String,
}

impl ObjectName {
    /// What `name` refers to when `object` uses it: a name in the account of `object`.
    #[must_use]
    pub fn for_object(object: &ResourceId, name: &str) -> Self {
        Self { account: object.account.clone(), name: name.to_owned() }
    }
}

impl Snapshot {
    /// A snapshot of an empty account.
    #[must_use]
    pub fn for_realm(realm: Realm) -> Self {
        Self {
            realm,
            identities: BTreeMap::new(),
            shared: BTreeMap::new(),
            unmanaged_objects: BTreeMap::new(),
            import_candidates: BTreeMap::new(),
            foreign_groups: BTreeMap::new(),
            denying: BTreeMap::new(),
            unlisted_deliveries: DeliveryIndex::new(),
        }
    }

    /// Sets [`LiveKey::delivered`] of each live key, and keeps the deliveries of all other
    /// keys in [`Snapshot::unlisted_deliveries`].
    pub fn record_deliveries(&mut self, delivered: &DeliveryIndex) {
        self.unlisted_deliveries.clone_from(delivered);
        for live in self.identities.values_mut() {
            let Some(of_user) = self.unlisted_deliveries.get_mut(&(live.id.account.clone(), live.name.clone())) else {
                continue;
            };
            for (id, key) in &mut live.keys {
                key.delivered = of_user.remove(id.local_name());
            }
        }
    }
}
