//! `leasehold apply`: plan, ask, carry out, verify; or carry out a saved plan exactly as it was reviewed.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use leasehold_provider::{ObserveRequest, Snapshot};
use tokio::sync::{mpsc, watch};

use super::args::ApplyArgs;
use super::connection::Connection;
use super::plan::allowance;
use super::session::{self, Stack};
use super::stack_directory::StackDirectory;
use super::{Exit, Failure, plan_view, progress};
use crate::apply::{self, Outcome, Unverified};
use crate::config::declared::ProviderSettings;
use crate::plan::{Plan, saved, stale};
use crate::realize::Resources;
use crate::rules::{self, Allowance, ApprovedPlan};
use crate::views;
use crate::views::style::{STRONG, paint};

/// How often, and with what pauses, a cloud that is slow to show a write is read again.
const VERIFY_PAUSES: [Duration; 4] =
    [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(10)];

pub async fn cmd_apply(here: &Path, args: &ApplyArgs) -> Result<Exit, Failure> {
    let what = args.what.as_ref().map(|what| super::below(here, what));
    match what.filter(|path| path.is_file()) {
        Some(file) => apply_saved(here, &file, args).await,
        None => apply_stack(here, args).await,
    }
}

async fn apply_stack(here: &Path, args: &ApplyArgs) -> Result<Exit, Failure> {
    let now = session::now(args.now);
    let stack = Stack::read(here, args.what.as_deref(), &args.variables, now)?;
    stack.warn();
    let settings = stack.provider()?;
    refuse_rehearsal(args.now, &settings)?;
    let connection = Connection::to(&settings, stack.directory.path(), now).await?;
    let observed = session::observe(&stack, &connection).await?;
    let plan = session::plan(&stack, &connection, &observed, now, &args.selection)?;
    let allowance = allowance(&args.allowance);
    let rulings = rules::decide(&plan, &allowance);
    plan_view::json_into(here, args.json.json_into.as_deref(), || views::plan::json(&plan, &rulings))?;
    super::print(&views::plan::human(&plan, &rulings, connection.realize.as_ref()))?;
    if plan.is_empty() {
        return Ok(Exit::Done);
    }
    let approved = approve(plan, &allowance)?;
    if !args.auto_approve {
        ask()?;
        // A person takes time to read: what they approved must still be what is there.
        let observed = session::observe(&stack, &connection).await?;
        refuse_stale(stale::of_objects(approved.plan(), &observed.snapshot))?;
    }
    let again = args.what.as_ref().map_or_else(String::new, |dir| format!(" {}", dir.display()));
    carry_out(&approved, &connection, args.parallelism, &observed.shared, &format!("leasehold apply{again}")).await
}

async fn apply_saved(here: &Path, file: &Path, args: &ApplyArgs) -> Result<Exit, Failure> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let plan = saved::read(&bytes).map_err(|error| Failure::Refused {
        what: format!("{}: {error}", file.display()),
        help: "Make a new plan with `leasehold plan --out FILE`, review it, and apply that.".to_owned(),
    })?;
    if args.now.is_some() || !args.selection.target.is_empty() || !args.selection.exclude.is_empty() {
        return Err(Failure::Refused {
            what: "a saved plan is applied as it is: --now, --target and --exclude have no place here".to_owned(),
            help: "Give them to `leasehold plan --out FILE`.".to_owned(),
        });
    }
    let directory = StackDirectory::open(here, Some(&PathBuf::from(&plan.basis.directory)))?;
    let files = session::current_files(&directory, &plan.basis.files)?;
    refuse_stale(stale::of_basis(&plan.basis, session::VERSION, &files))?;
    // The plan's own instant: on the embedded directory it stands for the present moment as well.
    let connection = Connection::to(&plan.basis.provider, directory.path(), plan.now).await?;
    let realm = connection.observe.realm().await?;
    refuse_stale(stale::of_realm(&plan.realm, &realm).into_iter().collect())?;
    let shared = shared_of(&plan);
    let snapshot = observe(&plan, &connection, &shared).await?;
    refuse_stale(stale::of_objects(&plan, &snapshot))?;
    let allowance = allowance(&args.allowance);
    let rulings = rules::decide(&plan, &allowance);
    plan_view::json_into(here, args.json.json_into.as_deref(), || views::plan::json(&plan, &rulings))?;
    super::print(&views::plan::human(&plan, &rulings, connection.realize.as_ref()))?;
    if plan.is_empty() {
        return Ok(Exit::Done);
    }
    let approved = approve(plan, &allowance)?;
    if !args.auto_approve {
        ask()?;
        let snapshot = observe(approved.plan(), &connection, &shared).await?;
        refuse_stale(stale::of_objects(approved.plan(), &snapshot))?;
    }
    let again = format!("leasehold apply {}", approved.plan().basis.directory);
    carry_out(&approved, &connection, args.parallelism, &shared, &again).await
}

/// The shared objects as a plan leaves them: reading them again then reads their marks as well.
pub(super) fn shared_of(plan: &Plan) -> Resources {
    let after = plan.steps.iter().filter_map(|step| step.change.after()).filter(|resource| resource.identity.is_none());
    after.map(|resource| (resource.id.clone(), resource.clone())).collect()
}

async fn observe(plan: &Plan, connection: &Connection, shared: &Resources) -> Result<Snapshot, Failure> {
    let exact = plan.identities.iter().map(|delta| delta.id.clone()).collect();
    let request = ObserveRequest { stack: &plan.stack, shared, exact: &exact };
    Ok(connection.observe.observe(request).await?)
}

pub(super) fn approve(plan: Plan, allowance: &Allowance) -> Result<ApprovedPlan, Failure> {
    rules::approve(plan, allowance).map_err(Failure::Ruled)
}

pub(super) fn refuse_stale(stale: Vec<stale::Stale>) -> Result<(), Failure> {
    if stale.is_empty() { Ok(()) } else { Err(Failure::Stale(stale)) }
}

pub(super) fn refuse_rehearsal(now: Option<Timestamp>, settings: &ProviderSettings) -> Result<(), Failure> {
    match (now, settings) {
        (Some(_), ProviderSettings::Aws { .. }) => Err(Failure::Refused {
            what: "--now is for rehearsals: a real cloud is changed at the present moment only".to_owned(),
            help: "Use `leasehold plan --now INSTANT` to see what that moment would bring.".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Asks a person. Without a terminal to ask at, it refuses.
pub(super) fn ask() -> Result<(), Failure> {
    let refused = |what: &str| Failure::Refused {
        what: what.to_owned(),
        help: "Answer yes at a terminal, or pass --auto-approve where nobody can be asked.".to_owned(),
    };
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(refused("nobody can be asked whether to apply: this is no terminal"));
    }
    super::say(&format!("\n{} Only 'yes' applies it: ", paint(STRONG, "Apply this plan?")));
    std::io::stderr().flush().context("cannot write to stderr")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("cannot read the answer")?;
    if answer.trim() == "yes" { Ok(()) } else { Err(refused("not applied, and nothing was changed")) }
}

/// Carries out an approved plan, reads it back, and tells how it ended. `again` is the command that finishes what was not done.
pub(super) async fn carry_out(
    approved: &ApprovedPlan,
    connection: &Connection,
    parallelism: u16,
    shared: &Resources,
    again: &str,
) -> Result<Exit, Failure> {
    let (events, listener) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(false);
    let view = tokio::spawn(progress::show(progress::Names::of(approved.plan()), listener));
    let interrupts = tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if stop.send_replace(true) {
                super::say("Leaving at once. Run plan to see what was done.\n");
                std::process::exit(1);
            }
        }
    });
    let options = apply::Options { parallelism: usize::from(parallelism) };
    let outcome = apply::execute(approved, Arc::clone(&connection.enact), options, events, stopped).await;
    interrupts.abort();
    view.await.context("the progress view broke off")?;
    let unverified = read_back(approved.plan(), &outcome, connection, shared).await?;
    let text = views::outcome::human(approved.plan(), &outcome, &unverified, again);
    if outcome.is_complete() && unverified.is_empty() {
        super::print(&format!("\n{text}"))?;
        Ok(Exit::Done)
    } else {
        super::say(&format!("\n{text}"));
        Err(Failure::Unfinished)
    }
}

/// Reads what was written until it is as written, or until patience ends.
async fn read_back(
    plan: &Plan,
    outcome: &Outcome,
    connection: &Connection,
    shared: &Resources,
) -> Result<Vec<Unverified>, Failure> {
    let mut unverified = Vec::new();
    for pause in VERIFY_PAUSES {
        tokio::time::sleep(pause).await;
        let snapshot = observe(plan, connection, shared).await?;
        unverified = apply::verify(plan, outcome, &snapshot);
        if unverified.is_empty() {
            break;
        }
    }
    Ok(unverified)
}
