//! Cells: sets of values of one dimension on which all statements agree, each with a sample value.

use std::collections::BTreeMap;

use crate::compare::number_set::NumberSet;
use crate::pattern::Pattern;
use crate::request::RequestCaller;

/// The sample value of a cell: one part of a request.
#[derive(Debug, Clone)]
pub(super) enum CellSample {
    Action(String),
    Resource(String),
    Principal(RequestCaller),
    /// A context key with its values; without values the key is absent.
    Key(String, Vec<String>),
    /// No value of a request has this cell: it depends on an undecidable condition.
    Nothing,
}

/// Why the truths of a cell are not certain for its sample value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ambiguity {
    /// The value of a policy variable, or the effect of a missing one.
    Variable,
    /// An unknown condition operator, or a condition without values.
    Operator,
    /// A condition key with operators of several types.
    MixedTypes,
    /// A value that is not of the operator's type.
    Unreadable,
    /// Several values with an operator without quantifier, or an empty value with a quantifier.
    SeveralValues,
    /// Whether `NotPrincipal` exempts a session of a named role, or a principal of a named account.
    NotPrincipal,
}

/// All values of a dimension for which the same predicates hold.
#[derive(Debug, Clone)]
pub(super) struct RequestCell {
    /// Which predicates hold, by their index in the list given to `enumerate_cells`.
    pub truths: NumberSet,
    pub sample: CellSample,
    /// The values that policy variables must have so that the predicates hold for the sample.
    pub bindings: BTreeMap<String, String>,
    /// The patterns with variables that the sample must match.
    pub variable_patterns: Vec<Pattern>,
    /// Set if the truths are possible, but not certain for the sample.
    pub ambiguity: Option<Ambiguity>,
}

/// Cells with distinct truths. Of two cells with the same truths it keeps the unambiguous one, otherwise the first.
#[derive(Debug, Default)]
pub(super) struct DistinctCells(BTreeMap<NumberSet, usize>, Vec<RequestCell>);

impl DistinctCells {
    pub fn add(&mut self, cell: RequestCell) {
        match self.0.get(&cell.truths).copied() {
            None => {
                self.0.insert(cell.truths.clone(), self.1.len());
                self.1.push(cell);
            }
            Some(index) => {
                if let Some(known) =
                    self.1.get_mut(index).filter(|known| known.ambiguity.is_some() && cell.ambiguity.is_none())
                {
                    *known = cell;
                }
            }
        }
    }

    /// The cells in the order they were added, unambiguous ones first.
    pub fn into_vec(self) -> Vec<RequestCell> {
        let (certain, ambiguity): (Vec<RequestCell>, Vec<RequestCell>) =
            self.1.into_iter().partition(|cell| cell.ambiguity.is_none());
        certain.into_iter().chain(ambiguity).collect()
    }
}
