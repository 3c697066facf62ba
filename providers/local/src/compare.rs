//! What a change of access means, as far as can be said without evaluating policies.

use leasehold_provider::{Access, AccessVerdict, Compare, Comparison, Document};

use crate::LocalDirectory;

impl Compare for LocalDirectory {
    /// Equal sets of policies under the same boundary allow the same requests. Anything else is unknown.
    fn compare(&self, old: &Access, new: &Access) -> Comparison {
        let held = |access: &Access| {
            let mut policies: Vec<String> = access.policies.iter().map(text).collect();
            policies.sort_unstable();
            policies.dedup();
            policies
        };
        let equal = held(old) == held(new) && old.boundary == new.boundary && old.opaque == new.opaque;
        let verdict = if equal { AccessVerdict::Equivalent } else { AccessVerdict::Unknown };
        let reason = (!equal).then(|| "the policies differ, and policies are not evaluated yet".to_owned());
        Comparison { verdict, witness: None, reason }
    }
}

fn text(policy: &Document) -> String {
    policy.json().to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_policies_says_nothing() {
        let directory = LocalDirectory::at("nowhere.db", "tests", Arc::new(|| Timestamp::UNIX_EPOCH));
        let (a, b) = (Document::new(json!({"a": 1})), Document::new(json!({"b": 1})));
        let access = |policies: &[&Document]| Access {
            policies: policies.iter().map(|d| (*d).clone()).collect(),
            ..Access::default()
        };
        let verdict = |old: &[&Document], new: &[&Document]| directory.compare(&access(old), &access(new)).verdict;
        assert_eq!(verdict(&[&a, &b], &[&b, &a, &a]), AccessVerdict::Equivalent);
        assert_eq!(verdict(&[&a], &[&b]), AccessVerdict::Unknown);
    }
}
