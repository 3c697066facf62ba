//! The changes of a stack's settings, and the selection of a plan, as lines for people.
//!
//! In: a plan. Out: a sign and a text for each change of where records, secrets and accounts are. Values are quoted, and not escaped yet.

use crate::plan::Plan;
use crate::plan::settings::SettingChange;

/// The explanation of settings of which none was recorded.
const FIRST_RECORD: &str =
    "no settings are recorded here: this stack was last applied by an older version, or its records are elsewhere";

/// The sign of a change, and what changes: `backend.path: ".leasehold" → "records"`.
#[must_use]
pub fn describe_setting_change(change: &SettingChange) -> (char, String) {
    let SettingChange { setting, before, after } = change;
    match (before, after) {
        (Some(before), Some(after)) => ('~', format!("{setting}: {before:?} → {after:?}")),
        (None, Some(after)) => ('+', format!("{setting}: {after:?}")),
        (Some(before), None) => ('-', format!("{setting}: {before:?}")),
        (None, None) => ('~', setting.clone()),
    }
}

/// What a reviewer should know about the changes of settings: that none was recorded before. `None`: there is nothing to say.
#[must_use]
pub fn explain_setting_changes(plan: &Plan) -> Option<&'static str> {
    // Recorded settings always have a type of backend.
    let is_first = |change: &SettingChange| change.setting == "backend.type" && change.before.is_none();
    plan.setting_changes().iter().any(is_first).then_some(FIRST_RECORD)
}

/// The part of the whole plan that was selected: `only --target identity.api`. `None`: the plan is whole.
#[must_use]
pub fn describe_selection(plan: &Plan) -> Option<String> {
    let targets = plan.selection.targets.iter().map(|target| format!("--target {target}"));
    let excludes = plan.selection.excludes.iter().map(|exclude| format!("--exclude {exclude}"));
    let words: Vec<String> = targets.chain(excludes).collect();
    (!words.is_empty()).then(|| format!("a part of the plan: {}", words.join(" ")))
}
