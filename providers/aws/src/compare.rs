//! Compares two versions of an access, and describes what an access allows, with the policy language's own comparison. Pure.

use leasehold_provider::{Access, Answer, Assessment, Compare, Comparison, Question};

use crate::{AwsProvider, AwsRealizer};

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

/// Delegates to [`AwsRealizer`], the pure half of the provider.
impl Compare for AwsProvider {
    fn compare_access(&self, old: &Access, new: &Access) -> Comparison {
        AwsRealizer.compare_access(old, new)
    }

    fn assess_accesses(&self, accesses: &[Access]) -> Vec<Assessment> {
        AwsRealizer.assess_accesses(accesses)
    }

    fn decide_permission(&self, access: &Access, question: &Question<'_>) -> Answer {
        AwsRealizer.decide_permission(access, question)
    }
}
