//! Compares two versions of an access, and describes what an access allows, with the policy language's own comparison. Pure.

use leasehold_provider::{Access, Answer, Assessment, Compare, Comparison, Question};

use crate::AwsRealizer;

impl Compare for AwsRealizer {
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
