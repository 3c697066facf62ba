//! `leasehold list`: every identity of a stack, declared or live, with its owner and the end of its lease.

use std::path::Path;

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use leasehold_provider::LiveIdentity;
use serde_json::json;

use super::args::{OutputFormat, StackArgs};
use super::{CommandError, CommandExit, session};
use crate::lifecycle::{self, IdentityStatus, LifecyclePhase};
use crate::views::inert::escape_steering;
use crate::workflow::{self, WorkflowError};

/// `leasehold list`
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub stack: StackArgs,
    /// The output format
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// Prints one row for each identity that is declared or live.
///
/// # Errors
/// The stack is not valid, or the cloud cannot be read.
pub async fn cmd_list(working_directory: &Path, args: &ListArgs) -> Result<CommandExit, CommandError> {
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
    let (statuses, findings) = lifecycle::decide_phases(&stack.declared, &observed.snapshot, now, principal_id);
    if !findings.is_empty() {
        return Err(WorkflowError::Findings { findings, sources: stack.sources }.into());
    }
    let rows: Vec<IdentityRow> = statuses.iter().map(IdentityRow::from_status).collect();
    match args.format {
        OutputFormat::Human => super::print_result(&render_table(&rows))?,
        OutputFormat::Json => super::print_json(&json!({
            "format_version": "1.0",
            "stack": stack.declared.stack,
            "timestamp": now,
            "identities": rows.iter().map(IdentityRow::to_json).collect::<Vec<_>>(),
        }))?,
    }
    Ok(CommandExit::Done)
}

/// One identity as a row of the table.
pub struct IdentityRow {
    address: String,
    name: String,
    account: Option<String>,
    kind: Option<String>,
    owner: Option<String>,
    service: Option<String>,
    phase: &'static str,
    live: bool,
    deadline: Option<jiff::Timestamp>,
    last_used: Option<jiff::Timestamp>,
}

impl IdentityRow {
    /// The row for the status of an identity.
    pub fn from_status(status: &IdentityStatus<'_>) -> Self {
        let marks = status.live.map(|live| &live.marks);
        let declared = status.declared;
        let (phase, deadline) = match &status.phase {
            LifecyclePhase::Active(active) if status.live.is_some() => ("active", active.identity.deadline),
            LifecyclePhase::Active(active) => ("to be created", active.identity.deadline),
            LifecyclePhase::Quarantined(_) if marks.is_some_and(|marks| marks.quarantine.is_some()) => {
                ("quarantined", marks.and_then(|marks| marks.expires_at))
            }
            LifecyclePhase::Quarantined(_) => ("leaving", marks.and_then(|marks| marks.expires_at)),
            LifecyclePhase::Released => ("to be released", marks.and_then(|marks| marks.expires_at)),
            LifecyclePhase::Absent { .. } if status.live.is_some() => {
                ("to be deleted", marks.and_then(|m| m.expires_at))
            }
            LifecyclePhase::Absent { .. } => ("gone", None),
        };
        Self {
            address: status.address.to_string(),
            name: status.id.name.clone(),
            account: status.id.account.as_ref().map(ToString::to_string),
            kind: declared.map(|d| d.spec.kind).or_else(|| marks?.kind).map(|kind| kind.to_string()),
            owner: declared.map(|d| d.spec.owner.clone()).or_else(|| marks?.owner.clone()),
            service: declared.map_or_else(|| marks.and_then(|m| m.service.clone()), |d| d.spec.service.clone()),
            phase,
            live: status.live.is_some(),
            deadline,
            last_used: status.live.and_then(|live: &LiveIdentity| live.last_used),
        }
    }

    /// The row as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        let mut row = json!({
            "address": self.address, "name": self.name, "kind": self.kind, "owner": self.owner, "service": self.service,
            "phase": self.phase, "live": self.live, "deadline": self.deadline, "last_used": self.last_used,
        });
        if let (Some(account), Some(fields)) = (&self.account, row.as_object_mut()) {
            fields.insert("account".to_owned(), account.as_str().into());
        }
        row
    }
}

fn render_table(rows: &[IdentityRow]) -> String {
    if rows.is_empty() {
        return "No identities.\n".to_owned();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    // Most stacks have one account: then the column is left out.
    let several = rows.iter().any(|row| row.account.is_some());
    let account = several.then_some("account");
    table.set_header(["address"].into_iter().chain(account).chain([
        "kind",
        "owner",
        "service",
        "phase",
        "expires",
        "last used",
    ]));
    let or_dash = |value: &Option<String>| escape_steering(value.as_deref().unwrap_or("-")).into_owned();
    let day = |at: Option<jiff::Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d").to_string());
    for row in rows {
        let account = several.then(|| or_dash(&row.account));
        let rest = [
            or_dash(&row.kind),
            or_dash(&row.owner),
            or_dash(&row.service),
            row.phase.to_owned(),
            day(row.deadline),
            day(row.last_used),
        ];
        table.add_row(std::iter::once(escape_steering(&row.address).into_owned()).chain(account).chain(rest));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    format!("{}\n", lines.join("\n"))
}
