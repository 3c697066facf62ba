//! What a change of access means: the policy language's own comparison.

use leasehold_provider::{Access, Compare, Comparison};

use crate::AwsProvider;

impl Compare for AwsProvider {
    fn compare(&self, old: &Access, new: &Access) -> Comparison {
        leasehold_policy::provider::compare(old, new)
    }
}
