//! The IAM policy language: parse, canonical form, evaluate, compare, lint. Text and values in, values out; no I/O, no
//! clock, no network, and nothing of the rest of the workspace, so that the crate is usable alone.
//!
//! | step | module | question it answers |
//! | --- | --- | --- |
//! | read | [`parse`](document::Document::parse) | is this a policy, and if not, where is it wrong |
//! | canonical form | [`canonical`] | does AWS treat these two documents as the same |
//! | evaluate | [`evaluate`](evaluate::evaluate) | is this request granted, and by which statement |
//! | compare | [`compare`](compare::compare) | does new access grant what old access did not, and for example what |
//! | reach | [`reach`](reach::reach), [`explain`](reach::explain) | can this be done at all; what can be done |
//! | lint | [`lint`](lint::lint) | what is unwise about this policy |
//!
//! ```
//! use leasehold_policy::{Access, Document, Verdict, compare};
//!
//! let on = |resource: &str| {
//!     let text = format!(
//!         r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "s3:GetObject", "Resource":
//! "{resource}"}}}}"#     );
//!     Ok::<_, leasehold_policy::ParseError>(Access::of(vec![Document::parse(&text)?]))
//! };
//! let comparison = compare(&on("arn:aws:s3:::reports/*")?, &on("arn:aws:s3:::*")?);
//! assert_eq!(comparison.verdict(), Verdict::Expands);
//! assert!(comparison.new_in_old.witness().is_some());
//! # Ok::<(), leasehold_policy::ParseError>(())
//! ```
//!
//! Not known is an answer: an operator that nobody documents, a policy variable, a rule that AWS leaves open each make
//! a verdict [`Unknown`](compare::Verdict::Unknown) where it depends on them, never a guess. What is not looked at:
//! service and resource control policies, session policies, and how condition keys hang together (`aws:PrincipalArn`
//! and the caller).

pub mod access;
pub mod canonical;
pub mod catalogue;
pub mod compare;
pub mod document;
pub mod error;
pub mod evaluate;
mod json;
mod keys;
pub mod lint;
pub mod operator;
mod parse;
pub mod pattern;
pub mod placed;
pub mod principal;
#[cfg(feature = "provider")]
pub mod provider;
pub mod reach;
pub mod request;
mod sample;
pub mod value;

pub use access::Access;
pub use canonical::equivalent;
pub use catalogue::{AccessLevel, Action, Catalogue, catalogue};
pub use compare::{Comparison, Containment, Open, Verdict, Why, compare, contains};
pub use document::{Clause, Condition, Document, Effect, PolicyKind, Statement, Version};
pub use error::{JsonPath, ParseError, Problem};
pub use evaluate::{Decision, Layer, Layers, Outcome, Reason, Truth, evaluate, simulate};
pub use lint::{Finding, Rule, Setting, Severity, lint};
pub use operator::{Operator, Quantifier, Test};
pub use pattern::{Pattern, Token};
pub use placed::Placed;
pub use principal::{AccountId, Principal};
pub use reach::{Question, Reach, ServiceReach, explain, highest_level, reach};
pub use request::{Caller, Request};
