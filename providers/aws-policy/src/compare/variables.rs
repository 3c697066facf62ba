//! Policy variables. What a variable stands for is not known, so a pattern with one is a boolean that is free to be
//! true wherever the pattern could match with any text in the variable's place.

use std::collections::BTreeMap;

use crate::compare::limits::Exhausted;
use crate::pattern::{Pattern, Token};

/// More free booleans than this in one place, and the answer is Unknown.
const MOST_FREE: usize = 7;

/// One way in which the free booleans can come out.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    pub matches: Vec<bool>,
    /// The variable resolves to nothing, and its statement does not apply.
    pub void: Vec<bool>,
}

impl Assignment {
    pub fn has_void(&self) -> bool {
        self.void.iter().any(|void| *void)
    }
}

/// All assignments: each atom matches where `possible`, does not, or, where that differs, is void. Those without a void
/// come first.
pub(super) fn assignments(possible: &[bool], voidable: &[bool]) -> Result<Vec<Assignment>, Exhausted> {
    if possible.len() > MOST_FREE {
        return Err(Exhausted);
    }
    let mut all = vec![Assignment { matches: Vec::new(), void: Vec::new() }];
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
    all.sort_by_key(Assignment::has_void);
    Ok(all)
}

/// What the variables must be for every pattern to match the text; none where one way of matching that was tried fails.
pub(super) fn bind<'a>(
    patterns: impl IntoIterator<Item = &'a Pattern>,
    text: &str,
) -> Option<BTreeMap<String, String>> {
    let chars: Vec<char> = text.chars().collect();
    let mut bindings = BTreeMap::new();
    for pattern in patterns {
        let mut effort = 20_000;
        bindings = fit(pattern.tokens(), &chars, bindings, &mut effort)?;
    }
    Some(bindings)
}

type Bindings = BTreeMap<String, String>;

fn fit(tokens: &[Token], text: &[char], bound: Bindings, effort: &mut usize) -> Option<Bindings> {
    *effort = effort.checked_sub(1)?;
    let Some((token, later)) = tokens.split_first() else {
        return text.is_empty().then_some(bound);
    };
    match token {
        Token::Literal(c) => {
            let (first, rest) = text.split_first()?;
            if first == c { fit(later, rest, bound, effort) } else { None }
        }
        Token::One => fit(later, text.split_first()?.1, bound, effort),
        Token::Many => (0..=text.len()).find_map(|skip| fit(later, text.get(skip..)?, bound.clone(), effort)),
        Token::Variable { key, .. } => {
            if let Some(value) = bound.get(key) {
                let value: Vec<char> = value.chars().collect();
                return fit(later, text.strip_prefix(value.as_slice())?, bound, effort);
            }
            (0..=text.len()).find_map(|take| {
                let (value, rest) = text.split_at_checked(take)?;
                let mut bound = bound.clone();
                bound.insert(key.clone(), value.iter().collect());
                fit(later, rest, bound, effort)
            })
        }
    }
}
