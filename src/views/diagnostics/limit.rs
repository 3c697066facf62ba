//! Limits what is shown of many or large findings. In: all findings of a run. Out: the first of each kind, with texts and related places cut
//! to a size, and for each kind that has more, one finding that says how many. Every view shows the result, so none of them leaves out
//! findings silently.

use std::collections::BTreeMap;

use crate::config::{Diagnostic, DiagnosticSeverity};

/// The most findings that are shown of one kind: with the same code and severity.
pub const SHOWN_OF_A_KIND: usize = 50;
/// The most related places that are shown with one finding, such as the steps of a cycle.
const RELATED: usize = 20;
/// The longest text of one part of a finding, in characters.
const LONGEST: usize = 2_000;

/// The findings to show, in the given order. A finding about those that are left out follows the last one that is shown of its kind.
#[must_use]
pub fn limit_findings(findings: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut kinds: BTreeMap<(DiagnosticSeverity, &str), usize> = BTreeMap::new();
    for finding in findings {
        *kinds.entry((finding.severity, finding.code)).or_default() += 1;
    }
    let mut seen: BTreeMap<(DiagnosticSeverity, &str), usize> = BTreeMap::new();
    let mut shown = Vec::new();
    for finding in findings {
        let kind = (finding.severity, finding.code);
        let at = seen.entry(kind).or_default();
        *at += 1;
        match *at {
            0..=SHOWN_OF_A_KIND => shown.push(shorten_finding(finding)),
            first if first == SHOWN_OF_A_KIND + 1 => {
                let all = kinds.get(&kind).copied().unwrap_or(first);
                shown.push(describe_omitted(finding, all - SHOWN_OF_A_KIND));
            }
            _ => {}
        }
    }
    shown
}

/// Says how many findings of the kind of `first`, the first of them, are left out.
fn describe_omitted(first: &Diagnostic, count: usize) -> Diagnostic {
    let word = match (first.severity, count) {
        (DiagnosticSeverity::Error, 1) => "error",
        (DiagnosticSeverity::Error, _) => "errors",
        (DiagnosticSeverity::Warning, 1) => "warning",
        (DiagnosticSeverity::Warning, _) => "warnings",
    };
    Diagnostic {
        severity: first.severity,
        summary: format!("{count} more {word} of this kind ({}) are not shown", first.code),
        location: first
            .location
            .clone()
            .map(|at| crate::config::Location { label: "the first of them".to_owned(), ..at }),
        ..Diagnostic::error(first.code, "")
    }
    .with_help("correct those that are shown, and run the command again")
}

/// The finding with texts and related places cut to a size.
fn shorten_finding(finding: &Diagnostic) -> Diagnostic {
    let mut shown = finding.clone();
    let omitted = shown.related.len().saturating_sub(RELATED);
    shown.related.truncate(RELATED);
    if omitted > 0 {
        let words = format!("{omitted} more places are not shown");
        shown.help = Some(shown.help.map_or_else(|| words.clone(), |help| format!("{help} ({words})")));
    }
    let values = shown.values.iter_mut().flat_map(|(name, value)| [name, value]);
    let labels = shown.location.iter_mut().chain(&mut shown.related).map(|at| &mut at.label);
    let texts = [&mut shown.summary].into_iter().chain(&mut shown.detail).chain(&mut shown.help);
    texts.chain(values).chain(labels).for_each(shorten_text);
    shown
}

fn shorten_text(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        let omitted = text.get(end..).map_or(0, |rest| rest.chars().count());
        text.truncate(end);
        text.push_str(&format!("… ({omitted} more characters)"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FileId;
    use crate::hcl::FileSpan;

    fn span(at: usize) -> FileSpan {
        FileSpan { file: FileId(0), bytes: at..at + 1 }
    }

    #[test]
    fn as_many_as_fit_are_shown_and_no_more() {
        let some = |count: usize| -> Vec<Diagnostic> {
            (0..count).map(|at| Diagnostic::error("a::b", "wrong").with_location(span(at), "here")).collect()
        };
        assert_eq!(limit_findings(&some(SHOWN_OF_A_KIND)), some(SHOWN_OF_A_KIND));
        let mut many = some(10_000);
        many.push(Diagnostic::warning("a::b", "odd"));
        let shown = limit_findings(&many);
        assert_eq!(shown.len(), SHOWN_OF_A_KIND + 2);
        assert_eq!(shown[SHOWN_OF_A_KIND].summary, "9950 more errors of this kind (a::b) are not shown");
        assert_eq!(shown[SHOWN_OF_A_KIND].location.as_ref().unwrap().span, span(SHOWN_OF_A_KIND));
        assert_eq!(shown[SHOWN_OF_A_KIND + 1].summary, "odd");
    }

    #[test]
    fn one_finding_has_a_size() {
        let just = Diagnostic::error("a::b", "x".repeat(LONGEST));
        assert_eq!(limit_findings(std::slice::from_ref(&just)), [just]);
        let places = (0..900).fold(Diagnostic::error("a::b", "ü".repeat(LONGEST + 7)), |finding, at| {
            finding.with_related(span(at), "needs it")
        });
        let shown = limit_findings(&[places]).remove(0);
        assert_eq!(shown.related.len(), RELATED);
        assert_eq!(shown.help.unwrap(), "880 more places are not shown");
        assert!(shown.summary.ends_with("ü… (7 more characters)"));
    }
}
