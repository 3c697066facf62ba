//! The single values of a condition key, grouped by the tests they pass: strings with the automaton, numbers and
//! instants by the points of the policies and the gaps between them, addresses by the bounds of the ranges. Operators
//! of several types on one key, and values that are not of their operator's type, are undecidable: each such test may
//! pass or fail.

use std::collections::BTreeSet;

use crate::compare::atom::Atom;
use crate::compare::automaton::{PatternAutomaton, PatternStep, free_steps};
use crate::compare::budget::{BudgetExceededError, WorkBudget};
use crate::compare::cell::Ambiguity;
use crate::compare::variables::enumerate_assignments;
use crate::operator::ConditionTest;
use crate::pattern::{Pattern, PatternToken};
use crate::value::{AddressRange, Decimal, UtcInstant};

/// A representative of all values that pass exactly these atoms.
#[derive(Debug)]
pub(super) struct SingleValue<'a> {
    pub text: String,
    pub passes: BTreeSet<&'a Atom>,
    pub ambiguity: Option<Ambiguity>,
}

/// The type of the values of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ValueFamily {
    Text,
    Truth,
    Number,
    Date,
    Address,
}

fn value_family(test: ConditionTest) -> ValueFamily {
    match test {
        ConditionTest::StringEquals | ConditionTest::StringEqualsIgnoreCase | ConditionTest::StringLike => {
            ValueFamily::Text
        }
        ConditionTest::ArnLike | ConditionTest::ArnEquals | ConditionTest::BinaryEquals => ValueFamily::Text,
        ConditionTest::Bool => ValueFamily::Truth,
        ConditionTest::NumericEquals | ConditionTest::NumericLessThan | ConditionTest::NumericLessThanEquals => {
            ValueFamily::Number
        }
        ConditionTest::NumericGreaterThan | ConditionTest::NumericGreaterThanEquals => ValueFamily::Number,
        ConditionTest::DateEquals | ConditionTest::DateLessThan | ConditionTest::DateLessThanEquals => {
            ValueFamily::Date
        }
        ConditionTest::DateGreaterThan | ConditionTest::DateGreaterThanEquals => ValueFamily::Date,
        ConditionTest::IpAddress => ValueFamily::Address,
    }
}

/// One value for each combination of the atoms `asked`. `every` has all tests of both sides on the key, which decide
/// the type of its values.
pub(super) fn enumerate_single_values<'a>(
    asked: &[&'a Atom],
    every: &BTreeSet<ConditionTest>,
    budget: &mut WorkBudget,
) -> Result<Vec<SingleValue<'a>>, BudgetExceededError> {
    let families: BTreeSet<ValueFamily> = every.iter().map(|test| value_family(*test)).collect();
    let only = |desired: &[ValueFamily]| families.iter().all(|family| desired.contains(family));
    if only(&[ValueFamily::Truth]) {
        let readable = |atom: &Atom| is_text_ignoring_case(atom, "true") || is_text_ignoring_case(atom, "false");
        let values = ["true", "false"].map(|word| (word.to_owned(), word));
        values_with_free_tests(
            asked,
            &readable,
            values.into_iter(),
            |atom, word| is_text_ignoring_case(atom, word),
            budget,
        )
    } else if only(&[ValueFamily::Text, ValueFamily::Truth]) {
        enumerate_text_values(asked, budget)
    } else if only(&[ValueFamily::Number]) {
        let read = |atom: &Atom| Decimal::parse(atom.pattern.text()).map(|n| n.0);
        let values = points_and_gaps(asked.iter().filter_map(|atom| read(atom)), 1_000_000_000_000);
        let values = values.into_iter().map(|n| (Decimal(n).to_text(), n));
        values_with_free_tests(
            asked,
            &|atom| read(atom).is_some(),
            values,
            |atom, n| read(atom).is_some_and(|m| passes_ordering(atom, *n, m)),
            budget,
        )
    } else if only(&[ValueFamily::Date]) {
        let read = |atom: &Atom| UtcInstant::parse(atom.pattern.text()).map(|n| n.0);
        let values = points_and_gaps(asked.iter().filter_map(|atom| read(atom)), 86_400_000_000_000);
        let values = values.into_iter().map(|n| (UtcInstant(n).to_iso8601(), n));
        values_with_free_tests(
            asked,
            &|atom| read(atom).is_some(),
            values,
            |atom, n| read(atom).is_some_and(|m| passes_ordering(atom, *n, m)),
            budget,
        )
    } else if only(&[ValueFamily::Address]) {
        let read = |atom: &Atom| AddressRange::parse(atom.pattern.text());
        let values = range_boundaries(asked.iter().filter_map(|atom| read(atom)));
        let inside = |atom: &Atom, (v6, bits): &(bool, u128)| {
            let range = read(atom).filter(|range| range.v6 == *v6);
            range.is_some_and(|range| (range.first..=range.last).contains(bits))
        };
        values_with_free_tests(asked, &|atom| read(atom).is_some(), values.into_iter(), inside, budget)
    } else {
        undecidable_values(asked, Ambiguity::MixedTypes)
    }
}

fn is_text_ignoring_case(atom: &Atom, word: &str) -> bool {
    atom.pattern.text().eq_ignore_ascii_case(word)
}

/// Every combination of the atoms, all ambiguous.
fn undecidable_values<'a>(
    asked: &[&'a Atom],
    ambiguity: Ambiguity,
) -> Result<Vec<SingleValue<'a>>, BudgetExceededError> {
    let all = enumerate_assignments(&vec![true; asked.len()], &vec![false; asked.len()])?;
    let passes = |matches: &[bool]| asked.iter().zip(matches).filter(|(_, m)| **m).map(|(atom, _)| *atom).collect();
    let single =
        |matches: &[bool]| SingleValue { text: "x".to_owned(), passes: passes(matches), ambiguity: Some(ambiguity) };
    Ok(all.iter().map(|assignment| single(&assignment.matches)).collect())
}

/// Each value with the atoms it passes. Atoms that are not `readable` may pass or fail.
fn values_with_free_tests<'a, T>(
    asked: &[&'a Atom],
    readable: &dyn Fn(&Atom) -> bool,
    values: impl Iterator<Item = (String, T)>,
    holds: impl Fn(&Atom, &T) -> bool,
    budget: &mut WorkBudget,
) -> Result<Vec<SingleValue<'a>>, BudgetExceededError> {
    let (known, free): (Vec<&Atom>, Vec<&Atom>) = asked.iter().copied().partition(|atom| readable(atom));
    let guesses = enumerate_assignments(&vec![true; free.len()], &vec![false; free.len()])?;
    let mut seen: BTreeSet<BTreeSet<&Atom>> = BTreeSet::new();
    let mut out = Vec::new();
    for (text, value) in values {
        budget.spend_work(asked.len() + 1)?;
        let passes: BTreeSet<&Atom> = known.iter().copied().filter(|atom| holds(atom, &value)).collect();
        for guess in &guesses {
            let mut passes = passes.clone();
            passes.extend(free.iter().zip(&guess.matches).filter(|(_, m)| **m).map(|(atom, _)| *atom));
            if seen.insert(passes.clone()) {
                let ambiguity = (!free.is_empty()).then_some(Ambiguity::Unreadable);
                out.push(SingleValue { text: text.clone(), passes, ambiguity });
            }
        }
    }
    Ok(out)
}

fn passes_ordering(atom: &Atom, value: i128, desired: i128) -> bool {
    match atom.test {
        ConditionTest::NumericLessThan | ConditionTest::DateLessThan => value < desired,
        ConditionTest::NumericLessThanEquals | ConditionTest::DateLessThanEquals => value <= desired,
        ConditionTest::NumericGreaterThan | ConditionTest::DateGreaterThan => value > desired,
        ConditionTest::NumericGreaterThanEquals | ConditionTest::DateGreaterThanEquals => value >= desired,
        _ => value == desired,
    }
}

/// The points, one value between each two neighbours, one before the first and one after the last.
fn points_and_gaps(points: impl Iterator<Item = i128>, step: i128) -> BTreeSet<i128> {
    let points: BTreeSet<i128> = points.collect();
    let mut out = points.clone();
    out.extend(points.iter().zip(points.iter().skip(1)).map(|(a, b)| a + (b - a) / 2));
    match (points.first(), points.last()) {
        (Some(first), Some(last)) => out.extend([first - step, last + step]),
        _ => drop(out.insert(0)),
    }
    out
}

/// The first address of each range and the first after it, and the lowest address of each family.
fn range_boundaries(ranges: impl Iterator<Item = AddressRange>) -> Vec<(String, (bool, u128))> {
    let mut at = BTreeSet::from([(false, 0), (true, 0)]);
    for range in ranges {
        at.insert((range.v6, range.first));
        if let Some(after) = range.last.checked_add(1).filter(|after| range.v6 || *after <= u128::from(u32::MAX)) {
            at.insert((range.v6, after));
        }
    }
    at.into_iter().filter_map(|(v6, bits)| Some((AddressRange::format_address(v6, bits)?, (v6, bits)))).collect()
}

/// How the automaton runs an atom on strings.
enum StringTest {
    Steps(Vec<PatternStep>),
    /// Undecidable: may hold for any string that these steps match.
    Within(Vec<PatternStep>, Ambiguity),
}

fn string_test(atom: &Atom) -> StringTest {
    let pattern = &atom.pattern;
    if !pattern.variable_keys().is_empty() {
        let folds = atom.test == ConditionTest::StringEqualsIgnoreCase;
        let steps = if folds { vec![PatternStep::Many { crosses: true }] } else { free_steps(pattern) };
        return StringTest::Within(steps, Ambiguity::Variable);
    }
    let everything = || vec![PatternStep::Many { crosses: true }];
    match atom.test {
        ConditionTest::StringEqualsIgnoreCase if !pattern.text().is_ascii() => {
            StringTest::Within(everything(), Ambiguity::Unreadable)
        }
        ConditionTest::StringEqualsIgnoreCase | ConditionTest::Bool => {
            let folded = |token: &PatternToken| {
                if let PatternToken::Literal(c) = token {
                    PatternStep::Folded(c.to_ascii_lowercase())
                } else {
                    PatternStep::One { crosses: true }
                }
            };
            let unreadable = atom.test == ConditionTest::Bool
                && !is_text_ignoring_case(atom, "true")
                && !is_text_ignoring_case(atom, "false");
            if unreadable {
                return StringTest::Within(everything(), Ambiguity::Unreadable);
            }
            StringTest::Steps(pattern.tokens().iter().map(folded).collect())
        }
        ConditionTest::ArnLike | ConditionTest::ArnEquals => match arn_steps(pattern) {
            Some(steps) => StringTest::Steps(steps),
            None => StringTest::Within(everything(), Ambiguity::Unreadable),
        },
        _ => StringTest::Steps(free_steps(pattern)),
    }
}

/// The steps of an ARN pattern of six segments; only wildcards of the sixth match colons. `None`: fewer segments.
fn arn_steps(pattern: &Pattern) -> Option<Vec<PatternStep>> {
    let mut colons = 0;
    let mut steps = Vec::new();
    for token in pattern.tokens() {
        let crosses = colons >= 5;
        steps.push(match token {
            PatternToken::Literal(':') => {
                colons += 1;
                PatternStep::Char(':')
            }
            PatternToken::Literal(c) => PatternStep::Char(*c),
            PatternToken::One => PatternStep::One { crosses },
            PatternToken::Many | PatternToken::Variable { .. } => PatternStep::Many { crosses },
        });
    }
    (colons >= 5).then_some(steps)
}

fn enumerate_text_values<'a>(
    asked: &[&'a Atom],
    budget: &mut WorkBudget,
) -> Result<Vec<SingleValue<'a>>, BudgetExceededError> {
    let runs: Vec<(&Atom, StringTest)> = asked.iter().map(|atom| (*atom, string_test(atom))).collect();
    // An extra group for nonempty strings: with a quantifier, an empty value is a separate case.
    let filled = vec![PatternStep::One { crosses: true }, PatternStep::Many { crosses: true }];
    let steps = runs.iter().map(|(_, run)| match run {
        StringTest::Steps(steps) | StringTest::Within(steps, _) => steps.clone(),
    });
    let machine = PatternAutomaton::new(steps.chain([filled]).zip(0..), runs.len() + 1);
    let free: Vec<(usize, Ambiguity)> = runs
        .iter()
        .enumerate()
        .filter_map(
            |(index, (_, run))| {
                if let StringTest::Within(_, ambiguity) = run { Some((index, *ambiguity)) } else { None }
            },
        )
        .collect();
    let mut out = Vec::new();
    for reached in machine.explore_combinations(budget)? {
        let possible: Vec<bool> = free.iter().map(|(index, _)| reached.groups.contains(*index)).collect();
        for assignment in enumerate_assignments(&possible, &vec![false; free.len()])? {
            budget.spend_work(runs.len() + 1)?;
            let guess = |index: usize| {
                let place = free.iter().position(|(free, _)| *free == index);
                place.and_then(|place| assignment.matches.get(place)).copied()
            };
            let holds = |index: usize| guess(index).unwrap_or_else(|| reached.groups.contains(index));
            let passes =
                runs.iter().enumerate().filter(|(index, _)| holds(*index)).map(|(_, (atom, _))| *atom).collect();
            // A variable can have the value that is needed. The other ambiguities remain.
            let ambiguity =
                free.iter().map(|(_, ambiguity)| *ambiguity).find(|ambiguity| *ambiguity != Ambiguity::Variable);
            out.push(SingleValue { text: reached.text.clone(), passes, ambiguity });
        }
    }
    Ok(out)
}
