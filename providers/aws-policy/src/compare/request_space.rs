//! Old and new policies as rows over dimensions. Each statement is a row; in each dimension it has the number of its
//! predicate there: its action clause, its conditions on a key, and so on. Equal predicates have equal numbers, so the
//! search recognizes statements that ask the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::budget::{BudgetExceededError, WorkBudget};
use crate::compare::cell::{Ambiguity, CellSample, RequestCell};
use crate::compare::key_dimension::{KeyDimension, is_decidable};
use crate::compare::principal_dimension::PrincipalDimension;
use crate::compare::text_dimension::{TextDimension, WildcardReading, depends_on_reading, no_bindings};
use crate::document::{Clause, PolicyDocument, PolicyStatement, StatementCondition, StatementEffect};
use crate::pattern::Pattern;
use crate::policy_set::PolicySet;
use crate::principal::PolicyPrincipal;

/// The side of the comparison a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AccessSide {
    Old,
    New,
}

/// One statement as a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StatementRow {
    pub side: AccessSide,
    pub boundary: bool,
    pub effect: StatementEffect,
    /// By dimension: the number of the statement's predicate. `None`: it asks nothing there.
    pub predicates: Vec<Option<usize>>,
    /// By dimension: a number for all predicates from here on, equal for equal predicates; 0 if there are none.
    pub rest: Vec<usize>,
}

/// A dimension of requests with the predicates of all statements on it.
#[derive(Debug)]
pub(super) enum RequestDimension {
    Text(TextDimension),
    Principals(PrincipalDimension),
    Key(KeyDimension),
    /// A condition that cannot be decided: it may hold or not.
    Free,
}

impl RequestDimension {
    /// One cell for each combination of these predicates (by index) that some request meets.
    pub fn enumerate_cells(
        &self,
        desired: &[usize],
        budget: &mut WorkBudget,
    ) -> Result<Vec<RequestCell>, BudgetExceededError> {
        match self {
            Self::Text(dimension) => dimension.enumerate_cells(desired, budget),
            Self::Principals(dimension) => dimension.enumerate_cells(desired, budget),
            Self::Key(dimension) => dimension.enumerate_cells(desired, budget),
            Self::Free => Ok([false, true]
                .map(|truth| RequestCell {
                    truths: desired.iter().map(|_| truth).collect(),
                    sample: CellSample::Nothing,
                    bindings: no_bindings(),
                    variable_patterns: Vec::new(),
                    ambiguity: Some(Ambiguity::Operator),
                })
                .to_vec()),
        }
    }
}

/// The rows and dimensions of both sides, the input of the search.
#[derive(Debug)]
pub(super) struct RequestSpace {
    pub rows: Vec<StatementRow>,
    pub dimensions: Vec<RequestDimension>,
    pub old_bounded: bool,
    pub new_bounded: bool,
    /// Whether some resource pattern has a wildcard for which the readings of [`WildcardReading`] differ.
    pub depends_on_reading: bool,
}

/// Numbers distinct values in their order, so that swapping old and new gives the same numbers.
struct Numbering<T>(BTreeMap<T, usize>);

impl<T: Ord> FromIterator<T> for Numbering<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let distinct: BTreeSet<T> = items.into_iter().collect();
        Self(distinct.into_iter().zip(0..).collect())
    }
}

impl<T: Ord> Numbering<T> {
    fn number_for(&self, value: &T) -> Option<usize> {
        self.0.get(value).copied()
    }

    fn into_vec(self) -> Vec<T> {
        self.0.into_keys().collect()
    }
}

fn sort_clause<T: Clone + Ord>(clause: &Clause<T>) -> Clause<T> {
    let mut items = clause.items.clone();
    items.sort();
    items.dedup();
    Clause { negated: clause.negated, items }
}

const ACTION: usize = 0;
const RESOURCE: usize = 1;
const PRINCIPAL: usize = 2;
const FIRST_KEY: usize = 3;

impl RequestSpace {
    /// Numbers the predicates of all statements of both sides.
    pub fn from_policy_sets(old: &PolicySet, new: &PolicySet) -> Self {
        let sources = [
            (AccessSide::Old, false, old.policies.as_slice()),
            (AccessSide::Old, true, old.boundary.as_deref().unwrap_or_default()),
            (AccessSide::New, false, new.policies.as_slice()),
            (AccessSide::New, true, new.boundary.as_deref().unwrap_or_default()),
        ];
        let statements =
            sources.iter().flat_map(|(side, boundary, documents): &(AccessSide, bool, &[PolicyDocument])| {
                let all = documents.iter().flat_map(|document| &document.statements);
                all.map(move |statement| (*side, *boundary, statement))
            });
        let sketch = RequestSpaceBuilder::from_statements(statements.clone().map(|(.., statement)| statement));
        let rows: Vec<(AccessSide, bool, StatementEffect, Vec<Option<usize>>)> = statements
            .map(|(side, boundary, statement)| {
                (side, boundary, statement.effect, sketch.statement_predicates(statement))
            })
            .collect();
        let dimensions = sketch.into_dimensions();
        let mut rests: BTreeMap<(usize, usize, usize), usize> = BTreeMap::new();
        let width = dimensions.len();
        let mut out: Vec<StatementRow> = Vec::new();
        for (side, boundary, effect, predicates) in rows {
            let mut rest = vec![0; width + 1];
            let mut after = 0;
            for (dimension, predicate) in predicates.iter().enumerate().rev() {
                // Numbers start at 1. A dimension without predicate has the number of the next one.
                if let Some(predicate) = predicate {
                    let fresh = rests.len() + 1;
                    after = *rests.entry((dimension, *predicate, after)).or_insert(fresh);
                }
                if let Some(place) = rest.get_mut(dimension) {
                    *place = after;
                }
            }
            out.push(StatementRow { side, boundary, effect, predicates, rest });
        }
        out.sort();
        out.dedup();
        let depends_on_reading = dimensions.iter().any(|dimension| match dimension {
            RequestDimension::Text(text) if !text.is_action => {
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

    /// Sets the reading of wildcards in resources.
    pub fn set_wildcard_reading(&mut self, reading: WildcardReading) {
        if let Some(RequestDimension::Text(text)) = self.dimensions.get_mut(RESOURCE) {
            text.reading = reading;
        }
    }
}

/// The distinct predicates of all statements, by dimension.
struct RequestSpaceBuilder {
    actions: Numbering<Clause<Pattern>>,
    resources: Numbering<Clause<Pattern>>,
    principals: Numbering<Clause<PolicyPrincipal>>,
    /// The keys in order, each with the index of its dimension and its predicates.
    keys: BTreeMap<String, (usize, Numbering<Vec<StatementCondition>>)>,
    /// Conditions that cannot be decided. Each is a dimension of its own after the keys.
    free: Numbering<StatementCondition>,
}

/// The conditions of a statement: the decidable ones by key, and the others.
fn split_conditions(
    statement: &PolicyStatement,
) -> (BTreeMap<String, Vec<StatementCondition>>, Vec<StatementCondition>) {
    let (mut by_key, mut free): (BTreeMap<String, Vec<StatementCondition>>, _) = (BTreeMap::new(), Vec::new());
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

impl RequestSpaceBuilder {
    fn from_statements<'a>(statements: impl Iterator<Item = &'a PolicyStatement> + Clone) -> Self {
        let mut by_key: BTreeMap<String, BTreeSet<Vec<StatementCondition>>> = BTreeMap::new();
        let mut free = BTreeSet::new();
        for statement in statements.clone() {
            let (decidable, others) = split_conditions(statement);
            for (key, conditions) in decidable {
                by_key.entry(key).or_default().insert(conditions);
            }
            free.extend(others);
        }
        let keys = by_key.into_iter().zip(FIRST_KEY..);
        Self {
            actions: statements.clone().map(|statement| sort_clause(&statement.actions)).collect(),
            resources: statements
                .clone()
                .filter_map(|statement| statement.resources.as_ref())
                .map(sort_clause)
                .collect(),
            principals: statements.filter_map(|statement| statement.principals.as_ref()).map(sort_clause).collect(),
            keys: keys.map(|((key, asked), place)| (key, (place, asked.into_iter().collect()))).collect(),
            free: free.into_iter().collect(),
        }
    }

    fn statement_predicates(&self, statement: &PolicyStatement) -> Vec<Option<usize>> {
        let first_free = FIRST_KEY + self.keys.len();
        let mut predicates = vec![None; first_free + self.free.0.len()];
        let mut set = |place: usize, value: Option<usize>| {
            if let Some(predicate) = predicates.get_mut(place) {
                *predicate = value;
            }
        };
        set(ACTION, self.actions.number_for(&sort_clause(&statement.actions)));
        set(RESOURCE, statement.resources.as_ref().and_then(|clause| self.resources.number_for(&sort_clause(clause))));
        set(
            PRINCIPAL,
            statement.principals.as_ref().and_then(|clause| self.principals.number_for(&sort_clause(clause))),
        );
        let (decidable, others) = split_conditions(statement);
        for (key, conditions) in decidable {
            if let Some((place, numbers)) = self.keys.get(&key) {
                set(*place, numbers.number_for(&conditions));
            }
        }
        for place in others.iter().filter_map(|condition| self.free.number_for(condition)) {
            set(first_free + place, Some(0));
        }
        predicates
    }

    fn into_dimensions(self) -> Vec<RequestDimension> {
        let text = |is_action, clauses| {
            RequestDimension::Text(TextDimension { is_action, reading: WildcardReading::AcrossColons, clauses })
        };
        let mut dimensions = vec![
            text(true, self.actions.into_vec()),
            text(false, self.resources.into_vec()),
            RequestDimension::Principals(PrincipalDimension { clauses: self.principals.into_vec() }),
        ];
        let key = |(key, (_, numbers)): (String, (usize, Numbering<Vec<StatementCondition>>))| {
            RequestDimension::Key(KeyDimension { key, predicates: numbers.into_vec() })
        };
        dimensions.extend(self.keys.into_iter().map(key));
        dimensions.extend(self.free.0.iter().map(|_| RequestDimension::Free));
        dimensions
    }
}
