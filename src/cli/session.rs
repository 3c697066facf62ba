//! What the commands share: read the stack, connect to its providers, observe the live state, and make a plan.
//!
//! In: the stack's directory, the variables, and the instant of the command. Out: a [`Stack`], an [`ObservedStack`] or a plan. A [`Stack`]
//! exists only if its configuration has no error. Nothing here writes to the cloud.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use leasehold_provider::{
    Address, Alias, DeliveryIndex, Digest, Observe, ObserveRequest, Principal, Realizer, ResourceId, Snapshot,
};

use super::args::{SelectionArgs, VariableArgs};
use super::connection::Connection;
use super::failure::CommandError;
use super::invocation;
use super::run::RunPurpose;
use super::stack_directory::StackDirectory;
use crate::config::declared::{Providers, SecretStore};
use crate::config::essentials::{StackEssentials, load_essentials};
use crate::config::{
    ConfigInputs, DeclaredStack, Diagnostic, DiagnosticSeverity, SourceFile, Sources, StackLimits, VariableAssignment,
    gather_modules, load_config,
};
use crate::graph::DependencyGraph;
use crate::lifecycle;
use crate::plan::select::{PlanSelection, is_named_by};
use crate::plan::{BuildPlanError, Plan, PlanBasis, build, build_plan};
use crate::realize::{self, ResourceMap};
use crate::secret_store::SecretStores;
use crate::store::Store;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A stack whose configuration was read and is valid.
pub struct Stack {
    pub directory: StackDirectory,
    pub sources: Sources,
    pub declared: DeclaredStack,
    pub warnings: Vec<Diagnostic>,
    /// The instant for which it was read.
    now: Timestamp,
    files: BTreeMap<String, Digest>,
}

/// The present moment in whole seconds, or the instant that `--now` gives.
pub fn current_time(rehearsed: Option<Timestamp>) -> Timestamp {
    let now = rehearsed.unwrap_or_else(Timestamp::now);
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

impl Stack {
    /// Reads the stack in `dir`, which is relative to `here`. The warnings stay with the stack.
    ///
    /// # Errors
    /// The configuration has an error; all of its errors are in the result. Or a file cannot be read.
    pub fn read_stack(
        here: &Path,
        dir: Option<&Path>,
        variables: &VariableArgs,
        now: Timestamp,
    ) -> Result<Self, CommandError> {
        let (directory, loaded) = Self::load_stack(here, dir, variables, now)?;
        let LoadedStack { sources, declared, findings, files } = loaded;
        let failed = findings.iter().any(|finding| finding.severity == DiagnosticSeverity::Error);
        match declared {
            Some(declared) if !failed => Ok(Self { directory, sources, declared, warnings: findings, now, files }),
            _ => Err(CommandError::Findings { findings, sources }),
        }
    }

    /// Reads the stack and returns all findings, errors and warnings.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn load_stack(
        here: &Path,
        dir: Option<&Path>,
        variables: &VariableArgs,
        now: Timestamp,
    ) -> Result<(StackDirectory, LoadedStack), CommandError> {
        let directory = StackDirectory::open_directory(here, dir)?;
        let StackText { sources, variables, mut files } = StackText::read_text(here, &directory, variables)?;
        invocation::current_invocation().note_variables(&sources);
        let inputs = ConfigInputs { variables, now, files: &directory, limits: StackLimits::default() };
        let sources = gather_modules(sources, &directory);
        files.extend(digest_modules(&sources));
        let result = load_config(&sources, &inputs);
        let mut findings = result.findings;
        if let Some(declared) = &result.declared {
            files.extend(declared.files_read.clone());
            findings.extend(DependencyGraph::from_declared(declared).find_cycles(declared));
        }
        Ok((directory, LoadedStack { sources, declared: result.declared, findings, files }))
    }

    /// Reads only the stack's name, provider and backend, which may be valid even if other parts are not.
    ///
    /// # Errors
    /// One of these parts is not valid, or a file cannot be read.
    pub fn load_essentials(
        here: &Path,
        dir: Option<&Path>,
        variables: &VariableArgs,
        now: Timestamp,
    ) -> Result<(StackDirectory, StackEssentials), CommandError> {
        let directory = StackDirectory::open_directory(here, dir)?;
        let StackText { sources, variables, .. } = StackText::read_text(here, &directory, variables)?;
        invocation::current_invocation().note_variables(&sources);
        let inputs = ConfigInputs { variables, now, files: &directory, limits: StackLimits::default() };
        match load_essentials(&sources, &inputs) {
            Ok(essentials) => Ok((directory, essentials)),
            Err(findings) => Err(CommandError::Findings { findings, sources }),
        }
    }

    /// The providers of the stack; the embedded directory if it declares none.
    pub fn providers(&self) -> Providers {
        Providers::from_blocks(&self.declared.providers)
    }

    /// Connects for writing, with the stack's secret stores.
    ///
    /// # Errors
    /// `--now` is used on a real cloud, or a provider cannot be reached.
    pub async fn connect_to_write(&self, rehearsed: Option<Timestamp>) -> Result<Connection, CommandError> {
        let (providers, directory) = (self.providers(), self.directory.path());
        refuse_rehearsal(rehearsed, &providers)?;
        let connection = Connection::connect_to_providers(&providers, directory, self.now).await?;
        Ok(connection.with_secret_stores(&self.secret_stores(), &providers.first, directory, self.now))
    }

    /// The purpose of a run of this command, for the lock and the ledger of the stack.
    pub fn run_purpose<'a>(&'a self, command: &'a str) -> RunPurpose<'a> {
        RunPurpose {
            command,
            reason: None,
            stack: &self.declared.stack,
            backend: &self.declared.backend,
            providers: self.providers(),
            directory: self.directory.path(),
        }
    }

    /// Opens the store of the stack's records.
    ///
    /// # Errors
    /// The place of the store cannot be used, or AWS cannot be reached for a bucket.
    pub async fn open_store(&self) -> Result<Store, CommandError> {
        let declared = &self.declared;
        super::run::open_store(&declared.backend, &self.providers(), &declared.stack, self.directory.path()).await
    }

    /// Prints the warnings about the stack.
    pub fn print_warnings(&self) {
        if !self.warnings.is_empty() {
            super::print_message(&super::failure::render_findings(&self.warnings, &self.sources));
        }
    }

    /// The error for a stack with these findings.
    pub fn findings_error(&self, findings: Vec<Diagnostic>) -> CommandError {
        CommandError::Findings { findings, sources: self.sources.clone() }
    }

    fn plan_basis(&self) -> PlanBasis {
        let Providers { first, alias, others } = self.providers();
        PlanBasis {
            version: VERSION.to_owned(),
            directory: self.directory.path().display().to_string(),
            files: self.files.clone(),
            provider: first,
            alias,
            others,
            backend: self.declared.backend.clone(),
            stores: self.secret_stores(),
        }
    }

    /// The stores for the secrets of the stack's issued keys.
    pub fn secret_stores(&self) -> BTreeMap<String, SecretStore> {
        self.declared.stores.iter().map(|(name, store)| (name.clone(), store.settings.clone())).collect()
    }
}

/// Only a provider such as the embedded directory can be used at another instant than the present.
///
/// # Errors
/// `now` is given and the provider works at the present only.
pub fn refuse_rehearsal(now: Option<Timestamp>, providers: &Providers) -> Result<(), CommandError> {
    match now {
        Some(now) if !providers.first.provider.has_given_time => Err(CommandError::Refused {
            what: "--now is for rehearsals: a real cloud is changed at the present moment only".to_owned(),
            help: format!("Use `leasehold plan --now {now}` to see what that moment would bring."),
        }),
        _ => Ok(()),
    }
}

/// The files of a stack and the values of its variables.
struct StackText {
    sources: Sources,
    variables: Vec<VariableAssignment>,
    files: BTreeMap<String, Digest>,
}

impl StackText {
    fn read_text(here: &Path, directory: &StackDirectory, variables: &VariableArgs) -> Result<Self, CommandError> {
        let (stack_files, assigned) = (directory.read_files(".hcl")?, directory.read_files(".auto.hclvars")?);
        let given = read_var_files(here, &variables.var_file)?;
        let files = digest_files(directory, stack_files.iter().chain(&assigned));
        let variables = collect_assignments(&assigned, &given, &variables.var)?;
        let sources = Sources::new(stack_files).with_variable_files(assigned.into_iter().chain(given).collect());
        Ok(Self { sources, variables, files })
    }
}

/// Everything that reading a stack returns.
pub struct LoadedStack {
    pub sources: Sources,
    pub declared: Option<DeclaredStack>,
    pub findings: Vec<Diagnostic>,
    /// The digest of each file that was read, by its name relative to the stack's directory.
    pub files: BTreeMap<String, Digest>,
}

fn digest_files<'a>(
    directory: &StackDirectory,
    files: impl Iterator<Item = &'a SourceFile>,
) -> BTreeMap<String, Digest> {
    files.map(|file| (directory.relative_name(&file.name), Digest::from_bytes(&file.bytes))).collect()
}

/// The digests of the modules' files, by path relative to the stack's directory.
fn digest_modules(sources: &Sources) -> BTreeMap<String, Digest> {
    sources.module_files().map(|(name, file)| (name, Digest::from_bytes(&file.bytes))).collect()
}

/// The digests of the files in a stack's directory as they are now, to compare with those of a saved plan.
///
/// # Errors
/// A file of the directory cannot be read.
pub fn digest_current_files(
    directory: &StackDirectory,
    planned: &BTreeMap<String, Digest>,
) -> Result<BTreeMap<String, Digest>, CommandError> {
    let (stack_files, assigned) = (directory.read_files(".hcl")?, directory.read_files(".auto.hclvars")?);
    let mut files = digest_files(directory, stack_files.iter().chain(&assigned));
    files.extend(digest_modules(&gather_modules(Sources::new(stack_files), directory)));
    for name in planned.keys() {
        if !files.contains_key(name)
            && let Ok(bytes) = crate::config::StackFiles::read_file(directory, name)
        {
            files.insert(name.clone(), Digest::from_bytes(&bytes));
        }
    }
    Ok(files)
}

fn read_var_files(here: &Path, paths: &[std::path::PathBuf]) -> Result<Vec<SourceFile>, CommandError> {
    let mut files = Vec::new();
    for path in paths {
        let full = super::resolve_path(here, path);
        let bytes =
            std::fs::read(&full).with_context(|| format!("cannot read the variables file {}", full.display()))?;
        files.push(SourceFile { name: path.display().to_string(), bytes: bytes.into() });
    }
    Ok(files)
}

/// The values of variables, in this order: the environment (`LEASEHOLD_VAR_name`), `*.auto.hclvars`, `--var-file`, `--var`. Later values
/// override earlier ones.
fn collect_assignments(
    assigned: &[SourceFile],
    given: &[SourceFile],
    vars: &[String],
) -> Result<Vec<VariableAssignment>, CommandError> {
    let mut assignments = Vec::new();
    for (key, value) in std::env::vars_os() {
        let key = key.to_string_lossy().into_owned();
        if let Some(name) = key.strip_prefix("LEASEHOLD_VAR_") {
            let value = value
                .into_string()
                .map_err(|_| anyhow::anyhow!("the environment variable {key} does not hold UTF-8"))?;
            assignments.push(VariableAssignment::Environment { name: name.to_owned(), value });
        }
    }
    let mut auto: Vec<&SourceFile> = assigned.iter().collect();
    auto.sort_by(|a, b| a.name.cmp(&b.name));
    assignments.extend(auto.into_iter().chain(given).map(|file| VariableAssignment::File(file.name.clone())));
    for text in vars {
        let (name, value) =
            text.split_once('=').ok_or_else(|| anyhow::anyhow!("--var {text:?} has no '='; write --var name=value"))?;
        assignments.push(VariableAssignment::CommandLine { name: name.trim().to_owned(), value: value.to_owned() });
    }
    Ok(assignments)
}

/// The observed live state of a stack, and the shared objects that the stack declares.
pub struct ObservedStack {
    pub shared: ResourceMap,
    pub snapshot: Snapshot,
    /// Accounts in which the stack has objects and that the observation did not reach. Empty also where the store was not read.
    pub out_of_sight: BTreeMap<String, Option<Alias>>,
}

/// Observes the live objects of the stack.
///
/// # Errors
/// The cloud or a secret store cannot be read.
pub async fn observe_stack(stack: &Stack, connection: &Connection) -> Result<ObservedStack, CommandError> {
    observe_read_only(stack, connection.observe.as_ref(), &connection.realize).await
}

/// Observes what a plan for the stack needs, including the objects to import.
///
/// # Errors
/// The cloud or a secret store cannot be read.
pub async fn observe_for_plan(stack: &Stack, connection: &Connection) -> Result<ObservedStack, CommandError> {
    let adopt = lifecycle::imports::list_import_candidates(&stack.declared, &connection.realize);
    observe_with_imports(stack, connection.observe.as_ref(), &connection.realize, &adopt).await
}

/// Observes the live objects of the stack with only the half of a provider that reads.
///
/// # Errors
/// The cloud or a secret store cannot be read.
pub async fn observe_read_only(
    stack: &Stack,
    observe: &dyn Observe,
    realize: &Realizer,
) -> Result<ObservedStack, CommandError> {
    observe_with_imports(stack, observe, realize, &BTreeMap::new()).await
}

async fn observe_with_imports(
    stack: &Stack,
    observe: &dyn Observe,
    realize: &Realizer,
    adopt: &BTreeMap<ResourceId, Address>,
) -> Result<ObservedStack, CommandError> {
    let realm = observe.read_realm().await?;
    let (shared, findings) = realize::realize_shared_objects(&stack.declared, realize, &realm);
    if !findings.is_empty() {
        return Err(stack.findings_error(findings));
    }
    let name = &stack.declared.stack;
    let vault = SecretStores::from_declared(&stack.secret_stores(), stack.directory.path());
    let delivered = vault.read_deliveries(name, &realm)?;
    let keys_of = find_key_users(&stack.declared, &delivered, realize);
    let request = ObserveRequest { adopt, keys_of: &keys_of, ..ObserveRequest::for_plan(name, &shared) };
    let mut snapshot = observe.observe_stack(request).await?;
    snapshot.restore_sensitive(&shared);
    snapshot.note_deliveries(&delivered);
    if observe.has_unread_details(&snapshot) {
        let principals =
            lifecycle::exact_reads::find_exact_read_principals(&stack.declared, &snapshot, stack.now, realize);
        observe.read_exactly(&stack.declared.stack, &mut snapshot, &principals).await?;
        snapshot.note_deliveries(&delivered);
    }
    Ok(ObservedStack { shared, snapshot, out_of_sight: BTreeMap::new() })
}

/// The users that must have access keys, or to which keys were delivered. They are read exactly, because a credential report may be hours
/// old.
fn find_key_users(declared: &DeclaredStack, delivered: &DeliveryIndex, realize: &Realizer) -> BTreeSet<ResourceId> {
    let declared = declared.identities.values().filter(|identity| identity.access_key.is_some());
    let declared = declared.map(|identity| (&identity.account, &identity.name));
    let names = declared.chain(delivered.keys().map(|(account, name)| (account, name)));
    names
        .map(|(account, name)| realize.ids.principal_id(Principal::User, name).with_account(account.as_ref()))
        .collect()
}

/// Makes a plan for the stack.
///
/// # Errors
/// The selection names nothing, the configuration cannot be realized, or the plan failed its own check.
pub fn plan_stack(
    stack: &Stack,
    connection: &Connection,
    observed: &ObservedStack,
    now: Timestamp,
    selection: &SelectionArgs,
) -> Result<Plan, CommandError> {
    let selection = PlanSelection { targets: selection.target.clone(), excludes: selection.exclude.clone() };
    check_selection(stack, observed, &selection)?;
    let inputs = build::PlanInputs {
        declared: &stack.declared,
        shared: &observed.shared,
        snapshot: &observed.snapshot,
        now,
        realize: &connection.realize,
        compare: connection.compare.as_ref(),
        basis: stack.plan_basis(),
        selection: &selection,
    };
    let plan = build_plan(inputs).map_err(|refused| match refused {
        BuildPlanError::Findings(findings) => stack.findings_error(findings),
        BuildPlanError::Unsound(faults) => CommandError::Unsound(faults),
    })?;
    Ok(Plan { out_of_sight: observed.out_of_sight.clone(), ..plan })
}

/// A target or exclusion that names nothing is a typing error, and would give another plan than intended.
fn check_selection(stack: &Stack, observed: &ObservedStack, selection: &PlanSelection) -> Result<(), CommandError> {
    for pattern in selection.targets.iter().chain(&selection.excludes) {
        let declared = stack.declared.identities.keys().any(|address| is_named_by(pattern, address));
        let live = observed.snapshot.identities.values().any(|identity| is_named_by(pattern, identity.address()));
        let scope = stack.declared.scopes.values().any(|(scope, _)| is_named_by(pattern, &scope.address()));
        let group = stack.declared.groups.values().any(|group| is_named_by(pattern, &group.group.address));
        let federations = || stack.declared.federations.values().map(|(federation, _)| federation.address());
        let federation = federations().any(|address| is_named_by(pattern, &address));
        if !declared && !live && !scope && !group && !federation {
            let live = observed.snapshot.identities.values().map(|identity| identity.address().to_string());
            let scopes = stack.declared.scopes.values().map(|(scope, _)| scope.address().to_string());
            let groups = stack.declared.groups.values().map(|group| group.group.address.to_string());
            let declared = stack.declared.identities.keys().map(ToString::to_string);
            let known: Vec<String> = declared
                .chain(live)
                .chain(scopes)
                .chain(groups)
                .chain(federations().map(|address| address.to_string()))
                .collect();
            let nearest =
                find_nearest_name(pattern, &known).map_or_else(String::new, |name| format!("; did you mean {name}?"));
            return Err(
                anyhow::anyhow!("nothing in stack {} is called {pattern}{nearest}", stack.declared.stack).into()
            );
        }
    }
    Ok(())
}

/// The name that is most similar to `text`. `None`: no name is similar enough.
pub fn find_nearest_name<'a>(text: &str, known: &'a [String]) -> Option<&'a String> {
    let scored = known.iter().map(|name| (strsim::jaro_winkler(text, name), name));
    scored.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}
