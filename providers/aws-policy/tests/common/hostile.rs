//! Everything the crate does with text from outside, on text that means harm. The fuzz target and the test `hostile` share it.

use leasehold_policy::{
    Access, Caller, Containment, Document, PolicyKind, Request, Setting, Truth, compare, evaluate, lint,
};

/// Reads two texts and, where both are policies, compares them: as two policies, and as a policy within a boundary.
/// Returns how many were policies.
///
/// # Panics
/// When an error points outside its text, a canonical form is not its own, a witness does not replay, or the crate panics.
pub fn exercise(old: &str, new: &str) -> usize {
    let [old, new] = [read(old), read(new)];
    let count = old.iter().chain(&new).count();
    if let (Some(old), Some(new)) = (old, new) {
        let [before, after] = [&old, &new].map(|document| Access::of(vec![document.clone()]));
        compared(&before, &after);
        compared(&before, &after.within(vec![old]));
    }
    count
}

/// Reads one text.
pub fn read(text: &str) -> Option<Document> {
    match Document::parse(text) {
        Err(error) => {
            if let Some(bytes) = error.bytes.clone() {
                assert!(text.get(bytes).is_some(), "the range is not in the text: {error:?}\n{text}");
            }
            assert!(!error.to_string().is_empty());
            None
        }
        Ok(document) => {
            let canonical = document.canonical();
            assert_eq!(Document::from_value(&canonical).unwrap().canonical(), canonical, "{text}");
            let caller = Caller::Aws("arn:aws:iam::111122223333:user/example".to_owned());
            let request = Request::new(caller, "s3:GetObject", "arn:aws:s3:::b/x");
            let _ = evaluate(&Access::of(vec![document.clone()]), &request);
            Some(document)
        }
    }
}

/// Compares, and replays the witnesses.
pub fn compared(old: &Access, new: &Access) {
    let comparison = compare(old, new);
    for (containment, yes, no) in [(&comparison.new_in_old, new, old), (&comparison.old_in_new, old, new)] {
        if let Containment::Refuted(request) = containment {
            assert_eq!(evaluate(yes, request).allowed(), Truth::Yes);
            assert_eq!(evaluate(no, request).allowed(), Truth::No);
        }
    }
}

/// Lints a document as each kind of policy.
pub fn linted(document: &Document) {
    for kind in [PolicyKind::Identity, PolicyKind::Trust, PolicyKind::Resource] {
        let _ = lint(document, &Setting::of(kind));
    }
}

/// The two texts in one input of the fuzzer: parted by a NUL, or the same twice.
pub fn parted(input: &str) -> (&str, &str) {
    input.split_once('\0').unwrap_or((input, input))
}
