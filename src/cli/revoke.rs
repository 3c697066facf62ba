//! `leasehold revoke`: the emergency stop of one identity.
//!
//! It needs the stack's name and provider and nothing else of the configuration: what is broken or changed elsewhere does not keep it
//! from shutting an identity. Naming the identity is the approval; it can be undone with `restore`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use leasehold_provider::{ObserveRequest, Snapshot, StackName};

use super::args::RevokeArgs;
use super::connection::Connection;
use super::session::{self, Stack};
use super::stack_directory::StackDirectory;
use super::{Exit, Failure, apply, named, plan_view};
use crate::config::declared::ProviderSettings;
use crate::lifecycle::LeaveReason;
use crate::plan::revoke::{Revocation, revoke};
use crate::plan::{Basis, Plan};
use crate::realize::{self, Resources};
use crate::rules::{self, Allowance};
use crate::views;
use crate::views::inert::inert;

/// What of the stack could be read.
struct Known {
    stack: StackName,
    provider: ProviderSettings,
    directory: StackDirectory,
    /// The stack, where all of it is sound.
    whole: Option<Stack>,
}

pub async fn cmd_revoke(here: &Path, args: &RevokeArgs) -> Result<Exit, Failure> {
    let now = session::now(args.now);
    let known = read(here, args, now)?;
    apply::refuse_rehearsal(args.now, &known.provider)?;
    let connection = Connection::to(&known.provider, known.directory.path(), now).await?;
    let (shared, snapshot) = observe(&known, &connection).await?;
    let live = named::find(&args.what, &known.stack, &snapshot, connection.realize.as_ref())?;
    let reason = LeaveReason::revoked(&args.reason);
    let LeaveReason::Revoked { why } = &reason else { return Err(Failure::Unfinished) };
    if why.is_empty() {
        return Err(Failure::Refused {
            what: "the reason holds no letter or digit that a mark could keep".to_owned(),
            help: "Say in a few words why, with --reason.".to_owned(),
        });
    }
    let address = live.address().clone();
    let plan = revoke(Revocation {
        stack: &known.stack,
        live,
        declared: known.whole.as_ref().and_then(|stack| stack.declared.identities.get(&address)),
        snapshot: &snapshot,
        reason,
        now,
        realize: connection.realize.as_ref(),
        basis: basis(&known),
    })
    .map_err(Failure::Unsound)?;
    plan_view::json_into(here, args.json.json_into.as_deref(), || views::plan::json(&plan, &[]))?;
    if plan.is_empty() {
        super::print(&format!("{} is revoked already, for that reason.\n", inert(address.as_str())))?;
        return Ok(Exit::Done);
    }
    super::print(&views::plan::human(&plan, &[], connection.realize.as_ref()))?;
    carry_out(plan, &connection, &shared, &format!("leasehold revoke '{address}' --reason '{}'", args.reason)).await
}

async fn carry_out(plan: Plan, connection: &Connection, shared: &Resources, again: &str) -> Result<Exit, Failure> {
    // Whoever names an identity here has approved that it is shut, a break-glass account too.
    let approved = plan.identities.iter().map(|delta| delta.address.to_string()).collect();
    let allowance = Allowance { max_leavers: Some(1), approved };
    let approved = rules::approve(plan, &allowance).map_err(Failure::Ruled)?;
    apply::carry_out(&approved, connection, AT_A_TIME, shared, again).await
}

/// The writes of one identity that may be in flight at once.
const AT_A_TIME: u16 = 10;

/// The whole stack where it is sound, else its name and provider.
fn read(here: &Path, args: &RevokeArgs, now: Timestamp) -> Result<Known, Failure> {
    match Stack::read(here, args.dir.as_deref(), &args.variables, now) {
        Ok(stack) => Ok(Known {
            stack: stack.declared.stack.clone(),
            provider: stack.provider()?,
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
            Ok(Known { stack: essentials.stack, provider: essentials.provider, directory, whole: None })
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
    let request = ObserveRequest { stack: &known.stack, shared: &shared, exact: &BTreeSet::new() };
    let snapshot = connection.observe.observe(request).await?;
    Ok((shared, snapshot))
}

fn basis(known: &Known) -> Basis {
    Basis {
        version: session::VERSION.to_owned(),
        directory: known.directory.shown(),
        files: BTreeMap::new(),
        provider: known.provider.clone(),
    }
}
