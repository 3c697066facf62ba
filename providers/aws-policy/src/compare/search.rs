//! Is there a request that the one access grants and the other does not? Dimension after dimension, the rows that still
//! match are split by the cells of that dimension. A branch ends where the answer is already certain, so that most
//! statements never meet most dimensions.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use crate::access::Access;
use crate::compare::cell::{Cell, Open};
use crate::compare::limits::{Budget, Exhausted};
use crate::compare::shape::{Row, Shape, Side};
use crate::compare::witness::replay;
use crate::document::Effect;
use crate::request::Request;

/// More attempts to name a request than this, and the answer is Unknown.
const MOST_REPLAYS: usize = 200;

/// What the search came to.
#[derive(Debug)]
pub(super) enum Found {
    /// No such request.
    None,
    /// This one.
    Request(Request),
    /// There may be one, and it depends on this.
    Open(BTreeSet<Open>),
    /// There may be one that differs between the readings of a rule only.
    NotReplayed,
}

/// The rows that decide, split by what they do. `x` is the access that should be contained in `y`.
struct Alive<'a> {
    x_grants: Vec<&'a Row>,
    x_limits: Vec<&'a Row>,
    x_denies: Vec<&'a Row>,
    y_grants: Vec<&'a Row>,
    y_limits: Vec<&'a Row>,
    y_denies: Vec<&'a Row>,
}

/// A cell chosen in some dimension, by its place in that dimension's list.
type Chosen = (Rc<Vec<Cell>>, usize);

type Remembered = BTreeMap<(usize, Vec<usize>), Rc<Vec<Cell>>>;

pub(super) struct Search<'a> {
    pub shape: &'a Shape,
    /// The access that should be contained.
    pub inner: Side,
    pub granting: &'a Access,
    pub refusing: &'a Access,
    pub variables: &'a BTreeSet<String>,
    pub budget: &'a mut Budget,
    pub cells: Remembered,
    pub seen: HashSet<(usize, Vec<usize>, bool)>,
    pub open: BTreeSet<Open>,
    pub replays: usize,
    pub not_replayed: bool,
}

impl Search<'_> {
    pub fn run(mut self) -> Result<Found, Exhausted> {
        let all: Vec<usize> = (0..self.shape.rows.len()).collect();
        let mut path = Vec::new();
        if let Some(request) = self.descend(0, all, &mut path, false)? {
            return Ok(Found::Request(request));
        }
        Ok(match (self.open.is_empty(), self.not_replayed) {
            (false, _) => Found::Open(self.open),
            (true, true) => Found::NotReplayed,
            (true, false) => Found::None,
        })
    }

    fn descend(
        &mut self,
        mut dimension: usize,
        alive: Vec<usize>,
        path: &mut Vec<Chosen>,
        open: bool,
    ) -> Result<Option<Request>, Exhausted> {
        self.budget.spend(alive.len() + 1)?;
        if self.settled(dimension, &alive) {
            return Ok(None);
        }
        let wanted = loop {
            if dimension >= self.shape.dimensions.len() {
                return self.witness(path);
            }
            let asked: BTreeSet<usize> = alive.iter().filter_map(|row| self.ask(*row, dimension)).collect();
            if !asked.is_empty() {
                break asked.into_iter().collect::<Vec<usize>>();
            }
            dimension += 1;
        };
        let cells = self.cells(dimension, &wanted)?;
        for (index, cell) in cells.iter().enumerate() {
            let holds = |row: &usize| match self.ask(*row, dimension) {
                None => true,
                Some(ask) => wanted.binary_search(&ask).is_ok_and(|place| cell.truths.contains(place)),
            };
            let still: Vec<usize> = alive.iter().copied().filter(holds).collect();
            let open = open || cell.open.is_some();
            self.budget.spend(alive.len() + 1)?;
            if !self.seen.insert((dimension, still.clone(), open)) {
                continue;
            }
            self.budget.hold(still.len() + 4)?;
            path.push((Rc::clone(&cells), index));
            let found = self.descend(dimension + 1, still, path, open)?;
            path.pop();
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn ask(&self, row: usize, dimension: usize) -> Option<usize> {
        self.shape.rows.get(row).and_then(|row| row.asks.get(dimension)).copied().flatten()
    }

    fn cells(&mut self, dimension: usize, wanted: &[usize]) -> Result<Rc<Vec<Cell>>, Exhausted> {
        let key = (dimension, wanted.to_vec());
        if let Some(known) = self.cells.get(&key) {
            return Ok(Rc::clone(known));
        }
        let found = match self.shape.dimensions.get(dimension) {
            Some(found) => found.cells(wanted, self.budget)?,
            None => Vec::new(),
        };
        let cells = Rc::new(found);
        self.cells.insert(key, Rc::clone(&cells));
        Ok(cells)
    }

    fn split(&self, alive: &[usize]) -> Alive<'_> {
        let rows = || alive.iter().filter_map(|row| self.shape.rows.get(*row));
        let of = |inner: bool, effect: Effect, boundary: Option<bool>| {
            let fits = |row: &&Row| {
                (row.side == self.inner) == inner && row.effect == effect && boundary.is_none_or(|b| row.boundary == b)
            };
            rows().filter(fits).collect::<Vec<_>>()
        };
        Alive {
            x_grants: of(true, Effect::Allow, Some(false)),
            x_limits: of(true, Effect::Allow, Some(true)),
            x_denies: of(true, Effect::Deny, None),
            y_grants: of(false, Effect::Allow, Some(false)),
            y_limits: of(false, Effect::Allow, Some(true)),
            y_denies: of(false, Effect::Deny, None),
        }
    }

    /// Whether no request below here is granted by the inner access and refused by the outer one.
    fn settled(&self, dimension: usize, alive: &[usize]) -> bool {
        let bounded = |inner: bool| match (self.inner == Side::New) == inner {
            true => self.shape.new_bounded,
            false => self.shape.old_bounded,
        };
        let (x_bounded, y_bounded) = (bounded(true), bounded(false));
        let alive = self.split(alive);
        let rest = |row: &Row| row.rest.get(dimension).copied().unwrap_or(0);
        // The inner access grants nothing here.
        if alive.x_grants.is_empty() || (x_bounded && alive.x_limits.is_empty()) {
            return true;
        }
        if alive.x_denies.iter().any(|row| rest(row) == 0) {
            return true;
        }
        // Whatever lets the inner access grant lets the outer one grant, too: each of its rows has a row that asks
        // nothing more, or exactly the same; and whatever denies the outer one denies the inner one.
        let covered = |row: &Row, by: &[&Row]| by.iter().any(|other| rest(other) == 0 || rest(other) == rest(row));
        let grants = alive.x_grants.iter().all(|row| covered(row, &alive.y_grants));
        let limits = !y_bounded
            || alive.y_limits.iter().any(|row| rest(row) == 0)
            || (x_bounded && alive.x_limits.iter().all(|row| covered(row, &alive.y_limits)));
        let denies = alive.y_denies.iter().all(|row| alive.x_denies.iter().any(|other| rest(other) == rest(row)));
        grants && limits && denies
    }

    /// At the end of a path every row that is left matches, and the branch was not settled: the inner access grants and
    /// the outer one does not. It counts as shown only when the evaluator says the same of a request.
    fn witness(&mut self, path: &[Chosen]) -> Result<Option<Request>, Exhausted> {
        let cells: Vec<&Cell> = path.iter().filter_map(|(cells, index)| cells.get(*index)).collect();
        self.replays += 1;
        if self.replays > MOST_REPLAYS {
            return Err(Exhausted);
        }
        let found = replay(&cells, self.variables, self.granting, self.refusing);
        if found.is_none() {
            self.not_replayed = true;
            self.open.extend(cells.iter().filter_map(|cell| cell.open));
            if cells.iter().any(|cell| !cell.holding.is_empty()) {
                self.open.insert(Open::Variable);
            }
        }
        Ok(found)
    }
}
