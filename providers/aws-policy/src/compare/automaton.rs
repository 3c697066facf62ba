//! Runs many patterns as one automaton: which combinations of them can one string match, with a shortest string for
//! each.
//!
//! Each pattern belongs to a group; a group matches a string that at least one of its patterns matches. The automaton
//! is the subset construction over the positions in the patterns, explored breadth first. With the groups `a*` and
//! `*b`, for example, it finds four combinations: neither (the empty string), the first ("a"), the second ("b") and
//! both ("ab").
//!
//! Two rules keep the number of states small. Only the characters that an active position expects are distinguished;
//! all others count as one. And once a group matches whatever follows, it is recorded as settled and its positions are
//! dropped.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use crate::compare::budget::{BudgetExceededError, WorkBudget};
use crate::compare::number_set::NumberSet;
use crate::pattern::{Pattern, PatternToken};

/// One step of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum PatternStep {
    /// Exactly this character.
    Char(char),
    /// This character in either case; only ASCII letters have two.
    Folded(char),
    /// Any one character; a colon only if `crosses`.
    One { crosses: bool },
    /// Any number of characters, including none; colons only if `crosses`.
    Many { crosses: bool },
}

/// The steps of a pattern whose wildcards match any character. A variable matches any text, so the result is an upper
/// bound.
pub(super) fn free_steps(pattern: &Pattern) -> Vec<PatternStep> {
    let step = |token: &PatternToken| match token {
        PatternToken::Literal(c) => PatternStep::Char(*c),
        PatternToken::One => PatternStep::One { crosses: true },
        PatternToken::Many | PatternToken::Variable { .. } => PatternStep::Many { crosses: true },
    };
    pattern.tokens().iter().map(step).collect()
}

/// Whether a pattern matches the text of `plain`, a pattern without wildcards and variables.
pub(super) fn matches_plain_text(pattern: &Pattern, plain: &Pattern) -> bool {
    if !pattern.has_wildcard() && pattern.variable_keys().is_empty() {
        return pattern == plain;
    }
    let text =
        plain.tokens().iter().map_while(|token| if let PatternToken::Literal(c) = token { Some(*c) } else { None });
    PatternAutomaton::new([(free_steps(pattern), 0)], 1).groups_matching(text).contains(0)
}

const ACCEPT: u32 = u32::MAX;

#[derive(Debug)]
struct AutomatonPosition {
    step: Option<PatternStep>,
    pattern: u32,
}

/// The automaton of a list of patterns and their groups.
#[derive(Debug)]
pub(super) struct PatternAutomaton {
    positions: Vec<AutomatonPosition>,
    /// The index of the first position of each pattern.
    starts: Vec<u32>,
    /// The groups each pattern belongs to.
    groups: Vec<Vec<usize>>,
    group_count: usize,
}

/// A state: the active positions, and the groups that match whatever follows.
#[derive(Debug, PartialEq, Eq, Hash)]
struct AutomatonState {
    active: Box<[u32]>,
    settled: NumberSet,
}

/// A combination of groups, and a shortest string that matches exactly these.
#[derive(Debug)]
pub(super) struct ReachedGroups {
    pub groups: NumberSet,
    pub text: String,
}

impl PatternAutomaton {
    /// An automaton for patterns with their group, a number below `group_count`. Equal patterns share their positions.
    pub fn new(patterns: impl IntoIterator<Item = (Vec<PatternStep>, usize)>, group_count: usize) -> Self {
        let mut unique: BTreeMap<Vec<PatternStep>, Vec<usize>> = BTreeMap::new();
        for (steps, group) in patterns {
            let groups = unique.entry(steps).or_default();
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        let mut machine = Self { positions: Vec::new(), starts: Vec::new(), groups: Vec::new(), group_count };
        for (steps, groups) in unique {
            let pattern = u32::try_from(machine.groups.len()).unwrap_or(ACCEPT);
            machine.starts.push(u32::try_from(machine.positions.len()).unwrap_or(ACCEPT));
            machine.positions.extend(steps.into_iter().map(|step| AutomatonPosition { step: Some(step), pattern }));
            machine.positions.push(AutomatonPosition { step: None, pattern });
            machine.groups.push(groups);
        }
        machine
    }

    fn step_at(&self, position: u32) -> Option<PatternStep> {
        self.positions.get(position as usize).and_then(|position| position.step)
    }

    fn groups_at(&self, position: u32) -> &[usize] {
        let pattern = self.positions.get(position as usize).map(|position| position.pattern as usize);
        pattern.and_then(|pattern| self.groups.get(pattern)).map_or(&[], Vec::as_slice)
    }

    /// Adds the positions that can be reached without a character, settles groups, and drops positions whose groups are
    /// all settled.
    fn epsilon_closure(&self, mut active: Vec<u32>, settled: &NumberSet) -> AutomatonState {
        let mut settled = settled.clone();
        let mut index = 0;
        while let Some(&position) = active.get(index) {
            if let Some(PatternStep::Many { crosses }) = self.step_at(position) {
                active.push(position + 1);
                if crosses && self.step_at(position + 1).is_none() {
                    self.groups_at(position).iter().for_each(|group| settled.insert(*group));
                }
            }
            index += 1;
        }
        active.sort_unstable();
        active.dedup();
        active.retain(|position| self.groups_at(*position).iter().any(|group| !settled.contains(*group)));
        AutomatonState { active: active.into_boxed_slice(), settled }
    }

    fn matched_groups(&self, state: &AutomatonState) -> NumberSet {
        let mut groups = state.settled.clone();
        for &position in &state.active {
            if self.step_at(position).is_none() {
                self.groups_at(position).iter().for_each(|group| groups.insert(*group));
            }
        }
        groups
    }

    /// The groups that match this string.
    fn groups_matching(&self, text: impl Iterator<Item = char>) -> NumberSet {
        let mut state = self.epsilon_closure(self.starts.clone(), &NumberSet::new(self.group_count));
        for c in text {
            let after = |position: &u32| match self.step_at(*position)? {
                PatternStep::Char(desired) => (desired == c).then_some(position + 1),
                PatternStep::Folded(desired) => desired.eq_ignore_ascii_case(&c).then_some(position + 1),
                PatternStep::One { crosses } => (crosses || c != ':').then_some(position + 1),
                PatternStep::Many { crosses } => (crosses || c != ':').then_some(*position),
            };
            state = self.epsilon_closure(state.active.iter().filter_map(after).collect(), &state.settled);
        }
        self.matched_groups(&state)
    }

    /// Every combination of groups that some string matches, each with a shortest string, shortest first.
    ///
    /// # Errors
    /// The exploration exceeds the budget.
    pub fn explore_combinations(&self, budget: &mut WorkBudget) -> Result<Vec<ReachedGroups>, BudgetExceededError> {
        let start = Rc::new(self.epsilon_closure(self.starts.clone(), &NumberSet::new(self.group_count)));
        let mut seen: HashMap<Rc<AutomatonState>, usize> = HashMap::from([(Rc::clone(&start), 0)]);
        // Each state with its predecessor and the character that led to it.
        let mut states: Vec<(Rc<AutomatonState>, usize, char)> = vec![(start, 0, '\0')];
        let mut found: HashSet<NumberSet> = HashSet::new();
        let mut out = Vec::new();
        let mut index = 0;
        while let Some((state, ..)) = states.get(index).cloned() {
            let groups = self.matched_groups(&state);
            if found.insert(groups.clone()) {
                out.push(ReachedGroups { groups, text: text_leading_to(&states, index) });
            }
            for (character, next) in self.successor_positions(&state) {
                budget.spend_work(next.len() + 1)?;
                let next = Rc::new(self.epsilon_closure(next, &state.settled));
                if !seen.contains_key(&next) {
                    budget.reserve_memory(next.active.len() + 8)?;
                    seen.insert(Rc::clone(&next), states.len());
                    states.push((next, index, character));
                }
            }
            index += 1;
        }
        Ok(out)
    }

    /// The positions after each character that an active position expects, and after one character that stands for all
    /// others.
    fn successor_positions(&self, state: &AutomatonState) -> Vec<(char, Vec<u32>)> {
        let mut waiting: BTreeMap<char, Vec<u32>> = BTreeMap::new();
        let (mut any, mut any_but_colon) = (Vec::new(), Vec::new());
        for &position in &state.active {
            match self.step_at(position) {
                None => {}
                Some(PatternStep::Char(c)) => waiting.entry(c).or_default().push(position + 1),
                Some(PatternStep::Folded(c)) => {
                    waiting.entry(c.to_ascii_lowercase()).or_default().push(position + 1);
                    if c.is_ascii_alphabetic() {
                        waiting.entry(c.to_ascii_uppercase()).or_default().push(position + 1);
                    }
                }
                Some(PatternStep::One { crosses: true }) => any.push(position + 1),
                Some(PatternStep::One { crosses: false }) => any_but_colon.push(position + 1),
                Some(PatternStep::Many { crosses: true }) => any.push(position),
                Some(PatternStep::Many { crosses: false }) => any_but_colon.push(position),
            }
        }
        if !any_but_colon.is_empty() {
            waiting.entry(':').or_default();
        }
        let mut out = Vec::with_capacity(waiting.len() + 1);
        if let Some(other) = character_outside(&waiting) {
            out.push((other, any.iter().chain(&any_but_colon).copied().collect()));
        }
        for (character, mut next) in waiting {
            next.extend(&any);
            if character != ':' {
                next.extend(&any_but_colon);
            }
            out.push((character, next));
        }
        out
    }
}

/// A character that no active position expects; a letter or digit if possible, for readable witnesses.
fn character_outside(waiting: &BTreeMap<char, Vec<u32>>) -> Option<char> {
    let readable = "x".chars().chain('a'..='z').chain('0'..='9').chain('A'..='Z').chain("-_./=@".chars());
    let all = readable.chain(('\u{a1}'..='\u{d7ff}').filter(|c| !c.is_whitespace()));
    all.into_iter().find(|c| !waiting.contains_key(c))
}

fn text_leading_to(states: &[(Rc<AutomatonState>, usize, char)], mut index: usize) -> String {
    let mut reversed = Vec::new();
    while index != 0 {
        let Some((_, parent, character)) = states.get(index) else { break };
        reversed.push(*character);
        index = *parent;
    }
    reversed.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::LanguageVersion;
    use crate::pattern::PatternDialect;

    fn combinations(patterns: &[&str]) -> Vec<(Vec<usize>, String)> {
        let steps =
            patterns.iter().map(|text| free_steps(&Pattern::parse(text, LanguageVersion::V2012, PatternDialect::Full)));
        let machine = PatternAutomaton::new(steps.zip(0..), patterns.len());
        let reached = machine.explore_combinations(&mut WorkBudget::for_one_comparison()).unwrap();
        let group_list = |bits: &NumberSet| (0..patterns.len()).filter(|group| bits.contains(*group)).collect();
        reached.into_iter().map(|r| (group_list(&r.groups), r.text)).collect()
    }

    #[test]
    fn combinations_have_a_shortest_string() {
        assert_eq!(
            combinations(&["a*", "*b"]),
            [
                (vec![], String::new()),
                (vec![0], "a".to_owned()),
                (vec![1], "b".to_owned()),
                (vec![0, 1], "ab".to_owned())
            ]
        );
        assert_eq!(combinations(&["*", "?"]), [(vec![0], String::new()), (vec![0, 1], "x".to_owned())]);
        assert_eq!(combinations(&["ab", "ab"]), [(vec![], String::new()), (vec![0, 1], "ab".to_owned())]);
    }

    #[test]
    fn pattern_matches_plain_text() {
        let read = |text: &str| Pattern::parse(text, LanguageVersion::V2012, PatternDialect::Wildcards);
        let action = read("s3:getobject");
        for text in ["s3:getobject", "*", "s3:*", "s3:get*", "*:*object", "s3:?etobject*", "s3:g*t*", "??:*b*t"] {
            assert!(matches_plain_text(&read(text), &action), "{text}");
        }
        for text in
            ["s3:get", "s3:getobject?", "s3:*objec", "s3:getobjectacl", "?3:get", "iam:*", "*::*", "S3:GetObject"]
        {
            assert!(!matches_plain_text(&read(text), &action), "{text}");
        }
    }

    #[test]
    fn hostile_patterns_exceed_the_budget() {
        let patterns: Vec<String> = (0..20).map(|n| format!("*{}a{}", "?".repeat(n), "?".repeat(40))).collect();
        let steps =
            patterns.iter().map(|text| free_steps(&Pattern::parse(text, LanguageVersion::V2012, PatternDialect::Full)));
        let machine = PatternAutomaton::new(steps.zip(0..), patterns.len());
        assert!(machine.explore_combinations(&mut WorkBudget::for_one_comparison()).is_err());
    }
}
