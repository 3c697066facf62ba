//! "Did you mean …?": finds names that are similar to a misspelt one.

use super::budget::EvalBudget;

/// The name most similar to `word`. `None`: no name is similar enough, or the budget for comparisons is spent.
pub fn find_nearest<'n>(
    word: &str,
    names: impl Iterator<Item = &'n str>,
    budget: Option<&EvalBudget>,
) -> Option<&'n str> {
    let names: Vec<&str> = names.collect();
    if word.len() > 64 || budget.is_some_and(|budget| !budget.take_suggestions(names.len())) {
        return None;
    }
    let scored = names.into_iter().filter(|name| name.len() <= 64).map(|name| {
        let (a, b) = (word.to_lowercase(), name.to_lowercase());
        let score = strsim::jaro_winkler(&a, &b);
        let shorter = a.chars().count().min(b.chars().count());
        let near = shorter > 1 && strsim::damerau_levenshtein(&a, &b) <= 1 + shorter / 4;
        (if near { score + 1.0 } else { score }, name)
    });
    scored
        .filter(|(score, name)| *score > 0.88 && *name != word)
        .max_by(|(a, first), (b, second)| a.total_cmp(b).then_with(|| second.cmp(first)))
        .map(|(_, name)| name)
}

/// Joins names for a sentence: `a, b and c`. Of more than twelve names, the first twelve are followed by the number of the others.
#[must_use]
pub fn join_names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.len() > 12 {
        let first: Vec<&str> = names.iter().take(12).copied().collect();
        return format!("{} and {} more", first.join(", "), names.len() - 12);
    }
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
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
    }
}
