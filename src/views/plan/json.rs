//! A plan as JSON: Terraform's keys for resources, and additional keys for what happens to identities.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{AccessFinding, Address, Change, Resource, ResourceId, Value};
use serde_json::{Map, Value as Json, json};

use super::attributes::HIDDEN;
use super::ownership;
use super::summary::PlanSummary;
use crate::diff::IdentityDelta;
use crate::plan::{Plan, Step};
use crate::rules::{Ruling, RulingDecision};

/// The version of this format. A new key increases the second number, any other change the first.
pub const FORMAT_VERSION: &str = "1.6";

/// The plan as JSON. Policies are JSON in a string, as in Terraform's providers, so that rules written for those work here.
#[must_use]
pub fn render_plan_json(plan: &Plan, rulings: &[Ruling]) -> Json {
    json!({
        "format_version": FORMAT_VERSION,
        "leasehold_version": plan.basis.version,
        "stack": plan.stack,
        "timestamp": plan.now,
        "plan_digest": plan.plan_digest(),
        "realm": plan.realm,
        "applyable": rulings.is_empty(),
        "selection": { "targets": plan.selection.targets, "excludes": plan.selection.excludes },
        "summary": PlanSummary::from_plan(plan),
        "setting_changes": plan.settings,
        "resource_changes": render_resource_changes(plan),
        "identity_changes": plan.identities.iter().map(|delta| render_identity_change(delta, rulings)).collect::<Vec<_>>(),
        "shared_changes": plan.shared.iter().map(|delta| add_account(&delta.id, json!({
            "address": delta.address,
            "lifecycle": delta.lifecycle,
            "holders": delta.holders,
        }))).collect::<Vec<_>>(),
        "steps": plan.steps.iter().map(render_step).collect::<Vec<_>>(),
        "quarantined": plan.quarantined,
        "kept": plan.kept,
        "ownership": ownership::render_ownership_json(plan),
        "rulings": rulings,
    })
}

/// One write, and the steps that it waits for, each with the reasons.
fn render_step(step: &Step) -> Json {
    let id = step.change.id();
    let needs = step.needs.iter().map(|(need, reasons)| json!({ "step": need, "reasons": reasons }));
    let entry = json!({
        "id": step.id,
        "subject": step.subject,
        "address": format!("{}.{}", id.kind, id.display_name()),
        "action": step.change.kind(),
        "interim": step.interim_state,
        "needs": needs.collect::<Vec<_>>(),
    });
    add_account(id, entry)
}

/// Adds the alias of the account, if the object is in another account than the stack's first.
fn add_account(id: &ResourceId, mut entry: Json) -> Json {
    if let (Some(account), Some(fields)) = (&id.account, entry.as_object_mut()) {
        fields.insert("account".to_owned(), account.as_str().into());
    }
    entry
}

fn render_identity_change(delta: &IdentityDelta, rulings: &[Ruling]) -> Json {
    let of_this = |ruling: &&Ruling| ruling.subject.as_ref().is_none_or(|subject| *subject == delta.address);
    let decision = rulings.iter().filter(of_this).map(|ruling| ruling.decision).max().unwrap_or(RulingDecision::Allow);
    let entry = json!({
        "address": delta.address,
        "name": delta.name,
        "kind": delta.kind,
        "principal": delta.principal,
        "lifecycle": delta.lifecycle,
        "drifted": delta.drifted,
        "owner": delta.owner,
        "service": delta.service,
        "environment": delta.environment,
        "deadline": delta.deadline,
        "leaving": delta.leaving,
        "access_verdict": delta.access.as_ref().map(|access| access.verdict),
        "witness": delta.access.as_ref().and_then(|access| access.witness.as_ref()),
        "verdict_reason": delta.access.as_ref().and_then(|access| access.reason.as_ref()),
        "access_level": delta.assessment.as_ref().map(|assessment| assessment.level),
        "findings": delta.assessment.iter().flat_map(|a| &a.findings).map(|f| render_access_finding(delta, f)).collect::<Vec<_>>(),
        "reasons": delta.reasons.iter().map(|reason| {
            let mut reason_json = serde_json::to_value(reason).unwrap_or(Json::Null);
            if let Some(fields) = reason_json.as_object_mut() {
                fields.insert("text".to_owned(), reason.to_string().into());
            }
            reason_json
        }).collect::<Vec<_>>(),
        "decision": decision,
    });
    add_account(&delta.id, entry)
}

fn render_access_finding(delta: &IdentityDelta, finding: &AccessFinding) -> Json {
    let policy = finding.policy.and_then(|policy| delta.policies.get(policy));
    json!({
        "id": finding.id,
        "severity": finding.severity,
        "policy": policy.map(|id| json!({"type": id.kind, "name": id.display_name()})),
        "sid": finding.sid,
        "message": finding.message,
        "remedy": finding.remedy,
        "owasp": finding.owasp,
    })
}

/// One entry for each object: an update and the write of marks after it are one change of the object.
fn render_resource_changes(plan: &Plan) -> Vec<Json> {
    let mut entries: BTreeMap<(&Address, &ResourceId), Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        entries.entry((&step.subject, step.change.id())).or_default().push(step);
    }
    entries
        .into_iter()
        .map(|((subject, id), steps)| {
            let first = steps.first().map(|step| &step.change);
            let entry = json!({
                "address": format!("{}.{}", id.kind, id.display_name()),
                "mode": "managed",
                "type": id.kind,
                "name": id.name,
                "provider_name": format!("leasehold/{}", plan.realm.provider),
                "identity": subject,
                "change": render_change(&steps, first),
                "action_reason": find_action_reason(&steps),
            });
            add_account(id, entry)
        })
        .collect()
}

/// What the change does in the end, if one of its steps has a note about that.
fn find_action_reason<'a>(steps: &[&'a Step]) -> Option<&'a str> {
    let lasting = || steps.iter().rev().filter(|step| step.interim_state.is_none() && !step.change.is_marks_only());
    let last = lasting().next().or(steps.last())?;
    last.note
        .as_deref()
        .or_else(|| steps.iter().filter(|step| step.interim_state.is_none()).find_map(|step| step.note.as_deref()))
}

/// One change of one object, with Terraform's keys.
#[must_use]
pub fn render_object_change(change: &Change) -> Json {
    let id = change.id();
    let actions = match change {
        Change::Create { .. } => json!(["create"]),
        Change::Delete { .. } => json!(["delete"]),
        Change::Update { .. } | Change::Mark { .. } | Change::Import { .. } | Change::Release { .. } => {
            json!(["update"])
        }
    };
    let (before, after) = match change {
        Change::Mark { before, after, .. } => {
            (before.as_ref().map(|marks| json!({ "tags": marks.to_tags() })), Some(json!({ "tags": after.to_tags() })))
        }
        Change::Import { after, .. } => (None, Some(json!({ "tags": after.to_tags() }))),
        Change::Release { before, .. } => (Some(json!({ "tags": before.to_tags() })), None),
        _ => {
            let hidden = hidden_fields([change.resource_before(), change.resource_after()]);
            let shown = |resource| render_attributes(resource, &hidden);
            (change.resource_before().map(shown), change.resource_after().map(shown))
        }
    };
    json!({
        "address": format!("{}.{}", id.kind, id.display_name()),
        "type": id.kind,
        "name": id.name,
        "change": { "actions": actions, "before": before, "after": after },
    })
}

fn render_change(steps: &[&Step], first: Option<&Change>) -> Json {
    let goes = matches!(steps.last().map(|step| &step.change), Some(Change::Delete { .. }));
    let actions = match first {
        Some(Change::Create { .. }) if goes => json!(["create", "delete"]),
        _ if goes => json!(["delete"]),
        Some(Change::Create { .. }) => json!(["create"]),
        Some(Change::Delete { .. }) => json!(["delete"]),
        Some(Change::Update { .. } | Change::Mark { .. } | Change::Import { .. } | Change::Release { .. }) | None => {
            json!(["update"])
        }
    };
    // A change in two steps is one change of the object: from the state before the first to the state after the last.
    let last = steps.iter().rev().find_map(|step| step.change.resource_after()).filter(|_| !goes);
    let between = steps.iter().find(|step| step.interim_state.is_some());
    let first_before = first.and_then(Change::resource_before);
    let interim_resource = between.and_then(|step| step.change.resource_after());
    let hidden = hidden_fields([first_before, interim_resource, last]);
    let shown = |resource| render_attributes(resource, &hidden);
    let (mut before, mut after) = (first_before.map(shown), last.map(shown));
    for step in steps {
        let (old, new) = match &step.change {
            Change::Mark { before, after, .. } => (before.as_ref(), Some(after)),
            Change::Import { after, .. } => (None, Some(after)),
            Change::Release { before, .. } => (Some(before), None),
            _ => continue,
        };
        {
            let tags = |target: &mut Option<Json>, tags: BTreeMap<String, String>| {
                let object = target.get_or_insert_with(|| json!({}));
                if let Some(fields) = object.as_object_mut() {
                    add_tags(fields, tags);
                }
            };
            tags(&mut before, old.as_ref().map(|marks| marks.to_tags()).unwrap_or_default());
            tags(&mut after, new.map(|marks| marks.to_tags()).unwrap_or_default());
        }
    }
    let mut change = json!({
        "actions": actions,
        "before": before,
        "after": after,
        // The cloud chooses the name of a new object.
        "after_unknown": last.map_or(json!({}), |after| if after.id.is_new() { json!({ "id": true }) } else { json!({}) }),
        "before_sensitive": first_before.map_or(json!({}), |_| render_sensitive(&hidden)),
        "after_sensitive": last.map_or(json!({}), |_| render_sensitive(&hidden)),
    });
    if let (Some(step), Some(interim_resource), Some(fields)) = (between, interim_resource, change.as_object_mut()) {
        fields.insert(
            "meanwhile".to_owned(),
            json!({ "is": step.interim_state, "attributes": render_attributes(interim_resource, &hidden) }),
        );
    }
    change
}

/// The attributes of an object that are hidden: those that are sensitive in any of its states. The live state alone does not say which are.
fn hidden_fields<const N: usize>(sides: [Option<&Resource>; N]) -> BTreeSet<&str> {
    sides.into_iter().flatten().flat_map(|resource| &resource.sensitive).map(String::as_str).collect()
}

fn render_attributes(resource: &Resource, hidden: &BTreeSet<&str>) -> Json {
    let mut fields = Map::new();
    for (name, value) in &resource.attributes {
        let shown = if hidden.contains(name.as_ref()) {
            Json::from(HIDDEN)
        } else {
            match value {
                Value::Document(document) => Json::from(document.as_json_value().to_string()),
                other => other.to_json(),
            }
        };
        fields.insert(name.to_string(), shown);
    }
    if !fields.contains_key("name") {
        fields.insert("name".to_owned(), resource.id.name.clone().into());
    }
    if let Some(marks) = &resource.marks {
        add_tags(&mut fields, marks.to_tags());
    }
    Json::Object(fields)
}

fn add_tags(fields: &mut Map<String, Json>, tags: BTreeMap<String, String>) {
    let entry = fields.entry("tags").or_insert_with(|| json!({}));
    if let Some(entries) = entry.as_object_mut() {
        entries.extend(tags.into_iter().map(|(key, value)| (key, value.into())));
    }
}

fn render_sensitive(hidden: &BTreeSet<&str>) -> Json {
    Json::Object(hidden.iter().map(|name| ((*name).to_owned(), true.into())).collect())
}
