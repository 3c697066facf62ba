//! The IAM policy language: parse, canonical form, evaluate, compare, lint. Input is text and values, output is values.
//! The crate does no I/O, reads no clock and, without the feature `provider`, depends on no other crate of the
//! workspace.
//!
//! | step | entry point | question it answers |
//! | --- | --- | --- |
//! | parse | [`PolicyDocument::parse`] | is this text a policy, and if not, where is the error |
//! | canonical form | [`are_equivalent`] | does AWS treat these two documents as the same |
//! | evaluate | [`evaluate_request`], [`evaluate_layers`] | is this request granted, and by which statements |
//! | compare | [`compare_policies`] | what do the new policies grant that the old ones do not, with an example |
//! | reach | [`check_reach`], [`explain_reach`] | can this action be performed at all; which actions can be performed |
//! | lint | [`lint_policy`] | which parts of this policy are risky, wrong or redundant |
//!
//! ```
//! use leasehold_policy::{ComparisonVerdict, PolicyDocument, PolicyParseError, PolicySet, compare_policies};
//!
//! fn read_objects(resource: &str) -> Result<PolicySet, PolicyParseError> {
//!     let text = format!(
//!         r#"{{"Version": "2012-10-17",
//!             "Statement": {{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "{resource}"}}}}"#
//!     );
//!     Ok(PolicySet::new(vec![PolicyDocument::parse(&text)?]))
//! }
//!
//! let old = read_objects("arn:aws:s3:::reports/*")?;
//! let new = read_objects("arn:aws:s3:::*")?;
//! let comparison = compare_policies(&old, &new);
//! assert_eq!(comparison.verdict(), ComparisonVerdict::Expands);
//! assert!(comparison.new_in_old.witness().is_some());
//! # Ok::<(), PolicyParseError>(())
//! ```
//!
//! The crate never guesses. Where a verdict depends on an undocumented operator, on the value of a policy variable or
//! on a rule that AWS leaves open, it is [`Unknown`](ComparisonVerdict::Unknown) and names the reason. Not modelled:
//! service and resource control policies, session policies, and relations between condition keys (for example that
//! `aws:PrincipalArn` follows from the caller).

pub mod canonical;
pub mod catalogue;
pub mod compare;
mod condition_keys;
pub mod document;
pub mod error;
pub mod evaluate;
mod json;
mod language_version;
pub mod lint;
pub mod operator;
mod parse;
pub mod pattern;
pub mod placed_document;
pub mod policy_set;
pub mod principal;
#[cfg(feature = "provider")]
pub mod provider;
pub mod reach;
pub mod request;
mod sample_request;
pub mod value;

pub use canonical::are_equivalent;
pub use catalogue::{ActionAccessLevel, Catalogue, CatalogueAction, embedded_catalogue};
pub use compare::{
    Ambiguity, ComparisonVerdict, Containment, PolicyComparison, UnknownReason, check_containment, compare_policies,
};
pub use document::{
    Clause, LanguageVersion, PolicyDocument, PolicyKind, PolicyStatement, StatementCondition, StatementEffect,
};
pub use error::{JsonPath, ParseErrorKind, PolicyParseError};
pub use evaluate::{
    Evaluation, EvaluationOutcome, MatchedStatement, PolicyLayer, PolicyLayers, Truth, evaluate_layers,
    evaluate_request,
};
pub use lint::{LintContext, LintFinding, LintRule, LintSeverity, lint_policy};
pub use operator::{ConditionOperator, ConditionTest, Quantifier};
pub use pattern::{Pattern, PatternToken};
pub use placed_document::{PlacedDocument, parse_documents};
pub use policy_set::PolicySet;
pub use principal::{AccountId, PolicyPrincipal};
pub use reach::{Reach, ReachQuery, ServiceReach, check_reach, explain_reach, highest_level};
pub use request::{AccessRequest, RequestCaller};
