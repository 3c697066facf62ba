//! The two dimensions that are one string each: the action and the resource.

use std::collections::BTreeMap;

use crate::compare::automaton::{Machine, Reached, Step, free_steps};
use crate::compare::bits::Bits;
use crate::compare::cell::{Cell, Cells, Open, Sample};
use crate::compare::limits::{Budget, Exhausted};
use crate::compare::variables::{Assignment, assignments, bind};
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
        let asked = Asked::of(wanted.iter().filter_map(|index| self.clauses.get(*index)).collect());
        let voidable = asked.voidable();
        let mut cells = Cells::default();
        let reached = Machine::new(self.patterns(&asked), asked.groups()).explore(budget)?;
        for reached in reached.iter().filter(|reached| reached.groups.contains(UNIVERSE)) {
            for assignment in assignments(&asked.possible(reached), &voidable)? {
                budget.spend(asked.clauses.len() + 1)?;
                let holding = asked.holding(&assignment);
                let bindings = bind(&holding, &reached.text);
                let certain = asked.atoms.is_empty() || (bindings.is_some() && !assignment.has_void());
                cells.add(Cell {
                    truths: asked.truths(reached, &assignment),
                    sample: self.sample(&reached.text),
                    bindings: bindings.unwrap_or_default(),
                    holding,
                    open: (!certain).then_some(Open::Variable),
                });
            }
        }
        Ok(cells.into_vec())
    }

    /// What the machine runs: each pattern with its group.
    fn patterns(&self, asked: &Asked<'_>) -> Vec<(Vec<Step>, usize)> {
        let mut patterns: Vec<(Vec<Step>, usize)> =
            self.universe().into_iter().map(|steps| (steps, UNIVERSE)).collect();
        for (index, clause) in asked.clauses.iter().enumerate() {
            let plain = clause.items.iter().filter(|pattern| !has_variable(pattern));
            patterns.extend(plain.map(|pattern| (self.steps(pattern), asked.group_of_clause(index))));
        }
        let atoms = asked.atoms.iter().enumerate();
        patterns.extend(atoms.map(|(index, atom)| (free_steps(atom), asked.group_of_atom(index))));
        patterns
    }

    fn sample(&self, text: &str) -> Sample {
        if self.is_action { Sample::Action(text.to_owned()) } else { Sample::Resource(text.to_owned()) }
    }
}

/// The machine's first group: what a request may hold at all. After it comes one for each clause, then one for each atom.
const UNIVERSE: usize = 0;

/// The clauses that are asked about, and the patterns with variables in them, each once: the atoms.
struct Asked<'a> {
    clauses: Vec<&'a Clause<Pattern>>,
    atoms: Vec<&'a Pattern>,
}

impl<'a> Asked<'a> {
    fn of(clauses: Vec<&'a Clause<Pattern>>) -> Self {
        let patterns = clauses.iter().flat_map(|clause| &clause.items);
        let mut atoms: Vec<&Pattern> = patterns.filter(|pattern| has_variable(pattern)).collect();
        atoms.sort();
        atoms.dedup();
        Self { clauses, atoms }
    }

    const fn group_of_clause(&self, index: usize) -> usize {
        UNIVERSE + 1 + index
    }

    fn group_of_atom(&self, index: usize) -> usize {
        self.group_of_clause(self.clauses.len()) + index
    }

    /// How many groups there are.
    fn groups(&self) -> usize {
        self.group_of_atom(self.atoms.len())
    }

    /// Which atoms may match a string.
    fn possible(&self, reached: &Reached) -> Vec<bool> {
        (0..self.atoms.len()).map(|index| reached.groups.contains(self.group_of_atom(index))).collect()
    }

    /// Which atoms make a difference where a variable is unresolved: only where something else in a clause could still match.
    fn voidable(&self) -> Vec<bool> {
        let beside = |atom: &Pattern, clause: &&Clause<Pattern>| {
            clause.items.contains(atom) && (clause.negated || clause.items.len() > 1)
        };
        self.atoms.iter().map(|atom| self.clauses.iter().any(|clause| beside(atom, clause))).collect()
    }

    /// Which clauses hold.
    fn truths(&self, reached: &Reached, assignment: &Assignment) -> Bits {
        let of = |list: &[bool], pattern: &Pattern| {
            let place = self.atoms.binary_search(&pattern).ok();
            place.and_then(|index| list.get(index)).is_some_and(|truth| *truth)
        };
        let truth = |(index, clause): (usize, &&Clause<Pattern>)| {
            let matched = reached.groups.contains(self.group_of_clause(index))
                || clause.items.iter().any(|pattern| of(&assignment.matches, pattern));
            let void = clause.items.iter().any(|pattern| of(&assignment.void, pattern));
            !void && matched != clause.negated
        };
        self.clauses.iter().enumerate().map(truth).collect()
    }

    /// The atoms that match.
    fn holding(&self, assignment: &Assignment) -> Vec<Pattern> {
        let atoms = self.atoms.iter().zip(&assignment.matches);
        atoms.filter(|(_, holds)| **holds).map(|(atom, _)| (*atom).clone()).collect()
    }
}

fn has_variable(pattern: &Pattern) -> bool {
    !pattern.variables().is_empty()
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
