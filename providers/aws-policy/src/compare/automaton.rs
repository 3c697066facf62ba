//! Many patterns run as one automaton: which combinations of them can one string match, and which is the shortest
//! string for each combination.
//!
//! Patterns belong to groups, and a group matches where any of its patterns does. The automaton is the subset
//! construction, over positions in the patterns, explored breadth first. Two things keep it small: only characters that
//! some active position waits for are told apart, all others are one; and a group that can no longer fail is remembered
//! as such, and its positions forgotten.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use crate::compare::bits::Bits;
use crate::compare::limits::{Budget, Exhausted};
use crate::pattern::{Pattern, Token};

/// One step of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Step {
    /// This character.
    Char(char),
    /// This character or its other case, ASCII only.
    Folded(char),
    /// Any character; a colon only where it `crosses`.
    One { crosses: bool },
    /// Any characters or none; colons only where it `crosses`.
    Many { crosses: bool },
}

/// The steps of a pattern in which wildcards take any character. A variable takes any text: an upper bound.
pub(super) fn free_steps(pattern: &Pattern) -> Vec<Step> {
    let step = |token: &Token| match token {
        Token::Literal(c) => Step::Char(*c),
        Token::One => Step::One { crosses: true },
        Token::Many | Token::Variable { .. } => Step::Many { crosses: true },
    };
    pattern.tokens().iter().map(step).collect()
}

/// Whether a pattern matches the one string that another, which has no wildcards or variables, stands for.
pub(super) fn matches(pattern: &Pattern, plain: &Pattern) -> bool {
    if !pattern.has_wildcard() && pattern.variables().is_empty() {
        return pattern == plain;
    }
    let text = plain.tokens().iter().map_while(|token| if let Token::Literal(c) = token { Some(*c) } else { None });
    Machine::new([(free_steps(pattern), 0)], 1).run(text).contains(0)
}

const ACCEPT: u32 = u32::MAX;

#[derive(Debug)]
struct Position {
    step: Option<Step>,
    pattern: u32,
}

/// Patterns and the groups they belong to.
#[derive(Debug)]
pub(super) struct Machine {
    positions: Vec<Position>,
    /// The first position of each pattern.
    starts: Vec<u32>,
    /// The groups of each pattern.
    groups: Vec<Vec<usize>>,
    group_count: usize,
}

/// A set of active positions, and the groups that match whatever follows.
#[derive(Debug, PartialEq, Eq, Hash)]
struct State {
    active: Box<[u32]>,
    settled: Bits,
}

/// The groups that one string matches, and the string.
#[derive(Debug)]
pub(super) struct Reached {
    pub groups: Bits,
    pub text: String,
}

impl Machine {
    /// Patterns with their groups, numbered below `group_count`. Equal patterns are run once.
    pub fn new(patterns: impl IntoIterator<Item = (Vec<Step>, usize)>, group_count: usize) -> Self {
        let mut unique: BTreeMap<Vec<Step>, Vec<usize>> = BTreeMap::new();
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
            machine.positions.extend(steps.into_iter().map(|step| Position { step: Some(step), pattern }));
            machine.positions.push(Position { step: None, pattern });
            machine.groups.push(groups);
        }
        machine
    }

    fn step(&self, position: u32) -> Option<Step> {
        self.positions.get(position as usize).and_then(|position| position.step)
    }

    fn groups_of(&self, position: u32) -> &[usize] {
        let pattern = self.positions.get(position as usize).map(|position| position.pattern as usize);
        pattern.and_then(|pattern| self.groups.get(pattern)).map_or(&[], Vec::as_slice)
    }

    /// Adds what is reached without reading, settles groups, forgets positions that can add nothing.
    fn close(&self, mut active: Vec<u32>, settled: &Bits) -> State {
        let mut settled = settled.clone();
        let mut index = 0;
        while let Some(&position) = active.get(index) {
            if let Some(Step::Many { crosses }) = self.step(position) {
                active.push(position + 1);
                if crosses && self.step(position + 1).is_none() {
                    self.groups_of(position).iter().for_each(|group| settled.insert(*group));
                }
            }
            index += 1;
        }
        active.sort_unstable();
        active.dedup();
        active.retain(|position| self.groups_of(*position).iter().any(|group| !settled.contains(*group)));
        State { active: active.into_boxed_slice(), settled }
    }

    fn matched(&self, state: &State) -> Bits {
        let mut groups = state.settled.clone();
        for &position in &state.active {
            if self.step(position).is_none() {
                self.groups_of(position).iter().for_each(|group| groups.insert(*group));
            }
        }
        groups
    }

    /// The groups that this string matches.
    fn run(&self, text: impl Iterator<Item = char>) -> Bits {
        let mut state = self.close(self.starts.clone(), &Bits::new(self.group_count));
        for c in text {
            let after = |position: &u32| match self.step(*position)? {
                Step::Char(wanted) => (wanted == c).then_some(position + 1),
                Step::Folded(wanted) => wanted.eq_ignore_ascii_case(&c).then_some(position + 1),
                Step::One { crosses } => (crosses || c != ':').then_some(position + 1),
                Step::Many { crosses } => (crosses || c != ':').then_some(*position),
            };
            state = self.close(state.active.iter().filter_map(after).collect(), &state.settled);
        }
        self.matched(&state)
    }

    /// Every combination of groups that some string matches, each with a shortest string, in the order of their
    /// lengths.
    pub fn explore(&self, budget: &mut Budget) -> Result<Vec<Reached>, Exhausted> {
        let start = Rc::new(self.close(self.starts.clone(), &Bits::new(self.group_count)));
        let mut seen: HashMap<Rc<State>, usize> = HashMap::from([(Rc::clone(&start), 0)]);
        // Each state with the state and character it was first reached by.
        let mut states: Vec<(Rc<State>, usize, char)> = vec![(start, 0, '\0')];
        let mut found: HashSet<Bits> = HashSet::new();
        let mut out = Vec::new();
        let mut index = 0;
        while let Some((state, ..)) = states.get(index).cloned() {
            let groups = self.matched(&state);
            if found.insert(groups.clone()) {
                out.push(Reached { groups, text: text_of(&states, index) });
            }
            for (character, next) in self.successors(&state) {
                budget.spend(next.len() + 1)?;
                let next = Rc::new(self.close(next, &state.settled));
                if !seen.contains_key(&next) {
                    budget.hold(next.active.len() + 8)?;
                    seen.insert(Rc::clone(&next), states.len());
                    states.push((next, index, character));
                }
            }
            index += 1;
        }
        Ok(out)
    }

    /// The positions after each character that makes a difference here; the last one stands for all that do not.
    fn successors(&self, state: &State) -> Vec<(char, Vec<u32>)> {
        let mut waiting: BTreeMap<char, Vec<u32>> = BTreeMap::new();
        let (mut any, mut any_but_colon) = (Vec::new(), Vec::new());
        for &position in &state.active {
            match self.step(position) {
                None => {}
                Some(Step::Char(c)) => waiting.entry(c).or_default().push(position + 1),
                Some(Step::Folded(c)) => {
                    waiting.entry(c.to_ascii_lowercase()).or_default().push(position + 1);
                    if c.is_ascii_alphabetic() {
                        waiting.entry(c.to_ascii_uppercase()).or_default().push(position + 1);
                    }
                }
                Some(Step::One { crosses: true }) => any.push(position + 1),
                Some(Step::One { crosses: false }) => any_but_colon.push(position + 1),
                Some(Step::Many { crosses: true }) => any.push(position),
                Some(Step::Many { crosses: false }) => any_but_colon.push(position),
            }
        }
        if !any_but_colon.is_empty() {
            waiting.entry(':').or_default();
        }
        let mut out = Vec::with_capacity(waiting.len() + 1);
        if let Some(other) = other_than(&waiting) {
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

/// A character that nothing waits for; the readable ones first.
fn other_than(waiting: &BTreeMap<char, Vec<u32>>) -> Option<char> {
    let readable = "x".chars().chain('a'..='z').chain('0'..='9').chain('A'..='Z').chain("-_./=@".chars());
    let all = readable.chain(('\u{a1}'..='\u{d7ff}').filter(|c| !c.is_whitespace()));
    all.into_iter().find(|c| !waiting.contains_key(c))
}

fn text_of(states: &[(Rc<State>, usize, char)], mut index: usize) -> String {
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
    use crate::document::Version;
    use crate::pattern::Dialect;

    fn combinations(patterns: &[&str]) -> Vec<(Vec<usize>, String)> {
        let steps = patterns.iter().map(|text| free_steps(&Pattern::read(text, Version::V2012, Dialect::Full)));
        let machine = Machine::new(steps.zip(0..), patterns.len());
        let reached = machine.explore(&mut Budget::standard()).unwrap();
        let of = |bits: &Bits| (0..patterns.len()).filter(|group| bits.contains(*group)).collect();
        reached.into_iter().map(|r| (of(&r.groups), r.text)).collect()
    }

    #[test]
    fn every_combination_with_a_shortest_string() {
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
    fn a_pattern_matches_a_string() {
        let read = |text: &str| Pattern::read(text, Version::V2012, Dialect::Wildcards);
        let action = read("s3:getobject");
        for text in ["s3:getobject", "*", "s3:*", "s3:get*", "*:*object", "s3:?etobject*", "s3:g*t*", "??:*b*t"] {
            assert!(matches(&read(text), &action), "{text}");
        }
        for text in
            ["s3:get", "s3:getobject?", "s3:*objec", "s3:getobjectacl", "?3:get", "iam:*", "*::*", "S3:GetObject"]
        {
            assert!(!matches(&read(text), &action), "{text}");
        }
    }

    #[test]
    fn hostile_patterns_end_at_the_limit() {
        let patterns: Vec<String> = (0..20).map(|n| format!("*{}a{}", "?".repeat(n), "?".repeat(40))).collect();
        let steps = patterns.iter().map(|text| free_steps(&Pattern::read(text, Version::V2012, Dialect::Full)));
        let machine = Machine::new(steps.zip(0..), patterns.len());
        assert!(machine.explore(&mut Budget::standard()).is_err());
    }
}
