//! What a change of access means, by the policy language's own comparison. Pure.

use leasehold_policy::{Access as Policies, Document as Policy, Request, Verdict};
use leasehold_provider::{Access, AccessVerdict, Compare, Comparison, Document};

use crate::{AwsProvider, AwsRealizer};

impl Compare for AwsRealizer {
    fn compare(&self, old: &Access, new: &Access) -> Comparison {
        if old == new {
            return Comparison { verdict: AccessVerdict::Equivalent, witness: None, reason: None };
        }
        if let Some(opaque) = old.opaque.union(&new.opaque).next() {
            // A Deny in what is not read could matter to either side.
            return unknown(format!("the content of {opaque} is not read"));
        }
        match (policies(old), policies(new)) {
            (Ok(old), Ok(new)) => judged(&leasehold_policy::compare(&old, &new)),
            (Err(problem), _) | (_, Err(problem)) => unknown(problem),
        }
    }
}

/// The provider compares as its pure half does.
impl Compare for AwsProvider {
    fn compare(&self, old: &Access, new: &Access) -> Comparison {
        AwsRealizer.compare(old, new)
    }
}

fn judged(comparison: &leasehold_policy::Comparison) -> Comparison {
    let verdict = match comparison.verdict() {
        Verdict::Equivalent => AccessVerdict::Equivalent,
        Verdict::Narrows => AccessVerdict::Narrows,
        Verdict::Expands => AccessVerdict::Expands,
        Verdict::Incomparable => AccessVerdict::Incomparable,
        Verdict::Unknown => AccessVerdict::Unknown,
    };
    Comparison {
        verdict,
        witness: comparison.new_in_old.witness().map(words),
        reason: comparison.reason().map(ToString::to_string),
    }
}

/// `s3:PutObject on arn:aws:s3:::acme/x`, and the context it needs.
fn words(request: &Request) -> String {
    let context: Vec<String> =
        request.context.iter().map(|(key, values)| format!("{key} = {}", values.join(" or "))).collect();
    let context = if context.is_empty() { String::new() } else { format!(" when {}", context.join(", ")) };
    format!("{} on {}{context}", request.action, request.resource)
}

fn policies(access: &Access) -> Result<Policies, String> {
    let read = |document: &Document| {
        Policy::parse(document.text()).map_err(|error| format!("a policy does not read: {error}"))
    };
    let policies = Policies::of(access.policies.iter().map(read).collect::<Result<_, _>>()?);
    Ok(match &access.boundary {
        Some(boundary) => policies.within(vec![read(boundary)?]),
        None => policies,
    })
}

fn unknown(reason: String) -> Comparison {
    Comparison { verdict: AccessVerdict::Unknown, witness: None, reason: Some(reason) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::document::{fence, policy};

    fn access(actions: &[&str], deadline: &str) -> Access {
        let allow = json!({ "Effect": "Allow", "Action": actions, "Resource": "arn:aws:s3:::acme/*" });
        let deadline: Timestamp = deadline.parse().unwrap();
        Access { policies: vec![policy(vec![allow, fence(deadline)])], ..Access::default() }
    }

    #[test]
    fn more_actions_expand_fewer_narrow() {
        let (one, two) = (["s3:GetObject"], ["s3:GetObject", "s3:PutObject"]);
        let day = "2027-01-01T00:00:00Z";
        let expands = AwsRealizer.compare(&access(&one, day), &access(&two, day));
        assert_eq!(expands.verdict, AccessVerdict::Expands);
        assert!(expands.witness.as_ref().unwrap().to_lowercase().contains("s3:putobject"), "{expands:?}");
        assert_eq!(AwsRealizer.compare(&access(&two, day), &access(&one, day)).verdict, AccessVerdict::Narrows);
    }

    #[test]
    fn a_longer_lease_expands() {
        let one = ["s3:GetObject"];
        let longer = (access(&one, "2027-01-01T00:00:00Z"), access(&one, "2027-02-01T00:00:00Z"));
        assert_eq!(AwsRealizer.compare(&longer.0, &longer.1).verdict, AccessVerdict::Expands);
    }

    #[test]
    fn what_is_not_read_leaves_it_open() {
        let day = "2027-01-01T00:00:00Z";
        let with = |actions: &[&str]| Access { opaque: BTreeSet::from(["x".to_owned()]), ..access(actions, day) };
        assert_eq!(AwsRealizer.compare(&with(&["s3:Get*"]), &with(&["s3:GetObject"])).verdict, AccessVerdict::Unknown);
        assert_eq!(AwsRealizer.compare(&with(&["s3:Get*"]), &with(&["s3:Get*"])).verdict, AccessVerdict::Equivalent);
    }
}
