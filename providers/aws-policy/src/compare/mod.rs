//! Old and new access → what the change means: which of the two contains the other, proved, refuted by a request, or
//! not known and why.
//!
//! The space of requests has a dimension for the action, the resource, the caller, and each condition key. In each
//! dimension the values fall into cells on which every statement agrees; there are finitely many, and [`automaton`],
//! [`scalar`] and [`principals`] list them all. A request that tells old from new exists exactly when a combination of
//! cells does. What AWS does not document is not guessed: it counts as possible both ways, so a proof holds whichever
//! is true, and what is found that way is no witness until the evaluator, which shares no code with this module,
//! replays it without any doubt.

mod automaton;
mod bits;
mod cell;
mod context;
mod limits;
mod principals;
mod scalar;
mod search;
mod shape;
mod text;
mod trim;
mod variables;
mod witness;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use crate::access::Access;
use crate::compare::search::{Found, Search};
use crate::compare::shape::{Shape, Side};
use crate::compare::text::Reading;
use crate::request::Request;

pub use crate::compare::cell::Open;
pub(crate) use crate::compare::limits::Budget;

/// What the new access is, measured by the old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Both grant the same requests.
    Equivalent,
    /// The new access grants less.
    Narrows,
    /// The new access grants more.
    Expands,
    /// Each grants something that the other does not.
    Incomparable,
    /// Not known: whether it grants more, or whether it grants less.
    Unknown,
}

impl fmt::Display for Verdict {
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
pub enum Why {
    /// The policies are too intertwined for the work allowed.
    Limit,
    /// It depends on these, which AWS does not document or a request cannot be named for.
    Open(BTreeSet<Open>),
    /// It depends on how far a wildcard in the first five segments of a resource reaches.
    Wildcard,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit => f.write_str("the policies are too intertwined to compare within the limit"),
            Self::Wildcard => f.write_str(
                "it depends on whether a wildcard before the sixth segment of a resource reaches past a colon, which AWS leaves open",
            ),
            Self::Open(open) => {
                let text = |open: &Open| match open {
                    Open::Variable => "what a policy variable stands for",
                    Open::Operator => "a condition operator that is not known, or a condition without values",
                    Open::MixedTypes => "one condition key under operators of several types",
                    Open::Unreadable => "a value that is not of its operator's type",
                    Open::SeveralValues => "how an operator without a quantifier reads several values, or one with it an empty value",
                    Open::NotPrincipal => "whether NotPrincipal exempts a session of a named role, or a principal of a named account",
                };
                write!(f, "it depends on {}", open.iter().map(text).collect::<Vec<_>>().join("; and on "))
            }
        }
    }
}

/// Whether one access is contained in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Containment {
    /// Every request that the one grants, the other grants.
    Proved,
    /// This request is granted by the one and not by the other; [`evaluate`](crate::evaluate::evaluate) says so of
    /// both.
    Refuted(Box<Request>),
    /// Neither.
    Unknown(Why),
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

    /// The request that refutes it.
    pub fn witness(&self) -> Option<&Request> {
        if let Self::Refuted(request) = self { Some(request) } else { None }
    }
}

/// Old and new access, compared both ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Whether everything that the new access grants was granted before. Its witness is newly granted.
    pub new_in_old: Containment,
    /// Whether everything that was granted is still granted. Its witness is no longer granted.
    pub old_in_new: Containment,
}

impl Comparison {
    /// The two answers in one word. Unknown unless both are known.
    pub fn verdict(&self) -> Verdict {
        use Containment::{Proved, Refuted, Unknown};
        match (&self.new_in_old, &self.old_in_new) {
            (Proved, Proved) => Verdict::Equivalent,
            (Proved, Refuted(_)) => Verdict::Narrows,
            (Refuted(_), Proved) => Verdict::Expands,
            (Refuted(_), Refuted(_)) => Verdict::Incomparable,
            (Unknown(_), _) | (_, Unknown(_)) => Verdict::Unknown,
        }
    }

    /// Whether it is proved that nothing is granted that was not before.
    pub fn grants_nothing_new(&self) -> bool {
        self.new_in_old == Containment::Proved
    }

    /// Why the verdict is Unknown.
    pub fn reason(&self) -> Option<&Why> {
        [&self.new_in_old, &self.old_in_new].into_iter().find_map(|containment| match containment {
            Containment::Unknown(why) => Some(why),
            _ => None,
        })
    }

    /// The machine-readable form: `verdict`, `new_in_old`, `old_in_new`, `witness_new`, `witness_old`, `reason`; the
    /// last three null where there is none.
    pub fn to_value(&self) -> Value {
        json!({
            "verdict": self.verdict(),
            "new_in_old": self.new_in_old.as_str(),
            "old_in_new": self.old_in_new.as_str(),
            "witness_new": self.new_in_old.witness().map(Request::to_value),
            "witness_old": self.old_in_new.witness().map(Request::to_value),
            "reason": self.reason().map(ToString::to_string),
        })
    }
}

/// Compares two accesses.
pub fn compare(old: &Access, new: &Access) -> Comparison {
    Comparison { new_in_old: contains(old, new), old_in_new: contains(new, old) }
}

/// Whether `inner` is contained in `outer`.
pub fn contains(outer: &Access, inner: &Access) -> Containment {
    contains_within(outer, inner, &mut Budget::standard())
}

/// The same with what is left of a budget; [`Why::Limit`] once that is nothing.
pub(crate) fn contains_within(outer: &Access, inner: &Access, budget: &mut Budget) -> Containment {
    let (asked, against) = trim::trimmed(inner, outer);
    if !trim::grants_something(&asked) {
        return Containment::Proved;
    }
    let shape = &mut Shape::of(&against, &asked);
    let readings: &[Reading] = if shape.depends_on_reading {
        &[Reading::Whole, Reading::Trailing, Reading::Segment]
    } else {
        &[Reading::Whole]
    };
    let variables = witness::variable_keys([inner, outer]);
    budget.begin();
    let mut doubt = None;
    for reading in readings {
        shape.read_as(*reading);
        let search = Search {
            shape,
            inner: Side::New,
            granting: inner,
            refusing: outer,
            variables: &variables,
            budget: &mut *budget,
            cells: BTreeMap::new(),
            seen: HashSet::new(),
            open: BTreeSet::new(),
            replays: 0,
            not_replayed: false,
        };
        let why = match search.run() {
            Ok(Found::None) => continue,
            Ok(Found::Request(request)) => return Containment::Refuted(Box::new(request)),
            Ok(Found::Open(open)) => Why::Open(open),
            Ok(Found::NotReplayed) => Why::Wildcard,
            Err(_) => Why::Limit,
        };
        doubt = doubt.or(Some(why));
    }
    doubt.map_or(Containment::Proved, Containment::Unknown)
}
