//! The database in memory: roles, grants and memberships, and the parts of the provider that read and write them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use leasehold_provider::{
    Change, Enact, EnactError, EnactErrorKind, Enacted, LiveIdentity, LiveShared, Marks, Observe, ObserveError,
    ObserveRequest, Principal, Provider, Quota, Realm, Resource, ResourceId, Snapshot, StackName, UnmanagedObject,
    Unmarked, Value,
};

use crate::realize::{
    DatabaseRealizer, GRANT, Grant, MEMBERSHIP, PASSWORD, SCOPE, USER, build_realizer, grant_resource, index_parts,
    membership_resource, parse_grants, part_id, scope_resource, user_id, user_resource,
};

/// One role of the database. A user has a name without a dot, the role of a scope has one with a dot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RoleRow {
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
pub struct Database(Mutex<BTreeMap<String, RoleRow>>);

impl Database {
    pub fn roles(&self) -> MutexGuard<'_, BTreeMap<String, RoleRow>> {
        self.0.lock().unwrap()
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

    fn apply_change(&self, stack: &StackName, change: &Change) -> Result<(), EnactErrorKind> {
        let id = change.id();
        let (owner, part) = id.name.split_once('/').unwrap_or((&id.name, ""));
        let mut roles = self.roles();
        let marked_by = roles.get(owner).map(|role| role.marks().map(|marks| marks.stack));
        let is_free = match (&marked_by, change) {
            (None, Change::Create { .. }) => id.kind == USER || id.kind == SCOPE,
            (None, Change::Delete { .. }) => return Ok(()),
            (Some(None), Change::Import { .. } | Change::Release { .. }) => true,
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
            return Ok(());
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
        Ok(())
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
            let marks = role.marks();
            if let Some(marks) = marks.clone().filter(|marks| name.contains('.') && marks.stack == *request.stack) {
                let mut resource = scope_resource(name, &role.grants, role.comment.as_deref());
                let address = marks.address.clone();
                resource.marks = Some(marks);
                snapshot.shared.insert(resource.id.clone(), LiveShared::new(resource, address));
            }
            if name.contains('.') {
                continue;
            }
            let id = user_id(name);
            match marks {
                Some(marks) if marks.stack == *request.stack => {
                    let resources = index_parts(role.user_resources(name), &marks.address);
                    snapshot.identities.insert(
                        id.clone(),
                        LiveIdentity {
                            id,
                            principal: Principal::User,
                            name: name.clone(),
                            unique_id: None,
                            marks,
                            created_at: None,
                            last_used: None,
                            resources,
                            keys: BTreeMap::new(),
                        },
                    );
                }
                marks => {
                    if let (None, Some(address)) = (&marks, request.imports.get(&id)) {
                        let candidate = Unmarked {
                            id: id.clone(),
                            principal: Principal::User,
                            name: name.clone(),
                            created_at: None,
                            last_used: None,
                            resources: index_parts(role.user_resources(name), address),
                        };
                        snapshot.import_candidates.insert(id.clone(), candidate);
                    }
                    let stack = marks.map(|marks| marks.stack);
                    snapshot
                        .unmanaged_objects
                        .insert(id, UnmanagedObject { stack, arn: name.clone(), unreadable: None });
                }
            }
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
impl Enact for Database {
    async fn enact_change(&self, stack: &StackName, change: &Change) -> Result<Enacted, EnactError> {
        let refused = |kind| EnactError {
            kind,
            operation: change.id().to_string(),
            message: "the role is not this stack's".to_owned(),
            help: None,
            requests: Vec::new(),
        };
        self.apply_change(stack, change).map(|()| Enacted::default()).map_err(refused)
    }
}
