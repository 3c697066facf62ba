//! `leasehold revoke`: quarantines one identity at once, in an emergency.
//!
//! It needs only the stack's name, provider and backend from the configuration: an error or a change anywhere else does not prevent the
//! quarantine. The stack's lock does, because two runs must not write at the same time. Naming the identity on the command line is the
//! approval. `restore` undoes the revocation.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use leasehold_provider::{LiveIdentity, ObserveRequest, Realizer, Snapshot, StackName};

use super::args::{AllowanceArgs, CarryOutArgs, RevokeArgs};
use super::connection::Connection;
use super::interruption::Interruption;
use super::run::{LockedRun, RunPurpose};
use super::session::{self, Stack};
use super::stack_directory::StackDirectory;
use super::{CommandError, CommandExit, apply, invocation, named, plan_view};
use crate::config::declared::{Backend, Providers};
use crate::config::essentials::StackEssentials;
use crate::lifecycle::LeaveReason;
use crate::plan::revoke::{Revocation, build_revocation_plan};
use crate::plan::{Plan, PlanBasis};
use crate::realize::{self, ResourceMap};
use crate::secret_store::SecretStores;
use crate::views;
use crate::views::inert::escape_steering;

/// The maximum number of writes to the identity that are in flight at the same time.
const AT_A_TIME: u16 = 10;

/// The part of the stack that could be read.
struct RevocationContext {
    stack: StackName,
    providers: Providers,
    backend: Backend,
    directory: StackDirectory,
    /// The whole stack. `None`: a part of it is not valid.
    whole: Option<Stack>,
}

/// Plans the quarantine of the named identity and applies the plan without a prompt.
///
/// # Errors
/// No such identity exists, another run has the lock, or the writes did not complete.
pub async fn cmd_revoke(
    here: &Path,
    args: &RevokeArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let now = session::current_time(args.now);
    let reason = LeaveReason::from_revocation(&args.reason);
    if reason == LeaveReason::from_revocation("") {
        return Err(CommandError::Refused {
            what: "the reason holds no letter or digit that a mark could keep".to_owned(),
            help: "Say in a few words why, with --reason.".to_owned(),
        });
    }
    let known = read_context(here, args, now)?;
    session::refuse_rehearsal(args.now, &known.providers)?;
    let connection = Connection::connect_to_providers(&known.providers, known.directory.path(), now).await?;
    let run = LockedRun::begin_run(&known.run_purpose(&args.reason), &connection, interruption).await?;
    apply::run_and_release_lock(run, async |run| {
        let (shared, mut snapshot) = observe_identities(&known, &connection).await?;
        run.resolve_unfinished_intents(&snapshot).await?;
        if connection.observe.has_unread_details(&snapshot) {
            let live = named::find_identity(&args.what, &known.stack, &snapshot, &connection.realize)?;
            let whom = [live.id.clone()].into();
            connection.observe.read_exactly(&known.stack, &mut snapshot, &whom).await?;
        }
        let live = named::find_identity(&args.what, &known.stack, &snapshot, &connection.realize)?;
        let plan = plan_revocation(&known, live, &snapshot, reason, now, &connection.realize)?;
        let address = live.address().to_string();
        if plan.is_empty() {
            plan_view::write_json_into(here, args.json.json_into.as_deref(), || {
                views::plan::render_plan_json(&plan, &[])
            })?;
            super::print_result(&format!("{} is revoked already, for that reason.\n", escape_steering(&address)))?;
            return Ok(CommandExit::Done);
        }
        // Naming an identity here approves its quarantine, also for a break-glass account.
        let allowance = AllowanceArgs { max_leavers: None, approve: vec![address.clone()] };
        let again = invocation::current_invocation().follow_up_command(&["revoke", &address, "--reason", &args.reason]);
        let carry_out =
            CarryOutArgs { auto_approve: true, parallelism: AT_A_TIME, checkpoint: args.checkpoint.clone() };
        let terms = carry_out.carry_out_terms(&allowance, args.json.json_into.as_deref(), again);
        apply::review_and_apply_plan(here, run, plan, &shared, &connection, &terms).await
    })
    .await
}

impl RevocationContext {
    fn run_purpose<'a>(&'a self, reason: &'a str) -> RunPurpose<'a> {
        RunPurpose {
            command: "revoke",
            reason: Some(reason),
            stack: &self.stack,
            backend: &self.backend,
            providers: self.providers.clone(),
            directory: self.directory.path(),
        }
    }
}

fn plan_revocation(
    known: &RevocationContext,
    live: &LiveIdentity,
    snapshot: &Snapshot,
    reason: LeaveReason,
    now: Timestamp,
    realize: &Realizer,
) -> Result<Plan, CommandError> {
    let Providers { first, alias, others } = known.providers.clone();
    let basis = PlanBasis {
        version: session::VERSION.to_owned(),
        directory: known.directory.path().display().to_string(),
        files: BTreeMap::new(),
        provider: first,
        alias,
        others,
        backend: known.backend.clone(),
        stores: BTreeMap::new(),
    };
    let declared = known.whole.as_ref().and_then(|stack| stack.declared.identities.get(live.address()));
    let revocation = Revocation { stack: &known.stack, live, declared, snapshot, reason, now, realize, basis };
    build_revocation_plan(revocation).map_err(CommandError::Unsound)
}

/// Reads the whole stack if it is valid, otherwise only its name, provider and backend.
fn read_context(here: &Path, args: &RevokeArgs, now: Timestamp) -> Result<RevocationContext, CommandError> {
    match Stack::read_stack(here, args.dir.as_deref(), &args.variables, now) {
        Ok(stack) => Ok(RevocationContext {
            stack: stack.declared.stack.clone(),
            providers: stack.providers(),
            backend: stack.declared.backend.clone(),
            directory: stack.directory.clone(),
            whole: Some(stack),
        }),
        Err(CommandError::Findings { findings, .. }) => {
            let essentials = Stack::load_essentials(here, args.dir.as_deref(), &args.variables, now);
            let (directory, essentials) = essentials.inspect_err(|_| {
                super::print_message(
                    "The stack's name or provider cannot be read, or may stand in text that cannot be:\n",
                );
            })?;
            let count = findings.len();
            super::print_message(&format!(
                "The configuration has {count} {}; only the stack's name and provider are taken from it.\n",
                if count == 1 { "finding" } else { "findings" }
            ));
            let StackEssentials { stack, backend, providers } = essentials;
            Ok(RevocationContext { stack, providers, backend, directory, whole: None })
        }
        Err(other) => Err(other),
    }
}

async fn observe_identities(
    known: &RevocationContext,
    connection: &Connection,
) -> Result<(ResourceMap, Snapshot), CommandError> {
    let realm = connection.observe.read_realm().await?;
    let shared = match &known.whole {
        Some(stack) => realize::realize_shared_objects(&stack.declared, &connection.realize, &realm).0,
        None => ResourceMap::new(),
    };
    let request = ObserveRequest::for_plan(&known.stack, &shared);
    let mut snapshot = connection.observe.observe_stack(request).await?;
    snapshot.restore_sensitive(&shared);
    if let Some(stack) = &known.whole {
        let vault = SecretStores::from_declared(&stack.secret_stores(), stack.directory.path());
        match vault.read_deliveries(&known.stack, &realm) {
            Ok(delivered) => snapshot.note_deliveries(&delivered),
            // An error of a secret store must not prevent the quarantine.
            Err(error) => super::print_message(&format!("warning: {}\n", escape_steering(&error.to_string()))),
        }
    }
    Ok((shared, snapshot))
}
