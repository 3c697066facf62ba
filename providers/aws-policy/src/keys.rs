//! What is known of condition keys apart from the policies that use them.

/// Keys that hold several values in one request.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
const MULTIVALUED: &[&str] = &[
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "dynamodb:attributes",
    "dynamodb:leadingkeys",
];

/// Whether a request may hold several values for this key, given in lower case.
pub(crate) fn is_multivalued(key: &str) -> bool {
    MULTIVALUED.contains(&key)
}
