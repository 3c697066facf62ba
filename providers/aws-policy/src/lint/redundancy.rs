//! Statements and entries that can be removed without effect, and statements that no request can match. Reported only
//! if the comparison proves it.

use crate::compare::{Containment, WorkBudget, check_containment_within};
use crate::document::{PolicyDocument, PolicyStatement, StatementEffect};
use crate::lint::{FindingCollector, LintRule, LintSeverity};
use crate::policy_set::PolicySet;
use crate::sample_request;

/// Documents with more entries are not checked for redundancy, which needs a comparison for each entry.
const MOST_ENTRIES: usize = 250;

pub(super) fn check_never_matching(out: &mut FindingCollector<'_>) {
    let document = out.document;
    for (index, statement) in document.statements.iter().enumerate() {
        if never_matches(document, statement, &mut out.budget) {
            let message = "no request can match all elements of this statement".to_owned();
            out.add_finding(index, LintRule::NeverMatches, LintSeverity::Medium, message);
        }
    }
}

/// Checks the statements that [`check_never_matching`] did not report.
pub(super) fn check_redundancy(out: &mut FindingCollector<'_>) {
    let document = out.document;
    let is_never_matching = |found: &FindingCollector<'_>, index| {
        found.found.iter().any(|finding| finding.rule == LintRule::NeverMatches && finding.statement == Some(index))
    };
    let matching: Vec<usize> = (0..document.statements.len()).filter(|index| !is_never_matching(out, *index)).collect();
    let entries: usize = document.statements.iter().map(count_entries).sum();
    if entries > MOST_ENTRIES {
        return;
    }
    let mut kept = document.clone();
    // From the last to the first, each against the rest: of two equivalent statements, the first one stays.
    for index in matching.into_iter().rev() {
        let mut without = kept.clone();
        if index < without.statements.len() {
            without.statements.remove(index);
        }
        let Some(effect) = kept.statements.get(index).map(|statement| statement.effect) else { continue };
        if is_unchanged_without(&kept, &without, effect, &mut out.budget) {
            let message = "the other statements have the same effect without it".to_owned();
            out.add_finding(index, LintRule::RedundantStatement, LintSeverity::Low, message);
            kept = without;
        } else {
            check_elements(out, &mut kept, index, effect);
        }
    }
}

fn count_entries(statement: &PolicyStatement) -> usize {
    statement.actions.items.len() + statement.resources.as_ref().map_or(0, |clause| clause.items.len())
}

fn never_matches(document: &PolicyDocument, statement: &PolicyStatement, budget: &mut WorkBudget) -> bool {
    let alone = PolicyStatement { effect: StatementEffect::Allow, ..statement.clone() };
    let alone = PolicySet::new(vec![PolicyDocument { statements: vec![alone], ..document.clone() }]);
    let matched = sample_request::sample_action(statement)
        .is_some_and(|action| sample_request::sample_granted_request(&alone, &action).is_some());
    !matched && check_containment_within(&PolicySet::default(), &alone, budget) == Containment::Proved
}

/// Whether the two documents are proved to grant the same, where a part of a statement of this effect has been removed.
/// Only one direction is compared: removing from an Allow never grants more, removing from a Deny never grants less.
fn is_unchanged_without(
    with: &PolicyDocument,
    without: &PolicyDocument,
    effect: StatementEffect,
    budget: &mut WorkBudget,
) -> bool {
    let (with, without) = (PolicySet::new(vec![with.clone()]), PolicySet::new(vec![without.clone()]));
    let proof = match effect {
        StatementEffect::Allow => check_containment_within(&without, &with, budget),
        StatementEffect::Deny => check_containment_within(&with, &without, budget),
    };
    proof == Containment::Proved
}

fn check_elements(out: &mut FindingCollector<'_>, kept: &mut PolicyDocument, index: usize, effect: StatementEffect) {
    for part in [StatementElement::Action, StatementElement::Resource] {
        let mut place = kept.statements.get(index).map_or(0, |statement| part.count_items(statement));
        while place > 0 {
            place -= 1;
            let mut without = kept.clone();
            let Some(statement) = without.statements.get_mut(index) else { return };
            let Some(text) = part.remove_item(statement, place) else { continue };
            if is_unchanged_without(kept, &without, effect, &mut out.budget) {
                let message = format!("`{text}` has no effect: the rest of the document already covers it");
                out.add_finding(index, LintRule::RedundantElement, LintSeverity::Low, message);
                *kept = without;
            }
        }
    }
}

#[derive(Clone, Copy)]
enum StatementElement {
    Action,
    Resource,
}

impl StatementElement {
    fn count_items(self, statement: &PolicyStatement) -> usize {
        match self {
            Self::Action if !statement.actions.negated => statement.actions.items.len(),
            Self::Resource => {
                statement.resources.as_ref().filter(|clause| !clause.negated).map_or(0, |clause| clause.items.len())
            }
            Self::Action => 0,
        }
    }

    /// Removes one entry and returns its text. `None`: it is the last entry, which stays.
    fn remove_item(self, statement: &mut PolicyStatement, place: usize) -> Option<String> {
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
