//! What a change of access means, what an access amounts to, by the policy language's own comparison. Pure.

use leasehold_provider::{Access, Answer, Assessment, Compare, Comparison, Question};

use crate::{AwsProvider, AwsRealizer};

impl Compare for AwsRealizer {
    fn compare(&self, old: &Access, new: &Access) -> Comparison {
        leasehold_policy::provider::compare_access(old, new)
    }

    fn assess(&self, accesses: &[Access]) -> Vec<Assessment> {
        leasehold_policy::provider::assess_accesses(accesses)
    }

    fn decide(&self, access: &Access, question: &Question<'_>) -> Answer {
        leasehold_policy::provider::decide_permission(access, question)
    }
}

/// The provider compares as its pure half does.
impl Compare for AwsProvider {
    fn compare(&self, old: &Access, new: &Access) -> Comparison {
        AwsRealizer.compare(old, new)
    }

    fn assess(&self, accesses: &[Access]) -> Vec<Assessment> {
        AwsRealizer.assess(accesses)
    }

    fn decide(&self, access: &Access, question: &Question<'_>) -> Answer {
        AwsRealizer.decide(access, question)
    }
}
