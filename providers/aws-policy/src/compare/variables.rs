//! Policy variables. Their values are unknown, so a pattern with a variable is undecidable: it may match or not,
//! wherever it could match with some text in place of the variable.

use std::collections::BTreeMap;

use crate::compare::budget::BudgetExceededError;
use crate::pattern::{Pattern, PatternToken};

/// The most undecidable patterns in one cell, since each doubles the assignments. With more, the result is Unknown.
const MOST_FREE: usize = 7;

/// One combination of results for the undecidable patterns (atoms).
#[derive(Debug, Clone)]
pub(super) struct VariableAssignment {
    /// By atom: whether it matches.
    pub matches: Vec<bool>,
    /// By atom: whether its variable has no value, so that its statement does not apply.
    pub void: Vec<bool>,
}

impl VariableAssignment {
    pub fn has_void(&self) -> bool {
        self.void.iter().any(|void| *void)
    }
}

/// All assignments: each atom matches (if `possible`), does not match, or is void (if `voidable`). Assignments without
/// void atoms come first.
pub(super) fn enumerate_assignments(
    possible: &[bool],
    voidable: &[bool],
) -> Result<Vec<VariableAssignment>, BudgetExceededError> {
    if possible.len() > MOST_FREE {
        return Err(BudgetExceededError);
    }
    let mut all = vec![VariableAssignment { matches: Vec::new(), void: Vec::new() }];
    for (possible, voidable) in possible.iter().zip(voidable) {
        let mut next = Vec::new();
        for (matches, void) in [(false, false), (true, false), (false, true)] {
            if (matches && !possible) || (void && !voidable) {
                continue;
            }
            next.extend(all.iter().cloned().map(|mut assignment| {
                assignment.matches.push(matches);
                assignment.void.push(void);
                assignment
            }));
        }
        all = next;
    }
    all.sort_by_key(VariableAssignment::has_void);
    Ok(all)
}

/// The values that the variables must have so that every pattern matches the text. Tries the first match of each
/// pattern only, so `None` does not prove that there are no such values.
pub(super) fn bind_variables<'a>(
    patterns: impl IntoIterator<Item = &'a Pattern>,
    text: &str,
) -> Option<BTreeMap<String, String>> {
    let chars: Vec<char> = text.chars().collect();
    let mut bindings = BTreeMap::new();
    for pattern in patterns {
        let mut effort = 20_000;
        bindings = match_tokens(pattern.tokens(), &chars, bindings, &mut effort)?;
    }
    Some(bindings)
}

type VariableBindings = BTreeMap<String, String>;

fn match_tokens(
    tokens: &[PatternToken],
    text: &[char],
    bound: VariableBindings,
    effort: &mut usize,
) -> Option<VariableBindings> {
    *effort = effort.checked_sub(1)?;
    let Some((token, later)) = tokens.split_first() else {
        return text.is_empty().then_some(bound);
    };
    match token {
        PatternToken::Literal(c) => {
            let (first, rest) = text.split_first()?;
            if first == c { match_tokens(later, rest, bound, effort) } else { None }
        }
        PatternToken::One => match_tokens(later, text.split_first()?.1, bound, effort),
        PatternToken::Many => {
            (0..=text.len()).find_map(|skip| match_tokens(later, text.get(skip..)?, bound.clone(), effort))
        }
        PatternToken::Variable { key, .. } => {
            if let Some(value) = bound.get(key) {
                let value: Vec<char> = value.chars().collect();
                return match_tokens(later, text.strip_prefix(value.as_slice())?, bound, effort);
            }
            (0..=text.len()).find_map(|take| {
                let (value, rest) = text.split_at_checked(take)?;
                let mut bound = bound.clone();
                bound.insert(key.clone(), value.iter().collect());
                match_tokens(later, rest, bound, effort)
            })
        }
    }
}
