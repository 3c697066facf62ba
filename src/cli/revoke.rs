//! `leasehold revoke`: the emergency stop of one identity.
//!
//! It needs the stack's name and provider and nothing else of the configuration: what is broken or changed elsewhere does not keep it
//! from shutting an identity; the stack's lock does, for two runs must not write at once. Naming the identity is the approval; it can be undone with `restore`.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use leasehold_provider::{ObserveRequest, Snapshot, StackName};

use super::apply::Terms;
use super::args::{AllowanceArgs, CheckpointArgs, RevokeArgs};
use super::connection::Connection;
use super::run::{Purpose, Run};
use super::session::{self, Stack};
use super::stack_directory::StackDirectory;
use super::{Exit, Failure, apply, named, plan_view};
use crate::config::declared::{Backend, ProviderSettings};
use crate::lifecycle::LeaveReason;
use crate::plan::revoke::{Revocation, revoke};
use crate::plan::{Basis, Plan};
use crate::realize::{self, Resources};
use crate::views;
use crate::views::inert::inert;

/// What of the stack could be read.
struct Known {
    stack: StackName,
    provider: ProviderSettings,
    backend: Backend,
    directory: StackDirectory,
    /// The stack, where all of it is sound.
    whole: Option<Stack>,
}

pub async fn cmd_revoke(here: &Path, args: &RevokeArgs) -> Result<Exit, Failure> {
    let now = session::now(args.now);
    let reason = LeaveReason::revoked(&args.reason);
    if reason == LeaveReason::revoked("") {
        return Err(Failure::Refused {
            what: "the reason holds no letter or digit that a mark could keep".to_owned(),
            help: "Say in a few words why, with --reason.".to_owned(),
        });
    }
    let known = read(here, args, now)?;
    apply::refuse_rehearsal(args.now, &known.provider)?;
    let connection = Connection::to(&known.provider, known.directory.path(), now).await?;
    let purpose = Purpose {
        command: "revoke",
        reason: Some(&args.reason),
        stack: &known.stack,
        backend: &known.backend,
        provider: &known.provider,
        directory: known.directory.path(),
    };
    let run = Run::begin(&purpose, &connection).await?;
    apply::locked(run, async |run| {
        let (shared, snapshot) = observe(&known, &connection).await?;
        run.settle(&snapshot).await?;
        let plan = planned(&known, &connection, &snapshot, &args.what, reason, now)?;
        if plan.is_empty() {
            plan_view::json_into(here, args.json.json_into.as_deref(), || views::plan::json(&plan, &[]))?;
            super::print(&format!("{} is revoked already, for that reason.\n", inert(&args.what)))?;
            return Ok(Exit::Done);
        }
        carry_out(here, run, plan, &connection, &shared, args).await
    })
    .await
}

fn planned(
    known: &Known,
    connection: &Connection,
    snapshot: &Snapshot,
    what: &str,
    reason: LeaveReason,
    now: Timestamp,
) -> Result<Plan, Failure> {
    let live = named::find(what, &known.stack, snapshot, connection.realize.as_ref())?;
    let address = live.address().clone();
    revoke(Revocation {
        stack: &known.stack,
        live,
        declared: known.whole.as_ref().and_then(|stack| stack.declared.identities.get(&address)),
        snapshot,
        reason,
        now,
        realize: connection.realize.as_ref(),
        basis: basis(known),
    })
    .map_err(Failure::Unsound)
}

/// Whoever names an identity here has approved that it is shut, a break-glass account too.
async fn carry_out(
    here: &Path,
    run: &Run,
    plan: Plan,
    connection: &Connection,
    shared: &Resources,
    args: &RevokeArgs,
) -> Result<Exit, Failure> {
    let approve: Vec<String> = plan.identities.iter().map(|delta| delta.address.to_string()).collect();
    let again = format!("leasehold revoke '{}' --reason '{}'", approve.join(" "), args.reason);
    let terms = Terms {
        allowance: &AllowanceArgs { max_leavers: Some(1), approve },
        auto_approve: true,
        saved: false,
        parallelism: AT_A_TIME,
        again,
        json_into: args.json.json_into.as_deref(),
        checkpoint: &CheckpointArgs::default(),
    };
    apply::settle_plan(here, run, plan, shared, connection, &terms).await
}

/// The writes of one identity that may be in flight at once.
const AT_A_TIME: u16 = 10;

/// The whole stack where it is sound, else its name and provider.
fn read(here: &Path, args: &RevokeArgs, now: Timestamp) -> Result<Known, Failure> {
    match Stack::read(here, args.dir.as_deref(), &args.variables, now) {
        Ok(stack) => Ok(Known {
            stack: stack.declared.stack.clone(),
            provider: stack.provider()?,
            backend: stack.declared.backend.clone(),
            directory: stack.directory.clone(),
            whole: Some(stack),
        }),
        Err(Failure::Findings { findings, .. }) => {
            let essentials = Stack::essentials(here, args.dir.as_deref(), &args.variables, now);
            let (directory, essentials) = essentials.inspect_err(|_| {
                super::say("The stack's name or provider cannot be read, or may stand in text that cannot be:\n");
            })?;
            let count = findings.len();
            super::say(&format!(
                "The configuration has {count} {}; only the stack's name and provider are taken from it.\n",
                if count == 1 { "finding" } else { "findings" }
            ));
            Ok(Known {
                stack: essentials.stack,
                provider: essentials.provider,
                backend: essentials.backend,
                directory,
                whole: None,
            })
        }
        Err(other) => Err(other),
    }
}

async fn observe(known: &Known, connection: &Connection) -> Result<(Resources, Snapshot), Failure> {
    let realm = connection.observe.realm().await?;
    let shared = match &known.whole {
        Some(stack) => realize::shared(&stack.declared, connection.realize.as_ref(), &realm).0,
        None => Resources::new(),
    };
    let request = ObserveRequest::plain(&known.stack, &shared);
    let snapshot = connection.observe.observe(request).await?;
    Ok((shared, snapshot))
}

fn basis(known: &Known) -> Basis {
    Basis {
        version: session::VERSION.to_owned(),
        directory: known.directory.shown(),
        files: BTreeMap::new(),
        provider: known.provider.clone(),
        backend: known.backend.clone(),
    }
}
