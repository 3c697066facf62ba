//! What a change of access means. The directory's documents are written in the IAM policy language, and are compared as such.

use leasehold_provider::{Access, Compare, Comparison};

use crate::LocalDirectory;

impl Compare for LocalDirectory {
    fn compare(&self, old: &Access, new: &Access) -> Comparison {
        leasehold_policy::provider::compare(old, new)
    }
}
