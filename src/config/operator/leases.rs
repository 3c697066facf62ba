//! Checks the leases of identities against the operator's `max_ttl`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use leasehold_provider::{Kind, Span};

use super::{BoundSubject, BoundViolation, OperatorBounds, OperatorSetting};
use crate::config::declared::{DeclaredIdentity, DeclaredStack, Lease};

impl OperatorBounds {
    /// Checks every lease at `now`. Instances of one block share one violation.
    #[must_use]
    pub fn check_leases(&self, declared: &DeclaredStack, now: Timestamp) -> Vec<BoundViolation> {
        let Some(limit) = &self.max_ttl else { return Vec::new() };
        let mut blocks = BTreeSet::new();
        let beyond = declared.identities.values().filter_map(|identity| self.check_lease(identity, limit, now));
        beyond
            .filter(|(identity, _)| blocks.insert((identity.origin.file, identity.origin.header.start)))
            .map(|(_, found)| found)
            .collect()
    }

    fn check_lease<'d>(
        &self,
        identity: &'d DeclaredIdentity,
        limit: &OperatorSetting<Span>,
        now: Timestamp,
    ) -> Option<(&'d DeclaredIdentity, BoundViolation)> {
        let address = &identity.spec.address;
        let is_unlimited =
            |list: &super::PatternList| list.value.iter().any(|pattern| pattern.matches_name(address.as_str()));
        let (attribute, what) = exceeding_lease(identity, limit.value, now)?;
        if self.unlimited_identities.as_ref().is_some_and(is_unlimited) {
            return None;
        }
        let violation = BoundViolation {
            subject: BoundSubject::Identity(address.clone()),
            attribute,
            summary: format!("{address} {what}"),
            bound: Some(format!("`max_ttl` at {} is {}", limit.place, limit.value)),
            help: format!("set ttl = \"{}\" or less, or ask the operator to allow more", limit.value),
        };
        Some((identity, violation))
    }
}

/// How a lease is longer than `limit`: the attribute, and a phrase that follows the identity's address. `None`: it is not.
fn exceeding_lease(identity: &DeclaredIdentity, limit: Span, now: Timestamp) -> Option<(&'static str, String)> {
    if identity.spec.kind == Kind::BreakGlass {
        return Some(("kind", "is a break_glass identity, whose access never expires".to_owned()));
    }
    let last = limit.instant_after(now);
    match identity.lease {
        Lease { expires_at: Some(end), .. } => {
            (end > last).then(|| ("expires_at", format!("has access until {end}, longer than the operator allows")))
        }
        Lease { ttl: Some(ttl), renewed_at, .. } => {
            let is_late = renewed_at.is_some_and(|start| ttl.instant_after(start) > last);
            let attribute = if ttl > limit { "ttl" } else { "renewed_at" };
            (ttl > limit || is_late)
                .then(|| (attribute, format!("has a lease of {ttl} that ends later than the operator allows")))
        }
        Lease { ttl: None, expires_at: None, .. } => Some(("", "has no lease, so its access never expires".to_owned())),
    }
}
