//! Compares a live object with the two sides of a change. Pure.
//!
//! In: a change (`before` → `after`) and the live object. Out: which side the object equals, or why it equals neither,
//! which is a conflict. An object that already equals `after` is not written, so that a change can be retried after its
//! response was lost.

use leasehold_provider::{Attributes, Change, Marks};

/// The side of a change that the live object equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveMatch {
    /// `before`: the change can be written.
    Before,
    /// `after`: nothing to write.
    After,
}

/// Compares the live object, `None` if it does not exist, with a change. Marks are compared for creations and deletions
/// only; an update does not change them.
///
/// # Errors
///
/// A message that says how the object differs from both sides.
pub fn check_precondition(
    change: &Change,
    live: Option<&Attributes>,
    marks: Option<&Marks>,
) -> Result<LiveMatch, &'static str> {
    match (change, live) {
        (Change::Create { .. }, None) | (Change::Mark { .. } | Change::Import { .. } | Change::Release { .. }, _) => {
            Ok(LiveMatch::Before)
        }
        (Change::Create { after }, Some(live)) => {
            let address = after.marks.as_ref().map(|marks| &marks.address);
            if after.attributes == *live && address == marks.map(|marks| &marks.address) {
                Ok(LiveMatch::After)
            } else {
                Err("it already exists and differs from the object to be created")
            }
        }
        (Change::Update { .. }, None) => Err("it does not exist"),
        (Change::Update { after, .. }, Some(live)) if after.attributes == *live => Ok(LiveMatch::After),
        (Change::Update { before, .. }, Some(live)) if before.attributes == *live => Ok(LiveMatch::Before),
        (Change::Delete { .. }, None) => Ok(LiveMatch::After),
        (Change::Delete { before }, Some(live)) if before.attributes == *live => match (&before.marks, marks) {
            // It may have been restored from quarantine since the plan was made.
            (Some(before), Some(marks)) if !equal_except_digest(before, marks) => {
                Err("its marks have changed since the plan was made")
            }
            _ => Ok(LiveMatch::Before),
        },
        (Change::Update { .. } | Change::Delete { .. }, Some(_)) => Err("it has changed since the plan was made"),
    }
}

/// Returns whether two marks are equal apart from the digest. The digest covers the attributes, which are compared
/// directly.
pub fn equal_except_digest(one: &Marks, other: &Marks) -> bool {
    Marks { digest: other.digest, ..one.clone() } == *other
}

#[cfg(test)]
mod tests {
    use leasehold_provider::{Address, Digest, Quarantine, Resource, StackName};

    use super::*;
    use crate::kinds;

    fn role(description: &str) -> Box<Resource> {
        let id = kinds::principal_id(leasehold_provider::Principal::Role, "ci");
        let mut role = Resource::new(id, None).with_attribute("description", description);
        role.marks = Some(Marks::new(StackName::new("payments").unwrap(), Address::for_identity("ci", None)));
        Box::new(role)
    }

    #[test]
    fn change_matches_before_then_after() {
        let (a, b, c) = (role("a"), role("b"), role("c"));
        let check_live =
            |change: &Change, live: &Resource| check_precondition(change, Some(&live.attributes), live.marks.as_ref());
        let create = Change::Create { after: a.clone() };
        assert_eq!(check_precondition(&create, None, None), Ok(LiveMatch::Before));
        assert_eq!(check_live(&create, &a), Ok(LiveMatch::After));
        assert!(check_live(&create, &b).is_err());
        let update = Change::Update { before: a.clone(), after: b.clone() };
        assert!(check_precondition(&update, None, None).is_err());
        assert_eq!(check_live(&update, &a), Ok(LiveMatch::Before));
        assert_eq!(check_live(&update, &b), Ok(LiveMatch::After));
        assert!(check_live(&update, &c).is_err());
        let delete = Change::Delete { before: a.clone() };
        assert_eq!(check_precondition(&delete, None, None), Ok(LiveMatch::After));
        assert_eq!(check_live(&delete, &a), Ok(LiveMatch::Before));
        assert!(check_live(&delete, &b).is_err());
    }

    #[test]
    fn deletion_of_a_restored_role_is_a_conflict() {
        let live = role("a");
        let mut quarantined = role("a");
        let marks = quarantined.marks.as_mut().unwrap();
        marks.quarantine = Some(Quarantine { at: jiff::Timestamp::UNIX_EPOCH, reason: "removed".to_owned() });
        let delete = Change::Delete { before: quarantined };
        assert!(check_precondition(&delete, Some(&live.attributes), live.marks.as_ref()).is_err());
        let mut with_digest = live.clone();
        with_digest.marks.as_mut().unwrap().digest = Some(Digest::from_bytes(b"x"));
        let delete = Change::Delete { before: with_digest };
        assert_eq!(check_precondition(&delete, Some(&live.attributes), live.marks.as_ref()), Ok(LiveMatch::Before));
    }
}
