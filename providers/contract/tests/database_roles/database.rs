//! The database in memory: roles, grants and memberships, and the parts of the provider that read and write them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use leasehold_provider::{
    Change, Enact, EnactError, EnactErrorKind, Enacted, LiveIdentity, LiveShared, Marks, ObjectOwner, Observe,
    ObserveError, ObserveRequest, Principal, Provider, Quota, Realm, Resource, ResourceId, Snapshot, StackName,
    Unmarked, Value,
};

use crate::realize::{
    DatabaseRealizer, GRANT, Grant, MEMBERSHIP, PASSWORD, SCOPE, USER, build_realizer, grant_resource, index_parts,
    membership_resource, parse_grants, part_id, scope_resource, user_id, user_resource,
};

/// The id that the database gives to a new role, and never to another one.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleOid(u32);

impl Default for RoleOid {
    fn default() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(16_384);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// One role of the database. A user has a name without a dot, the role of a scope has one with a dot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RoleRow {
    pub oid: RoleOid,
    pub can_login: bool,
    pub valid_until: Option<String>,
    pub comment: Option<String>,
    /// Marks and other labels.
    pub labels: BTreeMap<String, String>,
    pub has_password: bool,
    pub grants: BTreeSet<Grant>,
    pub member_of: BTreeSet<String>,
}

impl RoleRow {
    fn unique_id(&self) -> String {
        self.oid.0.to_string()
    }

    pub fn marks(&self) -> Option<Marks> {
        Marks::from_tags(&self.labels).unwrap()
    }

    fn set_marks(&mut self, marks: Option<&Marks>) {
        self.labels = Marks::without_marks(&self.labels);
        self.labels.extend(marks.into_iter().flat_map(Marks::to_tags));
    }

    fn set_attributes(&mut self, resource: &Resource) {
        let text = |name: &str| resource.get(name).and_then(Value::as_text).map(str::to_owned);
        self.can_login = resource.get("login") == Some(&Value::Flag(true));
        (self.valid_until, self.comment) = (text("valid_until"), text("comment"));
        let marks: BTreeMap<_, _> =
            self.labels.clone().into_iter().filter(|(key, _)| key.starts_with("leasehold:")).collect();
        self.labels = match resource.get("labels") {
            Some(Value::Map(labels)) => labels.clone().into_iter().chain(marks).collect(),
            _ => marks,
        };
        if let Some(Value::Document(grants)) = resource.get("grants") {
            self.grants = parse_grants(grants);
        }
    }

    /// The resources of a user, the user first. They are part of no identity yet.
    fn user_resources(&self, name: &str) -> Vec<Resource> {
        let mut user = user_resource(name, self.can_login, self.valid_until.as_deref(), self.comment.as_deref());
        let labels = Marks::without_marks(&self.labels);
        if !labels.is_empty() {
            user = user.with_attribute("labels", Value::Map(labels));
        }
        user.marks = self.marks();
        let mut parts = vec![user];
        parts.extend(self.member_of.iter().map(|role| membership_resource(name, role)));
        parts.extend(self.grants.iter().map(|grant| grant_resource(name, grant)));
        if self.has_password {
            let password = Resource::new(part_id(PASSWORD, name, "password"), None);
            parts.push(password.with_attribute("status", "set").with_dependency(user_id(name)));
        }
        parts
    }
}

/// A database. It is also the part of the provider that reads and writes.
#[derive(Default)]
pub struct Database {
    roles: Mutex<BTreeMap<String, RoleRow>>,
    /// The unique ids of the stack's roles, if the caller has a record of them.
    owned: Mutex<Option<BTreeSet<String>>>,
}

impl Database {
    pub fn roles(&self) -> MutexGuard<'_, BTreeMap<String, RoleRow>> {
        self.roles.lock().unwrap()
    }

    pub fn into_provider(self: Arc<Self>) -> Provider {
        Provider {
            realize: build_realizer(),
            compare: Arc::new(DatabaseRealizer),
            observe: self.clone(),
            enact: self,
            issue: None,
        }
    }

    fn apply_change(&self, stack: &StackName, change: &Change) -> Result<Option<String>, EnactErrorKind> {
        let id = change.id();
        let (owner, part) = id.name.split_once('/').unwrap_or((&id.name, ""));
        let mut roles = self.roles();
        let marked_by = roles.get(owner).map(|role| role.marks().map(|marks| marks.stack));
        let mut owned = self.owned.lock().unwrap();
        let is_owned = owned.as_ref().zip(roles.get(owner)).map(|(owned, role)| owned.contains(&role.unique_id()));
        let is_free = match (&marked_by, change) {
            (Some(by), Change::Import { .. }) => by.as_ref().is_none_or(|by| by == stack),
            (Some(_), _) if is_owned.is_some() => is_owned == Some(true),
            (None, Change::Create { .. }) => id.kind == USER || id.kind == SCOPE,
            (None, Change::Delete { .. }) => return Ok(None),
            (Some(None), Change::Release { .. }) => true,
            (Some(Some(by)), _) => by == stack,
            (None | Some(None), _) => false,
        };
        if !is_free {
            return Err(EnactErrorKind::NotManaged);
        }
        if matches!(change, Change::Delete { .. }) && part.is_empty() {
            roles.remove(owner);
            for role in roles.values_mut() {
                role.member_of.remove(owner);
            }
            return Ok(None);
        }
        let role = roles.entry(owner.to_owned()).or_default();
        match change {
            Change::Create { after } | Change::Update { after, .. } if part.is_empty() => {
                role.set_attributes(after);
                if marked_by.is_none() {
                    role.set_marks(after.marks.as_ref());
                }
            }
            Change::Create { after } | Change::Update { after, .. } => role.set_part(after, part, true),
            Change::Delete { before } => role.set_part(before, part, false),
            Change::Mark { after, .. } | Change::Import { after, .. } => role.set_marks(Some(after)),
            Change::Release { .. } => role.set_marks(None),
        }
        let is_new = part.is_empty() && matches!(change, Change::Create { .. } | Change::Import { .. });
        let unique_id = is_new.then(|| role.unique_id());
        if let Some(owned) = owned.as_mut() {
            owned.extend(unique_id.clone());
        }
        Ok(unique_id)
    }
}

impl RoleRow {
    /// Adds or removes a part of a user.
    fn set_part(&mut self, resource: &Resource, part: &str, exists: bool) {
        let id = &resource.id;
        if id.kind == PASSWORD {
            self.has_password = exists;
        } else if id.kind == MEMBERSHIP {
            self.member_of.retain(|role| role != part);
            self.member_of.extend(exists.then(|| part.to_owned()));
        } else if id.kind == GRANT {
            let grants = match resource.get("grants") {
                Some(Value::Document(document)) => parse_grants(document),
                _ => BTreeSet::new(),
            };
            self.grants.retain(|grant| !grants.contains(grant));
            self.grants.extend(grants.into_iter().filter(|_| exists));
        }
    }
}

#[async_trait]
impl Observe for Database {
    async fn read_realm(&self) -> Result<Realm, ObserveError> {
        Ok(Realm {
            provider: "database".to_owned(),
            account: "orders".to_owned(),
            partition: String::new(),
            actor: "admin".to_owned(),
            others: BTreeMap::new(),
        })
    }

    async fn observe_stack(&self, request: ObserveRequest<'_>) -> Result<Snapshot, ObserveError> {
        let mut snapshot = Snapshot::for_realm(self.read_realm().await?);
        for (name, role) in self.roles().iter() {
            let id = if name.contains('.') { ResourceId::new(SCOPE, name.as_str()) } else { user_id(name) };
            let unique_id = role.unique_id();
            let found = match request.find_owner(&id, &unique_id, None, &role.labels) {
                ObjectOwner::Stack(marks) if name.contains('.') => {
                    let mut resource = scope_resource(name, &role.grants, role.comment.as_deref());
                    resource.marks = role.marks();
                    snapshot.shared.insert(
                        resource.id.clone(),
                        LiveShared::new(resource, marks.address.clone(), Some(unique_id))
                            .with_recorded_marks(request.owned.map(|_| *marks)),
                    );
                    continue;
                }
                ObjectOwner::Stack(marks) => {
                    let resources = index_parts(role.user_resources(name), &marks.address);
                    let live = LiveIdentity {
                        id: id.clone(),
                        principal: Principal::User,
                        name: name.clone(),
                        unique_id,
                        marks: *marks,
                        created_at: None,
                        last_used: None,
                        resources,
                        keys: BTreeMap::new(),
                    };
                    snapshot.identities.insert(id, live);
                    continue;
                }
                ObjectOwner::Other(found) => found.into_unmanaged_object(name.clone()),
            };
            if name.contains('.') {
                continue;
            }
            if let Some(address) = request.find_import(&id, &found) {
                let mut unmarked = role.clone();
                unmarked.set_marks(None);
                let candidate = Unmarked {
                    id: id.clone(),
                    principal: Principal::User,
                    name: name.clone(),
                    created_at: None,
                    last_used: None,
                    resources: index_parts(unmarked.user_resources(name), address),
                };
                snapshot.import_candidates.insert(id.clone(), candidate);
            }
            snapshot.unmanaged_objects.insert(id, found);
        }
        *self.owned.lock().unwrap() = request.owned.map(|_| {
            let identities = snapshot.identities.values().map(|live| live.unique_id.clone());
            identities.chain(snapshot.shared.values().filter_map(|live| live.unique_id.clone())).collect()
        });
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
impl Enact for Database {
    async fn enact_change(&self, stack: &StackName, change: &Change) -> Result<Enacted, EnactError> {
        let refused = |kind| EnactError {
            kind,
            operation: change.id().to_string(),
            message: "the role is not this stack's".to_owned(),
            help: None,
            requests: Vec::new(),
        };
        let written = self.apply_change(stack, change).map_err(refused)?;
        Ok(Enacted { unique_id: written, ..Enacted::default() })
    }
}
