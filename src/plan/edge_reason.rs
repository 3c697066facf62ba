//! The reasons of edges.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a write waits for another. Each reason is of one rule; the rule `stages` has four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeReason {
    /// A principal is created or imported before anything else about it changes.
    PrincipalFirst,
    /// Access of an identity or shared object is taken away before any is given.
    NarrowBeforeWidening,
    /// In a quarantine, credentials are disabled after everything is denied, one kind after the other.
    DenyBeforeDisabling,
    /// The marks of an object are written last.
    MarksLast,
    /// The own policy of an identity denies everything while the identity is deleted.
    DenyDuringDeletion,
    /// An object is created before another refers to it.
    CreateBeforeDependents,
    /// An object is deleted after everything is detached from it.
    DeleteAfterDetachment,
    /// A shared object is attached after it was narrowed.
    AttachAfterNarrowing,
    /// A shared object is widened after former holders have detached it.
    WidenAfterDetachment,
    /// A federation admits others after roles have stopped trusting it.
    AdmitAfterTrustEnds,
    /// A shared object is rewritten after the identities that leave are denied everything.
    RewriteAfterQuarantine,
    /// A guarded identity and the shared objects attached to it change phase by phase.
    ChangeTogether,
    /// The configuration says `depends_on`.
    DependsOn,
}

impl EdgeReason {
    /// All reasons, in their order.
    pub const ALL: [Self; 13] = [
        Self::PrincipalFirst,
        Self::NarrowBeforeWidening,
        Self::DenyBeforeDisabling,
        Self::MarksLast,
        Self::DenyDuringDeletion,
        Self::CreateBeforeDependents,
        Self::DeleteAfterDetachment,
        Self::AttachAfterNarrowing,
        Self::WidenAfterDetachment,
        Self::AdmitAfterTrustEnds,
        Self::RewriteAfterQuarantine,
        Self::ChangeTogether,
        Self::DependsOn,
    ];

    fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

impl fmt::Display for EdgeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PrincipalFirst => "create or import a principal before anything else about it changes",
            Self::DenyBeforeDisabling => {
                "disable credentials only after everything is denied, one kind after the other"
            }
            Self::NarrowBeforeWidening => "take access away before any is given",
            Self::MarksLast => "write marks only after the change that they record",
            Self::DenyDuringDeletion => "deny everything while an identity is deleted",
            Self::CreateBeforeDependents => "create an object before another refers to it",
            Self::DeleteAfterDetachment => "delete an object only after nothing refers to it",
            Self::AttachAfterNarrowing => "attach a shared object only after it has been narrowed",
            Self::WidenAfterDetachment => "widen a shared object only after former holders have detached it",
            Self::AdmitAfterTrustEnds => {
                "let a federation admit other callers only after roles have stopped trusting it"
            }
            Self::RewriteAfterQuarantine => {
                "rewrite a shared object only after identities that leave are denied everything"
            }
            Self::ChangeTogether => {
                "narrow everything that an identity is allowed or denied before any of it is widened"
            }
            Self::DependsOn => "`depends_on` names the identity",
        })
    }
}

/// The reasons of one edge: one for each rule that asks for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EdgeReasons(u16);

impl EdgeReasons {
    /// The reasons, in their order.
    pub fn iter(self) -> impl Iterator<Item = EdgeReason> {
        EdgeReason::ALL.into_iter().filter(move |reason| self.contains(*reason))
    }

    /// Whether this is one of the reasons.
    #[must_use]
    pub fn contains(self, reason: EdgeReason) -> bool {
        self.0 & reason.bit() != 0
    }
}

impl FromIterator<EdgeReason> for EdgeReasons {
    fn from_iter<I: IntoIterator<Item = EdgeReason>>(reasons: I) -> Self {
        Self(reasons.into_iter().fold(0, |bits, reason| bits | reason.bit()))
    }
}

impl Serialize for EdgeReasons {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for EdgeReasons {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<EdgeReason>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_in_the_list_and_in_the_documentation() {
        let documentation = include_str!("../../docs/order.md");
        for (place, reason) in EdgeReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place);
            let code = serde_json::to_value(reason).unwrap();
            let row = format!("| `{}` | {reason} |", code.as_str().unwrap());
            assert!(documentation.contains(&row), "docs/order.md lacks {row}");
        }
    }

    #[test]
    fn reasons_are_read_as_they_are_written() {
        let some: EdgeReasons = [EdgeReason::MarksLast, EdgeReason::DependsOn].into_iter().collect();
        let text = serde_json::to_string(&some).unwrap();
        assert_eq!(text, r#"["marks_last","depends_on"]"#);
        assert_eq!(serde_json::from_str::<EdgeReasons>(&text).unwrap(), some);
    }
}
