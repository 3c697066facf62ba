//! Reads groups, their policies and attachments, and their members.

use std::collections::BTreeMap;

use leasehold_provider::{LiveShared, ObjectOwner, ObserveRequest, Resource, Snapshot};
use rusqlite::Connection;

use super::{ForeignHolders, read_shared_marks};
use crate::rows::{self, Tags};
use crate::{group_parts, kinds, schema};

/// Returns the names of each principal's groups, by the primary key of the principal. Empty for a file without group
/// tables.
pub fn read_memberships(connection: &Connection) -> rusqlite::Result<BTreeMap<i64, Vec<String>>> {
    let mut groups: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    if schema::has_group_tables(connection)? {
        let sql = "SELECT m.principal, g.name FROM memberships m JOIN groups g ON g.id = m.team ORDER BY 1, 2";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            groups.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
    }
    Ok(groups)
}

/// Adds every group to the snapshot: those of the stack and those to import with their parts, the others by id. The
/// policies of the others are recorded in `foreign_holders`, so that the plan knows who else uses them.
pub fn read_groups(
    connection: &Connection,
    request: ObserveRequest<'_>,
    foreign_holders: &mut ForeignHolders,
    snapshot: &mut Snapshot,
) -> rusqlite::Result<()> {
    let mut inline = connection.prepare("SELECT name, document FROM group_policies WHERE team = ?1 ORDER BY 1")?;
    let mut attached = connection.prepare("SELECT policy FROM group_attachments WHERE team = ?1 ORDER BY 1")?;
    let unique_id = schema::unique_id_column(connection, schema::GROUP_ID)?;
    let sql = format!("SELECT id, name, tags, created_at, {unique_id} FROM groups ORDER BY name");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (key, name): (i64, String) = (row.get(0)?, row.get(1)?);
        let tags: Tags = rows::parse_json_column(row.get_ref(2)?.as_str()?, 2)?;
        let id = kinds::group_id(&name);
        let policies: Vec<String> = attached.query_map([key], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        let unique_id: String = row.get(4)?;
        let mut recorded = None;
        let (marks, address) = match request.find_owner(&id, &unique_id, rows::read_timestamp(row, 3)?, &tags) {
            ObjectOwner::Stack(marks) => {
                recorded = request.owned.map(|_| (*marks).clone());
                (Some(read_shared_marks(&tags, &marks)), marks.address)
            }
            ObjectOwner::Other(found) => {
                let unmanaged_object = found.into_unmanaged_object(format!("local:group/{name}"));
                match request.find_import(&id, &unmanaged_object) {
                    Some(address) => (None, address.clone()),
                    None => {
                        for policy in policies {
                            let policy = leasehold_provider::ResourceId::new(kinds::POLICY, policy);
                            snapshot.foreign_groups.entry(id.clone()).or_default().insert(policy.clone());
                            foreign_holders.entry(policy).or_default().insert(format!("group/{name}"));
                        }
                        snapshot.unmanaged_objects.insert(id, unmanaged_object);
                        continue;
                    }
                }
            }
        };
        let importable = marks.is_none();
        let mut root = Resource::new(id.clone(), None);
        root.marks = marks;
        let mut resources = vec![root];
        let mut documents = inline.query([key])?;
        while let Some(row) = documents.next()? {
            let policy: String = row.get(0)?;
            resources.push(group_parts::group_inline_policy(
                &name,
                &policy,
                rows::parse_document_column(row.get_ref(1)?.as_str()?, 1)?,
            ));
        }
        resources.extend(policies.iter().map(|policy| group_parts::group_attachment(&name, policy)));
        // The group is the first of its resources.
        let mut unique_id = Some(unique_id);
        for resource in resources {
            let foreign_attachments = foreign_holders.remove(&resource.id).unwrap_or_default();
            let shared =
                LiveShared::new(resource, address.clone(), unique_id.take()).with_recorded_marks(recorded.take());
            let shared = LiveShared { importable, foreign_attachments, ..shared };
            snapshot.shared.insert(shared.resource.id.clone(), shared);
        }
    }
    Ok(())
}
