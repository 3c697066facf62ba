//! Old and new access as rows over dimensions: each statement a row, and in each dimension the number of what it asks
//! there. Equal questions have equal numbers, so that statements which say the same are known to.

use std::collections::{BTreeMap, BTreeSet};

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
                    holding: Vec::new(),
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

/// Numbers for values, in the order of the values: the same for old and new as for new and old.
struct Numbers<T>(BTreeMap<T, usize>);

impl<T: Ord> FromIterator<T> for Numbers<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let distinct: BTreeSet<T> = items.into_iter().collect();
        Self(distinct.into_iter().zip(0..).collect())
    }
}

impl<T: Ord> Numbers<T> {
    fn of(&self, value: &T) -> Option<usize> {
        self.0.get(value).copied()
    }

    fn into_vec(self) -> Vec<T> {
        self.0.into_keys().collect()
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
        let sketch = Sketch::of(statements.clone().map(|(.., statement)| statement));
        let rows: Vec<(Side, bool, Effect, Vec<Option<usize>>)> = statements
            .map(|(side, boundary, statement)| (side, boundary, statement.effect, sketch.asks(statement)))
            .collect();
        let dimensions = sketch.finish();
        let mut rests: BTreeMap<(usize, usize, usize), usize> = BTreeMap::new();
        let width = dimensions.len();
        let mut out: Vec<Row> = Vec::new();
        for (side, boundary, effect, asks) in rows {
            let mut rest = vec![0; width + 1];
            let mut after = 0;
            for (dimension, ask) in asks.iter().enumerate().rev() {
                // Numbers start at 1; a dimension that asks nothing passes on what comes after it.
                if let Some(ask) = ask {
                    let fresh = rests.len() + 1;
                    after = *rests.entry((dimension, *ask, after)).or_insert(fresh);
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

/// Everything that is asked, by dimension.
struct Sketch {
    actions: Numbers<Clause<Pattern>>,
    resources: Numbers<Clause<Pattern>>,
    principals: Numbers<Clause<Principal>>,
    /// The keys in order, each with what is asked of it.
    keys: BTreeMap<String, (usize, Numbers<Vec<Condition>>)>,
    /// Conditions that cannot be decided, each a dimension of its own after the keys.
    free: Numbers<Condition>,
}

/// A statement's conditions: by key those that can be decided, and the others.
fn sorted_conditions(statement: &Statement) -> (BTreeMap<String, Vec<Condition>>, Vec<Condition>) {
    let (mut by_key, mut free): (BTreeMap<String, Vec<Condition>>, _) = (BTreeMap::new(), Vec::new());
    for condition in &statement.conditions {
        let mut condition = condition.clone();
        condition.values.sort();
        condition.values.dedup();
        if is_decidable(&condition) {
            by_key.entry(condition.key.clone()).or_default().push(condition);
        } else {
            free.push(condition);
        }
    }
    by_key.values_mut().for_each(|conditions| conditions.sort());
    (by_key, free)
}

impl Sketch {
    fn of<'a>(statements: impl Iterator<Item = &'a Statement> + Clone) -> Self {
        let mut by_key: BTreeMap<String, BTreeSet<Vec<Condition>>> = BTreeMap::new();
        let mut free = BTreeSet::new();
        for statement in statements.clone() {
            let (decidable, others) = sorted_conditions(statement);
            for (key, conditions) in decidable {
                by_key.entry(key).or_default().insert(conditions);
            }
            free.extend(others);
        }
        let keys = by_key.into_iter().zip(FIRST_KEY..);
        Self {
            actions: statements.clone().map(|statement| sorted(&statement.actions)).collect(),
            resources: statements.clone().filter_map(|statement| statement.resources.as_ref()).map(sorted).collect(),
            principals: statements.filter_map(|statement| statement.principals.as_ref()).map(sorted).collect(),
            keys: keys.map(|((key, asked), place)| (key, (place, asked.into_iter().collect()))).collect(),
            free: free.into_iter().collect(),
        }
    }

    fn asks(&self, statement: &Statement) -> Vec<Option<usize>> {
        let first_free = FIRST_KEY + self.keys.len();
        let mut asks = vec![None; first_free + self.free.0.len()];
        let mut set = |place: usize, value: Option<usize>| {
            if let Some(ask) = asks.get_mut(place) {
                *ask = value;
            }
        };
        set(ACTION, self.actions.of(&sorted(&statement.actions)));
        set(RESOURCE, statement.resources.as_ref().and_then(|clause| self.resources.of(&sorted(clause))));
        set(PRINCIPAL, statement.principals.as_ref().and_then(|clause| self.principals.of(&sorted(clause))));
        let (decidable, others) = sorted_conditions(statement);
        for (key, conditions) in decidable {
            if let Some((place, numbers)) = self.keys.get(&key) {
                set(*place, numbers.of(&conditions));
            }
        }
        for place in others.iter().filter_map(|condition| self.free.of(condition)) {
            set(first_free + place, Some(0));
        }
        asks
    }

    fn finish(self) -> Vec<Dimension> {
        let text = |is_action, clauses| Dimension::Text(TextDimension { is_action, reading: Reading::Whole, clauses });
        let mut dimensions = vec![
            text(true, self.actions.into_vec()),
            text(false, self.resources.into_vec()),
            Dimension::Principals(PrincipalDimension { clauses: self.principals.into_vec() }),
        ];
        let key = |(key, (_, numbers)): (String, (usize, Numbers<Vec<Condition>>))| {
            Dimension::Key(KeyDimension { key, predicates: numbers.into_vec() })
        };
        dimensions.extend(self.keys.into_iter().map(key));
        dimensions.extend(self.free.0.iter().map(|_| Dimension::Free));
        dimensions
    }
}
