//! What a change of access means.

use leasehold_provider::{Access, AccessVerdict, Compare, Comparison};

use crate::AwsProvider;

impl Compare for AwsProvider {
    fn compare(&self, old: &Access, new: &Access) -> Comparison {
        if old == new {
            return Comparison { verdict: AccessVerdict::Equivalent, witness: None, reason: None };
        }
        let reason = Some("the two sets of policies differ, and are not compared yet".to_owned());
        Comparison { verdict: AccessVerdict::Unknown, witness: None, reason }
    }
}
