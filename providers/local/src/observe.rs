//! Reads a snapshot of the whole directory.
//!
//! In: the file, the stack, and the unmarked objects to import. Out: a [`Snapshot`] with the stack's identities and
//! shared objects complete, and every other object by id and owner. `principals` and the tables of their parts are each
//! read once, in the order of the principals' primary keys, and merged.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::path::Path;

use jiff::Timestamp;
use leasehold_provider::{
    Address, LiveIdentity, LiveKey, LiveShared, Marks, ObserveError, Realm, Resource, ResourceId, Snapshot, StackName,
    UnmanagedObject, Unmarked, Value,
};
use rayon::prelude::*;
use rusqlite::{Connection, Row, types};

mod groups;

use crate::kinds;
use crate::rows::{self, Ownership, PolicyRow, PrincipalRow, RawPrincipalRow};
use crate::{dependencies, errors, schema};

/// Reads the snapshot that a plan of `stack` needs. A missing file gives an empty snapshot.
///
/// # Errors
///
/// Those of [`errors::open_for_read_error`] and [`errors::read_error`]; `Malformed` if a row cannot be parsed.
pub fn read_snapshot(
    path: &Path,
    stack: &StackName,
    import: &ImportAddresses,
    realm: Realm,
) -> Result<Snapshot, ObserveError> {
    match schema::open_to_read(path).map_err(|error| errors::open_for_read_error(&error))? {
        None => Ok(Snapshot::for_realm(realm)),
        Some(connection) => {
            query_snapshot(&connection, stack, import, realm).map_err(|error| errors::read_error(&error))
        }
    }
}

fn query_snapshot(
    connection: &Connection,
    stack: &StackName,
    import: &ImportAddresses,
    realm: Realm,
) -> rusqlite::Result<Snapshot> {
    let mut snapshot = Snapshot::for_realm(realm);
    let mut foreign_holders = read_principals(connection, stack, import, &mut snapshot)?;
    if schema::has_group_tables(connection)? {
        groups::read_groups(connection, stack, import, &mut foreign_holders, &mut snapshot)?;
    }
    read_policies(connection, stack, foreign_holders, &mut snapshot)?;
    Ok(snapshot)
}

/// Unmarked objects to read completely for an import, with the address each will get.
type ImportAddresses = BTreeMap<ResourceId, Address>;

/// By id of a policy or group: the paths of principals and groups outside the stack that have it attached or are
/// members.
type ForeignHolders = BTreeMap<ResourceId, BTreeSet<String>>;

fn read_principals(
    connection: &Connection,
    stack: &StackName,
    import: &ImportAddresses,
    snapshot: &mut Snapshot,
) -> rusqlite::Result<ForeignHolders> {
    let mut foreign_holders = ForeignHolders::new();
    let sql = format!("SELECT {}, created_at, last_used FROM principals ORDER BY id", rows::PRINCIPAL_COLUMNS);
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
        let (created_at, last_used) = (read_timestamp(row, 8)?, read_timestamp(row, 9)?.max(parts.last_used()));
        records.push(PrincipalRecord { text, parts, created_at, last_used });
    }
    // SQLite returns rows one by one. Parsing their JSON takes most of the time, so it runs in parallel.
    let principals: Vec<ClassifiedPrincipal> = records
        .into_par_iter()
        .map(|record| record.classify_principal(stack, import))
        .collect::<rusqlite::Result<_>>()?;
    for principal in principals {
        match principal {
            ClassifiedPrincipal::Ours(live) => drop(snapshot.identities.insert(live.id.clone(), *live)),
            ClassifiedPrincipal::Other { id, path, unmanaged_object, candidate, attached } => {
                for shared in attached {
                    foreign_holders.entry(shared).or_default().insert(path.clone());
                }
                snapshot.import_candidates.extend(candidate.map(|candidate| (id.clone(), *candidate)));
                snapshot.unmanaged_objects.insert(id, unmanaged_object);
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
        unmanaged_object: UnmanagedObject,
        /// The whole principal if it is to be imported.
        candidate: Option<Box<Unmarked>>,
        /// Its attached policies and its groups.
        attached: Vec<ResourceId>,
    },
}

impl PrincipalRecord {
    /// Parses the rows, and decides by the marks whether the principal belongs to `stack`.
    fn classify_principal(self, stack: &StackName, import: &ImportAddresses) -> rusqlite::Result<ClassifiedPrincipal> {
        let Self { text, parts, created_at, last_used } = self;
        let principal = PrincipalRow::from_raw(text)?;
        let id = kinds::principal_id(principal.form, &principal.name);
        let (form, name) = (principal.form, principal.name.clone());
        let owned = Ownership::from_tags(&principal.tags, stack);
        if let Ownership::Ours(marks) = owned {
            let keys = parts.live_keys(&name);
            let resources = identity_resources(&id, principal, marks.address.clone(), Some(&marks), parts)?;
            let (unique_id, marks) = (None, *marks);
            let live =
                LiveIdentity { id, principal: form, name, unique_id, marks, created_at, last_used, resources, keys };
            return Ok(ClassifiedPrincipal::Ours(Box::new(live)));
        }
        let policies = parts.attachments.iter().map(|policy| ResourceId::new(kinds::POLICY, policy));
        let attached = policies.chain(parts.groups.iter().map(|group| kinds::group_id(group))).collect();
        let path = kinds::principal_path(form, &name);
        let candidate = match (&owned, import.get(&id)) {
            (Ownership::Unmarked, Some(address)) => {
                let resources = identity_resources(&id, principal, address.clone(), None, parts)?;
                Some(Box::new(Unmarked { id: id.clone(), principal: form, name, created_at, last_used, resources }))
            }
            _ => None,
        };
        let unmanaged_object = unmanaged_from_ownership(format!("local:{path}"), owned);
        Ok(ClassifiedPrincipal::Other { id, path, unmanaged_object, candidate, attached })
    }
}

fn read_policies(
    connection: &Connection,
    stack: &StackName,
    mut foreign_holders: ForeignHolders,
    snapshot: &mut Snapshot,
) -> rusqlite::Result<()> {
    let mut policies = connection.prepare(&format!("SELECT {} FROM policies ORDER BY name", rows::POLICY_COLUMNS))?;
    let mut rows = policies.query([])?;
    while let Some(row) = rows.next()? {
        let policy = PolicyRow::read(row)?;
        let id = ResourceId::new(kinds::POLICY, policy.name.as_str());
        match Ownership::from_tags(&policy.tags, stack) {
            Ownership::Ours(marks) => {
                let mut resource = Resource::new(id.clone(), None);
                let address = marks.address.clone();
                resource.marks = Some(*marks);
                let foreign_attachments = foreign_holders.remove(&id).unwrap_or_default();
                resource.attributes = policy.into_attributes();
                snapshot.shared.insert(id, LiveShared { resource, address, importable: false, foreign_attachments });
            }
            other => {
                let arn = format!("local:policy/{}", policy.name);
                snapshot.unmanaged_objects.insert(id, unmanaged_from_ownership(arn, other));
            }
        }
    }
    Ok(())
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
        let (created_at, last_used) = (read_timestamp(row, 3)?, read_timestamp(row, 4)?);
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
    marks: Option<&Marks>,
    parts: PrincipalParts,
) -> rusqlite::Result<BTreeMap<ResourceId, Resource>> {
    let name = principal.name.clone();
    let part = |kind, part: &str| Resource::new(kinds::part_id(kind, &name, part), Some(address.clone()));
    let mut root = Resource::new(id.clone(), Some(address.clone()));
    root.attributes = principal.into_attributes();
    root.marks = marks.cloned();
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

/// Describes an object that does not belong to the stack.
fn unmanaged_from_ownership(arn: String, ownership: Ownership) -> UnmanagedObject {
    match ownership {
        Ownership::Other(stack) => UnmanagedObject { stack: Some(stack), arn, unreadable: None },
        Ownership::Unreadable(error) => UnmanagedObject { stack: None, arn, unreadable: Some(error.to_string()) },
        Ownership::Ours(_) | Ownership::Unmarked => UnmanagedObject { stack: None, arn, unreadable: None },
    }
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

/// Reads an RFC 3339 column; `None` for `NULL`.
fn read_timestamp(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    let parsed = text.map(str::parse::<Timestamp>).transpose();
    parsed.map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, types::Type::Text, Box::new(error)))
}
