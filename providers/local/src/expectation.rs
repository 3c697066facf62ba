//! How a live object stands to a change: as it expects, already as it wants, or neither. Pure.

use leasehold_provider::{Attributes, Change, Marks};

/// What is to be done about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The object is as the change expects it.
    Write,
    /// The object is as the change wants it.
    AlreadySo,
}

/// Holds the live object against what the change expects; the error says how they disagree. Marks are compared only where
/// something is to be created or deleted; an update leaves them alone.
pub fn verdict(change: &Change, live: Option<&Attributes>, marks: Option<&Marks>) -> Result<Verdict, &'static str> {
    match (change, live) {
        (Change::Create { .. }, None) | (Change::Mark { .. } | Change::Adopt { .. } | Change::Unmark { .. }, _) => {
            Ok(Verdict::Write)
        }
        (Change::Create { after }, Some(live)) => {
            let address = after.marks.as_ref().map(|marks| &marks.address);
            if after.attributes == *live && address == marks.map(|marks| &marks.address) {
                Ok(Verdict::AlreadySo)
            } else {
                Err("it exists already, and is another than the one to be created")
            }
        }
        (Change::Update { .. }, None) => Err("it does not exist"),
        (Change::Update { after, .. }, Some(live)) if after.attributes == *live => Ok(Verdict::AlreadySo),
        (Change::Update { before, .. }, Some(live)) if before.attributes == *live => Ok(Verdict::Write),
        (Change::Delete { .. }, None) => Ok(Verdict::AlreadySo),
        (Change::Delete { before }, Some(live)) if before.attributes == *live => match (&before.marks, marks) {
            // Somebody may have restored it since.
            (Some(before), Some(marks)) if !same_but_digest(before, marks) => {
                Err("its marks are not as the plan found them")
            }
            _ => Ok(Verdict::Write),
        },
        (Change::Update { .. } | Change::Delete { .. }, Some(_)) => Err("it is not as the plan found it"),
    }
}

/// Whether marks say the same of an object. Their digest says something of the resources, which are compared themselves.
pub fn same_but_digest(one: &Marks, other: &Marks) -> bool {
    Marks { digest: other.digest, ..one.clone() } == *other
}

#[cfg(test)]
mod tests {
    use leasehold_provider::{Address, Digest, Quarantine, Resource, StackName};

    use super::*;
    use crate::kinds;

    fn role(description: &str) -> Box<Resource> {
        let id = kinds::principal_id(leasehold_provider::Principal::Role, "ci");
        let mut role = Resource::new(id, None).with("description", description);
        role.marks = Some(Marks::new(StackName::new("payments").unwrap(), Address::identity("ci", None)));
        Box::new(role)
    }

    #[test]
    fn a_change_is_made_once() {
        let (a, b, c) = (role("a"), role("b"), role("c"));
        let on = |change: &Change, live: &Resource| verdict(change, Some(&live.attributes), live.marks.as_ref());
        let create = Change::Create { after: a.clone() };
        assert_eq!(verdict(&create, None, None), Ok(Verdict::Write));
        assert_eq!(on(&create, &a), Ok(Verdict::AlreadySo));
        assert!(on(&create, &b).is_err());
        let update = Change::Update { before: a.clone(), after: b.clone() };
        assert!(verdict(&update, None, None).is_err());
        assert_eq!(on(&update, &a), Ok(Verdict::Write));
        assert_eq!(on(&update, &b), Ok(Verdict::AlreadySo));
        assert!(on(&update, &c).is_err());
        let delete = Change::Delete { before: a.clone() };
        assert_eq!(verdict(&delete, None, None), Ok(Verdict::AlreadySo));
        assert_eq!(on(&delete, &a), Ok(Verdict::Write));
        assert!(on(&delete, &b).is_err());
    }

    #[test]
    fn what_was_restored_meanwhile_is_not_deleted() {
        let live = role("a");
        let mut quarantined = role("a");
        let marks = quarantined.marks.as_mut().unwrap();
        marks.quarantine = Some(Quarantine { at: jiff::Timestamp::UNIX_EPOCH, reason: "removed".to_owned() });
        let delete = Change::Delete { before: quarantined };
        assert!(verdict(&delete, Some(&live.attributes), live.marks.as_ref()).is_err());
        let mut sealed = live.clone();
        sealed.marks.as_mut().unwrap().digest = Some(Digest::of_bytes(b"x"));
        let delete = Change::Delete { before: sealed };
        assert_eq!(verdict(&delete, Some(&live.attributes), live.marks.as_ref()), Ok(Verdict::Write));
    }
}
