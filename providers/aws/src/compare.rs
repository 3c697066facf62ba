//! What a change of access means, by the policy language's own comparison. Pure.

use leasehold_provider::{Access, Compare, Comparison};

use crate::{AwsProvider, AwsRealizer};

impl Compare for AwsRealizer {
    fn compare(&self, old: &Access, new: &Access) -> Comparison {
        leasehold_policy::provider::compare(old, new)
    }
}

/// The provider compares as its pure half does.
impl Compare for AwsProvider {
    fn compare(&self, old: &Access, new: &Access) -> Comparison {
        AwsRealizer.compare(old, new)
    }
}
