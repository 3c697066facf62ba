//! Computes the deadline of a lease.

use jiff::Timestamp;

use crate::config::Lease;

/// The deadline of a lease, and the attribute that sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseDeadline {
    /// The instant from which the identity has no access.
    pub at: Timestamp,
    /// `expires_at`, `renewed_at` or `ttl`. Diagnostics point at this attribute.
    pub set_by: &'static str,
}

/// The deadline of a lease for an identity that was created at `created_at`. `None`: it has no lease.
///
/// `ttl` counts from `renewed_at` if that is given and later than `created_at`, else from `created_at`. An identity cannot have been
/// renewed before it existed.
///
/// Example: created on 20 November with `ttl = "10d"`, the lease expires on 30 November. With `renewed_at` on 25 November, it expires on 5
/// December.
#[must_use]
pub fn compute_deadline(lease: &Lease, created_at: Timestamp) -> Option<LeaseDeadline> {
    if let Some(at) = lease.expires_at {
        return Some(LeaseDeadline { at, set_by: "expires_at" });
    }
    let ttl = lease.ttl?;
    match lease.renewed_at {
        Some(renewed_at) if renewed_at > created_at => {
            Some(LeaseDeadline { at: ttl.instant_after(renewed_at), set_by: "renewed_at" })
        }
        _ => Some(LeaseDeadline { at: ttl.instant_after(created_at), set_by: "ttl" }),
    }
}

#[cfg(test)]
mod tests {
    use leasehold_provider::Span;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn ttl_counts_from_joining_or_renewal() {
        let joined = at("2026-11-20T00:00:00Z");
        let lease = Lease { ttl: Some(Span::from_days(10)), ..Lease::default() };
        assert_eq!(compute_deadline(&lease, joined).unwrap().at, at("2026-11-30T00:00:00Z"));
        let renewed = Lease { renewed_at: Some(at("2026-11-25T00:00:00Z")), ..lease };
        assert_eq!(
            compute_deadline(&renewed, joined),
            Some(LeaseDeadline { at: at("2026-12-05T00:00:00Z"), set_by: "renewed_at" })
        );
        let stale = Lease { renewed_at: Some(at("2026-01-01T00:00:00Z")), ..lease };
        assert_eq!(compute_deadline(&stale, joined), compute_deadline(&lease, joined));
    }

    #[test]
    fn instant_is_used_unchanged() {
        let lease = Lease { expires_at: Some(at("2027-02-01T00:00:00Z")), ..Lease::default() };
        assert_eq!(compute_deadline(&lease, at("2026-11-20T00:00:00Z")).unwrap().set_by, "expires_at");
        assert_eq!(compute_deadline(&Lease::default(), at("2026-11-20T00:00:00Z")), None);
    }

    proptest! {
        /// A later renewal never makes the deadline earlier.
        #[test]
        fn renewing_never_shortens(days in 0u16..1000, first in 0i64..2_000_000, second in 0i64..2_000_000) {
            let joined = at("2026-11-20T00:00:00Z");
            let renewed = |seconds| {
                let renewed_at = joined.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
                let lease = Lease { ttl: Some(Span::from_days(days)), renewed_at: Some(renewed_at), expires_at: None };
                compute_deadline(&lease, joined).unwrap().at
            };
            prop_assert_eq!(renewed(first.max(second)), renewed(first).max(renewed(second)));
        }
    }
}
