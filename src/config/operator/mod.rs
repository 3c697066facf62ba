//! The operator's bounds: a file outside the stack that limits what any stack may reach and promise.
//!
//! In: the operator's file, and what a stack declares. Out: an [`OperatorBounds`], and a [`BoundViolation`] for each part of the stack that
//! goes beyond it. Invariant: a list that the file contains is the whole list, and a list that it does not contain limits nothing, except
//! for endpoints, which are then https or loopback only. A stack cannot change its own bounds, because the file is not in its repository.
//!
//! ```text
//! allow {                                                    backend "s3" { bucket = "other" }
//!   backends = ["s3://acme-leasehold/*"]          →            the backend s3://other/leasehold/payments is not allowed
//! }                                                            (/etc/leasehold/operator.hcl:2)
//! require { max_ttl = "90d" }
//! ```

mod leases;
mod pattern;
mod places;
mod read;
mod violation;

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use leasehold_provider::{EndpointRule, Span};

pub use pattern::BoundPattern;
pub use read::read_operator_file;
pub use violation::{BoundSubject, BoundViolation};

/// A setting of the operator's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorSetting<T> {
    /// Its value.
    pub value: T,
    /// Where it is written, such as `/etc/leasehold/operator.hcl:3`.
    pub place: String,
}

/// A list of patterns in the operator's file.
pub type PatternList = OperatorSetting<Vec<BoundPattern>>;

/// What an operator allows to all stacks, and requires of them. The default allows everything but unencrypted endpoints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperatorBounds {
    /// The file. `None`: there is none, and these are the defaults.
    pub file: Option<PathBuf>,
    /// The ids of the accounts that providers may work in. `None`: any.
    pub accounts: Option<PatternList>,
    /// The stores of records, such as `s3://acme-leasehold/*` or `local:.leasehold`. `None`: any.
    pub backends: Option<PatternList>,
    /// The endpoints that a stack, the environment or an AWS profile may name.
    pub endpoints: EndpointRule,
    /// The ARNs of the roles that providers and backends may assume. `None`: any.
    pub assume_roles: Option<PatternList>,
    /// The stores of secrets, such as `file:.leasehold/secrets/*`. `None`: any.
    pub secret_stores: Option<PatternList>,
    /// The addresses of the identities that may have access that never expires, although [`Self::max_ttl`] is set.
    pub unlimited_identities: Option<PatternList>,
    /// The file of the signers of plans and checkpoints, relative to the folder of the operator's file. `None`: no signature is required.
    pub signers: Option<OperatorSetting<PathBuf>>,
    /// The longest lease. `None`: any length, and no lease at all.
    pub max_ttl: Option<OperatorSetting<Span>>,
    /// The maximum age of a saved plan at its apply. `None`: that of Leasehold.
    pub max_plan_age: Option<OperatorSetting<Span>>,
}

/// The age of a saved plan is not one that the operator allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanAgeError {
    /// It is older.
    #[error("the saved plan was made at {made}, longer ago than the operator allows ({limit}, {place})")]
    TooOld {
        /// When the plan was made.
        made: Timestamp,
        /// The maximum age.
        limit: Span,
        /// Where the operator's file says so.
        place: String,
    },
    /// It would be young enough for as long as its maker likes.
    #[error("the saved plan says that it was made in the future, at {made}, so its age is not known ({place})")]
    Future {
        /// When the plan says that it was made.
        made: Timestamp,
        /// Where the operator's file limits the age.
        place: String,
    },
}

/// How far the clocks of the two jobs that plan and apply may differ, in seconds: the time by which AWS accepts requests.
const CLOCK_SKEW: u32 = 300;

impl OperatorBounds {
    /// Checks the age of a saved plan that says it was made at `made`, at its apply at `now`. Without `max_plan_age` any age is accepted
    /// here.
    ///
    /// # Errors
    /// The plan is older than `max_plan_age`, or from the future.
    pub fn check_plan_age(&self, made: Timestamp, now: Timestamp) -> Result<(), PlanAgeError> {
        let Some(OperatorSetting { value: limit, place }) = &self.max_plan_age else { return Ok(()) };
        if limit.instant_after(made) < now {
            return Err(PlanAgeError::TooOld { made, limit: *limit, place: place.clone() });
        }
        if made.duration_since(now) > SignedDuration::from_secs(CLOCK_SKEW.into()) {
            return Err(PlanAgeError::Future { made, place: place.clone() });
        }
        Ok(())
    }

    /// The same bounds without those on the content of a stack. Used by commands that only take access away or only read: a lease that is
    /// too long must not keep an expired identity active. The bounds on where requests go remain.
    #[must_use]
    pub fn without_requirements(&self) -> Self {
        Self { max_ttl: None, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plan_is_too_old_one_second_after_the_limit() {
        let limit = OperatorSetting { value: "1h".parse().unwrap(), place: "o.hcl:2".to_owned() };
        let bounds = OperatorBounds { max_plan_age: Some(limit), ..OperatorBounds::default() };
        let made: Timestamp = "2026-11-30T10:00:00Z".parse().unwrap();
        let at = |text: &str| bounds.check_plan_age(made, text.parse().unwrap());
        assert_eq!(at("2026-11-30T11:00:00Z"), Ok(()));
        assert!(at("2026-11-30T11:00:01Z").unwrap_err().to_string().contains("o.hcl:2"));
        assert_eq!(at("2026-11-30T09:56:00Z"), Ok(()));
        assert!(matches!(at("2026-11-30T09:54:00Z"), Err(PlanAgeError::Future { .. })));
        assert_eq!(OperatorBounds::default().check_plan_age(made, "2036-01-01T00:00:00Z".parse().unwrap()), Ok(()));
    }
}
