//! The dimension of one condition key: absent, one value, or several values.
//!
//! A condition on the key consists of tests on one value, called atoms: `StringLike: ["a*", "b"]` has the atoms
//! "matches a*" and "matches b". First the single values are grouped by the atoms they pass, then sets of values are
//! grouped by the conditions that hold for them.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::atom::Atom;
use crate::compare::budget::{BudgetExceededError, WorkBudget};
use crate::compare::cell::{Ambiguity, CellSample, DistinctCells, RequestCell};
use crate::compare::number_set::NumberSet;
use crate::compare::single_value::{SingleValue, enumerate_single_values};
use crate::compare::variables::{bind_variables, enumerate_assignments};
use crate::document::StatementCondition;
use crate::operator::{ConditionOperator, ConditionTest, Quantifier};
use crate::pattern::Pattern;

/// A condition on the key, in the form that decides it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum KeyRule {
    /// `Null`: whether it holds for an absent and for a present key.
    Null { absent: bool, present: bool },
    /// At least one atom holds or, if negated, none.
    Test { quantifier: Quantifier, negated: bool, if_exists: bool, atoms: BTreeSet<Atom> },
}

impl KeyRule {
    fn from_condition(condition: &StatementCondition) -> Option<Self> {
        match &condition.operator {
            ConditionOperator::Unknown(_) => None,
            ConditionOperator::Null => {
                let says = |word: &str| condition.values.iter().any(|value| value.text().eq_ignore_ascii_case(word));
                Some(Self::Null { absent: says("true"), present: says("false") })
            }
            ConditionOperator::Test { quantifier, test, negated, if_exists } => {
                // AWS documents ArnLike and ArnEquals with the same behaviour.
                let test = if *test == ConditionTest::ArnEquals { ConditionTest::ArnLike } else { *test };
                let atoms = condition.values.iter().map(|pattern| Atom { test, pattern: pattern.clone() }).collect();
                Some(Self::Test { quantifier: *quantifier, negated: *negated, if_exists: *if_exists, atoms })
            }
        }
    }

    fn matches_absent_key(&self) -> bool {
        match self {
            Self::Null { absent, .. } => *absent,
            Self::Test { quantifier: Quantifier::All, .. } => true,
            Self::Test { quantifier: Quantifier::Any, if_exists, .. } => *if_exists,
            Self::Test { quantifier: Quantifier::One, if_exists, negated, .. } => *if_exists || *negated,
        }
    }

    /// Whether it holds for one value that passes these atoms.
    fn matches_value(&self, passes: &BTreeSet<&Atom>) -> bool {
        match self {
            Self::Null { present, .. } => *present,
            Self::Test { negated, atoms, .. } => atoms.iter().any(|atom| passes.contains(atom)) != *negated,
        }
    }
}

/// Whether the values of the key decide this condition: its operator is known and it has values.
pub(super) fn is_decidable(condition: &StatementCondition) -> bool {
    !condition.values.is_empty() && KeyRule::from_condition(condition).is_some()
}

/// A context key, and the predicates of the statements on it.
#[derive(Debug)]
pub(super) struct KeyDimension {
    pub key: String,
    /// The distinct predicates. A predicate is the list of all conditions of one statement on the key; all must hold.
    pub predicates: Vec<Vec<StatementCondition>>,
}

/// Keys that every request has, according to the documentation.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
const ALWAYS: &[&str] = &["aws:currenttime", "aws:epochtime"];

/// The most sets of values with different truths. With more, the result is Unknown.
const MOST_SETS: usize = 2_000;

impl KeyDimension {
    fn all_conditions(&self) -> impl Iterator<Item = &StatementCondition> {
        self.predicates.iter().flatten()
    }

    /// Whether a request may have several values for the key: a condition has a quantifier, or AWS documents it.
    fn is_multivalued(&self) -> bool {
        let quantified = |c: &StatementCondition| {
            matches!(c.operator, ConditionOperator::Test { quantifier: Quantifier::Any | Quantifier::All, .. })
        };
        crate::condition_keys::is_multivalued_key(&self.key) || self.all_conditions().any(quantified)
    }

    /// One cell for each combination of these predicates (by index) that some request meets.
    pub fn enumerate_cells(
        &self,
        desired: &[usize],
        budget: &mut WorkBudget,
    ) -> Result<Vec<RequestCell>, BudgetExceededError> {
        let predicates: Vec<BTreeSet<KeyRule>> = desired
            .iter()
            .filter_map(|index| self.predicates.get(*index))
            .map(|conditions| conditions.iter().filter_map(KeyRule::from_condition).collect())
            .collect();
        let rules: Vec<&KeyRule> = predicates.iter().flatten().collect::<BTreeSet<_>>().into_iter().collect();
        let mut asked: BTreeSet<&Atom> = BTreeSet::new();
        for rule in &rules {
            if let KeyRule::Test { atoms, .. } = rule {
                asked.extend(atoms);
            }
        }
        let every: BTreeSet<ConditionTest> =
            self.all_conditions().filter_map(|c| condition_test(&c.operator)).collect();
        let mut singles = enumerate_single_values(&asked.iter().copied().collect::<Vec<_>>(), &every, budget)?;
        singles.sort_by_key(|single| (single.ambiguity.is_some(), single.text.is_empty()));

        let variables: Vec<&Atom> =
            asked.iter().copied().filter(|atom| !atom.pattern.variable_keys().is_empty()).collect();
        let none = vec![false; variables.len()];
        let all = vec![true; variables.len()];
        let mut cells = DistinctCells::default();
        for assignment in enumerate_assignments(&none, &all)? {
            let is_void = |atom: &Atom| variables.iter().zip(&assignment.void).any(|(v, void)| *void && *v == atom);
            let void_rules: Vec<bool> = rules
                .iter()
                .map(|rule| matches!(rule, KeyRule::Test { atoms, .. } if atoms.iter().any(is_void)))
                .collect();
            let question =
                KeyQuestion { key: &self.key, predicates: &predicates, rules: &rules, void_rules: &void_rules };
            if !ALWAYS.contains(&self.key.as_str()) {
                let truths: Vec<bool> = rules.iter().map(|rule| rule.matches_absent_key()).collect();
                let void = assignment.has_void().then_some(Ambiguity::Variable);
                cells.add(question.build_cell(&truths, &[], void));
            }
            question.add_value_cells(&singles, self.is_multivalued(), assignment.has_void(), &mut cells, budget)?;
        }
        Ok(cells.into_vec())
    }
}

fn condition_test(operator: &ConditionOperator) -> Option<ConditionTest> {
    if let ConditionOperator::Test { test, .. } = operator { Some(*test) } else { None }
}

/// The predicates to decide, and the rules they consist of.
struct KeyQuestion<'a> {
    key: &'a str,
    predicates: &'a [BTreeSet<KeyRule>],
    rules: &'a [&'a KeyRule],
    /// By rule: true if its statement does not apply, because one of its variables has no value.
    void_rules: &'a [bool],
}

/// A set of values and, by rule, what holds for it.
struct ValueSet<'a> {
    truths: Vec<bool>,
    values: Vec<&'a SingleValue<'a>>,
}

impl KeyQuestion<'_> {
    fn build_cell(&self, truths: &[bool], values: &[&SingleValue<'_>], ambiguity: Option<Ambiguity>) -> RequestCell {
        let texts = values.iter().map(|single| single.text.clone()).collect();
        let variable_patterns = values.iter().flat_map(|single| patterns_with_variables(single)).cloned().collect();
        let bindings = bind_all_values(values).unwrap_or_default();
        let holds = |rule: &KeyRule| {
            let place = self.rules.binary_search(&rule).ok();
            let is_void = place.and_then(|place| self.void_rules.get(place)).is_some_and(|void| *void);
            !is_void && place.and_then(|place| truths.get(place)).is_some_and(|truth| *truth)
        };
        let truths: NumberSet = self.predicates.iter().map(|predicate| predicate.iter().all(holds)).collect();
        RequestCell {
            truths,
            sample: CellSample::Key(self.key.to_owned(), texts),
            bindings,
            variable_patterns,
            ambiguity,
        }
    }

    fn add_value_cells(
        &self,
        singles: &[SingleValue<'_>],
        multivalued: bool,
        void: bool,
        cells: &mut DistinctCells,
        budget: &mut WorkBudget,
    ) -> Result<(), BudgetExceededError> {
        let quantified = self.rules.iter().any(|rule| rule_quantifier(rule).is_some_and(|q| q != Quantifier::One));
        let mut sets: Vec<ValueSet<'_>> = Vec::new();
        let mut seen: BTreeSet<Vec<bool>> = BTreeSet::new();
        for single in singles {
            budget.spend_work(self.rules.len() + 1)?;
            let truths: Vec<bool> = self.rules.iter().map(|rule| rule.matches_value(&single.passes)).collect();
            let ambiguity = find_ambiguity(&[single], void)
                .or((quantified && single.text.is_empty()).then_some(Ambiguity::SeveralValues));
            cells.add(self.build_cell(&truths, &[single], ambiguity));
            if seen.insert(truths.clone()) {
                sets.push(ValueSet { truths, values: vec![single] });
            }
        }
        if multivalued {
            self.add_value_set_cells(sets, void, cells, budget)?;
        }
        Ok(())
    }

    /// Adds cells for sets of two and more values. What holds for a set follows from what holds for its parts.
    fn add_value_set_cells(
        &self,
        ones: Vec<ValueSet<'_>>,
        void: bool,
        cells: &mut DistinctCells,
        budget: &mut WorkBudget,
    ) -> Result<(), BudgetExceededError> {
        let count = ones.len();
        let mut seen: BTreeSet<Vec<bool>> = BTreeSet::new();
        let mut sets = ones;
        let mut index = 0;
        while index < sets.len() {
            for one in 0..count {
                budget.spend_work(self.rules.len() + 1)?;
                let (Some(set), Some(one)) = (sets.get(index), sets.get(one)) else { continue };
                let truths: Vec<bool> = self
                    .rules
                    .iter()
                    .zip(set.truths.iter().zip(&one.truths))
                    .map(|(rule, (a, b))| match rule_quantifier(rule) {
                        None | Some(Quantifier::All) => *a && *b,
                        Some(Quantifier::Any) => *a || *b,
                        // AWS does not document this case without a quantifier; both results are tried below.
                        Some(Quantifier::One) => false,
                    })
                    .collect();
                if !seen.insert(truths.clone()) {
                    continue;
                }
                if seen.len() > MOST_SETS {
                    return Err(BudgetExceededError);
                }
                let values: Vec<&SingleValue<'_>> = set.values.iter().chain(&one.values).copied().collect();
                self.add_guessed_cells(&truths, &values, void, cells, budget)?;
                sets.push(ValueSet { truths, values });
            }
            index += 1;
        }
        Ok(())
    }

    fn add_guessed_cells(
        &self,
        truths: &[bool],
        values: &[&SingleValue<'_>],
        void: bool,
        cells: &mut DistinctCells,
        budget: &mut WorkBudget,
    ) -> Result<(), BudgetExceededError> {
        let unquantified: Vec<bool> =
            self.rules.iter().map(|rule| rule_quantifier(rule) == Some(Quantifier::One)).collect();
        let free = unquantified.iter().filter(|free| **free).count();
        for assignment in enumerate_assignments(&vec![true; free], &vec![false; free])? {
            budget.spend_work(self.rules.len() + 1)?;
            let mut guesses = assignment.matches.iter();
            let guessed: Vec<bool> = truths
                .iter()
                .zip(&unquantified)
                .map(|(truth, free)| if *free { guesses.next().is_some_and(|guess| *guess) } else { *truth })
                .collect();
            let ambiguity = find_ambiguity(values, void).or((free > 0).then_some(Ambiguity::SeveralValues));
            cells.add(self.build_cell(&guessed, values, ambiguity));
        }
        Ok(())
    }
}

fn rule_quantifier(rule: &KeyRule) -> Option<Quantifier> {
    if let KeyRule::Test { quantifier, .. } = rule { Some(*quantifier) } else { None }
}

fn find_ambiguity(singles: &[&SingleValue<'_>], void: bool) -> Option<Ambiguity> {
    let ambiguity = singles.iter().find_map(|single| single.ambiguity);
    ambiguity.or((void || bind_all_values(singles).is_none()).then_some(Ambiguity::Variable))
}

/// The patterns with variables that the value matches.
fn patterns_with_variables<'a>(single: &'a SingleValue<'a>) -> impl Iterator<Item = &'a Pattern> {
    single.passes.iter().map(|atom| &atom.pattern).filter(|pattern| !pattern.variable_keys().is_empty())
}

/// The values that policy variables must have so that each value passes its atoms. `None`: none were found.
fn bind_all_values(singles: &[&SingleValue<'_>]) -> Option<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for single in singles {
        for (key, value) in bind_variables(patterns_with_variables(single), &single.text)? {
            if all.insert(key, value.clone()).is_some_and(|before| before != value) {
                return None;
            }
        }
    }
    Some(all)
}
