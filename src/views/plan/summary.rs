//! The counts that are printed below a plan.

use std::collections::BTreeSet;
use std::fmt;

use leasehold_provider::{AccessVerdict, Change, Marks, ResourceId};

use crate::config::estate;
use crate::diff::Lifecycle;
use crate::plan::Plan;

/// The size of a plan: resources counted as in Terraform, identities by lifecycle event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct PlanSummary {
    /// Resources to create.
    pub add: usize,
    /// Resources to change.
    pub change: usize,
    /// Resources to delete.
    pub destroy: usize,
    /// Identities that join.
    pub joiners: usize,
    /// Identities that move.
    pub movers: usize,
    /// Movers whose access expands, or may expand.
    pub expanding: usize,
    /// Identities that leave.
    pub leavers: usize,
    /// Identities that are released: they still exist, and are no longer managed.
    pub released: usize,
    /// Identities that drifted, including movers that drifted.
    pub drifted: usize,
    /// Scopes that change.
    pub shared: usize,
    /// Groups that change.
    pub groups: usize,
    /// Federations that change.
    pub federations: usize,
    /// Settings of the stack that change.
    pub settings: usize,
}

impl PlanSummary {
    /// Counts the changes of a plan.
    #[must_use]
    pub fn from_plan(plan: &Plan) -> Self {
        let of =
            |sort: &str| plan.shared.iter().filter(|delta| estate::address_kind(&delta.address) == Some(sort)).count();
        let (groups, federations) = (of("group"), of("federation"));
        let shared = plan.shared.len().saturating_sub(groups).saturating_sub(federations);
        let mut summary =
            Self { shared, groups, federations, settings: plan.setting_changes().len(), ..Self::default() };
        for delta in &plan.identities {
            match delta.lifecycle {
                Lifecycle::Joiner => summary.joiners += 1,
                Lifecycle::Mover => summary.movers += 1,
                Lifecycle::Leaver => summary.leavers += 1,
                Lifecycle::Released => summary.released += 1,
                Lifecycle::Drift => {}
            }
            summary.drifted += usize::from(delta.drifted);
            summary.expanding += usize::from(delta.access.as_ref().is_some_and(|access| may_grow(access.verdict)));
            summary.add_changes(&delta.changes);
        }
        for delta in &plan.shared {
            summary.add_changes(&delta.changes);
        }
        summary
    }

    fn add_changes(&mut self, changes: &[Change]) {
        let updated: BTreeSet<&ResourceId> =
            changes.iter().filter(|c| matches!(c, Change::Update { .. })).map(Change::id).collect();
        self.add += changes.iter().filter(|c| matches!(c, Change::Create { .. })).count();
        self.destroy += changes.iter().filter(|c| matches!(c, Change::Delete { .. })).count();
        self.change += updated.len();
        let marked = |id: &ResourceId| changes.iter().any(|c| matches!(c, Change::Mark { .. }) && c.id() == id);
        let changes_hands = |c: &&Change| match c {
            Change::Release { .. } => true,
            Change::Import { id, .. } => !updated.contains(id) && !marked(id),
            _ => false,
        };
        self.change += changes.iter().filter(changes_hands).count();
        self.change += changes
            .iter()
            .filter(|change| !updated.contains(change.id()) && (changes.len() == 1 || counts_as_change(change)))
            .filter(|change| matches!(change, Change::Mark { .. }))
            .count();
    }
}

/// Whether access expands, or cannot be proven not to.
#[must_use]
pub fn may_grow(verdict: AccessVerdict) -> bool {
    matches!(verdict, AccessVerdict::Expands | AccessVerdict::Incomparable | AccessVerdict::Unknown)
}

/// Whether a write of marks records a decision of people, and not only bookkeeping for another change.
#[must_use]
pub fn counts_as_change(change: &Change) -> bool {
    let (before, after) = match change {
        Change::Mark { before, after, .. } => (before, after),
        Change::Import { .. } | Change::Release { .. } => return true,
        _ => return false,
    };
    let plain = |marks: &Marks| Marks { digest: None, quarantine: None, ..marks.clone() };
    before.as_ref().is_none_or(|before| plain(before) != plain(after))
}

impl fmt::Display for PlanSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plan: {} to add, {} to change, {} to destroy.", self.add, self.change, self.destroy)?;
        let plural = |count: usize, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            n => Some(format!("{n} {many}")),
        };
        let movers = plural(self.movers, "mover", "movers").map(|text| match self.expanding {
            0 => text,
            1 => format!("{text} (1 expands)"),
            n => format!("{text} ({n} expand)"),
        });
        let parts = [
            plural(self.joiners, "joiner", "joiners"),
            movers,
            plural(self.leavers, "leaver", "leavers"),
            plural(self.released, "released", "released"),
            plural(self.drifted, "drift", "drifts"),
            plural(self.shared, "shared scope", "shared scopes"),
            plural(self.groups, "group", "groups"),
            plural(self.federations, "federation", "federations"),
            plural(self.settings, "setting", "settings"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { Ok(()) } else { write!(f, "  {}.", parts.join(", ")) }
    }
}
