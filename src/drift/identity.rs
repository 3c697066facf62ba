//! Compares one identity with what was last applied to it.
//!
//! In: the status of the identity and the inputs of the check. Out: findings, pending changes and quarantined
//! identities, added to a [`DriftReport`].

use std::collections::BTreeSet;

use leasehold_provider::{Aspect, Change, LiveIdentity, Resource, ResourceId, Value};

use super::{DriftFinding, DriftInputs, DriftReport, DriftRule, PendingChange, invert_change};
use crate::diff::access::SharedObjects;
use crate::diff::{self, IdentityDelta, Lifecycle, reason};
use crate::lifecycle::phase::QuarantinedIdentity;
use crate::lifecycle::{IdentityStatus, LeaveReason, LifecyclePhase};
use crate::plan::GracePeriod;
use crate::realize::{self, ResourceMap, compute_live_digest};

/// Checks one identity. If its configuration is the one that was last applied, the shared objects that it needs are
/// added to `as_applied`: they existed at that time.
pub fn check_identity_drift(
    inputs: &DriftInputs<'_>,
    status: &IdentityStatus<'_>,
    as_applied: &mut BTreeSet<ResourceId>,
    report: &mut DriftReport,
) {
    let Some(live) = status.live else {
        report_absent(inputs, status, report);
        return;
    };
    let (desired, _) = realize::realize_identity(status, inputs.realize, &inputs.snapshot.realm);
    let looked = IdentityCheck {
        inputs,
        status,
        live,
        desired: &desired,
        outside: live.marks.digest != Some(compute_live_digest(live, inputs.realize)),
    };
    let configured = desired.get(&status.id).and_then(|resource| resource.marks.as_ref()?.digest);
    let configured = configured.is_some() && configured == live.marks.digest;
    if configured {
        as_applied.extend(desired.values().flat_map(|resource| resource.depends_on.iter().cloned()));
    }
    match &status.phase {
        LifecyclePhase::Absent { .. } => {
            report.findings.push(looked.new_finding(
                DriftRule::GracePeriodExpired,
                "its grace period is over, but it still exists".to_owned(),
            ));
            report.findings.extend(looked.find_unexplained_change());
        }
        LifecyclePhase::Quarantined(quarantined) if live.marks.quarantine.is_none() => {
            if let LeaveReason::LeaseExpired { at } = &quarantined.reason {
                let message = format!("its lease expired at {at}, but it is not quarantined");
                report.findings.push(looked.new_finding(DriftRule::LeaseExpired, message));
            } else {
                report.pending.insert(status.address.clone(), PendingChange::Leaves);
            }
            report.findings.extend(looked.find_unexplained_change());
        }
        LifecyclePhase::Released => {
            report.pending.insert(status.address.clone(), PendingChange::LetGo);
            report.findings.extend(looked.find_unexplained_change());
        }
        LifecyclePhase::Quarantined(quarantined) => looked.check_quarantined(quarantined, report),
        LifecyclePhase::Active(_) => looked.check_active(configured, report),
    }
}

/// Reports a declared identity that does not exist: its name is taken by another object, it was removed, or it was
/// never applied.
fn report_absent(inputs: &DriftInputs<'_>, status: &IdentityStatus<'_>, report: &mut DriftReport) {
    let (LifecyclePhase::Active(_), Some(declared)) = (&status.phase, status.declared) else { return };
    let mut finding = DriftFinding {
        rule: DriftRule::Missing,
        address: Some(status.address.clone()),
        object: status.id.to_string(),
        owner: Some(declared.spec.owner.clone()),
        message: "declared but missing: deleted outside Leasehold, or never applied".to_owned(),
        access: None,
        changes: Vec::new(),
    };
    if let Some(unmanaged_object) = inputs.snapshot.unmanaged_objects.get(&status.id) {
        finding.rule = DriftRule::Unmarked;
        finding.object = unmanaged_object.arn.clone();
        let why =
            unmanaged_object.unreadable.clone().unwrap_or_else(|| "it does not have this stack's marks".to_owned());
        finding.message = format!("its name is in use: {why}");
    } else if inputs
        .recorded
        .is_some_and(|recorded| !recorded.contains(&(status.address.clone(), status.id.account.clone())))
    {
        report.pending.insert(status.address.clone(), PendingChange::Joins);
        return;
    }
    report.findings.push(finding);
}

struct IdentityCheck<'a> {
    inputs: &'a DriftInputs<'a>,
    status: &'a IdentityStatus<'a>,
    live: &'a LiveIdentity,
    desired: &'a ResourceMap,
    /// Whether the live identity differs from what was last applied.
    outside: bool,
}

impl IdentityCheck<'_> {
    fn new_finding(&self, rule: DriftRule, message: String) -> DriftFinding {
        let owner = self.status.declared.map(|declared| declared.spec.owner.clone());
        DriftFinding {
            rule,
            address: Some(self.status.address.clone()),
            object: self.object_name(&self.live.id),
            owner: owner.or_else(|| self.live.marks.owner.clone()),
            message,
            access: None,
            changes: Vec::new(),
        }
    }

    /// The name of an object in the cloud, such as its ARN; its id if it has no such name.
    fn object_name(&self, id: &ResourceId) -> String {
        let resource = self.live.resources.get(id);
        let name =
            resource.and_then(|resource| self.inputs.realize.names.cloud_name(&self.inputs.snapshot.realm, resource));
        name.unwrap_or_else(|| id.to_string())
    }

    /// A finding that the identity differs from what was last applied, if it does, without saying in what.
    fn find_unexplained_change(&self) -> Option<DriftFinding> {
        self.outside.then(|| self.new_finding(DriftRule::Changed, "differs from the last applied state".to_owned()))
    }

    fn check_quarantined(&self, quarantined: &QuarantinedIdentity, report: &mut DriftReport) {
        if let Some(used) = quarantined.last_use {
            let message = format!("its grace period is over, but it was used at {used}, after its quarantine began");
            report.findings.push(self.new_finding(DriftRule::GracePeriodExpired, message));
        }
        let delta = diff::classify_identity(self.status, self.desired, self.inputs.realize);
        if !self.outside && delta.is_none() {
            report.quarantined.insert(
                self.status.address.clone(),
                GracePeriod {
                    since: quarantined.quarantine.at,
                    reason: quarantined.quarantine.reason.clone(),
                    delete_after: quarantined.delete_after,
                    last_use: quarantined.last_use,
                },
            );
            return;
        }
        let opened: Vec<Change> =
            delta.into_iter().flat_map(|delta| delta.changes).filter(is_not_mark_change).collect();
        let message = if opened.is_empty() {
            "changed while in quarantine; the Deny on all actions is still in effect"
        } else {
            "its quarantine was removed or weakened"
        };
        let mut finding = self.new_finding(DriftRule::Changed, message.to_owned());
        finding.changes = opened.into_iter().map(invert_change).collect();
        report.findings.push(finding);
    }

    fn check_active(&self, configured: bool, report: &mut DriftReport) {
        let Some(delta) = diff::classify_identity(self.status, self.desired, self.inputs.realize) else { return };
        if !configured || delta.lifecycle == Lifecycle::Mover {
            report.pending.insert(self.status.address.clone(), PendingChange::Moves);
        }
        // The digest does not cover issued keys. Each key is compared with its desired state instead.
        if !self.outside && delta.lifecycle != Lifecycle::Drift {
            return;
        }
        if configured {
            report.findings.extend(self.explain_changes(delta));
        } else {
            report.findings.extend(self.explain_mixed_changes(delta));
        }
    }

    /// The configuration is the one that was applied, so each difference was made outside Leasehold: one finding for
    /// each part.
    fn explain_changes(&self, delta: IdentityDelta) -> Vec<DriftFinding> {
        let access = delta.changes.iter().any(|change| self.may_affect_access(change)).then(|| {
            let live_shared = SharedObjects::from_live_snapshot(self.inputs.snapshot, self.inputs.realize);
            let wanted_shared = SharedObjects::from_resources(self.inputs.shared.values(), self.inputs.realize);
            let (applied, now) = ((self.desired, &wanted_shared), (&self.live.resources, &live_shared));
            diff::access::compare_attached_access(applied, now, self.inputs.realize, self.inputs.compare)
        });
        let (marks, rest): (Vec<Change>, Vec<Change>) =
            delta.changes.into_iter().partition(|change| !is_not_mark_change(change));
        let mut findings: Vec<DriftFinding> = Vec::new();
        for change in rest.into_iter().filter(|change| !self.is_due_key_change(change)) {
            let mut finding = match &change {
                Change::Delete { before } => self.report_unmanaged(before),
                Change::Create { after } => {
                    self.new_finding(DriftRule::Missing, format!("{} was removed from it", after.id))
                }
                Change::Update { after, .. } => {
                    self.new_finding(DriftRule::Changed, format!("{} differs from the applied state", after.id))
                }
                Change::Mark { .. } | Change::Import { .. } | Change::Release { .. } => continue,
            };
            finding.access = access.clone().filter(|_| self.may_affect_access(&change));
            finding.changes = vec![invert_change(change)];
            findings.push(finding);
        }
        if findings.is_empty() {
            let mut finding =
                self.new_finding(DriftRule::Changed, "its marks differ from the applied state".to_owned());
            finding.changes = marks.into_iter().map(invert_change).collect();
            findings.push(finding);
        }
        findings
    }

    /// The configuration changed as well, so a difference may come from there or from outside Leasehold. Only
    /// unmanaged credentials can be told apart, because no configuration asks to remove them.
    fn explain_mixed_changes(&self, delta: IdentityDelta) -> Vec<DriftFinding> {
        let mut findings = Vec::new();
        let mut rest = Vec::new();
        for change in
            delta.changes.into_iter().filter(|change| is_not_mark_change(change) && !self.is_due_key_change(change))
        {
            match &change {
                Change::Delete { before } if self.is_credential(before) => {
                    let mut finding = self.report_unmanaged(before);
                    finding.changes = vec![invert_change(change)];
                    findings.push(finding);
                }
                _ => rest.push(change),
            }
        }
        let message = "differs from the last applied state; its configuration changed too, so the differences may come from either";
        let mut finding = self.new_finding(DriftRule::Changed, message.to_owned());
        finding.changes = rest.into_iter().map(invert_change).collect();
        findings.push(finding);
        findings
    }

    /// Whether a change is part of the rotation of an issued key: it is due, and is not drift.
    fn is_due_key_change(&self, change: &Change) -> bool {
        match &self.status.phase {
            LifecyclePhase::Active(active) => {
                active.keys.as_ref().is_some_and(|keys| reason::is_key_rotation_change(change, keys))
            }
            _ => false,
        }
    }

    fn report_unmanaged(&self, resource: &Resource) -> DriftFinding {
        let rule =
            if self.is_credential(resource) { DriftRule::UnmanagedCredential } else { DriftRule::UnmanagedAccess };
        let held = resource.attributes.iter().find_map(|(name, value)| {
            match (self.attribute_aspect(&resource.id, name), value) {
                (Aspect::Access, Value::Text(policy)) => Some(policy.clone()),
                _ => None,
            }
        });
        let held = held.unwrap_or_else(|| resource.id.to_string());
        let text = |name: &str| resource.get(name).and_then(Value::as_text);
        let end = text("expiration_date").and_then(|at| at.get(..10)).filter(|_| text("status") == Some("Active"));
        let end = end.map_or_else(String::new, |day| format!(", expires {day}"));
        let state = text("status").map_or_else(String::new, |status| format!(" ({status}{end})"));
        self.new_finding(rule, format!("has {held}{state}, which is not declared"))
    }

    /// Whether a resource is a credential of a principal, such as an access key or a password.
    fn is_credential(&self, resource: &Resource) -> bool {
        let kind = resource.id.kind.as_str();
        let reported =
            resource.attributes.keys().any(|name| self.attribute_aspect(&resource.id, name) == Aspect::Credential);
        reported || kind.ends_with("access_key") || kind.ends_with("login_profile") || kind.ends_with("login")
    }

    fn may_affect_access(&self, change: &Change) -> bool {
        let resources = change.resource_before().into_iter().chain(change.resource_after());
        let mut names = resources.flat_map(|resource| resource.attributes.keys().map(move |name| (&resource.id, name)));
        names.any(|(id, name)| matches!(self.attribute_aspect(id, name), Aspect::Access | Aspect::Boundary))
    }

    fn attribute_aspect(&self, id: &ResourceId, name: &str) -> Aspect {
        self.inputs.realize.semantics.classify_attribute(id, name)
    }
}

fn is_not_mark_change(change: &Change) -> bool {
    !matches!(change, Change::Mark { .. })
}
