//! The smallest test that a condition consists of.

use crate::operator::ConditionTest;
use crate::pattern::Pattern;

/// A test of one value against one value of a policy, before negation. Equal atoms of both sides are the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Atom {
    pub test: ConditionTest,
    pub pattern: Pattern,
}
