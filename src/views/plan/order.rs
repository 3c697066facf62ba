//! The order of a plan's writes as text for people: what each step waits for, and why.
//!
//! In: a plan. Out: one line for each step, in the order of the steps, and below it one line for each reason to wait.
//! The numbers are those of `steps[].id` in the JSON of the plan and of the steps in the ledger.

use leasehold_provider::ChangeKind;

use crate::plan::{EdgeReason, Plan, Step, StepId};
use crate::views::inert::escape_steering;
use crate::views::style::{FAINT, STRONG, paint_text};

/// If a step waits for more steps than this for one reason, only the number of the rest is printed.
const NAMED: usize = 8;

/// The order of the writes of a plan, ending in a line break. Empty if the plan has no steps.
#[must_use]
pub fn render_order(plan: &Plan) -> String {
    if plan.steps.is_empty() {
        return String::new();
    }
    let title = paint_text(STRONG, "Order of writes");
    let mut out = format!(
        "\n{title}  ·  a step starts when all steps that it waits for are done; others run at the same time\n\n"
    );
    let width = plan.steps.len().to_string().len();
    for step in &plan.steps {
        out.push_str(&format!("  {:>width$}  {}\n", step.id.index(), escape_steering(&describe_step(step))));
        for reason in EdgeReason::ALL {
            let awaited: Vec<StepId> =
                step.needs.iter().filter(|(_, reasons)| reasons.contains(reason)).map(|(id, _)| *id).collect();
            if !awaited.is_empty() {
                let line = format!("after {}: {reason}", list_steps(&awaited));
                out.push_str(&format!("  {:width$}    {}\n", "", paint_text(FAINT, &line)));
            }
        }
    }
    out
}

/// What a step does, and of which identity or shared object: `update directory_policy orders (scope.orders)`.
fn describe_step(step: &Step) -> String {
    let verb = match step.change.kind() {
        ChangeKind::Create => "create",
        ChangeKind::Update => "update",
        ChangeKind::Delete => "delete",
        ChangeKind::Mark => "write the marks of",
        ChangeKind::Import => "import",
        ChangeKind::Release => "release",
    };
    let interim = step.interim_state.map_or_else(String::new, |state| format!(", which meanwhile {state}"));
    format!("{verb} {}{interim} ({})", step.change.id(), step.subject)
}

fn list_steps(steps: &[StepId]) -> String {
    let named: Vec<String> = steps.iter().take(NAMED).map(|id| id.index().to_string()).collect();
    match steps.len() - named.len() {
        0 => named.join(", "),
        rest => format!("{} and {rest} more", named.join(", ")),
    }
}
