//! `leasehold who-can`: lists the live identities of a stack that can perform an action. It only reads from the cloud.

use std::path::Path;

use clap::Args;
use serde_json::json;

use super::args::{OutputFormat, StackArgs};
use super::{CommandError, CommandExit, policy, session};
use crate::views;
use crate::who_can::{WhoCanQuery, find_allowed_identities};
use crate::workflow;

/// `leasehold who-can`
#[derive(Debug, Args)]
pub struct WhoCanArgs {
    /// The action, such as s3:GetObject
    #[arg(value_name = "ACTION")]
    pub action: String,
    /// The resource: an ARN, or * for an action without resources
    #[arg(value_name = "RESOURCE")]
    pub resource: String,
    #[command(flatten)]
    pub stack: StackArgs,
    /// The output format
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// Prints the live identities whose policies may allow the request.
///
/// # Errors
/// The text does not name exactly one action, the stack is not valid, or the cloud cannot be read.
pub async fn cmd_who_can(working_directory: &Path, args: &WhoCanArgs) -> Result<CommandExit, CommandError> {
    policy::check_single_action(&args.action)?;
    let now = session::current_time(args.stack.now);
    let stack = session::read_stack_without_requirements(
        working_directory,
        args.stack.dir.as_deref(),
        &args.stack.variables,
        now,
    )?;
    let connection = session::connect_to_read(&stack).await?;
    let observed = workflow::observe_stack(&stack, &connection).await?;
    let desired = WhoCanQuery { action: &args.action, resource: &args.resource, now };
    let holders =
        find_allowed_identities(&observed.snapshot, desired, &connection.realize, connection.compare.as_ref());
    match args.format {
        OutputFormat::Human => super::print_result(&views::who_can::render_holders(&holders))?,
        OutputFormat::Json => super::print_json(&json!({
            "format_version": views::who_can::FORMAT_VERSION,
            "stack": stack.declared.stack,
            "timestamp": now,
            "action": args.action,
            "resource": args.resource,
            "identities": views::who_can::render_holders_json(&holders),
        }))?,
    }
    Ok(CommandExit::Done)
}
