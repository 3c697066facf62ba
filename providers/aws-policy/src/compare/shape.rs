//! Old and new access as rows over dimensions: each statement a row, and in each dimension the number of what it asks there.
//! Equal questions have equal numbers, so that statements which say the same are known to.

use std::collections::BTreeMap;

use crate::access::Access;
use crate::compare::cell::{Cell, Open, Sample};
use crate::compare::context::{KeyDimension, is_decidable};
use crate::compare::limits::{Budget, Exhausted};
use crate::compare::principals::PrincipalDimension;
use crate::compare::text::{Reading, TextDimension, depends_on_reading, unbound};
use crate::document::{Clause, Condition, Document, Effect, Statement};
use crate::pattern::Pattern;
use crate::principal::Principal;

/// Whose access a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Old,
    New,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub side: Side,
    pub boundary: bool,
    pub effect: Effect,
    /// By dimension: what the statement asks there, if anything.
    pub asks: Vec<Option<usize>>,
    /// By dimension: equal numbers where all that is asked from here on is equal; 0 where nothing is asked any more.
    pub rest: Vec<usize>,
}

/// One side of a request that statements ask about.
#[derive(Debug)]
pub(super) enum Dimension {
    Text(TextDimension),
    Principals(PrincipalDimension),
    Key(KeyDimension),
    /// A condition that nobody can decide: it holds or it does not.
    Free,
}

impl Dimension {
    /// The combinations of what is asked that a request can meet.
    pub fn cells(&self, wanted: &[usize], budget: &mut Budget) -> Result<Vec<Cell>, Exhausted> {
        match self {
            Self::Text(dimension) => dimension.cells(wanted, budget),
            Self::Principals(dimension) => dimension.cells(wanted, budget),
            Self::Key(dimension) => dimension.cells(wanted, budget),
            Self::Free => Ok([false, true]
                .map(|truth| Cell {
                    truths: wanted.iter().map(|_| truth).collect(),
                    sample: Sample::Nothing,
                    bindings: unbound(),
                    open: Some(Open::Operator),
                })
                .to_vec()),
        }
    }
}

/// Both accesses, ready to be searched.
#[derive(Debug)]
pub(super) struct Shape {
    pub rows: Vec<Row>,
    pub dimensions: Vec<Dimension>,
    pub old_bounded: bool,
    pub new_bounded: bool,
    /// Whether some resource pattern has a wildcard of which AWS leaves open how far it reaches.
    pub depends_on_reading: bool,
}

/// Numbers for values, in order of first sight.
struct Numbers<T>(Vec<T>, BTreeMap<T, usize>);

impl<T: Clone + Ord> Numbers<T> {
    fn new() -> Self {
        Self(Vec::new(), BTreeMap::new())
    }

    fn of(&mut self, value: T) -> usize {
        if let Some(number) = self.1.get(&value) {
            return *number;
        }
        self.0.push(value.clone());
        self.1.insert(value, self.0.len() - 1);
        self.0.len() - 1
    }
}

fn sorted<T: Clone + Ord>(clause: &Clause<T>) -> Clause<T> {
    let mut items = clause.items.clone();
    items.sort();
    items.dedup();
    Clause { negated: clause.negated, items }
}

const ACTION: usize = 0;
const RESOURCE: usize = 1;
const PRINCIPAL: usize = 2;
const FIRST_KEY: usize = 3;

impl Shape {
    pub fn of(old: &Access, new: &Access) -> Self {
        let sources = [
            (Side::Old, false, old.policies.as_slice()),
            (Side::Old, true, old.boundary.as_deref().unwrap_or_default()),
            (Side::New, false, new.policies.as_slice()),
            (Side::New, true, new.boundary.as_deref().unwrap_or_default()),
        ];
        let statements = sources.iter().flat_map(|(side, boundary, documents): &(Side, bool, &[Document])| {
            let all = documents.iter().flat_map(|document| &document.statements);
            all.map(move |statement| (*side, *boundary, statement))
        });
        let mut sketch = Sketch::new(statements.clone().map(|(.., statement)| statement));
        let rows: Vec<(Side, bool, Effect, Vec<Option<usize>>)> = statements
            .map(|(side, boundary, statement)| (side, boundary, statement.effect, sketch.asks(statement)))
            .collect();
        let dimensions = sketch.finish();
        let mut rests: Numbers<(usize, Option<usize>, usize)> = Numbers::new();
        let width = dimensions.len();
        let mut out: Vec<Row> = Vec::new();
        for (side, boundary, effect, mut asks) in rows {
            asks.resize(width, None);
            let mut rest = vec![0; width + 1];
            let mut after = 0;
            for (dimension, ask) in asks.iter().enumerate().rev() {
                if ask.is_some() || after != 0 {
                    // Numbers start at 1; a dimension that asks nothing passes on what comes after it.
                    after = if ask.is_some() { 1 + rests.of((dimension, *ask, after)) } else { after };
                }
                if let Some(place) = rest.get_mut(dimension) {
                    *place = after;
                }
            }
            out.push(Row { side, boundary, effect, asks, rest });
        }
        out.sort();
        out.dedup();
        let depends_on_reading = dimensions.iter().any(|dimension| match dimension {
            Dimension::Text(text) if !text.is_action => {
                text.clauses.iter().flat_map(|clause| &clause.items).any(depends_on_reading)
            }
            _ => false,
        });
        Self {
            rows: out,
            dimensions,
            old_bounded: old.boundary.is_some(),
            new_bounded: new.boundary.is_some(),
            depends_on_reading,
        }
    }

    /// Has wildcards in resources read this way.
    pub fn read_as(&mut self, reading: Reading) {
        if let Some(Dimension::Text(text)) = self.dimensions.get_mut(RESOURCE) {
            text.reading = reading;
        }
    }
}

/// The dimensions while they are being found.
struct Sketch {
    actions: Numbers<Clause<Pattern>>,
    resources: Numbers<Clause<Pattern>>,
    principals: Numbers<Clause<Principal>>,
    /// The keys in order, each with what is asked of it.
    keys: BTreeMap<String, (usize, Numbers<Vec<Condition>>)>,
    /// Conditions that cannot be decided, each a dimension of its own after the keys.
    free: Numbers<Condition>,
}

impl Sketch {
    fn new<'a>(statements: impl Iterator<Item = &'a Statement>) -> Self {
        let decidable = statements.flat_map(|statement| &statement.conditions).filter(|c| is_decidable(c));
        let names: std::collections::BTreeSet<&String> = decidable.map(|condition| &condition.key).collect();
        let keys = names.into_iter().enumerate().map(|(index, key)| (key.clone(), (FIRST_KEY + index, Numbers::new())));
        Self {
            actions: Numbers::new(),
            resources: Numbers::new(),
            principals: Numbers::new(),
            keys: keys.collect(),
            free: Numbers::new(),
        }
    }

    fn asks(&mut self, statement: &Statement) -> Vec<Option<usize>> {
        let first_free = FIRST_KEY + self.keys.len();
        let mut asks = vec![None; first_free];
        let mut set = |place: usize, value: usize| {
            if asks.len() <= place {
                asks.resize(place + 1, None);
            }
            if let Some(ask) = asks.get_mut(place) {
                *ask = Some(value);
            }
        };
        set(ACTION, self.actions.of(sorted(&statement.actions)));
        if let Some(clause) = &statement.resources {
            set(RESOURCE, self.resources.of(sorted(clause)));
        }
        if let Some(clause) = &statement.principals {
            set(PRINCIPAL, self.principals.of(sorted(clause)));
        }
        let mut by_key: BTreeMap<String, Vec<Condition>> = BTreeMap::new();
        for condition in &statement.conditions {
            let mut condition = condition.clone();
            condition.values.sort();
            condition.values.dedup();
            if is_decidable(&condition) {
                by_key.entry(condition.key.clone()).or_default().push(condition);
            } else {
                set(first_free + self.free.of(condition), 0);
            }
        }
        for (key, mut conditions) in by_key {
            conditions.sort();
            if let Some((place, numbers)) = self.keys.get_mut(&key) {
                set(*place, numbers.of(conditions));
            }
        }
        asks
    }

    fn finish(self) -> Vec<Dimension> {
        let text = |is_action, clauses| Dimension::Text(TextDimension { is_action, reading: Reading::Whole, clauses });
        let mut dimensions = vec![
            text(true, self.actions.0),
            text(false, self.resources.0),
            Dimension::Principals(PrincipalDimension { clauses: self.principals.0 }),
        ];
        let keys = self.keys.into_iter();
        dimensions.extend(keys.map(|(key, (_, numbers))| Dimension::Key(KeyDimension { key, predicates: numbers.0 })));
        dimensions.extend(self.free.0.iter().map(|_| Dimension::Free));
        dimensions
    }
}
