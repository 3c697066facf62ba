//! `leasehold revoke`: the emergency stop of one identity.
//!
//! It needs the stack's name and provider and nothing else of the configuration: what is broken or changed elsewhere does not keep it
//! from shutting an identity; the stack's lock does, for two runs must not write at once. Naming the identity is the approval; it can be undone with `restore`.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use leasehold_provider::{LiveIdentity, ObserveRequest, Realize, Snapshot, StackName};

use super::args::{AllowanceArgs, CarryOutArgs, RevokeArgs};
use super::connection::Connection;
use super::interruption::Interruption;
use super::run::{Purpose, Run};
use super::session::{self, Stack};
use super::stack_directory::StackDirectory;
use super::{Exit, Failure, apply, invocation, named, plan_view};
use crate::config::declared::{Backend, Providers};
use crate::config::essentials::Essentials;
use crate::lifecycle::LeaveReason;
use crate::plan::revoke::{Revocation, revoke};
use crate::plan::{Basis, Plan};
use crate::realize::{self, Resources};
use crate::vault::Vault;
use crate::views;
use crate::views::inert::inert;

/// The writes of one identity that may be in flight at once.
const AT_A_TIME: u16 = 10;

/// What of the stack could be read.
struct Known {
    stack: StackName,
    providers: Providers,
    backend: Backend,
    directory: StackDirectory,
    /// The stack, where all of it is sound.
    whole: Option<Stack>,
}

pub async fn cmd_revoke(here: &Path, args: &RevokeArgs, interruption: &Interruption) -> Result<Exit, Failure> {
    let now = session::now(args.now);
    let reason = LeaveReason::revoked(&args.reason);
    if reason == LeaveReason::revoked("") {
        return Err(Failure::Refused {
            what: "the reason holds no letter or digit that a mark could keep".to_owned(),
            help: "Say in a few words why, with --reason.".to_owned(),
        });
    }
    let known = read(here, args, now)?;
    session::refuse_rehearsal(args.now, &known.providers)?;
    let connection = Connection::to(&known.providers, known.directory.path(), now).await?;
    let run = Run::begin(&known.purpose(&args.reason), &connection, interruption).await?;
    apply::locked(run, async |run| {
        let (shared, mut snapshot) = observe(&known, &connection).await?;
        run.settle(&snapshot).await?;
        if connection.observe.leaves_open(&snapshot) {
            let live = named::find(&args.what, &known.stack, &snapshot, connection.realize.as_ref())?;
            let whom = [live.id.clone()].into();
            connection.observe.look_closer(&known.stack, &mut snapshot, &whom).await?;
        }
        let live = named::find(&args.what, &known.stack, &snapshot, connection.realize.as_ref())?;
        let plan = plan(&known, live, &snapshot, reason, now, connection.realize.as_ref())?;
        let address = live.address().to_string();
        if plan.is_empty() {
            plan_view::json_into(here, args.json.json_into.as_deref(), || views::plan::json(&plan, &[]))?;
            super::print(&format!("{} is revoked already, for that reason.\n", inert(&address)))?;
            return Ok(Exit::Done);
        }
        // Whoever names an identity here has approved that it is shut, a break-glass account too.
        let allowance = AllowanceArgs { max_leavers: None, approve: vec![address.clone()] };
        let again = invocation::current().follow_up(&["revoke", &address, "--reason", &args.reason]);
        let carry_out =
            CarryOutArgs { auto_approve: true, parallelism: AT_A_TIME, checkpoint: args.checkpoint.clone() };
        let terms = carry_out.terms(&allowance, args.json.json_into.as_deref(), again);
        apply::settle_plan(here, run, plan, &shared, &connection, &terms).await
    })
    .await
}

impl Known {
    fn purpose<'a>(&'a self, reason: &'a str) -> Purpose<'a> {
        Purpose {
            command: "revoke",
            reason: Some(reason),
            stack: &self.stack,
            backend: &self.backend,
            providers: self.providers.clone(),
            directory: self.directory.path(),
        }
    }
}

fn plan(
    known: &Known,
    live: &LiveIdentity,
    snapshot: &Snapshot,
    reason: LeaveReason,
    now: Timestamp,
    realize: &dyn Realize,
) -> Result<Plan, Failure> {
    let Providers { first, alias, others } = known.providers.clone();
    let basis = Basis {
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
    revoke(revocation).map_err(Failure::Unsound)
}

/// The whole stack where it is sound, else its name and provider.
fn read(here: &Path, args: &RevokeArgs, now: Timestamp) -> Result<Known, Failure> {
    match Stack::read(here, args.dir.as_deref(), &args.variables, now) {
        Ok(stack) => Ok(Known {
            stack: stack.declared.stack.clone(),
            providers: stack.providers(),
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
            let Essentials { stack, backend, providers } = essentials;
            Ok(Known { stack, providers, backend, directory, whole: None })
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
    let mut snapshot = connection.observe.observe(request).await?;
    snapshot.recall(&shared);
    if let Some(stack) = &known.whole {
        let vault = Vault::of(&stack.stores(), stack.directory.path());
        match vault.delivered(&known.stack, &realm) {
            Ok(delivered) => snapshot.note_deliveries(&delivered),
            // No store keeps an identity from being shut.
            Err(error) => super::say(&format!("warning: {}\n", inert(&error.to_string()))),
        }
    }
    Ok((shared, snapshot))
}
