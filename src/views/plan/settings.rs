//! The changes of a stack's settings, and the selection of a plan, for people.
//!
//! In: a plan. Out: a sign and a text for each change of where records, secrets and accounts are, as lines for a terminal or as one section
//! of a markdown document. The number and the length of the texts in markdown are limited, so that they cannot crowd out the changes of
//! access.

use std::collections::BTreeSet;

use crate::plan::Plan;
use crate::plan::settings::SettingChange;
use crate::views::inert::escape_steering;
use crate::views::markdown::{MarkdownBlock, format_code};
use crate::views::style::{ADD, CHANGE, FAINT, REMOVE, paint_text};

/// The explanation of settings of which none was recorded.
const FIRST_RECORD: &str =
    "no settings are recorded here: this stack was last applied by an older version, or its records are elsewhere";

/// A longer value is cut to this number of characters. The plan's JSON has the whole value.
const LONGEST_VALUE: usize = 200;

/// The maximum number of settings in a markdown document or an alert; only the number of the rest is printed.
const LISTED: usize = 20;

/// The sign of a change, and what changes: `backend.path: ".leasehold" → "records"`. The text is not escaped.
#[must_use]
pub fn describe_setting_change(change: &SettingChange) -> (char, String) {
    let SettingChange { setting, before, after } = change;
    match (before, after) {
        (Some(before), Some(after)) => ('~', format!("{setting}: {} → {}", quote_value(before), quote_value(after))),
        (None, Some(after)) => ('+', format!("{setting}: {}", quote_value(after))),
        (Some(before), None) => ('-', format!("{setting}: {}", quote_value(before))),
        (None, None) => ('~', setting.clone()),
    }
}

fn quote_value(value: &str) -> String {
    match value.char_indices().nth(LONGEST_VALUE) {
        None => format!("{value:?}"),
        Some((end, _)) => {
            format!("{:?}… ({} characters)", value.get(..end).unwrap_or_default(), value.chars().count())
        }
    }
}

/// At most [`LISTED`] changes of settings, and the number of the others. What moves comes first, then what is removed, then what is new.
fn list_setting_changes(plan: &Plan) -> (Vec<(char, String)>, usize) {
    let order = |change: &&SettingChange| (change.before.is_none(), change.after.is_none(), (*change).clone());
    let sorted: BTreeSet<_> = plan.setting_changes().iter().map(|change| order(&change)).collect();
    let total = sorted.len();
    let listed: Vec<_> = sorted.iter().take(LISTED).map(|(_, _, change)| describe_setting_change(change)).collect();
    let rest = total.saturating_sub(listed.len());
    (listed, rest)
}

/// What a reviewer should know about the changes of settings: that none was recorded before. `None`: there is nothing to say.
#[must_use]
pub fn explain_setting_changes(plan: &Plan) -> Option<&'static str> {
    // Recorded settings always have a type of backend.
    let is_first = |change: &SettingChange| change.setting == "backend.type" && change.before.is_none();
    plan.setting_changes().iter().any(is_first).then_some(FIRST_RECORD)
}

/// All changes of settings, one line each, ending in an empty line. Empty if there are none.
#[must_use]
pub fn render_settings_text(plan: &Plan) -> String {
    let mut out = String::new();
    for change in plan.setting_changes() {
        let (sign, text) = describe_setting_change(change);
        let style = match sign {
            '+' => ADD,
            '-' => REMOVE,
            _ => CHANGE,
        };
        out.push_str(&format!("  {}  {}\n", paint_text(style, &format!("{sign} setting")), escape_steering(&text)));
    }
    out.extend(explain_setting_changes(plan).map(|why| format!("      {}\n", paint_text(FAINT, why))));
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// The changes of settings as one block. `None` if there are none.
#[must_use]
pub fn render_settings_block(plan: &Plan) -> Option<MarkdownBlock> {
    let (listed, rest) = list_setting_changes(plan);
    let item =
        |(sign, text): &(char, String)| format!("{} setting {}", format_code(&sign.to_string()), format_code(text));
    let first = listed.first().map(item)?;
    let mut full: String = listed.iter().map(|change| format!("- {}\n", item(change))).collect();
    let short = match rest.saturating_add(listed.len()) {
        1 => first,
        total => format!("{total} settings, the first: {first}"),
    };
    full.extend((rest > 0).then(|| format!("- and {rest} more settings\n")));
    full.push('\n');
    full.extend(explain_setting_changes(plan).map(|why| format!("{why}\n\n")));
    Some(MarkdownBlock { full, short, kind: "change of settings", is_risky: true })
}

/// The changes of settings in one line: `backend.path: ".leasehold" → "records"; and 3 more`. `None` if there are none.
#[must_use]
pub fn describe_all_setting_changes(plan: &Plan) -> Option<String> {
    let (listed, rest) = list_setting_changes(plan);
    let more = (rest > 0).then(|| format!("and {rest} more"));
    let texts: Vec<String> = listed.into_iter().map(|(sign, text)| format!("{sign} {text}")).chain(more).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// The part of the whole plan that was selected: `a part of the plan: --target identity.api`. `None`: the plan is whole.
#[must_use]
pub fn describe_selection(plan: &Plan) -> Option<String> {
    let targets = plan.selection.targets.iter().map(|target| format!("--target {target}"));
    let excludes = plan.selection.excludes.iter().map(|exclude| format!("--exclude {exclude}"));
    let words: Vec<String> = targets.chain(excludes).collect();
    (!words.is_empty()).then(|| format!("a part of the plan: {}", words.join(" ")))
}
