//! The whole directory in one pass: every table is read once, in the order of its principals, and the tables are merged.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::path::Path;

use jiff::Timestamp;
use leasehold_provider::{
    Address, LiveIdentity, LiveKey, LiveShared, Marks, ObserveError, Realm, Resource, ResourceId, Snapshot, StackName,
    Stranger, Unmarked, Value,
};
use rayon::prelude::*;
use rusqlite::{Connection, Row, types};

mod teams;

use crate::kinds;
use crate::rows::{self, Owned, PolicyRow, PrincipalRow, PrincipalText};
use crate::{failures, order, schema};

/// Reads what a plan for a stack needs. A file that is not there is an empty directory.
pub fn read(path: &Path, stack: &StackName, adopt: &Adopted, realm: Realm) -> Result<Snapshot, ObserveError> {
    match schema::open_to_read(path).map_err(|error| failures::opening_to_read(&error))? {
        None => Ok(Snapshot::empty(realm)),
        Some(connection) => snapshot(&connection, stack, adopt, realm).map_err(|error| failures::reading(&error)),
    }
}

fn snapshot(connection: &Connection, stack: &StackName, adopt: &Adopted, realm: Realm) -> rusqlite::Result<Snapshot> {
    let mut snapshot = Snapshot::empty(realm);
    let mut held = read_principals(connection, stack, adopt, &mut snapshot)?;
    if schema::has_groups(connection)? {
        teams::read(connection, stack, adopt, &mut held, &mut snapshot)?;
    }
    read_policies(connection, stack, held, &mut snapshot)?;
    Ok(snapshot)
}

/// Principals without marks that are wanted whole, with the address each shall have.
type Adopted = BTreeMap<ResourceId, Address>;

/// By policy and by group: who holds it, or is in it, and is not the stack's.
type HeldByOthers = BTreeMap<ResourceId, BTreeSet<String>>;

fn read_principals(
    connection: &Connection,
    stack: &StackName,
    adopt: &Adopted,
    snapshot: &mut Snapshot,
) -> rusqlite::Result<HeldByOthers> {
    let mut held = HeldByOthers::new();
    let sql = format!("SELECT {}, created_at, last_used FROM principals ORDER BY id", rows::PRINCIPAL);
    let mut principals = connection.prepare(&sql)?;
    let mut inline = connection.prepare("SELECT principal, name, document FROM inline_policies ORDER BY 1, 2")?;
    let mut inline = inline.query_map([], |row| part(row, (row.get(1)?, row.get(2)?)))?.peekable();
    let mut attachments = connection.prepare("SELECT principal, policy FROM attachments ORDER BY 1, 2")?;
    let mut attachments = attachments.query_map([], |row| part(row, row.get::<_, String>(1)?))?.peekable();
    let mut keys =
        connection.prepare("SELECT principal, id, status, created_at, last_used FROM access_keys ORDER BY 1, 2")?;
    let mut keys = keys.query_map([], KeyRow::read)?.peekable();
    let mut logins = connection.prepare("SELECT principal FROM logins ORDER BY 1")?;
    let mut logins = logins.query_map([], |row| part(row, ()))?.peekable();
    let mut memberships = teams::memberships(connection)?;

    let mut found = Vec::new();
    let mut rows = principals.query([])?;
    while let Some(row) = rows.next()? {
        let text = PrincipalText::read(row)?;
        let parts = Parts {
            inline: all_of(&mut inline, text.id)?,
            attachments: all_of(&mut attachments, text.id)?,
            keys: all_of(&mut keys, text.id)?,
            groups: memberships.remove(&text.id).unwrap_or_default(),
            login: !all_of(&mut logins, text.id)?.is_empty(),
        };
        let (created_at, last_used) = (instant(row, 8)?, instant(row, 9)?.max(parts.last_used()));
        found.push(Found { text, parts, created_at, last_used });
    }
    // The rows come one after another; taking their documents and tags apart is most of the work.
    let told: Vec<Told> =
        found.into_par_iter().map(|found| found.tell(stack, adopt)).collect::<rusqlite::Result<_>>()?;
    for told in told {
        match told {
            Told::Ours(live) => drop(snapshot.identities.insert(live.id.clone(), *live)),
            Told::Other { id, path, stranger, adopted, holds } => {
                for shared in holds {
                    held.entry(shared).or_default().insert(path.clone());
                }
                snapshot.unmarked.extend(adopted.map(|adopted| (id.clone(), *adopted)));
                snapshot.strangers.insert(id, stranger);
            }
        }
    }
    Ok(held)
}

/// A principal as its rows say it.
struct Found {
    text: PrincipalText,
    parts: Parts,
    created_at: Option<Timestamp>,
    last_used: Option<Timestamp>,
}

/// What a principal is to the stack.
enum Told {
    Ours(Box<LiveIdentity>),
    Other {
        id: ResourceId,
        /// As others name it: `user/jane`.
        path: String,
        stranger: Stranger,
        adopted: Option<Box<Unmarked>>,
        /// The policies and groups that it holds and is in.
        holds: Vec<ResourceId>,
    },
}

impl Found {
    fn tell(self, stack: &StackName, adopt: &Adopted) -> rusqlite::Result<Told> {
        let Self { text, parts, created_at, last_used } = self;
        let principal = PrincipalRow::of(text)?;
        let id = kinds::principal_id(principal.form, &principal.name);
        let (form, name) = (principal.form, principal.name.clone());
        let owned = Owned::of(&principal.tags, stack);
        if let Owned::Ours(marks) = owned {
            let keys = parts.live_keys(&name);
            let resources = resources(&id, principal, marks.address.clone(), Some(&marks), parts)?;
            let (unique_id, marks) = (None, *marks);
            let live =
                LiveIdentity { id, principal: form, name, unique_id, marks, created_at, last_used, resources, keys };
            return Ok(Told::Ours(Box::new(live)));
        }
        let holds = parts.attachments.iter().map(|policy| ResourceId::new(kinds::POLICY, policy));
        let holds = holds.chain(parts.groups.iter().map(|group| kinds::group_id(group))).collect();
        let path = kinds::principal_path(form, &name);
        let adopted = match (&owned, adopt.get(&id)) {
            (Owned::Unmarked, Some(address)) => {
                let resources = resources(&id, principal, address.clone(), None, parts)?;
                Some(Box::new(Unmarked { id: id.clone(), principal: form, name, created_at, last_used, resources }))
            }
            _ => None,
        };
        let stranger = stranger(format!("local:{path}"), owned);
        Ok(Told::Other { id, path, stranger, adopted, holds })
    }
}

fn read_policies(
    connection: &Connection,
    stack: &StackName,
    mut held: HeldByOthers,
    snapshot: &mut Snapshot,
) -> rusqlite::Result<()> {
    let mut policies = connection.prepare(&format!("SELECT {} FROM policies ORDER BY name", rows::POLICY))?;
    let mut rows = policies.query([])?;
    while let Some(row) = rows.next()? {
        let policy = PolicyRow::read(row)?;
        let id = ResourceId::new(kinds::POLICY, policy.name.as_str());
        match Owned::of(&policy.tags, stack) {
            Owned::Ours(marks) => {
                let mut resource = Resource::new(id.clone(), None);
                let address = marks.address.clone();
                resource.marks = Some(*marks);
                let held_by = held.remove(&id).unwrap_or_default();
                resource.attributes = policy.attributes();
                snapshot.shared.insert(id, LiveShared { resource, address, adoptable: false, held_by });
            }
            other => {
                let arn = format!("local:policy/{}", policy.name);
                snapshot.strangers.insert(id, stranger(arn, other));
            }
        }
    }
    Ok(())
}

/// What hangs on one principal.
struct Parts {
    /// Name and document.
    inline: Vec<(String, String)>,
    /// Policies.
    attachments: Vec<String>,
    keys: Vec<KeyRow>,
    /// The groups it is in.
    groups: Vec<String>,
    login: bool,
}

struct KeyRow {
    id: String,
    status: String,
    created_at: Option<Timestamp>,
    last_used: Option<Timestamp>,
}

impl KeyRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Self)> {
        let (created_at, last_used) = (instant(row, 3)?, instant(row, 4)?);
        part(row, Self { id: row.get(1)?, status: row.get(2)?, created_at, last_used })
    }
}

impl Parts {
    fn last_used(&self) -> Option<Timestamp> {
        self.keys.iter().filter_map(|key| key.last_used).max()
    }

    /// What is known of the keys of a principal, by id.
    fn live_keys(&self, principal: &str) -> BTreeMap<ResourceId, LiveKey> {
        let of = |key: &KeyRow| LiveKey { created_at: key.created_at, last_used: key.last_used, delivered: None };
        self.keys.iter().map(|key| (kinds::part_id(kinds::ACCESS_KEY, principal, &key.id), of(key))).collect()
    }
}

/// All that a principal is and holds, as part of the identity at `address`.
fn resources(
    id: &ResourceId,
    principal: PrincipalRow,
    address: Address,
    marks: Option<&Marks>,
    parts: Parts,
) -> rusqlite::Result<BTreeMap<ResourceId, Resource>> {
    let name = principal.name.clone();
    let part = |kind, part: &str| Resource::new(kinds::part_id(kind, &name, part), Some(address.clone()));
    let mut own = Resource::new(id.clone(), Some(address.clone()));
    own.attributes = principal.attributes();
    own.marks = marks.cloned();
    let mut resources = vec![own];
    for (policy, document) in &parts.inline {
        let document = rows::document(document, 2)?;
        resources.push(part(kinds::INLINE_POLICY, policy).with("policy", Value::Document(document)));
    }
    for policy in parts.attachments {
        resources.push(part(kinds::ATTACHMENT, &policy).with("policy", policy));
    }
    for group in parts.groups {
        resources.push(part(kinds::MEMBERSHIP, &group).with("group", group));
    }
    for key in parts.keys {
        resources.push(part(kinds::ACCESS_KEY, &key.id).with("status", key.status));
    }
    if parts.login {
        resources.push(Resource::new(kinds::login_id(&name), Some(address.clone())));
    }
    order::arrange(id, &mut resources);
    Ok(resources.into_iter().map(|resource| (resource.id.clone(), resource)).collect())
}

fn stranger(arn: String, whose: Owned) -> Stranger {
    match whose {
        Owned::Other(stack) => Stranger { stack: Some(stack), arn, unreadable: None },
        Owned::Unreadable(error) => Stranger { stack: None, arn, unreadable: Some(error.to_string()) },
        Owned::Ours(_) | Owned::Unmarked => Stranger { stack: None, arn, unreadable: None },
    }
}

/// A row of a table that is ordered by its principal, which is its first column.
fn part<T>(row: &Row<'_>, value: T) -> rusqlite::Result<(i64, T)> {
    Ok((row.get(0)?, value))
}

/// The rows of one principal. Both sides are in the order of principals, and a row without one cannot exist.
fn all_of<T>(
    rows: &mut Peekable<impl Iterator<Item = rusqlite::Result<(i64, T)>>>,
    principal: i64,
) -> rusqlite::Result<Vec<T>> {
    let mut found = Vec::new();
    while let Some(row) = rows.next_if(|row| !matches!(row, Ok((of, _)) if *of > principal)) {
        let (of, value) = row?;
        if of == principal {
            found.push(value);
        }
    }
    Ok(found)
}

fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    let parsed = text.map(str::parse::<Timestamp>).transpose();
    parsed.map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, types::Type::Text, Box::new(error)))
}
