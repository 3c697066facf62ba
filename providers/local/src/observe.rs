//! Reads a snapshot of the whole directory.
//!
//! In: the file and a request. Out: a [`Snapshot`] with the stack's identities and
//! shared objects complete, and every other object by id and owner. `principals` and the tables of their parts are each
//! read once, in the order of the principals' primary keys, and merged.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::path::Path;

use jiff::Timestamp;
use leasehold_provider::{
    Address, LiveIdentity, LiveKey, LiveShared, Marks, ObjectOwner, ObserveError, ObserveRequest, Realm, Resource,
    ResourceId, Snapshot, UnmanagedObject, Unmarked, Value,
};
use rayon::prelude::*;
use rusqlite::{Connection, Row};

mod groups;

use crate::kinds;
use crate::rows::{self, PolicyRow, PrincipalRow, RawPrincipalRow};
use crate::{dependencies, errors, schema};

/// Reads the snapshot that a request asks for. A missing file gives an empty snapshot.
///
/// # Errors
///
/// Those of [`errors::open_for_read_error`] and [`errors::read_error`]; `Malformed` if a row cannot be parsed.
pub fn read_snapshot(path: &Path, request: ObserveRequest<'_>, realm: Realm) -> Result<Snapshot, ObserveError> {
    match schema::open_to_read(path).map_err(|error| errors::open_for_read_error(&error))? {
        None => Ok(Snapshot::for_realm(realm)),
        Some(connection) => query_snapshot(&connection, request, realm).map_err(|error| errors::read_error(&error)),
    }
}

fn query_snapshot(connection: &Connection, request: ObserveRequest<'_>, realm: Realm) -> rusqlite::Result<Snapshot> {
    let mut snapshot = Snapshot::for_realm(realm);
    let mut foreign_holders = read_principals(connection, request, &mut snapshot)?;
    if schema::has_group_tables(connection)? {
        groups::read_groups(connection, request, &mut foreign_holders, &mut snapshot)?;
    }
    read_policies(connection, request, foreign_holders, &mut snapshot)?;
    Ok(snapshot)
}

/// By id of a policy or group: the paths of principals and groups outside the stack that have it attached or are
/// members.
type ForeignHolders = BTreeMap<ResourceId, BTreeSet<String>>;

fn read_principals(
    connection: &Connection,
    request: ObserveRequest<'_>,
    snapshot: &mut Snapshot,
) -> rusqlite::Result<ForeignHolders> {
    let mut foreign_holders = ForeignHolders::new();
    let unique_id = schema::unique_id_column(connection, schema::PRINCIPAL_ID)?;
    let columns = rows::PRINCIPAL_COLUMNS;
    let sql = format!("SELECT {columns}, {unique_id}, created_at, last_used FROM principals ORDER BY id");
    let mut principals = connection.prepare(&sql)?;
    let mut inline = connection.prepare("SELECT principal, name, document FROM inline_policies ORDER BY 1, 2")?;
    let mut inline = inline.query_map([], |row| row_of_principal(row, (row.get(1)?, row.get(2)?)))?.peekable();
    let mut attachments = connection.prepare("SELECT principal, policy FROM attachments ORDER BY 1, 2")?;
    let mut attachments = attachments.query_map([], |row| row_of_principal(row, row.get::<_, String>(1)?))?.peekable();
    let mut keys =
        connection.prepare("SELECT principal, id, status, created_at, last_used FROM access_keys ORDER BY 1, 2")?;
    let mut keys = keys.query_map([], AccessKeyRow::read)?.peekable();
    let mut logins = connection.prepare("SELECT principal FROM logins ORDER BY 1")?;
    let mut logins = logins.query_map([], |row| row_of_principal(row, ()))?.peekable();
    let mut memberships = groups::read_memberships(connection)?;

    let mut records = Vec::new();
    let mut rows = principals.query([])?;
    while let Some(row) = rows.next()? {
        let text = RawPrincipalRow::read(row)?;
        let parts = PrincipalParts {
            inline: take_principal_rows(&mut inline, text.id)?,
            attachments: take_principal_rows(&mut attachments, text.id)?,
            keys: take_principal_rows(&mut keys, text.id)?,
            groups: memberships.remove(&text.id).unwrap_or_default(),
            login: !take_principal_rows(&mut logins, text.id)?.is_empty(),
        };
        let (created_at, last_used) =
            (rows::read_timestamp(row, 9)?, rows::read_timestamp(row, 10)?.max(parts.last_used()));
        records.push(PrincipalRecord { text, parts, created_at, last_used });
    }
    // SQLite returns rows one by one. Parsing their JSON takes most of the time, so it runs in parallel.
    let principals: Vec<ClassifiedPrincipal> =
        records.into_par_iter().map(|record| record.classify_principal(request)).collect::<rusqlite::Result<_>>()?;
    for principal in principals {
        match principal {
            ClassifiedPrincipal::Ours(live) => drop(snapshot.identities.insert(live.id.clone(), *live)),
            ClassifiedPrincipal::Other { id, path, unmanaged_object, candidate, attached } => {
                for shared in attached {
                    foreign_holders.entry(shared).or_default().insert(path.clone());
                }
                snapshot.import_candidates.extend(candidate.map(|candidate| (id.clone(), *candidate)));
                snapshot.unmanaged_objects.insert(id, *unmanaged_object);
            }
        }
    }
    Ok(foreign_holders)
}

/// The rows of one principal, its JSON not parsed yet.
struct PrincipalRecord {
    text: RawPrincipalRow,
    parts: PrincipalParts,
    created_at: Option<Timestamp>,
    last_used: Option<Timestamp>,
}

/// A principal of this stack, or any other principal.
enum ClassifiedPrincipal {
    Ours(Box<LiveIdentity>),
    Other {
        id: ResourceId,
        /// `user/jane`, as in [`kinds::principal_path`].
        path: String,
        unmanaged_object: Box<UnmanagedObject>,
        /// The whole principal if it is to be imported.
        candidate: Option<Box<Unmarked>>,
        /// Its attached policies and its groups.
        attached: Vec<ResourceId>,
    },
}

impl PrincipalRecord {
    /// Parses the rows, and decides whether the stack owns the principal.
    fn classify_principal(self, request: ObserveRequest<'_>) -> rusqlite::Result<ClassifiedPrincipal> {
        let Self { text, parts, created_at, last_used } = self;
        let principal = PrincipalRow::from_raw(text)?;
        let id = kinds::principal_id(principal.form, &principal.name);
        let (form, name, unique_id) = (principal.form, principal.name.clone(), principal.unique_id.clone());
        let found = match request.find_owner(&id, &unique_id, created_at, &principal.tags) {
            ObjectOwner::Other(found) => found,
            ObjectOwner::Stack(marks) => {
                let keys = parts.live_keys(&name);
                let in_tags = Marks::from_tags(&principal.tags).ok().flatten();
                let resources = identity_resources(&id, principal, marks.address.clone(), in_tags, parts)?;
                let marks = *marks;
                let live = LiveIdentity {
                    id,
                    principal: form,
                    name,
                    unique_id,
                    marks,
                    created_at,
                    last_used,
                    resources,
                    keys,
                };
                return Ok(ClassifiedPrincipal::Ours(Box::new(live)));
            }
        };
        let policies = parts.attachments.iter().map(|policy| ResourceId::new(kinds::POLICY, policy));
        let attached = policies.chain(parts.groups.iter().map(|group| kinds::group_id(group))).collect();
        let path = kinds::principal_path(form, &name);
        let unmanaged_object = Box::new(found.into_unmanaged_object(format!("local:{path}")));
        let candidate = match request.find_import(&id, &unmanaged_object) {
            Some(address) => {
                let resources = identity_resources(&id, principal, address.clone(), None, parts)?;
                Some(Box::new(Unmarked { id: id.clone(), principal: form, name, created_at, last_used, resources }))
            }
            None => None,
        };
        Ok(ClassifiedPrincipal::Other { id, path, unmanaged_object, candidate, attached })
    }
}

fn read_policies(
    connection: &Connection,
    request: ObserveRequest<'_>,
    mut foreign_holders: ForeignHolders,
    snapshot: &mut Snapshot,
) -> rusqlite::Result<()> {
    let mut policies = {
        let (columns, unique_id) = (rows::POLICY_COLUMNS, schema::unique_id_column(connection, schema::POLICY_ID)?);
        connection.prepare(&format!("SELECT {columns}, {unique_id} FROM policies ORDER BY name"))?
    };
    let mut rows = policies.query([])?;
    while let Some(row) = rows.next()? {
        let policy = PolicyRow::read(row)?;
        let id = ResourceId::new(kinds::POLICY, policy.name.as_str());
        match request.find_owner(&id, &policy.unique_id, policy.created_at, &policy.tags) {
            ObjectOwner::Stack(marks) => {
                let mut resource = Resource::new(id.clone(), None);
                resource.marks = Some(read_shared_marks(&policy.tags, &marks));
                let (address, unique_id) = (marks.address.clone(), policy.unique_id.clone());
                let recorded = request.owned.map(|_| *marks);
                let foreign_attachments = foreign_holders.remove(&id).unwrap_or_default();
                resource.attributes = policy.into_attributes();
                let live = LiveShared { foreign_attachments, ..LiveShared::new(resource, address, Some(unique_id)) };
                let live = live.with_recorded_marks(recorded);
                snapshot.shared.insert(id, live);
            }
            ObjectOwner::Other(found) => {
                let arn = format!("local:policy/{}", policy.name);
                snapshot.unmanaged_objects.insert(id, found.into_unmanaged_object(arn));
            }
        }
    }
    Ok(())
}

/// The marks in the tags of a shared object of the stack. If there are none, or if they cannot be read: the stack and the address that the
/// stack recorded, and nothing else.
fn read_shared_marks(tags: &rows::Tags, recorded: &Marks) -> Marks {
    let read = Marks::from_tags(tags).ok().flatten();
    read.unwrap_or_else(|| Marks::new(recorded.stack.clone(), recorded.address.clone()))
}

/// The parts of one principal.
struct PrincipalParts {
    /// Name and JSON document.
    inline: Vec<(String, String)>,
    /// Policy names or ARNs.
    attachments: Vec<String>,
    keys: Vec<AccessKeyRow>,
    /// Names of its groups.
    groups: Vec<String>,
    login: bool,
}

/// A row of `access_keys`.
struct AccessKeyRow {
    id: String,
    status: String,
    created_at: Option<Timestamp>,
    last_used: Option<Timestamp>,
}

impl AccessKeyRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Self)> {
        let (created_at, last_used) = (rows::read_timestamp(row, 3)?, rows::read_timestamp(row, 4)?);
        row_of_principal(row, Self { id: row.get(1)?, status: row.get(2)?, created_at, last_used })
    }
}

impl PrincipalParts {
    /// The last use of any access key.
    fn last_used(&self) -> Option<Timestamp> {
        self.keys.iter().filter_map(|key| key.last_used).max()
    }

    /// Returns the times of the access keys, by id. Whether a key's secret was delivered is not stored here.
    fn live_keys(&self, principal: &str) -> BTreeMap<ResourceId, LiveKey> {
        let live_key =
            |key: &AccessKeyRow| LiveKey { created_at: key.created_at, last_used: key.last_used, delivered: None };
        self.keys.iter().map(|key| (kinds::part_id(kinds::ACCESS_KEY, principal, &key.id), live_key(key))).collect()
    }
}

/// Builds all resources of a principal and its parts, for the identity at `address`.
fn identity_resources(
    id: &ResourceId,
    principal: PrincipalRow,
    address: Address,
    marks: Option<Marks>,
    parts: PrincipalParts,
) -> rusqlite::Result<BTreeMap<ResourceId, Resource>> {
    let name = principal.name.clone();
    let part = |kind, part: &str| Resource::new(kinds::part_id(kind, &name, part), Some(address.clone()));
    let mut root = Resource::new(id.clone(), Some(address.clone()));
    root.attributes = principal.into_attributes();
    root.marks = marks;
    let mut resources = vec![root];
    for (policy, document) in &parts.inline {
        let document = rows::parse_document_column(document, 2)?;
        resources.push(part(kinds::INLINE_POLICY, policy).with_attribute("policy", Value::Document(document)));
    }
    for policy in parts.attachments {
        resources.push(part(kinds::ATTACHMENT, &policy).with_attribute("policy", policy));
    }
    for group in parts.groups {
        resources.push(part(kinds::MEMBERSHIP, &group).with_attribute("group", group));
    }
    for key in parts.keys {
        resources.push(part(kinds::ACCESS_KEY, &key.id).with_attribute("status", key.status));
    }
    if parts.login {
        resources.push(Resource::new(kinds::login_id(&name), Some(address.clone())));
    }
    dependencies::set_dependencies(id, &mut resources);
    Ok(resources.into_iter().map(|resource| (resource.id.clone(), resource)).collect())
}

/// Pairs a value with the row's first column, the primary key of its principal.
fn row_of_principal<T>(row: &Row<'_>, value: T) -> rusqlite::Result<(i64, T)> {
    Ok((row.get(0)?, value))
}

/// Takes the rows of one principal from a table ordered by principal. The caller asks for principals in the same order;
/// foreign keys guarantee that each row has one, so no row is skipped.
fn take_principal_rows<T>(
    rows: &mut Peekable<impl Iterator<Item = rusqlite::Result<(i64, T)>>>,
    principal: i64,
) -> rusqlite::Result<Vec<T>> {
    let mut values = Vec::new();
    while let Some(row) = rows.next_if(|row| !matches!(row, Ok((owner, _)) if *owner > principal)) {
        let (owner, value) = row?;
        if owner == principal {
            values.push(value);
        }
    }
    Ok(values)
}
