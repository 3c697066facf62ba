//! Finds the live identity that an argument names: by address, name, ARN, or the id of one of its access keys.

use leasehold_provider::{LiveIdentity, Realizer, ResourceId, Snapshot, StackName, UnmanagedObject};

use super::error::WorkflowError;

/// The one live identity of the stack that `what` names.
///
/// # Errors
/// `what` names no live identity, or more than one.
pub fn find_identity<'a>(
    what: &str,
    stack: &StackName,
    snapshot: &'a Snapshot,
    realize: &Realizer,
) -> Result<&'a LiveIdentity, WorkflowError> {
    let meant = realize.names.find_by_cloud_name(&snapshot.realm, what);
    let is_named = |live: &LiveIdentity| {
        live.address().as_str() == what
            || live.id.to_string() == what
            || live.name == what
            || live.id.display_name() == what
            || meant.as_ref() == Some(&live.id)
            || live.resources.keys().any(|id| is_key_named(id, what))
    };
    let mut found = snapshot.identities.values().filter(|live| is_named(live));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(one), Some(other)) => {
            let (one, other) = (one.address(), other.address());
            Err(anyhow::anyhow!("{what} is ambiguous: {one} or {other}. Use the address or the ARN").into())
        }
        (None, _) => Err(unknown_identity_error(what, stack, snapshot, meant.as_ref())),
    }
}

/// Whether the object is an access key with this id.
fn is_key_named(id: &ResourceId, what: &str) -> bool {
    id.kind.as_str().ends_with("access_key") && id.name.split_once('/').is_some_and(|(_, key)| key == what)
}

fn unknown_identity_error(
    what: &str,
    stack: &StackName,
    snapshot: &Snapshot,
    meant: Option<&ResourceId>,
) -> WorkflowError {
    let is_meant = |id: &ResourceId, unmanaged_object: &UnmanagedObject| {
        unmanaged_object.arn == what || meant == Some(id) || id.name == what
    };
    if let Some((id, unmanaged_object)) =
        snapshot.unmanaged_objects.iter().find(|(id, unmanaged_object)| is_meant(id, unmanaged_object))
    {
        let ownership = match (&unmanaged_object.stack, &unmanaged_object.unreadable) {
            (_, Some(why)) => format!("its marks cannot be read: {why}"),
            (Some(other), None) => format!("it belongs to stack {other}"),
            (None, None) => "it has no Leasehold marks".to_owned(),
        };
        return WorkflowError::Refused {
            what: format!("{id} does not belong to stack {stack}: {ownership}"),
            help:
                "Leasehold only changes objects that have the marks of its stack. Disable it with the cloud provider's tools, or \
                   from the stack it belongs to."
                    .to_owned(),
        };
    }
    let known: Vec<String> = snapshot.identities.values().map(|live| live.address().to_string()).collect();
    let near = find_nearest_name(what, &known).map_or_else(String::new, |name| format!("; did you mean {name}?"));
    anyhow::anyhow!("no live identity in stack {stack} matches {what}{near}").into()
}

/// The name that is most similar to `text`. `None`: no name is similar enough.
pub fn find_nearest_name<'a>(text: &str, known: &'a [String]) -> Option<&'a String> {
    let scored = known.iter().map(|name| (strsim::jaro_winkler(text, name), name));
    scored.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}
