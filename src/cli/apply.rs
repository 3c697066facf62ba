//! `leasehold apply`: makes a plan, asks for approval, carries the plan out and verifies the result; or carries out a saved plan exactly as
//! it was reviewed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use leasehold_provider::{Address, Change, Digest, ObserveRequest, Snapshot, StackName};
use secrecy::SecretBox;

use super::args::{AllowanceArgs, ApplyArgs, CarryOutArgs, CheckpointArgs, SelectionArgs};
use super::connection::Connection;
use super::interruption::{self, Interruption};
use super::plan::to_allowance;
use super::run::{LockedRun, RunPurpose};
use super::session::{self, Stack};
use super::stack_directory::StackDirectory;
use super::{CommandError, CommandExit, carry_out, invocation, plan_view, quotas, signing};
use crate::ledger::checkpoint::{self, Signers};
use crate::plan::saved::SavedPlan;
use crate::plan::sealed::{self, SealedValues};
use crate::plan::{Plan, PlanBasis, saved, stale};
use crate::realize::ResourceMap;
use crate::rules::{self, Allowance, ApprovedPlan};
use crate::shell::quote_shell_word;
use crate::views;
use crate::views::inert::escape_steering;
use crate::views::style::{STRONG, paint_text};

/// Applies a saved plan if the argument is a file, otherwise makes a plan and applies it.
///
/// # Errors
/// The plan is refused, not approved or stale, or the apply did not complete.
pub async fn cmd_apply(
    here: &Path,
    args: &ApplyArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let what = args.what.as_ref().map(|what| super::resolve_path(here, what));
    match what.filter(|path| path.is_file()) {
        Some(file) => apply_saved_plan(here, &file, args, interruption).await,
        None => apply_stack(here, args, interruption).await,
    }
}

async fn apply_stack(here: &Path, args: &ApplyArgs, interruption: &Interruption) -> Result<CommandExit, CommandError> {
    let now = session::current_time(args.now);
    let stack = Stack::read_stack(here, args.what.as_deref(), &args.variables, now)?;
    stack.print_warnings();
    let connection = stack.connect_to_write(args.now).await?;
    let run = LockedRun::begin_run(&stack.run_purpose("apply"), &connection, interruption).await?;
    let again = [&["apply".to_owned()][..], &args.selection.to_arguments(), &args.allowance.to_arguments()].concat();
    let terms = args.apply_terms(
        invocation::current_invocation().follow_up_command(&again.iter().map(String::as_str).collect::<Vec<_>>()),
    );
    run_and_release_lock(run, async |run| {
        let mut observed = session::observe_for_plan(&stack, &connection).await?;
        run.resolve_unfinished_intents(&observed.snapshot).await?;
        run.note_unreachable_accounts(&mut observed);
        tidy_secret_stores(&stack.declared.stack, &observed.snapshot, &connection, now)?;
        let plan = session::plan_stack(&stack, &connection, &observed, now, &args.selection)?;
        quotas::check_quotas(&stack, &connection, &observed.snapshot, &plan).await?;
        let left = run.accounts().keep_remaining_accounts(&observed.snapshot, &plan);
        let ended = review_and_apply_plan(here, run, plan, &observed.shared, &connection, &terms).await?;
        run.write_accounts(left).await?;
        Ok(ended)
    })
    .await
}

async fn apply_saved_plan(
    here: &Path,
    file: &Path,
    args: &ApplyArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    if let Some(signers) = &args.signers {
        check_plan_signature(file, &bytes, &super::resolve_path(here, signers))?;
    }
    let SavedPlan { plan, sealed } = saved::read_plan(&bytes).map_err(|error| CommandError::Refused {
        what: format!("{}: {error}", file.display()),
        help: format!(
            "Make a new plan with `leasehold plan --out {}`, review it, and apply that.",
            quote_plan_path(args)
        ),
    })?;
    if args.now.is_some() || !args.selection.target.is_empty() || !args.selection.exclude.is_empty() {
        return Err(CommandError::Refused {
            what: "a saved plan is applied as it is: --now, --target and --exclude have no place here".to_owned(),
            help: format!("Give them to `leasehold plan --out {}`.", quote_plan_path(args)),
        });
    }
    let (directory, files) = find_saved_directory(file, &plan.basis)?;
    invocation::current_invocation().note_directory(directory.path());
    refuse_stale_plan(stale::check_basis_staleness(&plan.basis, session::VERSION, &files))?;
    // The instant the plan was made at. The embedded directory also takes it for the present moment.
    let PlanBasis { provider, stores, .. } = &plan.basis;
    let providers = plan.basis.basis_providers();
    let connection = Connection::connect_to_providers(&providers, directory.path(), plan.now).await?;
    let connection = connection.with_secret_stores(stores, provider, directory.path(), plan.now);
    let realm = connection.observe.read_realm().await?;
    refuse_stale_plan(stale::check_realm_staleness(&plan.realm, &realm).into_iter().collect())?;
    let purpose = RunPurpose {
        command: "apply",
        reason: None,
        stack: &plan.stack,
        backend: &plan.basis.backend,
        providers,
        directory: directory.path(),
    };
    let run = LockedRun::begin_run(&purpose, &connection, interruption).await?;
    let terms = args.apply_terms(invocation::current_invocation().follow_up_command(&["apply"])).for_saved_plan();
    let plan = plan.clone();
    run_and_release_lock(run, async |run| {
        let shared = collect_shared_objects(&plan);
        let snapshot = observe_with_deliveries(&plan, &connection, &shared, CredentialSelection::OfStack).await?;
        run.resolve_unfinished_intents(&snapshot).await?;
        refuse_stale_plan(stale::check_object_staleness(&plan, &snapshot))?;
        let plan = match &sealed {
            Some(sealed) => {
                let stack = directory.path().canonicalize().context("cannot find the stack's directory")?;
                let stack = Stack::read_stack(here, Some(&stack), &args.variables, plan.now)?;
                restore_sensitive_values(&stack, run, plan, &connection, sealed).await?
            }
            None => plan,
        };
        review_and_apply_plan(here, run, plan, &shared, &connection, &terms).await
    })
    .await
}

/// The stack's directory of a saved plan, and the directory's files. This is the directory that the plan names, relative to the working
/// directory. If its files are not those of the plan, it is that directory relative to the folder of the plan's file, or to a folder above,
/// provided that it has exactly the files that the plan was made from: the plan may have been saved in another place.
fn find_saved_directory(
    file: &Path,
    basis: &PlanBasis,
) -> Result<(StackDirectory, BTreeMap<String, Digest>), CommandError> {
    let open = |path: &Path| {
        let directory = StackDirectory::open_directory(path, None)?;
        let files = session::digest_current_files(&directory, &basis.files)?;
        Ok::<_, CommandError>((directory, files))
    };
    let named = Path::new(&basis.directory);
    let from_here = open(named);
    if from_here.as_ref().is_ok_and(|(_, files)| *files == basis.files) {
        return from_here;
    }
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let from_file = file.ancestors().skip(1).map(|above| above.join(named)).filter(|path| path.is_dir());
    let mut fitting = from_file.filter_map(|path| open(&path).ok()).filter(|(_, files)| *files == basis.files);
    fitting.next().map_or(from_here, Ok)
}

/// Removes from the secret stores the keys that no longer exist in the cloud, and prints which.
fn tidy_secret_stores(
    stack: &StackName,
    snapshot: &Snapshot,
    connection: &Connection,
    now: Timestamp,
) -> Result<(), CommandError> {
    let dead = Vec::from_iter(connection.vault.remove_inactive_keys(stack, snapshot, now)?);
    if !dead.is_empty() {
        super::print_message(&format!(
            "Taken out of the stores, for they live no more: {}.\n",
            escape_steering(&dead.join(", "))
        ));
    }
    Ok(())
}

/// The path of the plan's file as the user typed it, quoted for a shell.
fn quote_plan_path(args: &ApplyArgs) -> String {
    args.what.as_ref().map_or_else(String::new, |file| quote_shell_word(&file.display().to_string()))
}

/// Refuses a plan that none of the given signers has signed.
fn check_plan_signature(file: &Path, bytes: &[u8], signers: &Path) -> Result<(), CommandError> {
    let refused = |why: &str| CommandError::Refused {
        what: format!("{} is not signed by who may: {why}", file.display()),
        help: "Let one of the signers review the plan and sign it: leasehold plan --out FILE --signing-key KEY."
            .to_owned(),
    };
    let known = std::fs::read_to_string(signers).with_context(|| format!("cannot read {}", signers.display()))?;
    let known = Signers::parse_signers(&known).map_err(|why| anyhow::anyhow!("{}: {why}", signers.display()))?;
    let Ok(signature) = std::fs::read_to_string(signing::signature_path(file)) else {
        return Err(refused("there is no signature beside it"));
    };
    let text = std::str::from_utf8(bytes).map_err(|_| refused("it is not text"))?;
    checkpoint::verify_signature(text, &signature, Some(&known)).map(|_| ()).map_err(|why| refused(&why.to_string()))
}

/// Puts the sensitive values back into a saved plan. The values are read again from the configuration and compared with the digests in the
/// plan that was reviewed.
async fn restore_sensitive_values(
    stack: &Stack,
    run: &LockedRun,
    plan: Plan,
    connection: &Connection,
    sealed: &SealedValues,
) -> Result<Plan, CommandError> {
    let refused = |what: String| CommandError::Refused {
        what,
        help: "Give the same variables as to `leasehold plan`, or make a new plan, review it, and apply that."
            .to_owned(),
    };
    let place = run.open_store().place();
    let Some(key) = run.open_store().read_object(&format!("keys/{}", sealed.key)).await? else {
        return Err(refused(format!("the key of the plan's sensitive values is not in {place}")));
    };
    let key: [u8; 32] = key
        .bytes
        .try_into()
        .map_err(|_| refused(format!("the key of the plan's sensitive values in {place} is no key")))?;
    let observed = session::observe_stack(stack, connection).await?;
    let rebuilt = session::plan_stack(stack, connection, &observed, plan.now, &SelectionArgs::default())?;
    sealed::refill_sensitive_values(plan, &rebuilt, sealed, &SecretBox::new(Box::new(key)))
        .map_err(|why| refused(why.to_string()))
}

/// Does the work of a run, and releases the lock whatever the result. A signal that arrives before the first step of a plan starts ends the
/// work at once. A later signal is handled by the work itself; here it only limits how long the work may take.
///
/// # Errors
/// The error of the work, or that a signal stopped it.
pub(super) async fn run_and_release_lock(
    mut run: LockedRun,
    work: impl AsyncFnOnce(&mut LockedRun) -> Result<CommandExit, CommandError>,
) -> Result<CommandExit, CommandError> {
    let interruption = run.interruption().clone();
    let ended = tokio::select! {
        biased;
        stopped = interruption.wait_for_stop_before_writing() => Err(stopped),
        ended = interruption.run_within_limit(interruption::COMMAND, work(&mut run)) => ended.unwrap_or_else(|| report_steps_overdue(&interruption)),
    };
    run.release_lock().await;
    ended
}

/// The result of a run that was asked to stop and whose steps exceeded the time limit.
fn report_steps_overdue(interruption: &Interruption) -> Result<CommandExit, CommandError> {
    let Some(signal) = interruption.received_signal() else { return Err(CommandError::Unfinished) };
    Err(CommandError::Stopped {
        signal,
        what: "the stack's records could not be written in time".to_owned(),
        help: Some("See what is there with `leasehold audit list` and `leasehold plan`.".to_owned()),
    })
}

/// The options with which a plan is carried out.
pub(super) struct ApplyTerms<'a> {
    pub allowance: &'a AllowanceArgs,
    /// Whether the plan is applied without a prompt.
    pub auto_approve: bool,
    /// Whether the plan was saved to a file and reviewed there.
    pub saved: bool,
    /// The maximum number of writes in flight at the same time.
    pub parallelism: u16,
    /// The command line that finishes the steps that were not done.
    pub again: String,
    /// The file that the plan is also written to as JSON.
    pub json_into: Option<&'a Path>,
    /// Whether the end of the ledger is signed afterwards, and with which key.
    pub checkpoint: &'a CheckpointArgs,
}

impl ApplyArgs {
    fn apply_terms(&self, again: String) -> ApplyTerms<'_> {
        self.carry_out.carry_out_terms(&self.allowance, self.json.json_into.as_deref(), again)
    }
}

impl CarryOutArgs {
    /// Combines these arguments with those for the allowance and the JSON file.
    pub(super) fn carry_out_terms<'a>(
        &'a self,
        allowance: &'a AllowanceArgs,
        json_into: Option<&'a Path>,
        again: String,
    ) -> ApplyTerms<'a> {
        ApplyTerms {
            allowance,
            auto_approve: self.auto_approve,
            saved: false,
            parallelism: self.parallelism,
            again,
            json_into,
            checkpoint: &self.checkpoint,
        }
    }
}

impl<'a> ApplyTerms<'a> {
    fn for_saved_plan(self) -> Self {
        Self { saved: true, ..self }
    }

    /// The approvals for the ledger: each is the approved address (`None`: the whole plan) and how it was approved.
    fn collect_approvals(&self) -> Vec<(Option<String>, String)> {
        let whole = match (self.saved, self.auto_approve) {
            (true, true) => "saved plan, --auto-approve",
            (false, true) => "--auto-approve",
            (_, false) => "at the terminal",
        };
        let mut approvals = vec![(None, whole.to_owned())];
        approvals.extend(self.allowance.max_leavers.map(|count| (None, format!("--max-leavers {count}"))));
        approvals.extend(self.allowance.approve.iter().map(|who| (Some(who.clone()), "--approve".to_owned())));
        approvals
    }
}

/// Shows a plan, evaluates the rules on it, asks for approval, and carries it out.
///
/// # Errors
/// The plan is refused, not approved or stale, or it was not carried out completely.
pub(super) async fn review_and_apply_plan(
    here: &Path,
    run: &mut LockedRun,
    plan: Plan,
    shared: &ResourceMap,
    connection: &Connection,
    terms: &ApplyTerms<'_>,
) -> Result<CommandExit, CommandError> {
    let allowance = to_allowance(terms.allowance);
    let rulings = rules::evaluate_rules(&plan, &allowance);
    plan_view::write_json_into(here, terms.json_into, || views::plan::render_plan_json(&plan, &rulings))?;
    let text = views::plan::render_plan_text(&plan, &rulings, &connection.realize);
    super::print_result(&invocation::current_invocation().complete_commands(&text))?;
    if plan.is_empty() {
        return Ok(CommandExit::Done);
    }
    if !rulings.is_empty() {
        run.record_refusal(&plan, &rulings).await?;
    }
    let approved = approve_plan(plan, &allowance)?;
    connection.vault.prepare_stores(approved.as_plan())?;
    if !terms.auto_approve {
        ask_for_approval().await?;
    }
    // A prompt takes time: what the person approved must still be the live state. The identities that leave are read again in full, because
    // they are archived.
    let leaves = approved.as_plan().leaving_identities().next().is_some();
    let snapshot = if leaves || !terms.auto_approve {
        let snapshot =
            observe_with_deliveries(approved.as_plan(), connection, shared, CredentialSelection::OfPlan).await?;
        refuse_stale_plan(stale::check_object_staleness(approved.as_plan(), &snapshot))?;
        snapshot
    } else {
        Snapshot::for_realm(approved.as_plan().realm.clone())
    };
    run.write_accounts(run.accounts().with_planned_accounts(approved.as_plan())).await?;
    let journal = run.open_journal(approved.as_plan(), &snapshot, &rulings, terms.collect_approvals()).await?;
    let ended = carry_out::carry_out_plan(&approved, connection, terms, shared, journal, run.interruption()).await;
    run.publish_checkpoint(terms.checkpoint, here).await?;
    if ended.is_ok() {
        run.write_accounts(run.accounts().without_released_accounts(approved.as_plan())).await?;
    }
    ended
}

/// The shared objects as they are after the plan. With them, reading the objects again also reads their marks.
fn collect_shared_objects(plan: &Plan) -> ResourceMap {
    let after = plan
        .steps
        .iter()
        .filter_map(|step| step.change.resource_after())
        .filter(|resource| resource.identity.is_none());
    after.map(|resource| (resource.id.clone(), resource.clone())).collect()
}

/// The identities whose credentials are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CredentialSelection {
    /// All identities of the stack, so that intents that an earlier run left open can be resolved.
    OfStack,
    /// Only the identities that the plan changes.
    OfPlan,
}

/// Observes the live objects that a plan is about, and adds what the secret stores say was delivered.
async fn observe_with_deliveries(
    plan: &Plan,
    connection: &Connection,
    shared: &ResourceMap,
    credentials: CredentialSelection,
) -> Result<Snapshot, CommandError> {
    let delivered = connection.vault.read_deliveries(&plan.stack, &plan.realm)?;
    let mut snapshot = observe_cloud(plan, connection, shared, credentials).await?;
    snapshot.note_deliveries(&delivered);
    Ok(snapshot)
}

/// Observes the live objects that a plan is about, without the secret stores.
///
/// # Errors
/// The cloud cannot be read.
pub(super) async fn observe_cloud(
    plan: &Plan,
    connection: &Connection,
    shared: &ResourceMap,
    credentials: CredentialSelection,
) -> Result<Snapshot, CommandError> {
    let exact = plan.identities.iter().map(|delta| delta.id.clone()).collect();
    let adopts = plan.steps.iter().filter(|step| matches!(step.change, Change::Adopt { .. }));
    let adopt = adopts.map(|step| (step.change.id().clone(), step.subject.clone())).collect();
    let identities = plan.identities.iter().map(|delta| &delta.address);
    let told: BTreeSet<&Address> = identities.chain(plan.shared.iter().map(|delta| &delta.address)).collect();
    let nobody_else = plan.steps.iter().all(|step| told.contains(&step.subject));
    let no_other_credentials = credentials == CredentialSelection::OfPlan && nobody_else;
    let plain = ObserveRequest::for_plan(&plan.stack, shared);
    let request = ObserveRequest { exact: &exact, adopt: &adopt, no_other_credentials, ..plain };
    let mut snapshot = connection.observe.observe_stack(request).await?;
    snapshot.restore_sensitive(shared);
    Ok(snapshot)
}

fn approve_plan(plan: Plan, allowance: &Allowance) -> Result<ApprovedPlan, CommandError> {
    rules::apply_rules(plan, allowance).map_err(CommandError::Ruled)
}

fn refuse_stale_plan(stale: Vec<stale::Staleness>) -> Result<(), CommandError> {
    if stale.is_empty() { Ok(()) } else { Err(CommandError::Stale(stale)) }
}

/// Asks for approval at the terminal. Refused if stdin or stderr is not a terminal.
async fn ask_for_approval() -> Result<(), CommandError> {
    let refused = |what: &str| CommandError::Refused {
        what: what.to_owned(),
        help: "Answer yes at a terminal, or pass --auto-approve where nobody can be asked.".to_owned(),
    };
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(refused("nobody can be asked whether to apply: this is no terminal"));
    }
    super::print_message(&format!("\n{} Only 'yes' applies it: ", paint_text(STRONG, "Apply this plan?")));
    std::io::stderr().flush().context("cannot write to stderr")?;
    let read = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = read.await.context("cannot read the answer")?.context("cannot read the answer")?;
    if answer.trim() == "yes" { Ok(()) } else { Err(refused("not applied, and nothing was changed")) }
}
