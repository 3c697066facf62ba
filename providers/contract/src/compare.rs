//! [`Compare`], the part of a provider that understands access. Pure.
//!
//! In: accesses, as the documents that grant them. Out: verdicts, findings and answers.

use crate::{Access, Answer, Assessment, Comparison, Question};

/// Compares accesses and answers questions about them. Pure.
pub trait Compare: Send + Sync {
    /// Whether `new` allows the same requests as `old`, more, or fewer.
    fn compare_access(&self, old: &Access, new: &Access) -> Comparison;

    /// The access level and the findings of each access, in the order of `accesses`. One call takes all of them
    /// because the accesses of a stack have much in common.
    fn assess_accesses(&self, accesses: &[Access]) -> Vec<Assessment>;

    /// Whether an access allows the action in question, and which statements allow it.
    fn decide_permission(&self, access: &Access, question: &Question<'_>) -> Answer;
}
