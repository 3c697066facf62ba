//! The dimensions of the action and of the resource, each of which is one string.

use std::collections::BTreeMap;

use crate::compare::automaton::{PatternAutomaton, PatternStep, ReachedGroups, free_steps};
use crate::compare::budget::{BudgetExceededError, WorkBudget};
use crate::compare::cell::{Ambiguity, CellSample, DistinctCells, RequestCell};
use crate::compare::number_set::NumberSet;
use crate::compare::variables::{VariableAssignment, bind_variables, enumerate_assignments};
use crate::document::Clause;
use crate::pattern::{Pattern, PatternToken};

/// How far wildcards in the first five segments of a resource match. AWS does not document it, so a proof must hold for
/// each reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum WildcardReading {
    /// Past colons.
    AcrossColons,
    /// Within the segment, and past its end if the `*` is the last character of the segment.
    Trailing,
    /// Within the segment, and past its end only if the `*` is the last character of the pattern.
    Segment,
}

/// The steps of a resource pattern under a reading. A variable is treated as `*`.
pub(super) fn resource_steps(pattern: &Pattern, reading: WildcardReading) -> Vec<PatternStep> {
    let tokens = pattern.tokens();
    let mut colons = 0;
    let mut steps = Vec::with_capacity(tokens.len());
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1);
        let many = match reading {
            WildcardReading::AcrossColons => true,
            WildcardReading::Trailing => next.is_none_or(|next| *next == PatternToken::Literal(':')),
            WildcardReading::Segment => next.is_none(),
        };
        steps.push(match token {
            PatternToken::Literal(c) => {
                colons += usize::from(*c == ':');
                PatternStep::Char(*c)
            }
            PatternToken::One => PatternStep::One { crosses: colons >= 5 || reading == WildcardReading::AcrossColons },
            PatternToken::Many | PatternToken::Variable { .. } => PatternStep::Many { crosses: colons >= 5 || many },
        });
    }
    steps
}

/// The action or the resource of a request, and the clauses of the statements on it.
#[derive(Debug)]
pub(super) struct TextDimension {
    pub is_action: bool,
    /// How far wildcards of resources match.
    pub reading: WildcardReading,
    /// The distinct clauses of both sides.
    pub clauses: Vec<Clause<Pattern>>,
}

impl TextDimension {
    /// Patterns for all valid values: `service:Action` for actions, `*` or an ARN for resources.
    fn universe_steps(&self) -> Vec<Vec<PatternStep>> {
        let (one, many) = (PatternStep::One { crosses: true }, PatternStep::Many { crosses: true });
        if self.is_action {
            return vec![vec![one, many, PatternStep::Char(':'), one, many]];
        }
        let mut arn: Vec<PatternStep> = "arn".chars().map(PatternStep::Char).collect();
        for _ in 0..5 {
            arn.extend([PatternStep::Char(':'), many]);
        }
        vec![vec![PatternStep::Char('*')], arn]
    }

    fn pattern_steps(&self, pattern: &Pattern) -> Vec<PatternStep> {
        if self.is_action { free_steps(pattern) } else { resource_steps(pattern, self.reading) }
    }

    /// One cell for each combination of these clauses (by index) that some request meets.
    pub fn enumerate_cells(
        &self,
        desired: &[usize],
        budget: &mut WorkBudget,
    ) -> Result<Vec<RequestCell>, BudgetExceededError> {
        let asked = QueryClauses::from_clauses(desired.iter().filter_map(|index| self.clauses.get(*index)).collect());
        let voidable = asked.voidable_atoms();
        let mut cells = DistinctCells::default();
        let reached =
            PatternAutomaton::new(self.grouped_patterns(&asked), asked.group_count()).explore_combinations(budget)?;
        for reached in reached.iter().filter(|reached| reached.groups.contains(UNIVERSE)) {
            for assignment in enumerate_assignments(&asked.possible_atoms(reached), &voidable)? {
                budget.spend_work(asked.clauses.len() + 1)?;
                let variable_patterns = asked.matching_patterns(&assignment);
                let bindings = bind_variables(&variable_patterns, &reached.text);
                let certain = asked.atoms.is_empty() || (bindings.is_some() && !assignment.has_void());
                cells.add(RequestCell {
                    truths: asked.clause_truths(reached, &assignment),
                    sample: self.cell_sample(&reached.text),
                    bindings: bindings.unwrap_or_default(),
                    variable_patterns,
                    ambiguity: (!certain).then_some(Ambiguity::Variable),
                });
            }
        }
        Ok(cells.into_vec())
    }

    /// The patterns of the automaton, each with its group.
    fn grouped_patterns(&self, asked: &QueryClauses<'_>) -> Vec<(Vec<PatternStep>, usize)> {
        let mut patterns: Vec<(Vec<PatternStep>, usize)> =
            self.universe_steps().into_iter().map(|steps| (steps, UNIVERSE)).collect();
        for (index, clause) in asked.clauses.iter().enumerate() {
            let plain = clause.items.iter().filter(|pattern| !has_variable(pattern));
            patterns.extend(plain.map(|pattern| (self.pattern_steps(pattern), asked.clause_group(index))));
        }
        let atoms = asked.atoms.iter().enumerate();
        patterns.extend(atoms.map(|(index, atom)| (free_steps(atom), asked.atom_group(index))));
        patterns
    }

    fn cell_sample(&self, text: &str) -> CellSample {
        if self.is_action { CellSample::Action(text.to_owned()) } else { CellSample::Resource(text.to_owned()) }
    }
}

/// The first group of the automaton: all valid values. Then comes one group for each clause, then one for each atom.
const UNIVERSE: usize = 0;

/// The clauses to decide, and their distinct patterns with variables: the atoms.
struct QueryClauses<'a> {
    clauses: Vec<&'a Clause<Pattern>>,
    atoms: Vec<&'a Pattern>,
}

impl<'a> QueryClauses<'a> {
    fn from_clauses(clauses: Vec<&'a Clause<Pattern>>) -> Self {
        let patterns = clauses.iter().flat_map(|clause| &clause.items);
        let mut atoms: Vec<&Pattern> = patterns.filter(|pattern| has_variable(pattern)).collect();
        atoms.sort();
        atoms.dedup();
        Self { clauses, atoms }
    }

    const fn clause_group(&self, index: usize) -> usize {
        UNIVERSE + 1 + index
    }

    fn atom_group(&self, index: usize) -> usize {
        self.clause_group(self.clauses.len()) + index
    }

    /// The number of groups.
    fn group_count(&self) -> usize {
        self.atom_group(self.atoms.len())
    }

    /// By atom: whether it matches the string for some value of its variables.
    fn possible_atoms(&self, reached: &ReachedGroups) -> Vec<bool> {
        (0..self.atoms.len()).map(|index| reached.groups.contains(self.atom_group(index))).collect()
    }

    /// By atom: whether a missing variable makes a difference. Only if another pattern of the clause could still match,
    /// or the clause is negated.
    fn voidable_atoms(&self) -> Vec<bool> {
        let beside = |atom: &Pattern, clause: &&Clause<Pattern>| {
            clause.items.contains(atom) && (clause.negated || clause.items.len() > 1)
        };
        self.atoms.iter().map(|atom| self.clauses.iter().any(|clause| beside(atom, clause))).collect()
    }

    /// By clause: whether it holds.
    fn clause_truths(&self, reached: &ReachedGroups, assignment: &VariableAssignment) -> NumberSet {
        let is_set = |list: &[bool], pattern: &Pattern| {
            let place = self.atoms.binary_search(&pattern).ok();
            place.and_then(|index| list.get(index)).is_some_and(|truth| *truth)
        };
        let truth = |(index, clause): (usize, &&Clause<Pattern>)| {
            let matched = reached.groups.contains(self.clause_group(index))
                || clause.items.iter().any(|pattern| is_set(&assignment.matches, pattern));
            let void = clause.items.iter().any(|pattern| is_set(&assignment.void, pattern));
            !void && matched != clause.negated
        };
        self.clauses.iter().enumerate().map(truth).collect()
    }

    /// The patterns of the atoms that match.
    fn matching_patterns(&self, assignment: &VariableAssignment) -> Vec<Pattern> {
        let atoms = self.atoms.iter().zip(&assignment.matches);
        atoms.filter(|(_, holds)| **holds).map(|(atom, _)| (*atom).clone()).collect()
    }
}

fn has_variable(pattern: &Pattern) -> bool {
    !pattern.variable_keys().is_empty()
}

/// Whether the readings differ for a pattern.
pub(super) fn depends_on_reading(pattern: &Pattern) -> bool {
    let whole = resource_steps(pattern, WildcardReading::AcrossColons);
    [WildcardReading::Trailing, WildcardReading::Segment]
        .iter()
        .any(|reading| resource_steps(pattern, *reading) != whole)
}

/// No variable has to have a certain value.
pub(super) fn no_bindings() -> BTreeMap<String, String> {
    BTreeMap::new()
}
