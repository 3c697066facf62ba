//! The dimension of one condition key: absent, one value, or several.
//!
//! Conditions on the key are kept apart from the tests on a value ("atoms") that they consist of. First come the single
//! values, grouped by the atoms they pass; from them the sets of values, grouped by the conditions that hold for them.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::bits::Bits;
use crate::compare::cell::{Cell, Cells, Open, Sample};
use crate::compare::limits::{Budget, Exhausted};
use crate::compare::scalar::{Single, singles};
use crate::compare::variables::{assignments, bind};
use crate::document::Condition;
use crate::operator::{Operator, Quantifier, Test};
use crate::pattern::Pattern;

/// One test on one value, negation aside. Equal atoms of old and new access are one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Atom {
    pub test: Test,
    pub pattern: Pattern,
}

/// A condition on the key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// `Null` with these values.
    Null { absent: bool, present: bool },
    /// At least one atom holds, or (negated) none.
    Test { quantifier: Quantifier, negated: bool, if_exists: bool, atoms: BTreeSet<Atom> },
}

impl Rule {
    fn of(condition: &Condition) -> Option<Self> {
        match &condition.operator {
            Operator::Unknown(_) => None,
            Operator::Null => {
                let says = |word: &str| condition.values.iter().any(|value| value.text().eq_ignore_ascii_case(word));
                Some(Self::Null { absent: says("true"), present: says("false") })
            }
            Operator::Test { quantifier, test, negated, if_exists } => {
                // AWS gives ArnLike and ArnEquals one meaning.
                let test = if *test == Test::ArnEquals { Test::ArnLike } else { *test };
                let atoms = condition.values.iter().map(|pattern| Atom { test, pattern: pattern.clone() }).collect();
                Some(Self::Test { quantifier: *quantifier, negated: *negated, if_exists: *if_exists, atoms })
            }
        }
    }

    fn when_absent(&self) -> bool {
        match self {
            Self::Null { absent, .. } => *absent,
            Self::Test { quantifier: Quantifier::All, .. } => true,
            Self::Test { quantifier: Quantifier::Any, if_exists, .. } => *if_exists,
            Self::Test { quantifier: Quantifier::One, if_exists, negated, .. } => *if_exists || *negated,
        }
    }

    /// For one value that passes these atoms.
    fn for_value(&self, passes: &BTreeSet<&Atom>) -> bool {
        match self {
            Self::Null { present, .. } => *present,
            Self::Test { negated, atoms, .. } => atoms.iter().any(|atom| passes.contains(atom)) != *negated,
        }
    }
}

/// Whether this condition can be told apart by the values of its key at all.
pub(super) fn is_decidable(condition: &Condition) -> bool {
    !condition.values.is_empty() && Rule::of(condition).is_some()
}

/// A key of the request's context, and what the statements ask of it.
#[derive(Debug)]
pub(super) struct KeyDimension {
    pub key: String,
    /// What one statement asks: all conditions of a predicate must hold. Distinct.
    pub predicates: Vec<Vec<Condition>>,
}

/// Keys that every request carries, of which the documentation says so without exception.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
const ALWAYS: &[&str] = &["aws:currenttime", "aws:epochtime"];

/// More sets of values than this that differ in what holds for them, and the answer is Unknown.
const MOST_SETS: usize = 2_000;

impl KeyDimension {
    fn tests(&self) -> impl Iterator<Item = &Condition> {
        self.predicates.iter().flatten()
    }

    /// Whether a request may hold several values: some operator is made for it, or AWS says so of the key.
    fn is_multivalued(&self) -> bool {
        let quantified =
            |c: &Condition| matches!(c.operator, Operator::Test { quantifier: Quantifier::Any | Quantifier::All, .. });
        crate::keys::is_multivalued(&self.key) || self.tests().any(quantified)
    }

    /// The combinations of these predicates that a request can meet.
    pub fn cells(&self, wanted: &[usize], budget: &mut Budget) -> Result<Vec<Cell>, Exhausted> {
        let predicates: Vec<BTreeSet<Rule>> = wanted
            .iter()
            .filter_map(|index| self.predicates.get(*index))
            .map(|conditions| conditions.iter().filter_map(Rule::of).collect())
            .collect();
        let rules: Vec<&Rule> = predicates.iter().flatten().collect::<BTreeSet<_>>().into_iter().collect();
        let mut asked: BTreeSet<&Atom> = BTreeSet::new();
        for rule in &rules {
            if let Rule::Test { atoms, .. } = rule {
                asked.extend(atoms);
            }
        }
        let every: BTreeSet<Test> = self.tests().filter_map(|c| test_of(&c.operator)).collect();
        let mut singles = singles(&asked.iter().copied().collect::<Vec<_>>(), &every, budget)?;
        singles.sort_by_key(|single| (single.open.is_some(), single.text.is_empty()));

        let variables: Vec<&Atom> = asked.iter().copied().filter(|atom| !atom.pattern.variables().is_empty()).collect();
        let none = vec![false; variables.len()];
        let all = vec![true; variables.len()];
        let mut cells = Cells::default();
        for assignment in assignments(&none, &all)? {
            let is_void = |atom: &Atom| variables.iter().zip(&assignment.void).any(|(v, void)| *void && *v == atom);
            let dead: Vec<bool> = rules
                .iter()
                .map(|rule| matches!(rule, Rule::Test { atoms, .. } if atoms.iter().any(is_void)))
                .collect();
            let question = Question { key: &self.key, predicates: &predicates, rules: &rules, dead: &dead };
            if !ALWAYS.contains(&self.key.as_str()) {
                let truths: Vec<bool> = rules.iter().map(|rule| rule.when_absent()).collect();
                let void = assignment.has_void().then_some(Open::Variable);
                cells.add(question.cell(&truths, &[], void));
            }
            question.values(&singles, self.is_multivalued(), assignment.has_void(), &mut cells, budget)?;
        }
        Ok(cells.into_vec())
    }
}

fn test_of(operator: &Operator) -> Option<Test> {
    if let Operator::Test { test, .. } = operator { Some(*test) } else { None }
}

/// The predicates at hand, and the rules they consist of.
struct Question<'a> {
    key: &'a str,
    predicates: &'a [BTreeSet<Rule>],
    rules: &'a [&'a Rule],
    /// Rules whose statements do not apply, because a variable of theirs resolves to nothing.
    dead: &'a [bool],
}

/// A set of values: what holds for it, and one set that shows it.
struct Set<'a> {
    truths: Vec<bool>,
    of: Vec<&'a Single<'a>>,
}

impl Question<'_> {
    fn cell(&self, truths: &[bool], of: &[&Single<'_>], open: Option<Open>) -> Cell {
        let values = of.iter().map(|single| single.text.clone()).collect();
        let holding = of.iter().flat_map(|single| with_variables(single)).cloned().collect();
        let bindings = bindings(of).unwrap_or_default();
        let holds = |rule: &Rule| {
            let place = self.rules.binary_search(&rule).ok();
            let dead = place.and_then(|place| self.dead.get(place)).is_some_and(|dead| *dead);
            !dead && place.and_then(|place| truths.get(place)).is_some_and(|truth| *truth)
        };
        let truths: Bits = self.predicates.iter().map(|predicate| predicate.iter().all(holds)).collect();
        Cell { truths, sample: Sample::Key(self.key.to_owned(), values), bindings, holding, open }
    }

    fn values(
        &self,
        singles: &[Single<'_>],
        multivalued: bool,
        void: bool,
        cells: &mut Cells,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        let quantified = self.rules.iter().any(|rule| quantifier(rule).is_some_and(|q| q != Quantifier::One));
        let mut sets: Vec<Set<'_>> = Vec::new();
        let mut seen: BTreeSet<Vec<bool>> = BTreeSet::new();
        for single in singles {
            budget.spend(self.rules.len() + 1)?;
            let truths: Vec<bool> = self.rules.iter().map(|rule| rule.for_value(&single.passes)).collect();
            let open =
                open_of(&[single], void).or((quantified && single.text.is_empty()).then_some(Open::SeveralValues));
            cells.add(self.cell(&truths, &[single], open));
            if seen.insert(truths.clone()) {
                sets.push(Set { truths, of: vec![single] });
            }
        }
        if multivalued {
            self.several(sets, void, cells, budget)?;
        }
        Ok(())
    }

    /// Sets of two values and more: what holds follows from what holds for their parts.
    fn several(&self, ones: Vec<Set<'_>>, void: bool, cells: &mut Cells, budget: &mut Budget) -> Result<(), Exhausted> {
        let count = ones.len();
        let mut seen: BTreeSet<Vec<bool>> = BTreeSet::new();
        let mut sets = ones;
        let mut index = 0;
        while index < sets.len() {
            for one in 0..count {
                budget.spend(self.rules.len() + 1)?;
                let (Some(set), Some(one)) = (sets.get(index), sets.get(one)) else { continue };
                let truths: Vec<bool> = self
                    .rules
                    .iter()
                    .zip(set.truths.iter().zip(&one.truths))
                    .map(|(rule, (a, b))| match quantifier(rule) {
                        None | Some(Quantifier::All) => *a && *b,
                        Some(Quantifier::Any) => *a || *b,
                        // Without a quantifier AWS does not say; both ways are tried below.
                        Some(Quantifier::One) => false,
                    })
                    .collect();
                if !seen.insert(truths.clone()) {
                    continue;
                }
                if seen.len() > MOST_SETS {
                    return Err(Exhausted);
                }
                let of: Vec<&Single<'_>> = set.of.iter().chain(&one.of).copied().collect();
                self.with_guesses(&truths, &of, void, cells, budget)?;
                sets.push(Set { truths, of });
            }
            index += 1;
        }
        Ok(())
    }

    fn with_guesses(
        &self,
        truths: &[bool],
        of: &[&Single<'_>],
        void: bool,
        cells: &mut Cells,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        let unquantified: Vec<bool> = self.rules.iter().map(|rule| quantifier(rule) == Some(Quantifier::One)).collect();
        let free = unquantified.iter().filter(|free| **free).count();
        for assignment in assignments(&vec![true; free], &vec![false; free])? {
            budget.spend(self.rules.len() + 1)?;
            let mut guesses = assignment.matches.iter();
            let guessed: Vec<bool> = truths
                .iter()
                .zip(&unquantified)
                .map(|(truth, free)| if *free { guesses.next().is_some_and(|guess| *guess) } else { *truth })
                .collect();
            let open = open_of(of, void).or((free > 0).then_some(Open::SeveralValues));
            cells.add(self.cell(&guessed, of, open));
        }
        Ok(())
    }
}

fn quantifier(rule: &Rule) -> Option<Quantifier> {
    if let Rule::Test { quantifier, .. } = rule { Some(*quantifier) } else { None }
}

fn open_of(singles: &[&Single<'_>], void: bool) -> Option<Open> {
    let open = singles.iter().find_map(|single| single.open);
    open.or((void || bindings(singles).is_none()).then_some(Open::Variable))
}

/// The patterns with variables that the value matches.
fn with_variables<'a>(single: &'a Single<'a>) -> impl Iterator<Item = &'a Pattern> {
    single.passes.iter().map(|atom| &atom.pattern).filter(|pattern| !pattern.variables().is_empty())
}

/// What the variables must be for each value to pass the atoms it passes.
fn bindings(singles: &[&Single<'_>]) -> Option<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for single in singles {
        for (key, value) in bind(with_variables(single), &single.text)? {
            if all.insert(key, value.clone()).is_some_and(|before| before != value) {
                return None;
            }
        }
    }
    Some(all)
}
