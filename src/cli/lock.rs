//! `leasehold lock`: who holds a stack's lock, and breaking it open.

use std::path::Path;

use serde_json::json;

use super::args::{Format, LockBreakArgs, LockCommand, LockShowArgs};
use super::audit::Ledger;
use super::origin::Origin;
use super::{Exit, Failure};
use crate::ledger::Chain;
use crate::ledger::record::{LockBroken, Record};
use crate::store::{self, lock};
use crate::views::inert::inert;

pub async fn cmd_lock(here: &Path, command: &LockCommand) -> Result<Exit, Failure> {
    match command {
        LockCommand::Show(args) => show(here, args).await,
        LockCommand::Break(args) => break_open(here, args).await,
    }
}

async fn show(here: &Path, args: &LockShowArgs) -> Result<Exit, Failure> {
    let ledger = Ledger::of(here, &args.stack).await?;
    let found = lock::look(&ledger.store).await?;
    let is_held = match &found {
        Some((record, _)) => lock::is_held(&ledger.store, record, ledger.terms)?,
        None => false,
    };
    let held = found.as_ref().filter(|_| is_held);
    match (args.format, held) {
        (Format::Json, _) => super::print_json(&json!({
            "format_version": "1.0",
            "stack": ledger.stack,
            "place": ledger.store.place(),
            "held": held.is_some(),
            "lock": found.as_ref().map(|(record, _)| record),
        }))?,
        (Format::Human, None) => super::print("Nobody holds the lock.\n")?,
        (Format::Human, Some((record, _))) => {
            let lock::Record { holder, what, since, expires, epoch, .. } = record;
            let mut text = format!(
                "Held by {} on {} (process {}), doing {what}.\n",
                inert(&holder.actor),
                inert(&holder.host),
                holder.process
            );
            if let Some(pipeline) = &holder.pipeline {
                text.push_str(&format!("Pipeline: {}\n", inert(pipeline)));
            }
            text.push_str(&format!("Since {since}; unless it is renewed it ends at {expires}. Epoch {epoch}.\n"));
            super::print(&text)?;
        }
    }
    Ok(Exit::Done)
}

async fn break_open(here: &Path, args: &LockBreakArgs) -> Result<Exit, Failure> {
    let refused = |what: String, help: &str| Failure::Refused { what, help: help.to_owned() };
    if args.reason.trim().is_empty() {
        return Err(refused("a lock is broken for a reason".to_owned(), "Say it: --reason \"runner died\"."));
    }
    let ledger = Ledger::of(here, &args.stack).await?;
    let found = lock::look(&ledger.store).await?.filter(|(record, _)| !record.free);
    let Some((record, _)) = found else {
        super::print("Nobody holds the lock.\n")?;
        return Ok(Exit::Done);
    };
    if args.epoch.is_some_and(|epoch| epoch != record.epoch) {
        return Err(refused(
            format!("the lock has gone to another holder meanwhile: its epoch is {}", record.epoch),
            "Look who holds it now: leasehold lock show.",
        ));
    }
    let origin = Origin::of(&ledger.directory);
    let run = store::unlike_any_other();
    let chain = Chain::open(ledger.store.clone(), ledger.stack.clone(), run, record.head.clone()).await?;
    let user = super::environment::variable("USER");
    let by = format!("{} on {}", user.as_deref().unwrap_or("somebody"), origin.host);
    let broken = LockBroken {
        by,
        reason: args.reason.clone(),
        holder: record.holder.clone(),
        since: record.since,
        epoch: record.epoch,
    };
    // First the record, then the deed: a lock that was broken without a trace would be worse than a trace of one that was not.
    chain.append(vec![Record::LockBroken(broken)]).await?;
    if !lock::break_open(&ledger.store, &record).await? {
        return Err(refused(
            "the lock was given back meanwhile, or has gone to another holder".to_owned(),
            "Look again: leasehold lock show.",
        ));
    }
    super::print(&format!("The lock of {} is broken.\n", inert(&record.holder.actor)))?;
    Ok(Exit::Done)
}
