//! The two dimensions that are one string each: the action and the resource.

use std::collections::BTreeMap;

use crate::compare::automaton::{Machine, Step, free_steps};
use crate::compare::cell::{Cell, Cells, Open, Sample};
use crate::compare::limits::{Budget, Exhausted};
use crate::compare::variables::{assignments, bind};
use crate::document::Clause;
use crate::pattern::{Pattern, Token};

/// How far wildcards in the first five segments of a resource reach. AWS leaves it open, so a proof must hold in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Reading {
    /// Everywhere.
    Whole,
    /// To the end of the segment, and past it where the segment ends with the `*`.
    Trailing,
    /// To the end of the segment; past it only where the pattern ends there.
    Segment,
}

/// The steps of a resource pattern.
pub(super) fn resource_steps(pattern: &Pattern, reading: Reading) -> Vec<Step> {
    let tokens = pattern.tokens();
    let mut colons = 0;
    let mut steps = Vec::with_capacity(tokens.len());
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1);
        let many = match reading {
            Reading::Whole => true,
            Reading::Trailing => next.is_none_or(|next| *next == Token::Literal(':')),
            Reading::Segment => next.is_none(),
        };
        steps.push(match token {
            Token::Literal(c) => {
                colons += usize::from(*c == ':');
                Step::Char(*c)
            }
            Token::One => Step::One { crosses: colons >= 5 || reading == Reading::Whole },
            Token::Many | Token::Variable { .. } => Step::Many { crosses: colons >= 5 || many },
        });
    }
    steps
}

/// A string of the request, and the clauses that speak of it.
#[derive(Debug)]
pub(super) struct TextDimension {
    pub is_action: bool,
    /// How each pattern without variables runs.
    pub reading: Reading,
    /// The clauses, distinct.
    pub clauses: Vec<Clause<Pattern>>,
}

impl TextDimension {
    /// What a request may hold: `service:Action`; `*` or an ARN.
    fn universe(&self) -> Vec<Vec<Step>> {
        let (one, many) = (Step::One { crosses: true }, Step::Many { crosses: true });
        if self.is_action {
            return vec![vec![one, many, Step::Char(':'), one, many]];
        }
        let mut arn: Vec<Step> = "arn".chars().map(Step::Char).collect();
        for _ in 0..5 {
            arn.extend([Step::Char(':'), many]);
        }
        vec![vec![Step::Char('*')], arn]
    }

    fn steps(&self, pattern: &Pattern) -> Vec<Step> {
        if self.is_action { free_steps(pattern) } else { resource_steps(pattern, self.reading) }
    }

    /// The combinations of these clauses that a request can meet.
    pub fn cells(&self, wanted: &[usize], budget: &mut Budget) -> Result<Vec<Cell>, Exhausted> {
        let clauses: Vec<&Clause<Pattern>> = wanted.iter().filter_map(|index| self.clauses.get(*index)).collect();
        let has_variable = |pattern: &&Pattern| !pattern.variables().is_empty();
        let mut atoms: Vec<&Pattern> =
            clauses.iter().flat_map(|clause| clause.items.iter().filter(has_variable)).collect();
        atoms.sort();
        atoms.dedup();

        let universe = 0;
        let mut patterns: Vec<(Vec<Step>, usize)> =
            self.universe().into_iter().map(|steps| (steps, universe)).collect();
        for (index, clause) in clauses.iter().enumerate() {
            let plain = clause.items.iter().filter(|pattern| !has_variable(pattern));
            patterns.extend(plain.map(|pattern| (self.steps(pattern), 1 + index)));
        }
        let first_atom = 1 + clauses.len();
        patterns.extend(atoms.iter().enumerate().map(|(index, atom)| (free_steps(atom), first_atom + index)));
        let reached = Machine::new(patterns, first_atom + atoms.len()).explore(budget)?;

        // An unresolved variable makes a difference only where something else in its clause could still match.
        let voids = |atom: &Pattern| {
            let beside =
                |clause: &Clause<Pattern>| clause.items.contains(atom) && (clause.negated || clause.items.len() > 1);
            clauses.iter().copied().any(beside)
        };
        let voidable: Vec<bool> = atoms.iter().map(|atom| voids(atom)).collect();
        let mut cells = Cells::default();
        for reached in reached.iter().filter(|reached| reached.groups.contains(universe)) {
            let possible: Vec<bool> =
                (0..atoms.len()).map(|index| reached.groups.contains(first_atom + index)).collect();
            for assignment in assignments(&possible, &voidable)? {
                budget.spend(clauses.len() + 1)?;
                let truths = clauses.iter().enumerate().map(|(index, clause)| {
                    let place = |pattern: &Pattern| atoms.binary_search(&pattern).ok();
                    let of =
                        |list: &[bool], pattern| place(pattern).and_then(|i| list.get(i)).is_some_and(|truth| *truth);
                    let matched = reached.groups.contains(1 + index)
                        || clause.items.iter().any(|pattern| of(&assignment.matches, pattern));
                    let void = clause.items.iter().any(|pattern| of(&assignment.void, pattern));
                    !void && matched != clause.negated
                });
                let truths = truths.collect();
                let holding: Vec<Pattern> = atoms
                    .iter()
                    .zip(&assignment.matches)
                    .filter(|(_, holds)| **holds)
                    .map(|(atom, _)| (*atom).clone())
                    .collect();
                let bindings = bind(&holding, &reached.text);
                let certain = atoms.is_empty() || (bindings.is_some() && !assignment.has_void());
                cells.add(Cell {
                    truths,
                    sample: self.sample(&reached.text),
                    bindings: bindings.unwrap_or_default(),
                    holding,
                    open: (!certain).then_some(Open::Variable),
                });
            }
        }
        Ok(cells.into_vec())
    }

    fn sample(&self, text: &str) -> Sample {
        if self.is_action { Sample::Action(text.to_owned()) } else { Sample::Resource(text.to_owned()) }
    }
}

/// Whether the readings can differ on a pattern.
pub(super) fn depends_on_reading(pattern: &Pattern) -> bool {
    let whole = resource_steps(pattern, Reading::Whole);
    [Reading::Trailing, Reading::Segment].iter().any(|reading| resource_steps(pattern, *reading) != whole)
}

/// No bindings at all.
pub(super) fn unbound() -> BTreeMap<String, String> {
    BTreeMap::new()
}
