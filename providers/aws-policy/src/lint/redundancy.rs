//! Statements and entries without which the document says the same, and statements that no request can match. All of it
//! is asked of the comparison; only a proof is a finding.

use crate::access::Access;
use crate::compare::{Budget, Containment, contains_within};
use crate::document::{Document, Effect, Statement};
use crate::lint::{Findings, Rule, Severity};
use crate::sample;

/// Documents with more entries than this are not searched for redundancy: it takes a comparison for each entry.
const MOST_ENTRIES: usize = 250;

pub(super) fn never_matching(out: &mut Findings<'_>) {
    let document = out.document;
    for (index, statement) in document.statements.iter().enumerate() {
        if never_matches(document, statement, &mut out.budget) {
            let message = "no request can match all parts of this statement".to_owned();
            out.at(index, Rule::NeverMatches, Severity::Medium, message);
        }
    }
}

/// Looks for redundancy among the statements that [`never_matching`] let pass.
pub(super) fn check(out: &mut Findings<'_>) {
    let document = out.document;
    let dead = |found: &Findings<'_>, index| {
        found.found.iter().any(|finding| finding.rule == Rule::NeverMatches && finding.statement == Some(index))
    };
    let live: Vec<usize> = (0..document.statements.len()).filter(|index| !dead(out, *index)).collect();
    let entries: usize = document.statements.iter().map(entries).sum();
    if entries > MOST_ENTRIES {
        return;
    }
    let mut kept = document.clone();
    // From the end, and each time against what is left: of two that say the same, the first stays.
    for index in live.into_iter().rev() {
        let mut without = kept.clone();
        if index < without.statements.len() {
            without.statements.remove(index);
        }
        let Some(effect) = kept.statements.get(index).map(|statement| statement.effect) else { continue };
        if says_as_much(&kept, &without, effect, &mut out.budget) {
            let message = "the other statements say the same without it".to_owned();
            out.at(index, Rule::RedundantStatement, Severity::Low, message);
            kept = without;
        } else {
            elements(out, &mut kept, index, effect);
        }
    }
}

fn entries(statement: &Statement) -> usize {
    statement.actions.items.len() + statement.resources.as_ref().map_or(0, |clause| clause.items.len())
}

fn never_matches(document: &Document, statement: &Statement, budget: &mut Budget) -> bool {
    let alone = Statement { effect: Effect::Allow, ..statement.clone() };
    let alone = Access::of(vec![Document { statements: vec![alone], ..document.clone() }]);
    let matched = sample::action(statement).is_some_and(|action| sample::granted(&alone, &action).is_some());
    !matched && contains_within(&Access::default(), &alone, budget) == Containment::Proved
}

/// Whether leaving something out of a statement of this effect changes nothing.
fn says_as_much(with: &Document, without: &Document, effect: Effect, budget: &mut Budget) -> bool {
    let (with, without) = (Access::of(vec![with.clone()]), Access::of(vec![without.clone()]));
    let proof = match effect {
        Effect::Allow => contains_within(&without, &with, budget),
        Effect::Deny => contains_within(&with, &without, budget),
    };
    proof == Containment::Proved
}

fn elements(out: &mut Findings<'_>, kept: &mut Document, index: usize, effect: Effect) {
    for part in [Part::Action, Part::Resource] {
        let mut place = kept.statements.get(index).map_or(0, |statement| part.count(statement));
        while place > 0 {
            place -= 1;
            let mut without = kept.clone();
            let Some(statement) = without.statements.get_mut(index) else { return };
            let Some(text) = part.remove(statement, place) else { continue };
            if says_as_much(kept, &without, effect, &mut out.budget) {
                let message = format!("`{text}` adds nothing to what the document says without it");
                out.at(index, Rule::RedundantElement, Severity::Low, message);
                *kept = without;
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Part {
    Action,
    Resource,
}

impl Part {
    fn count(self, statement: &Statement) -> usize {
        match self {
            Self::Action if !statement.actions.negated => statement.actions.items.len(),
            Self::Resource => {
                statement.resources.as_ref().filter(|clause| !clause.negated).map_or(0, |clause| clause.items.len())
            }
            Self::Action => 0,
        }
    }

    /// Takes one entry out and tells its text; the last one stays.
    fn remove(self, statement: &mut Statement, place: usize) -> Option<String> {
        let clause = match self {
            Self::Action => &mut statement.actions,
            Self::Resource => statement.resources.as_mut()?,
        };
        if clause.items.len() < 2 || place >= clause.items.len() {
            return None;
        }
        Some(clause.items.remove(place).text().to_owned())
    }
}
