//! The inputs of a plan.

use jiff::Timestamp;
use leasehold_provider::{Compare, Realizer, Snapshot};

use super::PlanBasis;
use super::select::PlanSelection;
use crate::config::DeclaredStack;
use crate::realize::ResourceMap;

/// The inputs of a plan. A plan depends on nothing else.
pub struct PlanInputs<'a> {
    /// The declared stack.
    pub declared: &'a DeclaredStack,
    /// The shared objects of the stack, realized; they were needed to read the cloud.
    pub shared: &'a ResourceMap,
    /// The live objects.
    pub snapshot: &'a Snapshot,
    /// The instant to plan for, in whole seconds.
    pub now: Timestamp,
    /// The provider's pure half: it turns declarations into resources.
    pub realize: &'a Realizer,
    /// The provider's comparison of access.
    pub compare: &'a dyn Compare,
    /// What the saved plan is compared with when it is applied.
    pub basis: PlanBasis,
    /// The part of the plan that `--target` and `--exclude` select.
    pub selection: &'a PlanSelection,
}
