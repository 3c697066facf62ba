//! A cell of a dimension: all values on which the statements at hand agree, with one value that stands for them.

use std::collections::BTreeMap;

use crate::compare::bits::Bits;
use crate::pattern::Pattern;
use crate::request::Caller;

/// A part of a request that a cell fixes.
#[derive(Debug, Clone)]
pub(super) enum Sample {
    Action(String),
    Resource(String),
    Principal(Caller),
    /// The values of a context key; none: the key is absent.
    Key(String, Vec<String>),
    /// Nothing that a request could show.
    Nothing,
}

/// Why no request can be named for a cell with certainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Open {
    /// What a policy variable stands for, and what follows when the request lacks it.
    Variable,
    /// A condition operator that is not known, or a condition without values.
    Operator,
    /// One key under operators of several types.
    MixedTypes,
    /// A value that is not of its operator's type.
    Unreadable,
    /// Several values under an operator without `ForAllValues` or `ForAnyValue`, or an empty one under these.
    SeveralValues,
    /// Whether `NotPrincipal` exempts a session of a named role, or a principal of a named account.
    NotPrincipal,
}

/// All values for which the same predicates hold.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// Which of the predicates asked for hold, by their place in the question.
    pub truths: Bits,
    pub sample: Sample,
    /// What the variables must be for the sample to do it.
    pub bindings: BTreeMap<String, String>,
    /// The patterns with variables that the sample must match.
    pub holding: Vec<Pattern>,
    /// Set where the truths are possible but the sample may not show them.
    pub open: Option<Open>,
}

/// Cells by their truths; of two with the same truths the one that is not open stays, then the first.
#[derive(Debug, Default)]
pub(super) struct Cells(BTreeMap<Bits, usize>, Vec<Cell>);

impl Cells {
    pub fn add(&mut self, cell: Cell) {
        match self.0.get(&cell.truths).copied() {
            None => {
                self.0.insert(cell.truths.clone(), self.1.len());
                self.1.push(cell);
            }
            Some(index) => {
                if let Some(known) = self.1.get_mut(index).filter(|known| known.open.is_some() && cell.open.is_none()) {
                    *known = cell;
                }
            }
        }
    }

    /// In the order they were found, those that are not open first.
    pub fn into_vec(self) -> Vec<Cell> {
        let (certain, open): (Vec<Cell>, Vec<Cell>) = self.1.into_iter().partition(|cell| cell.open.is_none());
        certain.into_iter().chain(open).collect()
    }
}
