//! Counts the bytes that a search for one match reads. Input: a text and the position at which a search begins. Output: the number of
//! bytes until the search knows its match.
//!
//! One search takes linear time, but a list of all matches may not: a search can read far beyond the match that it finds, and the next one
//! reads the same bytes again. Example: `a.*b|a` in `aaaa…` reads the whole text for each `a`, because a `b` may follow. The count comes
//! from a lazy DFA with the semantics of the search: a search ends where the DFA is dead, which means that no better match can follow.

use std::cell::RefCell;

use regex_automata::Input;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;

/// Counts the bytes that the searches for one pattern read.
#[derive(Debug)]
pub struct RescanMeter {
    dfa: DFA,
    cache: RefCell<Cache>,
}

impl RescanMeter {
    /// A meter for a pattern whose compiled form must not be larger than `most_bytes`.
    ///
    /// # Errors
    ///
    /// The message of the compiler.
    pub fn new(pattern: &str, most_bytes: usize) -> Result<Self, String> {
        let config =
            DFA::config().unicode_word_boundary(true).skip_cache_capacity_check(true).cache_capacity(most_bytes);
        let dfa = DFA::builder()
            .configure(config)
            .thompson(thompson::Config::new().nfa_size_limit(Some(most_bytes)))
            .build(pattern)
            .map_err(|error| error.to_string())?;
        let cache = RefCell::new(dfa.create_cache());
        Ok(Self { dfa, cache })
    }

    /// The bytes that a search from byte `from` reads until it knows the first match, or that there is none. If the DFA cannot tell, as
    /// for `\b` in a text that is not ASCII, all bytes that follow count.
    pub fn count_read_bytes(&self, text: &str, from: usize) -> usize {
        let rest = text.as_bytes().get(from..).unwrap_or_default();
        let mut cache = self.cache.borrow_mut();
        let Ok(mut state) = self.dfa.start_state_forward(&mut cache, &Input::new(text).range(from..)) else {
            return rest.len();
        };
        for (index, byte) in rest.iter().enumerate() {
            match self.dfa.next_state(&mut cache, state, *byte) {
                Ok(next) if next.is_dead() => return index + 1,
                Ok(next) if !next.is_quit() => state = next,
                _ => return rest.len(),
            }
        }
        rest.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(pattern: &str, text: &str, from: usize) -> usize {
        RescanMeter::new(pattern, 1 << 19).unwrap().count_read_bytes(text, from)
    }

    #[test]
    fn a_search_that_looks_for_more_reads_to_the_end() {
        assert_eq!(count("a.*b|a", &"a".repeat(1_000), 10), 990);
        assert_eq!(count("(a.*b)?", &"a".repeat(1_000), 0), 1_000);
        assert_eq!(count("a.*b|c", "acacacac", 0), 8);
        assert!(count("[a-z]+", "abc def ghi", 0) <= 5);
        assert!(count("a", &"a".repeat(1_000), 0) <= 3);
        assert_eq!(count("x", &"a".repeat(1_000), 0), 1_000);
    }

    #[test]
    fn what_the_dfa_cannot_tell_counts_in_full() {
        assert_eq!(count(r"\ba", "éa a a a", 0), "éa a a a".len());
    }
}
