//! Reads a stack, and connects to its providers and its store.
//!
//! In: the stack's directory, the values of its variables, and the instant of the command. Out: a [`Stack`]. A [`Stack`] exists only if its
//! configuration has no error.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use leasehold_files::read_argument;
use leasehold_provider::Digest;

use super::bounds;
use super::connection::Connection;
use super::error::WorkflowError;
use super::event::{WorkflowContext, WorkflowEvent};
use super::ownership::read_ownership;
use super::records;
use super::run_purpose::RunPurpose;
use super::stack_directory::{StackDirectory, resolve_path};
use crate::config::declared::{Providers, SecretStore};
use crate::config::essentials::{StackEssentials, load_essentials};
use crate::config::{
    ConfigInputs, DeclaredStack, Diagnostic, DiagnosticSeverity, SourceFile, Sources, StackLimits, VariableAssignment,
    gather_modules, load_config,
};
use crate::graph::DependencyGraph;
use crate::plan::PlanBasis;
use crate::secret_store::SecretStores;
use crate::store::Store;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The values of a stack's variables, as the caller gives them. Later fields override earlier ones; `*.auto.hclvars` files come after the
/// environment.
#[derive(Debug, Clone, Default)]
pub struct VariableInputs {
    /// Name and value of each variable that the environment sets (`LEASEHOLD_VAR_name`).
    pub environment: Vec<(String, String)>,
    /// Files with values (`--var-file`).
    pub files: Vec<PathBuf>,
    /// `name=value` (`--var`).
    pub assignments: Vec<String>,
}

/// A stack whose configuration was read and is valid.
pub struct Stack {
    /// Its directory.
    pub directory: StackDirectory,
    /// The files of its configuration.
    pub sources: Sources,
    /// Its configuration.
    pub declared: DeclaredStack,
    /// The warnings about its configuration.
    pub warnings: Vec<Diagnostic>,
    /// The instant for which it was read.
    now: Timestamp,
    files: BTreeMap<String, Digest>,
}

impl Stack {
    /// Reads the stack in `dir`, which is relative to `here`. The warnings stay with the stack.
    ///
    /// # Errors
    /// The configuration has an error; all of its errors are in the result. Or a file cannot be read.
    pub fn read_stack(
        working_directory: &Path,
        dir: Option<&Path>,
        variables: &VariableInputs,
        now: Timestamp,
        context: &WorkflowContext,
    ) -> Result<Self, WorkflowError> {
        let (directory, loaded) = Self::load_stack(working_directory, dir, variables, now, context)?;
        let LoadedStack { sources, declared, findings, files } = loaded;
        let failed = findings.iter().any(|finding| finding.severity == DiagnosticSeverity::Error);
        match declared {
            Some(declared) if !failed => Ok(Self { directory, sources, declared, warnings: findings, now, files }),
            _ => Err(WorkflowError::Findings { findings, sources }),
        }
    }

    /// Reads the stack and returns all findings, errors and warnings.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn load_stack(
        working_directory: &Path,
        dir: Option<&Path>,
        variables: &VariableInputs,
        now: Timestamp,
        context: &WorkflowContext,
    ) -> Result<(StackDirectory, LoadedStack), WorkflowError> {
        let directory = StackDirectory::open_directory(working_directory, dir)?;
        bounds::refuse_file_of_repository(&context.bounds, directory.path())?;
        let StackText { sources, variables, mut files } =
            StackText::read_text(working_directory, &directory, variables)?;
        context.notify(WorkflowEvent::SourcesRead(&sources));
        let inputs = ConfigInputs { variables, now, files: &directory, limits: StackLimits::default() };
        let sources = gather_modules(sources, &directory);
        files.extend(digest_modules(&sources));
        let result = load_config(&sources, &inputs);
        let mut findings = result.findings;
        if let Some(declared) = &result.declared {
            files.extend(declared.files_read.clone());
            findings.extend(DependencyGraph::from_declared(declared).find_cycles(declared));
            findings.extend(bounds::find_violations(&context.bounds, declared, now));
        }
        Ok((directory, LoadedStack { sources, declared: result.declared, findings, files }))
    }

    /// Reads only the stack's name, provider and backend, which may be valid even if other parts are not.
    ///
    /// # Errors
    /// One of these parts is not valid, or a file cannot be read.
    pub fn load_essentials(
        working_directory: &Path,
        dir: Option<&Path>,
        variables: &VariableInputs,
        now: Timestamp,
        context: &WorkflowContext,
    ) -> Result<(StackDirectory, StackEssentials), WorkflowError> {
        let directory = StackDirectory::open_directory(working_directory, dir)?;
        let StackText { sources, variables, .. } = StackText::read_text(working_directory, &directory, variables)?;
        context.notify(WorkflowEvent::SourcesRead(&sources));
        let inputs = ConfigInputs { variables, now, files: &directory, limits: StackLimits::default() };
        match load_essentials(&sources, &inputs) {
            Ok(essentials) => Ok((directory, essentials)),
            Err(findings) => Err(WorkflowError::Findings { findings, sources }),
        }
    }

    /// The providers of the stack; the embedded directory if it declares none.
    pub fn providers(&self) -> Providers {
        Providers::from_blocks(&self.declared.providers)
    }

    /// Connects to the providers, without the stack's secret stores, and reads what the stack owns.
    ///
    /// # Errors
    /// A provider cannot be reached.
    pub async fn connect_to_read(&self, context: &WorkflowContext) -> Result<Connection, WorkflowError> {
        let connection =
            Connection::connect_to_providers(&self.providers(), self.directory.path(), self.now, context).await?;
        let store = self.open_store(context).await;
        let ownership = read_ownership(store, &self.declared.stack, context).await?;
        let lineage = ownership.lineage().cloned();
        Ok(connection.with_ownership(ownership, lineage.as_ref()))
    }

    /// Connects for writing, with the stack's secret stores. `rehearsed` is the instant that the user gave instead of the present.
    ///
    /// # Errors
    /// `rehearsed` is given on a real cloud, or a provider cannot be reached.
    pub async fn connect_to_write(
        &self,
        rehearsed: Option<Timestamp>,
        context: &WorkflowContext,
    ) -> Result<Connection, WorkflowError> {
        refuse_rehearsal(rehearsed, &self.providers())?;
        self.connect_at(self.now, context).await
    }

    /// Connects for writing at `now`, with the stack's secret stores.
    ///
    /// # Errors
    /// A provider cannot be reached.
    pub async fn connect_at(&self, now: Timestamp, context: &WorkflowContext) -> Result<Connection, WorkflowError> {
        let (providers, directory) = (self.providers(), self.directory.path());
        // The run reads what the stack owns once it has the lock.
        let connection = Connection::connect_to_providers(&providers, directory, now, context).await?;
        Ok(connection.with_secret_stores(&self.secret_stores(), &providers.first, directory, now))
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
    pub async fn open_store(&self, context: &WorkflowContext) -> Result<Store, WorkflowError> {
        let declared = &self.declared;
        let directory = self.directory.path();
        records::open_store(&declared.backend, &self.providers(), &declared.stack, directory, context).await
    }

    /// The error for a stack with these findings.
    pub fn findings_error(&self, findings: Vec<Diagnostic>) -> WorkflowError {
        WorkflowError::Findings { findings, sources: self.sources.clone() }
    }

    /// The inputs that a plan records.
    pub fn plan_basis(&self) -> PlanBasis {
        basis_for_declared(&self.declared, self.directory.path().display().to_string(), self.files.clone())
    }

    /// The instant for which the stack was read.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The secret stores as they are on disk.
    pub fn open_secret_stores(&self) -> SecretStores {
        SecretStores::from_declared(&self.secret_stores(), self.directory.path())
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
pub fn refuse_rehearsal(now: Option<Timestamp>, providers: &Providers) -> Result<(), WorkflowError> {
    match now {
        Some(now) if !providers.first.provider.has_given_time => Err(WorkflowError::Refused {
            what: "--now is only for the embedded directory: changes to AWS use the current time".to_owned(),
            help: format!("Use `leasehold plan --now {now}` to see the changes at that time."),
        }),
        _ => Ok(()),
    }
}

/// The inputs that a plan for this configuration records. `directory` is the stack's directory, `files` are the digests of its files.
#[must_use]
pub fn basis_for_declared(declared: &DeclaredStack, directory: String, files: BTreeMap<String, Digest>) -> PlanBasis {
    let Providers { first, alias, others } = Providers::from_blocks(&declared.providers);
    PlanBasis {
        version: VERSION.to_owned(),
        directory,
        files,
        variables: declared.variables.clone(),
        provider: first,
        alias,
        others,
        backend: declared.backend.clone(),
        stores: declared.stores.iter().map(|(name, store)| (name.clone(), store.settings.clone())).collect(),
    }
}

/// The files of a stack and the values of its variables.
struct StackText {
    sources: Sources,
    variables: Vec<VariableAssignment>,
    files: BTreeMap<String, Digest>,
}

impl StackText {
    fn read_text(
        working_directory: &Path,
        directory: &StackDirectory,
        variables: &VariableInputs,
    ) -> Result<Self, WorkflowError> {
        let (stack_files, assigned) = (directory.read_files(".hcl")?, directory.read_files(".auto.hclvars")?);
        let given = read_var_files(working_directory, &variables.files)?;
        let files = digest_files(directory, stack_files.iter().chain(&assigned));
        let variables = collect_assignments(&assigned, &given, variables)?;
        let sources = Sources::new(stack_files).with_variable_files(assigned.into_iter().chain(given).collect());
        Ok(Self { sources, variables, files })
    }
}

/// Everything that reading a stack returns.
pub struct LoadedStack {
    /// The files.
    pub sources: Sources,
    /// The configuration. `None`: it has an error that prevents its evaluation.
    pub declared: Option<DeclaredStack>,
    /// The errors and warnings.
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
) -> Result<BTreeMap<String, Digest>, WorkflowError> {
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

/// The largest file that `--var-file` reads, in bytes.
const LARGEST_VARIABLE_FILE: u64 = 16 << 20;

fn read_var_files(working_directory: &Path, paths: &[PathBuf]) -> Result<Vec<SourceFile>, WorkflowError> {
    let mut files = Vec::new();
    for path in paths {
        let full = resolve_path(working_directory, path);
        let bytes = read_argument(&full, LARGEST_VARIABLE_FILE)
            .map_err(|refused| anyhow::anyhow!("the variable file {} {refused}", path.display()))?;
        files.push(SourceFile { name: path.display().to_string(), bytes: bytes.into() });
    }
    Ok(files)
}

/// The values of variables, in this order: the environment, `*.auto.hclvars`, `--var-file`, `--var`. Later values override earlier ones.
fn collect_assignments(
    assigned: &[SourceFile],
    given: &[SourceFile],
    inputs: &VariableInputs,
) -> Result<Vec<VariableAssignment>, WorkflowError> {
    let environment = inputs.environment.iter().cloned();
    let mut assignments: Vec<VariableAssignment> =
        environment.map(|(name, value)| VariableAssignment::Environment { name, value }).collect();
    let mut auto: Vec<&SourceFile> = assigned.iter().collect();
    auto.sort_by(|a, b| a.name.cmp(&b.name));
    assignments.extend(auto.into_iter().chain(given).map(|file| VariableAssignment::File(file.name.clone())));
    for text in &inputs.assignments {
        let (name, value) =
            text.split_once('=').ok_or_else(|| anyhow::anyhow!("a --var has no '='; use --var name=value"))?;
        assignments.push(VariableAssignment::CommandLine { name: name.trim().to_owned(), value: value.to_owned() });
    }
    Ok(assignments)
}
