//! Passes hostile text through all functions of the crate that process external text. Shared by the fuzz target and the
//! test `hostile`.

use leasehold_policy::{
    AccessRequest, Containment, LintContext, PolicyDocument, PolicyKind, PolicySet, RequestCaller, Truth,
    compare_policies, evaluate_request, lint_policy,
};

/// Parses two texts and, if both are policies, compares them: as two policies, and as a policy within a boundary.
/// Returns the number of texts that are policies.
///
/// # Panics
/// If the range of an error is outside its text, a canonical form is not its own canonical form, the evaluator does not
/// confirm a witness, or the crate panics.
pub fn exercise_pair(old: &str, new: &str) -> usize {
    let [old, new] = [parse_and_check(old), parse_and_check(new)];
    let count = old.iter().chain(&new).count();
    if let (Some(old), Some(new)) = (old, new) {
        let [before, after] = [&old, &new].map(|document| PolicySet::new(vec![document.clone()]));
        compare_and_confirm(&before, &after);
        compare_and_confirm(&before, &after.with_boundary(vec![old]));
    }
    count
}

/// Parses one text, and checks the error or the canonical form.
pub fn parse_and_check(text: &str) -> Option<PolicyDocument> {
    match PolicyDocument::parse(text) {
        Err(error) => {
            if let Some(bytes) = error.bytes.clone() {
                assert!(text.get(bytes).is_some(), "the range is not in the text: {error:?}\n{text}");
            }
            assert!(!error.to_string().is_empty());
            None
        }
        Ok(document) => {
            let canonical = document.to_canonical_value();
            assert_eq!(PolicyDocument::from_value(&canonical).unwrap().to_canonical_value(), canonical, "{text}");
            let caller = RequestCaller::Aws("arn:aws:iam::111122223333:user/example".to_owned());
            let request = AccessRequest::new(caller, "s3:GetObject", "arn:aws:s3:::b/x");
            let _ = evaluate_request(&PolicySet::new(vec![document.clone()]), &request);
            Some(document)
        }
    }
}

/// Compares, and confirms the witnesses with the evaluator.
pub fn compare_and_confirm(old: &PolicySet, new: &PolicySet) {
    let comparison = compare_policies(old, new);
    for (containment, yes, no) in [(&comparison.new_in_old, new, old), (&comparison.old_in_new, old, new)] {
        if let Containment::Refuted(request) = containment {
            assert_eq!(evaluate_request(yes, request).is_allowed(), Truth::Yes);
            assert_eq!(evaluate_request(no, request).is_allowed(), Truth::No);
        }
    }
}

/// Lints a document as each kind of policy.
pub fn lint_all_kinds(document: &PolicyDocument) {
    for kind in [PolicyKind::Identity, PolicyKind::Trust, PolicyKind::Resource] {
        let _ = lint_policy(document, &LintContext::for_kind(kind));
    }
}

/// Splits an input of the fuzzer into two texts at the first NUL. Without a NUL, both are the whole input.
pub fn split_input(input: &str) -> (&str, &str) {
    input.split_once('\0').unwrap_or((input, input))
}
