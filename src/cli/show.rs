//! `leasehold show`: prints a saved plan, or one identity as declared and in its live state.

use std::path::Path;

use anyhow::Context as _;
use clap::Args;
use leasehold_files::read_argument;
use serde_json::json;

use super::args::StackArgs;
use super::list::IdentityRow;
use super::plan_view::{PlanFormat, PlanViewArgs};
use super::{CommandError, CommandExit, plan_view, session};
use crate::lifecycle::{self, IdentityStatus};
use crate::plan::saved;
use crate::rules::{self, Allowance};
use crate::views::inert::escape_steering;
use crate::views::style::{STRONG, paint_text};
use crate::workflow;

/// `leasehold show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A saved plan, or the address of an identity
    #[arg(value_name = "PLAN|ADDRESS")]
    pub what: String,
    #[command(flatten)]
    pub stack: StackArgs,
    #[command(flatten)]
    pub view: PlanViewArgs,
}

/// Prints a saved plan if the argument is a file, otherwise an identity.
///
/// # Errors
/// The plan or the cloud cannot be read, or there is no such identity.
pub async fn cmd_show(working_directory: &Path, args: &ShowArgs) -> Result<CommandExit, CommandError> {
    let file = super::resolve_path(working_directory, Path::new(&args.what));
    if file.is_file() { show_plan(&file, &args.view) } else { show_identity(working_directory, args).await }
}

fn show_plan(file: &Path, view: &PlanViewArgs) -> Result<CommandExit, CommandError> {
    let bytes =
        read_argument(file, session::LARGEST_PLAN).with_context(|| format!("cannot read {}", file.display()))?;
    let plan = saved::read_plan(&bytes).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?.plan;
    let rulings = rules::evaluate_rules(&plan, &Allowance::default());
    let realize = workflow::build_realizer(&plan.basis.basis_providers());
    plan_view::show_plan_view(&plan, &rulings, &realize, None, view)?;
    Ok(CommandExit::Done)
}

async fn show_identity(working_directory: &Path, args: &ShowArgs) -> Result<CommandExit, CommandError> {
    let now = session::current_time(args.stack.now);
    let stack = session::read_stack_without_requirements(
        working_directory,
        args.stack.dir.as_deref(),
        &args.stack.variables,
        now,
    )?;
    let connection = session::connect_to_read(&stack).await?;
    let observed = workflow::observe_stack(&stack, &connection).await?;
    let principal_id = |principal, name: &str| connection.realize.ids.principal_id(principal, name);
    let (statuses, _) = lifecycle::decide_phases(&stack.declared, &observed.snapshot, now, principal_id);
    let meant = connection.realize.names.find_by_cloud_name(&observed.snapshot.realm, &args.what);
    let named = |status: &&IdentityStatus<'_>| {
        status.address.as_str() == args.what
            || status.id.name == args.what
            || status.id.display_name() == args.what
            || meant.as_ref() == Some(&status.id)
            || status.id.to_string() == args.what
            || status.live.is_some_and(|live| live.resources.keys().any(|id| id.name == args.what))
    };
    let Some(status) = statuses.iter().find(named) else {
        let known: Vec<String> = statuses.iter().map(|status| status.address.to_string()).collect();
        let nearest = workflow::find_nearest_name(&args.what, &known)
            .map_or_else(String::new, |name| format!("; did you mean {name}?"));
        let stack = &stack.declared.stack;
        return Err(anyhow::anyhow!(
            "no plan file and no identity in stack {stack} has the name {}{nearest}",
            args.what
        )
        .into());
    };
    let row = IdentityRow::from_status(status);
    let mut resources: Vec<_> = status.live.iter().flat_map(|live| live.resources.values().cloned()).collect();
    resources.iter_mut().for_each(leasehold_provider::Resource::redact_sensitive);
    let whole = json!({
        "identity": row.to_json(),
        "resources": resources.iter().map(|resource| json!({
            "type": resource.id.kind,
            "name": resource.id.display_name(),
            "attributes": resource.attributes.iter()
                .map(|(name, value)| (name.to_string(), value.to_json()))
                .collect::<serde_json::Map<_, _>>(),
            "marks": resource.marks.as_ref().map(leasehold_provider::Marks::to_tags),
        })).collect::<Vec<_>>(),
    });
    match args.view.format {
        PlanFormat::Json => super::print_json(&whole)?,
        PlanFormat::Human => super::print_result(&render_identity(&whole))?,
        PlanFormat::Markdown | PlanFormat::Github | PlanFormat::Sarif | PlanFormat::Junit => {
            return Err(anyhow::anyhow!("an identity can only be shown with --format human or json").into());
        }
    }
    Ok(CommandExit::Done)
}

fn render_identity(whole: &serde_json::Value) -> String {
    let mut out = String::new();
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::Null => "-".to_owned(),
        serde_json::Value::String(text) => escape_steering(text).into_owned(),
        other => escape_steering(&other.to_string()).into_owned(),
    };
    for (name, value) in whole.get("identity").and_then(|identity| identity.as_object()).into_iter().flatten() {
        out.push_str(&format!("{:<10} {}\n", name.replace('_', " "), text(value)));
    }
    for resource in whole.get("resources").and_then(|resources| resources.as_array()).into_iter().flatten() {
        let field = |name: &str| resource.get(name).cloned().unwrap_or_default();
        out.push_str(&format!("\n{} {}\n", paint_text(STRONG, &text(&field("type"))), text(&field("name"))));
        for part in ["attributes", "marks"] {
            for (name, value) in field(part).as_object().into_iter().flatten() {
                match value {
                    serde_json::Value::Object(_) => {
                        let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
                        out.push_str(&format!("  {}:\n", escape_steering(name)));
                        out.extend(pretty.lines().map(|line| format!("    {}\n", escape_steering(line))));
                    }
                    _ => out.push_str(&format!("  {}: {}\n", escape_steering(name), text(value))),
                }
            }
        }
    }
    out
}
