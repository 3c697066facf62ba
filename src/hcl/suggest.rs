//! "Did you mean …?": finds names that are similar to a misspelt one.

use super::budget::EvalBudget;

/// The most names that a sentence lists, and the most that it counts.
const LISTED: usize = 12;
const COUNTED: usize = 1_000;
/// The longest name that is compared, in bytes, and the longest that is listed in full, in characters.
const LONGEST: usize = 64;

/// The name most similar to `word`. `None`: no name is similar enough, or the budget for comparisons is spent.
pub fn find_nearest<N: AsRef<str>>(
    word: &str,
    names: impl Iterator<Item = N>,
    budget: Option<&EvalBudget>,
) -> Option<N> {
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    let mut best: Option<(f64, N)> = None;
    for name in names {
        if budget.is_some_and(|budget| !budget.take_suggestion()) {
            return None;
        }
        let text = name.as_ref();
        if text.len() > LONGEST || text == word {
            continue;
        }
        let score = score_similarity(&lower, &text.to_lowercase());
        let better =
            |(most, known): &(f64, N)| score.total_cmp(most).then_with(|| known.as_ref().cmp(name.as_ref())).is_gt();
        if score > 0.88 && best.as_ref().is_none_or(better) {
            best = Some((score, name));
        }
    }
    best.map(|(_, name)| name)
}

/// How similar two lowercase words are, from 0 to 2. Above 1: they differ by few letters.
fn score_similarity(a: &str, b: &str) -> f64 {
    let score = strsim::jaro_winkler(a, b);
    let shorter = a.chars().count().min(b.chars().count());
    let near = shorter > 1 && strsim::damerau_levenshtein(a, b) <= 1 + shorter / 4;
    if near { score + 1.0 } else { score }
}

/// Joins names for a sentence: `a, b and c`. Of more than twelve names, the first twelve are followed by the number of the others.
#[must_use]
pub fn join_names<N: AsRef<str>>(mut names: impl Iterator<Item = N>) -> String {
    let mut first: Vec<String> = names.by_ref().take(LISTED).map(|name| shorten_name(name.as_ref())).collect();
    match names.take(COUNTED + 1).count() {
        0 => match first.pop() {
            None => String::new(),
            Some(last) if first.is_empty() => last,
            Some(last) => format!("{} and {last}", first.join(", ")),
        },
        COUNTED.. => format!("{} and more than {COUNTED} more", first.join(", ")),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

fn shorten_name(name: &str) -> String {
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_near_and_nothing_else() {
        let names = ["owner", "environment", "max_session_duration", "ttl"];
        let near = |word| find_nearest(word, names.into_iter(), None);
        assert_eq!(near("onwer"), Some("owner"));
        assert_eq!(near("enviroment"), Some("environment"));
        assert_eq!(near("max_session"), Some("max_session_duration"));
        assert_eq!(near("tll"), Some("ttl"));
        assert_eq!(near("banana"), None);
        assert_eq!(join_names(["a", "b", "c"].into_iter()), "a, b and c");
        assert_eq!(join_names(["a"; 14].into_iter()), "a, a, a, a, a, a, a, a, a, a, a, a and 2 more");
        assert!(join_names(std::iter::repeat_n("a", 40_000)).ends_with(" and more than 1000 more"));
        assert_eq!(join_names(["x".repeat(65)].into_iter()), format!("{}…", "x".repeat(64)));
    }
}
