//! The single values that a condition key can have, grouped by the tests they pass: strings by the automaton, numbers
//! and instants by the intervals between the policy's own, addresses by the ranges. A key under operators of several
//! types, and a value that is not of its type, are booleans that are free to be either.

use std::collections::BTreeSet;

use crate::compare::automaton::{Machine, Step, free_steps};
use crate::compare::cell::Open;
use crate::compare::context::Atom;
use crate::compare::limits::{Budget, Exhausted};
use crate::compare::variables::assignments;
use crate::operator::Test;
use crate::pattern::{Pattern, Token};
use crate::value::{Decimal, Instant, Network};

/// All values that pass these tests and no others of those asked, with one that shows it.
#[derive(Debug)]
pub(super) struct Single<'a> {
    pub text: String,
    pub passes: BTreeSet<&'a Atom>,
    pub open: Option<Open>,
}

/// What a test takes its values for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Text,
    Truth,
    Number,
    Date,
    Address,
}

fn family(test: Test) -> Family {
    match test {
        Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike => Family::Text,
        Test::ArnLike | Test::ArnEquals | Test::BinaryEquals => Family::Text,
        Test::Bool => Family::Truth,
        Test::NumericEquals | Test::NumericLessThan | Test::NumericLessThanEquals => Family::Number,
        Test::NumericGreaterThan | Test::NumericGreaterThanEquals => Family::Number,
        Test::DateEquals | Test::DateLessThan | Test::DateLessThanEquals => Family::Date,
        Test::DateGreaterThan | Test::DateGreaterThanEquals => Family::Date,
        Test::IpAddress => Family::Address,
    }
}

/// The values, where `asked` are the tests at hand and `every` all tests that either side makes on the key.
pub(super) fn singles<'a>(
    asked: &[&'a Atom],
    every: &BTreeSet<Test>,
    budget: &mut Budget,
) -> Result<Vec<Single<'a>>, Exhausted> {
    let families: BTreeSet<Family> = every.iter().map(|test| family(*test)).collect();
    let only = |wanted: &[Family]| families.iter().all(|family| wanted.contains(family));
    if only(&[Family::Truth]) {
        let readable = |atom: &Atom| is_word(atom, "true") || is_word(atom, "false");
        let values = ["true", "false"].map(|word| (word.to_owned(), word));
        with_free(asked, &readable, values.into_iter(), |atom, word| is_word(atom, word), budget)
    } else if only(&[Family::Text, Family::Truth]) {
        texts(asked, budget)
    } else if only(&[Family::Number]) {
        let read = |atom: &Atom| Decimal::read(atom.pattern.text()).map(|n| n.0);
        let values = around(asked.iter().filter_map(|atom| read(atom)), 1_000_000_000_000);
        let values = values.into_iter().map(|n| (Decimal(n).write(), n));
        with_free(
            asked,
            &|atom| read(atom).is_some(),
            values,
            |atom, n| read(atom).is_some_and(|m| ordered(atom, *n, m)),
            budget,
        )
    } else if only(&[Family::Date]) {
        let read = |atom: &Atom| Instant::read(atom.pattern.text()).map(|n| n.0);
        let values = around(asked.iter().filter_map(|atom| read(atom)), 86_400_000_000_000);
        let values = values.into_iter().map(|n| (Instant(n).write(), n));
        with_free(
            asked,
            &|atom| read(atom).is_some(),
            values,
            |atom, n| read(atom).is_some_and(|m| ordered(atom, *n, m)),
            budget,
        )
    } else if only(&[Family::Address]) {
        let read = |atom: &Atom| Network::read(atom.pattern.text());
        let values = corners(asked.iter().filter_map(|atom| read(atom)));
        let inside = |atom: &Atom, (v6, bits): &(bool, u128)| {
            let range = read(atom).filter(|range| range.v6 == *v6);
            range.is_some_and(|range| (range.first..=range.last).contains(bits))
        };
        with_free(asked, &|atom| read(atom).is_some(), values.into_iter(), inside, budget)
    } else {
        anything(asked, Open::MixedTypes)
    }
}

fn is_word(atom: &Atom, word: &str) -> bool {
    atom.pattern.text().eq_ignore_ascii_case(word)
}

/// Every combination of the tests, none of which a value can show for certain.
fn anything<'a>(asked: &[&'a Atom], open: Open) -> Result<Vec<Single<'a>>, Exhausted> {
    let all = assignments(&vec![true; asked.len()], &vec![false; asked.len()])?;
    let passes = |matches: &[bool]| asked.iter().zip(matches).filter(|(_, m)| **m).map(|(atom, _)| *atom).collect();
    let single = |matches: &[bool]| Single { text: "x".to_owned(), passes: passes(matches), open: Some(open) };
    Ok(all.iter().map(|assignment| single(&assignment.matches)).collect())
}

/// Each value with the tests it passes; tests on what is not readable are free.
fn with_free<'a, T>(
    asked: &[&'a Atom],
    readable: &dyn Fn(&Atom) -> bool,
    values: impl Iterator<Item = (String, T)>,
    holds: impl Fn(&Atom, &T) -> bool,
    budget: &mut Budget,
) -> Result<Vec<Single<'a>>, Exhausted> {
    let (known, free): (Vec<&Atom>, Vec<&Atom>) = asked.iter().copied().partition(|atom| readable(atom));
    let guesses = assignments(&vec![true; free.len()], &vec![false; free.len()])?;
    let mut seen: BTreeSet<BTreeSet<&Atom>> = BTreeSet::new();
    let mut out = Vec::new();
    for (text, value) in values {
        budget.spend(asked.len() + 1)?;
        let passes: BTreeSet<&Atom> = known.iter().copied().filter(|atom| holds(atom, &value)).collect();
        for guess in &guesses {
            let mut passes = passes.clone();
            passes.extend(free.iter().zip(&guess.matches).filter(|(_, m)| **m).map(|(atom, _)| *atom));
            if seen.insert(passes.clone()) {
                let open = (!free.is_empty()).then_some(Open::Unreadable);
                out.push(Single { text: text.clone(), passes, open });
            }
        }
    }
    Ok(out)
}

fn ordered(atom: &Atom, value: i128, wanted: i128) -> bool {
    match atom.test {
        Test::NumericLessThan | Test::DateLessThan => value < wanted,
        Test::NumericLessThanEquals | Test::DateLessThanEquals => value <= wanted,
        Test::NumericGreaterThan | Test::DateGreaterThan => value > wanted,
        Test::NumericGreaterThanEquals | Test::DateGreaterThanEquals => value >= wanted,
        _ => value == wanted,
    }
}

/// The points themselves, one between each two neighbours, one before and one after them all.
fn around(points: impl Iterator<Item = i128>, step: i128) -> BTreeSet<i128> {
    let points: BTreeSet<i128> = points.collect();
    let mut out = points.clone();
    out.extend(points.iter().zip(points.iter().skip(1)).map(|(a, b)| a + (b - a) / 2));
    match (points.first(), points.last()) {
        (Some(first), Some(last)) => out.extend([first - step, last + step]),
        _ => drop(out.insert(0)),
    }
    out
}

/// The addresses at which some range begins or has just ended, and the first of each family.
fn corners(ranges: impl Iterator<Item = Network>) -> Vec<(String, (bool, u128))> {
    let mut at = BTreeSet::from([(false, 0), (true, 0)]);
    for range in ranges {
        at.insert((range.v6, range.first));
        if let Some(after) = range.last.checked_add(1).filter(|after| range.v6 || *after <= u128::from(u32::MAX)) {
            at.insert((range.v6, after));
        }
    }
    at.into_iter().filter_map(|(v6, bits)| Some((Network::address(v6, bits)?, (v6, bits)))).collect()
}

/// How an atom on strings is run.
enum Run {
    Steps(Vec<Step>),
    /// Free to hold for any string that these steps match.
    Within(Vec<Step>, Open),
}

fn run(atom: &Atom) -> Run {
    let pattern = &atom.pattern;
    if !pattern.variables().is_empty() {
        let folds = atom.test == Test::StringEqualsIgnoreCase;
        let steps = if folds { vec![Step::Many { crosses: true }] } else { free_steps(pattern) };
        return Run::Within(steps, Open::Variable);
    }
    let everything = || vec![Step::Many { crosses: true }];
    match atom.test {
        Test::StringEqualsIgnoreCase if !pattern.text().is_ascii() => Run::Within(everything(), Open::Unreadable),
        Test::StringEqualsIgnoreCase | Test::Bool => {
            let folded = |token: &Token| {
                if let Token::Literal(c) = token {
                    Step::Folded(c.to_ascii_lowercase())
                } else {
                    Step::One { crosses: true }
                }
            };
            let unreadable = atom.test == Test::Bool && !is_word(atom, "true") && !is_word(atom, "false");
            if unreadable {
                return Run::Within(everything(), Open::Unreadable);
            }
            Run::Steps(pattern.tokens().iter().map(folded).collect())
        }
        Test::ArnLike | Test::ArnEquals => match arn_steps(pattern) {
            Some(steps) => Run::Steps(steps),
            None => Run::Within(everything(), Open::Unreadable),
        },
        _ => Run::Steps(free_steps(pattern)),
    }
}

/// Six segments, each with wildcards of its own; only the sixth may hold colons.
fn arn_steps(pattern: &Pattern) -> Option<Vec<Step>> {
    let mut colons = 0;
    let mut steps = Vec::new();
    for token in pattern.tokens() {
        let crosses = colons >= 5;
        steps.push(match token {
            Token::Literal(':') => {
                colons += 1;
                Step::Char(':')
            }
            Token::Literal(c) => Step::Char(*c),
            Token::One => Step::One { crosses },
            Token::Many | Token::Variable { .. } => Step::Many { crosses },
        });
    }
    (colons >= 5).then_some(steps)
}

fn texts<'a>(asked: &[&'a Atom], budget: &mut Budget) -> Result<Vec<Single<'a>>, Exhausted> {
    let runs: Vec<(&Atom, Run)> = asked.iter().map(|atom| (*atom, run(atom))).collect();
    // A group of its own for strings that are not empty: an empty value is a case of its own under quantifiers.
    let filled = vec![Step::One { crosses: true }, Step::Many { crosses: true }];
    let steps = runs.iter().map(|(_, run)| match run {
        Run::Steps(steps) | Run::Within(steps, _) => steps.clone(),
    });
    let machine = Machine::new(steps.chain([filled]).zip(0..), runs.len() + 1);
    let free: Vec<(usize, Open)> = runs
        .iter()
        .enumerate()
        .filter_map(|(index, (_, run))| if let Run::Within(_, open) = run { Some((index, *open)) } else { None })
        .collect();
    let mut out = Vec::new();
    for reached in machine.explore(budget)? {
        let possible: Vec<bool> = free.iter().map(|(index, _)| reached.groups.contains(*index)).collect();
        for assignment in assignments(&possible, &vec![false; free.len()])? {
            budget.spend(runs.len() + 1)?;
            let guess = |index: usize| {
                let place = free.iter().position(|(free, _)| *free == index);
                place.and_then(|place| assignment.matches.get(place)).copied()
            };
            let holds = |index: usize| guess(index).unwrap_or_else(|| reached.groups.contains(index));
            let passes =
                runs.iter().enumerate().filter(|(index, _)| holds(*index)).map(|(_, (atom, _))| *atom).collect();
            // A variable can be given the value that is needed; the others cannot be shown.
            let open = free.iter().map(|(_, open)| *open).find(|open| *open != Open::Variable);
            out.push(Single { text: reached.text.clone(), passes, open });
        }
    }
    Ok(out)
}
