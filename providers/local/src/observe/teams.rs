//! Groups, what they hold, and who is in them.

use std::collections::BTreeMap;

use leasehold_provider::{LiveShared, Resource, Snapshot, StackName};
use rusqlite::Connection;

use super::{Adopted, HeldByOthers, stranger};
use crate::rows::{self, Owned, Tags};
use crate::{groups, kinds, schema};

/// By principal: the groups it is in.
pub fn memberships(connection: &Connection) -> rusqlite::Result<BTreeMap<i64, Vec<String>>> {
    let mut found: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    if schema::has_groups(connection)? {
        let sql = "SELECT m.principal, g.name FROM memberships m JOIN groups g ON g.id = m.team ORDER BY 1, 2";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            found.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
    }
    Ok(found)
}

/// Sorts every group in.
pub fn read(
    connection: &Connection,
    stack: &StackName,
    adopt: &Adopted,
    held: &mut HeldByOthers,
    snapshot: &mut Snapshot,
) -> rusqlite::Result<()> {
    let mut inline = connection.prepare("SELECT name, document FROM group_policies WHERE team = ?1 ORDER BY 1")?;
    let mut attached = connection.prepare("SELECT policy FROM group_attachments WHERE team = ?1 ORDER BY 1")?;
    let mut statement = connection.prepare("SELECT id, name, tags FROM groups ORDER BY name")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (key, name): (i64, String) = (row.get(0)?, row.get(1)?);
        let tags: Tags = rows::json(row.get_ref(2)?.as_str()?, 2)?;
        let id = kinds::group_id(&name);
        let policies: Vec<String> = attached.query_map([key], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        let wanted = adopt.get(&id);
        let (marks, address) = match (Owned::of(&tags, stack), wanted) {
            (Owned::Ours(marks), _) => (Some((*marks).clone()), marks.address),
            (Owned::Unmarked, Some(address)) => (None, address.clone()),
            (other, _) => {
                for policy in policies {
                    let policy = leasehold_provider::ResourceId::new(kinds::POLICY, policy);
                    snapshot.through_others.entry(id.clone()).or_default().insert(policy.clone());
                    held.entry(policy).or_default().insert(format!("group/{name}"));
                }
                snapshot.strangers.insert(id, stranger(format!("local:group/{name}"), other));
                continue;
            }
        };
        let adoptable = marks.is_none();
        let mut root = Resource::new(id.clone(), None);
        root.marks = marks;
        let mut resources = vec![root];
        let mut documents = inline.query([key])?;
        while let Some(row) = documents.next()? {
            let policy: String = row.get(0)?;
            resources.push(groups::inline(&name, &policy, rows::document(row.get_ref(1)?.as_str()?, 1)?));
        }
        resources.extend(policies.iter().map(|policy| groups::attachment(&name, policy)));
        for resource in resources {
            let held_by = held.remove(&resource.id).unwrap_or_default();
            let shared = LiveShared { resource, address: address.clone(), adoptable, held_by };
            snapshot.shared.insert(shared.resource.id.clone(), shared);
        }
    }
    Ok(())
}
