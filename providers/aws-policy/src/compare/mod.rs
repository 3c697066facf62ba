//! Old and new policies → which of the two contains the other: proved, refuted by a request, or unknown with the
//! reason.
//!
//! Requests form a space with one dimension each for the action, the resource, the caller and every condition key. In
//! each dimension the values fall into finitely many cells, such that every statement treats all values of a cell
//! alike; `text_dimension` (with `automaton`), `key_dimension` (with `single_value`) and `principal_dimension`
//! enumerate them. Two policies differ exactly if they differ for some combination of cells, so `search` only has to
//! visit combinations.
//!
//! Example: old allows `s3:Get*` on `b/*`, new allows `s3:*` on `b/*`. The action dimension has three cells: matches
//! both patterns (`s3:get`), only `s3:*` (`s3:x`), neither (`x:x`). The second one with the resource cell `b/*` is
//! granted by new and not by old, so the verdict is "expands" with that request as witness.
//!
//! Behaviour that AWS does not document counts as possible in both ways. A proof therefore holds for either. A
//! difference found that way is a witness only after the evaluator, which shares no code with this module, has
//! confirmed it.

mod atom;
mod automaton;
mod budget;
mod cell;
mod key_dimension;
mod number_set;
mod principal_dimension;
mod request_space;
mod search;
mod single_value;
mod text_dimension;
mod trim;
mod variables;
mod witness;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use crate::compare::request_space::{AccessSide, RequestSpace};
use crate::compare::search::{SearchOutcome, WitnessSearch};
use crate::compare::text_dimension::WildcardReading;
use crate::policy_set::PolicySet;
use crate::request::AccessRequest;

pub(crate) use crate::compare::budget::WorkBudget;
pub use crate::compare::cell::Ambiguity;

/// How the new policies compare with the old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparisonVerdict {
    /// Both grant the same requests.
    Equivalent,
    /// The new policies grant less.
    Narrows,
    /// The new policies grant more.
    Expands,
    /// Each side grants a request that the other does not.
    Incomparable,
    /// Not decided in at least one direction.
    Unknown,
}

impl fmt::Display for ComparisonVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equivalent => "equivalent",
            Self::Narrows => "narrows",
            Self::Expands => "expands",
            Self::Incomparable => "incomparable",
            Self::Unknown => "unknown",
        })
    }
}

/// Why a containment is neither proved nor refuted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownReason {
    /// The comparison exceeded its budget of work or memory.
    BudgetExceeded,
    /// It depends on behaviour that AWS does not document, or that no concrete request can show.
    Ambiguous(BTreeSet<Ambiguity>),
    /// It depends on how far a wildcard in the first five segments of a resource matches.
    WildcardReach,
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BudgetExceeded => f.write_str("the policies are too complex to compare within the limit"),
            Self::WildcardReach => f.write_str(
                "it depends on whether a wildcard before the sixth segment of a resource matches a colon, which AWS does not document",
            ),
            Self::Ambiguous(ambiguities) => {
                let text = |ambiguity: &Ambiguity| match ambiguity {
                    Ambiguity::Variable => "the value of a policy variable",
                    Ambiguity::Operator => "an unknown condition operator, or a condition without values",
                    Ambiguity::MixedTypes => "a condition key with operators of several types",
                    Ambiguity::Unreadable => "a value whose type does not match its operator",
                    Ambiguity::SeveralValues => "several values for an operator without quantifier, or an empty value for one with a quantifier",
                    Ambiguity::NotPrincipal => "whether NotPrincipal exempts a session of a named role, or a principal of a named account",
                };
                write!(f, "it depends on {}", ambiguities.iter().map(text).collect::<Vec<_>>().join("; and on "))
            }
        }
    }
}

/// Whether the outer policies grant every request that the inner policies grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Containment {
    /// They do, for all requests.
    Proved,
    /// They do not: the inner policies grant this request and the outer ones do not. Confirmed by
    /// [`evaluate_request`](crate::evaluate::evaluate_request).
    Refuted(Box<AccessRequest>),
    /// Neither proved nor refuted, for this reason.
    Unknown(UnknownReason),
}

impl Containment {
    /// `proved`, `refuted` or `unknown`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Refuted(_) => "refuted",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The request that refutes the containment. `None` if it is proved or unknown.
    pub fn witness(&self) -> Option<&AccessRequest> {
        if let Self::Refuted(request) = self { Some(request) } else { None }
    }
}

/// Old and new policies, compared in both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyComparison {
    /// Whether the old policies grant everything that the new ones grant. A witness is newly granted.
    pub new_in_old: Containment,
    /// Whether the new policies grant everything that the old ones grant. A witness is no longer granted.
    pub old_in_new: Containment,
}

impl PolicyComparison {
    /// The result of both directions. Unknown if either is unknown.
    pub fn verdict(&self) -> ComparisonVerdict {
        use Containment::{Proved, Refuted, Unknown};
        match (&self.new_in_old, &self.old_in_new) {
            (Proved, Proved) => ComparisonVerdict::Equivalent,
            (Proved, Refuted(_)) => ComparisonVerdict::Narrows,
            (Refuted(_), Proved) => ComparisonVerdict::Expands,
            (Refuted(_), Refuted(_)) => ComparisonVerdict::Incomparable,
            (Unknown(_), _) | (_, Unknown(_)) => ComparisonVerdict::Unknown,
        }
    }

    /// Whether it is proved that the new policies grant nothing new. False also if that is unknown.
    pub fn grants_nothing_new(&self) -> bool {
        self.new_in_old == Containment::Proved
    }

    /// Why the verdict is Unknown. `None` for other verdicts.
    pub fn unknown_reason(&self) -> Option<&UnknownReason> {
        [&self.new_in_old, &self.old_in_new].into_iter().find_map(|containment| match containment {
            Containment::Unknown(why) => Some(why),
            _ => None,
        })
    }

    /// A JSON object with `verdict`, `new_in_old`, `old_in_new`, `witness_new`, `witness_old` and `reason`. The last
    /// three are null if there is no witness or reason.
    pub fn to_value(&self) -> Value {
        json!({
            "verdict": self.verdict(),
            "new_in_old": self.new_in_old.as_str(),
            "old_in_new": self.old_in_new.as_str(),
            "witness_new": self.new_in_old.witness().map(AccessRequest::to_value),
            "witness_old": self.old_in_new.witness().map(AccessRequest::to_value),
            "reason": self.unknown_reason().map(ToString::to_string),
        })
    }
}

/// Compares old and new policies in both directions. The crate documentation has an example.
pub fn compare_policies(old: &PolicySet, new: &PolicySet) -> PolicyComparison {
    PolicyComparison { new_in_old: check_containment(old, new), old_in_new: check_containment(new, old) }
}

/// Whether `outer` grants every request that `inner` grants.
pub fn check_containment(outer: &PolicySet, inner: &PolicySet) -> Containment {
    check_containment_within(outer, inner, &mut WorkBudget::for_one_comparison())
}

/// Like [`check_containment`], within the rest of a budget; [`UnknownReason::BudgetExceeded`] once it is exhausted.
pub(crate) fn check_containment_within(outer: &PolicySet, inner: &PolicySet, budget: &mut WorkBudget) -> Containment {
    let (asked, against) = trim::trim_policies(inner, outer);
    if !trim::has_allow_statement(&asked) {
        return Containment::Proved;
    }
    let space = &mut RequestSpace::from_policy_sets(&against, &asked);
    let readings: &[WildcardReading] = if space.depends_on_reading {
        &[WildcardReading::AcrossColons, WildcardReading::Trailing, WildcardReading::Segment]
    } else {
        &[WildcardReading::AcrossColons]
    };
    let variables = witness::variable_keys([inner, outer]);
    budget.begin_comparison();
    let mut doubt = None;
    for reading in readings {
        space.set_wildcard_reading(*reading);
        let search = WitnessSearch {
            space,
            inner: AccessSide::New,
            granting: inner,
            refusing: outer,
            variables: &variables,
            budget: &mut *budget,
            cells: BTreeMap::new(),
            seen: HashSet::new(),
            ambiguities: BTreeSet::new(),
            replays: 0,
            not_replayed: false,
        };
        let why = match search.find_witness() {
            Ok(SearchOutcome::None) => continue,
            Ok(SearchOutcome::Request(request)) => return Containment::Refuted(Box::new(request)),
            Ok(SearchOutcome::Ambiguous(ambiguities)) => UnknownReason::Ambiguous(ambiguities),
            Ok(SearchOutcome::NotReplayed) => UnknownReason::WildcardReach,
            Err(_) => UnknownReason::BudgetExceeded,
        };
        doubt = doubt.or(Some(why));
    }
    doubt.map_or(Containment::Proved, Containment::Unknown)
}
