//! Compares and assesses access by delegating to `leasehold-policy`: the directory stores documents in the IAM policy
//! language.

use leasehold_provider::{Access, Answer, Assessment, Compare, Comparison, Question};

use crate::LocalRealizer;

impl Compare for LocalRealizer {
    fn compare_access(&self, old: &Access, new: &Access) -> Comparison {
        leasehold_policy::provider::compare_access(old, new)
    }

    fn assess_accesses(&self, accesses: &[Access]) -> Vec<Assessment> {
        leasehold_policy::provider::assess_accesses(accesses)
    }

    fn decide_permission(&self, access: &Access, question: &Question<'_>) -> Answer {
        leasehold_policy::provider::decide_permission(access, question)
    }
}
