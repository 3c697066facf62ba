//! Searches for a request that the inner policies grant and the outer ones do not. The search goes from dimension to
//! dimension: each cell splits the rows that still match into those for which its predicates hold and those for which
//! they do not. A branch ends as soon as its result is certain, so most rows are never checked in most dimensions.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use crate::compare::budget::{BudgetExceededError, WorkBudget};
use crate::compare::cell::{Ambiguity, RequestCell};
use crate::compare::request_space::{AccessSide, RequestSpace, StatementRow};
use crate::compare::witness::find_replayable_request;
use crate::document::StatementEffect;
use crate::policy_set::PolicySet;
use crate::request::AccessRequest;

/// The most attempts to build a witness. With more, the result is Unknown.
const MOST_REPLAYS: usize = 200;

/// The result of a search.
#[derive(Debug)]
pub(super) enum SearchOutcome {
    /// There is no such request.
    None,
    /// This request, confirmed by the evaluator.
    Request(AccessRequest),
    /// There may be one; it depends on these.
    Ambiguous(BTreeSet<Ambiguity>),
    /// There may be one, but only under some readings of wildcards.
    NotReplayed,
}

/// The rows that still match, by side and effect. `limits` are Allow rows of a boundary.
struct MatchingRows<'a> {
    inner_grants: Vec<&'a StatementRow>,
    inner_limits: Vec<&'a StatementRow>,
    inner_denies: Vec<&'a StatementRow>,
    outer_grants: Vec<&'a StatementRow>,
    outer_limits: Vec<&'a StatementRow>,
    outer_denies: Vec<&'a StatementRow>,
}

/// A chosen cell of a dimension, by its index in the list.
type ChosenCell = (Rc<Vec<RequestCell>>, usize);

/// Cells by dimension and predicates.
type CellCache = BTreeMap<(usize, Vec<usize>), Rc<Vec<RequestCell>>>;

/// The search for one direction of a comparison.
pub(super) struct WitnessSearch<'a> {
    pub space: &'a RequestSpace,
    /// The side of the inner policies.
    pub inner: AccessSide,
    /// The inner policies.
    pub granting: &'a PolicySet,
    /// The outer policies.
    pub refusing: &'a PolicySet,
    /// The context keys of all policy variables.
    pub variables: &'a BTreeSet<String>,
    pub budget: &'a mut WorkBudget,
    pub cells: CellCache,
    /// Visited states: dimension, rows that still match, and whether a chosen cell is ambiguous.
    pub seen: HashSet<(usize, Vec<usize>, bool)>,
    /// The ambiguities of the differences that the evaluator did not confirm.
    pub ambiguities: BTreeSet<Ambiguity>,
    /// The number of attempts to build a witness.
    pub replays: usize,
    /// Whether the evaluator did not confirm some difference.
    pub not_replayed: bool,
}

impl WitnessSearch<'_> {
    /// Searches the whole space.
    ///
    /// # Errors
    /// The search exceeds its budget, or the limit on replays.
    pub fn find_witness(mut self) -> Result<SearchOutcome, BudgetExceededError> {
        let all: Vec<usize> = (0..self.space.rows.len()).collect();
        let mut path = Vec::new();
        if let Some(request) = self.search_dimension(0, all, &mut path, false)? {
            return Ok(SearchOutcome::Request(request));
        }
        Ok(match (self.ambiguities.is_empty(), self.not_replayed) {
            (false, _) => SearchOutcome::Ambiguous(self.ambiguities),
            (true, true) => SearchOutcome::NotReplayed,
            (true, false) => SearchOutcome::None,
        })
    }

    /// Visits the cells of one dimension for the rows that still match, and for each cell the next dimension. `path`
    /// has the chosen cells of the dimensions before. Returns the first witness.
    fn search_dimension(
        &mut self,
        mut dimension: usize,
        matching: Vec<usize>,
        path: &mut Vec<ChosenCell>,
        is_ambiguous: bool,
    ) -> Result<Option<AccessRequest>, BudgetExceededError> {
        self.budget.spend_work(matching.len() + 1)?;
        if self.is_settled(dimension, &matching) {
            return Ok(None);
        }
        let desired = loop {
            if dimension >= self.space.dimensions.len() {
                return self.replay_path(path);
            }
            let asked: BTreeSet<usize> =
                matching.iter().filter_map(|row| self.row_predicate(*row, dimension)).collect();
            if !asked.is_empty() {
                break asked.into_iter().collect::<Vec<usize>>();
            }
            dimension += 1;
        };
        let cells = self.cached_cells(dimension, &desired)?;
        for (index, cell) in cells.iter().enumerate() {
            let holds = |row: &usize| match self.row_predicate(*row, dimension) {
                None => true,
                Some(predicate) => desired.binary_search(&predicate).is_ok_and(|place| cell.truths.contains(place)),
            };
            let still: Vec<usize> = matching.iter().copied().filter(holds).collect();
            let is_ambiguous = is_ambiguous || cell.ambiguity.is_some();
            self.budget.spend_work(matching.len() + 1)?;
            if !self.seen.insert((dimension, still.clone(), is_ambiguous)) {
                continue;
            }
            self.budget.reserve_memory(still.len() + 4)?;
            path.push((Rc::clone(&cells), index));
            let found = self.search_dimension(dimension + 1, still, path, is_ambiguous)?;
            path.pop();
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The number of the row's predicate in a dimension. `None`: it has none there, so every cell matches.
    fn row_predicate(&self, row: usize, dimension: usize) -> Option<usize> {
        self.space.rows.get(row).and_then(|row| row.predicates.get(dimension)).copied().flatten()
    }

    /// The cells of a dimension for these predicates. The same question occurs in many branches, so answers are kept.
    fn cached_cells(
        &mut self,
        dimension: usize,
        desired: &[usize],
    ) -> Result<Rc<Vec<RequestCell>>, BudgetExceededError> {
        let key = (dimension, desired.to_vec());
        if let Some(known) = self.cells.get(&key) {
            return Ok(Rc::clone(known));
        }
        let found = match self.space.dimensions.get(dimension) {
            Some(found) => found.enumerate_cells(desired, self.budget)?,
            None => Vec::new(),
        };
        let cells = Rc::new(found);
        self.cells.insert(key, Rc::clone(&cells));
        Ok(cells)
    }

    fn partition_rows(&self, matching: &[usize]) -> MatchingRows<'_> {
        let rows = || matching.iter().filter_map(|row| self.space.rows.get(*row));
        let rows_with = |inner: bool, effect: StatementEffect, boundary: Option<bool>| {
            let fits = |row: &&StatementRow| {
                (row.side == self.inner) == inner && row.effect == effect && boundary.is_none_or(|b| row.boundary == b)
            };
            rows().filter(fits).collect::<Vec<_>>()
        };
        MatchingRows {
            inner_grants: rows_with(true, StatementEffect::Allow, Some(false)),
            inner_limits: rows_with(true, StatementEffect::Allow, Some(true)),
            inner_denies: rows_with(true, StatementEffect::Deny, None),
            outer_grants: rows_with(false, StatementEffect::Allow, Some(false)),
            outer_limits: rows_with(false, StatementEffect::Allow, Some(true)),
            outer_denies: rows_with(false, StatementEffect::Deny, None),
        }
    }

    /// Whether no request of this branch is granted by the inner policies and not by the outer ones.
    fn is_settled(&self, dimension: usize, matching: &[usize]) -> bool {
        let bounded = |inner: bool| match (self.inner == AccessSide::New) == inner {
            true => self.space.new_bounded,
            false => self.space.old_bounded,
        };
        let (inner_bounded, outer_bounded) = (bounded(true), bounded(false));
        let matching = self.partition_rows(matching);
        let rest = |row: &StatementRow| row.rest.get(dimension).copied().unwrap_or(0);
        // The inner policies grant nothing in this branch.
        if matching.inner_grants.is_empty() || (inner_bounded && matching.inner_limits.is_empty()) {
            return true;
        }
        if matching.inner_denies.iter().any(|row| rest(row) == 0) {
            return true;
        }
        // Everything that the inner policies grant, the outer ones grant: each inner row has an outer row that asks
        // nothing more or exactly the same. And everything that the outer policies deny, the inner ones deny.
        let covered = |row: &StatementRow, by: &[&StatementRow]| {
            by.iter().any(|other| rest(other) == 0 || rest(other) == rest(row))
        };
        let grants = matching.inner_grants.iter().all(|row| covered(row, &matching.outer_grants));
        let limits = !outer_bounded
            || matching.outer_limits.iter().any(|row| rest(row) == 0)
            || (inner_bounded && matching.inner_limits.iter().all(|row| covered(row, &matching.outer_limits)));
        let denies =
            matching.outer_denies.iter().all(|row| matching.inner_denies.iter().any(|other| rest(other) == rest(row)));
        grants && limits && denies
    }

    /// At the end of a path all remaining rows match and the branch is not settled, so the inner policies grant and the
    /// outer ones do not. Builds a request from the path and returns it only if the evaluator confirms that.
    fn replay_path(&mut self, path: &[ChosenCell]) -> Result<Option<AccessRequest>, BudgetExceededError> {
        let cells: Vec<&RequestCell> = path.iter().filter_map(|(cells, index)| cells.get(*index)).collect();
        self.replays += 1;
        if self.replays > MOST_REPLAYS {
            return Err(BudgetExceededError);
        }
        let found = find_replayable_request(&cells, self.variables, self.granting, self.refusing);
        if found.is_none() {
            self.not_replayed = true;
            self.ambiguities.extend(cells.iter().filter_map(|cell| cell.ambiguity));
            if cells.iter().any(|cell| !cell.variable_patterns.is_empty()) {
                self.ambiguities.insert(Ambiguity::Variable);
            }
        }
        Ok(found)
    }
}
