//! The command line.

mod pipelines;
mod provider;
mod records;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use leasehold_policy::AccountId;

use crate::views::markdown::DEFAULT_MAX_BYTES;

pub use provider::{AwsPolicyArgs, OnlyArg, ProviderCommand, PurposeArg};
pub use records::*;

pub use pipelines::{CarryOutArgs, DriftArgs, DriftFormat, RestoreArgs, RevokeArgs, SweepArgs};

/// Reconcile declared identities with a cloud's IAM: who has access, who answers for it, and until when.
#[derive(Debug, Parser)]
#[command(name = "leasehold", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done or nothing to do · 1 error · 2 changes (plan --detailed-exitcode) or drift present · \
3 refused by a rule, the delete budget or a stale plan"
)]
pub struct Cli {
    /// Work in this directory
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Makes the choice hold for all that is printed.
    pub fn apply_globally(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a first stack to start from
    Init(InitArgs),
    /// Lay out configuration files anew
    Fmt(FmtArgs),
    /// Check a stack without looking at the cloud
    Validate(ValidateArgs),
    /// Show what would change, and change nothing
    Plan(PlanArgs),
    /// Make the cloud as the configuration says, or as a saved plan says
    Apply(ApplyArgs),
    /// Do what time brought: shut leases that ended, delete after graces that ended
    Sweep(SweepArgs),
    /// Say what was changed outside, is overdue, or stands where it should not
    Drift(DriftArgs),
    /// Stop one identity at once
    Revoke(RevokeArgs),
    /// Give a revoked identity back what its configuration says
    Restore(RestoreArgs),
    /// Show a saved plan, or one identity
    Show(ShowArgs),
    /// List the identities of a stack
    List(ListArgs),
    /// Print the dependency graph
    Graph(GraphArgs),
    /// Say which identities may do something, through what, and until when
    WhoCan(WhoCanArgs),
    /// Read the ledger, and check that it is whole
    #[command(subcommand)]
    Audit(AuditCommand),
    /// See who holds the stack's lock, or break it
    #[command(subcommand)]
    Lock(LockCommand),
    /// Compare, check, try out and explain policy documents; needs no stack
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Say what a provider asks of the place it works in
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Print completions for a shell
    Completions(CompletionsArgs),
}

/// `leasehold fmt`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done, or nothing to do · 2 a file cannot be read · 3 with --check: a file is not laid out so"
)]
pub struct FmtArgs {
    /// Files and directories; - reads stdin and writes stdout
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Write nothing; exit with 3 if a file is not laid out so
    #[arg(long)]
    pub check: bool,
    /// Show what changes
    #[arg(long)]
    pub diff: bool,
    /// Directories within directories too
    #[arg(long)]
    pub recursive: bool,
}

/// The commands on policy documents.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say what a change of access means: less, more, both or the same, with an example
    Compare(PolicyCompareArgs),
    /// Say what is unwise about policies
    Lint(PolicyLintArgs),
    /// Decide one request
    Simulate(PolicySimulateArgs),
    /// Say what policies let one do, by service and access level
    Explain(PolicyExplainArgs),
}

/// `leasehold policy compare`
#[derive(Debug, Args)]
pub struct PolicyCompareArgs {
    /// The access as it is: a policy document, or a JSON list of them
    #[arg(value_name = "OLD.json")]
    pub old: PathBuf,
    /// The access as it would be
    #[arg(value_name = "NEW.json")]
    pub new: PathBuf,
    /// The permissions boundary as it is
    #[arg(long, value_name = "FILE")]
    pub boundary_old: Option<PathBuf>,
    /// The permissions boundary as it would be
    #[arg(long, value_name = "FILE")]
    pub boundary_new: Option<PathBuf>,
    #[command(flatten)]
    pub account: AccountArgs,
    /// The form of output
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
    /// Exit with 2 unless the access is the same or less
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// Whose policies they are.
#[derive(Debug, Clone, Args)]
pub struct AccountArgs {
    /// The account that placeholders such as ${AWS::AccountId} and ACCOUNT_ID stand for
    #[arg(long, value_name = "ID", value_parser = parse_account_id)]
    pub account: Option<AccountId>,
}

fn parse_account_id(text: &str) -> Result<AccountId, String> {
    AccountId::parse(text).ok_or_else(|| "an account id is twelve digits".to_owned())
}

/// `leasehold policy lint`
#[derive(Debug, Args)]
pub struct PolicyLintArgs {
    /// Policy documents, or JSON lists of them
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub account: AccountArgs,
    /// The form of output
    #[arg(long, value_enum, default_value_t = LintFormat::Human)]
    pub format: LintFormat,
}

/// A form of output for what is unwise about policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// For people
    Human,
    /// For machines
    Json,
    /// SARIF 2.1.0
    Sarif,
}

/// `leasehold policy simulate`
#[derive(Debug, Args)]
pub struct PolicySimulateArgs {
    /// A policy that the caller holds
    #[arg(long, value_name = "FILE", required = true)]
    pub policy: Vec<PathBuf>,
    /// The permissions boundary of the caller
    #[arg(long, value_name = "FILE")]
    pub boundary: Option<PathBuf>,
    /// What is asked for, such as s3:GetObject
    #[arg(long, value_name = "ACTION")]
    pub action: String,
    /// On what: an ARN, or * for an action that takes no resource
    #[arg(long, value_name = "ARN")]
    pub resource: String,
    /// Who asks: an ARN, a service such as lambda.amazonaws.com, or * for nobody in particular
    #[arg(long, value_name = "PRINCIPAL", default_value = "*")]
    pub principal: String,
    /// A value of the request's context; again for another key or value
    #[arg(long, value_name = "KEY=VALUE")]
    pub context: Vec<String>,
    #[command(flatten)]
    pub account: AccountArgs,
    /// The form of output
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// `leasehold policy explain`
#[derive(Debug, Args)]
pub struct PolicyExplainArgs {
    /// A policy document, or a JSON list of them
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The permissions boundary
    #[arg(long, value_name = "FILE")]
    pub boundary: Option<PathBuf>,
    #[command(flatten)]
    pub account: AccountArgs,
    /// The form of output
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// Values for a stack's variables.
#[derive(Debug, Clone, Default, Args)]
pub struct VariableArgs {
    /// Set a variable
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub var: Vec<String>,
    /// Set variables from a file
    #[arg(long = "var-file", value_name = "FILE")]
    pub var_file: Vec<PathBuf>,
}

/// What most commands say of the stack.
#[derive(Debug, Clone, Args)]
pub struct StackArgs {
    /// The stack's directory
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// Rehearse as if this were the present moment (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<Timestamp>,
}

/// Which part of a plan is wanted.
#[derive(Debug, Clone, Default, Args)]
pub struct SelectionArgs {
    /// Only this identity or scope, and what it needs
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<String>,
    /// All but this identity or scope, and what needs it
    #[arg(long, value_name = "ADDRESS")]
    pub exclude: Vec<String>,
}

/// What the operator allows beyond the defaults.
#[derive(Debug, Clone, Default, Args)]
pub struct AllowanceArgs {
    /// Allow this many identities to leave in one run
    #[arg(long, value_name = "N")]
    pub max_leavers: Option<usize>,
    /// Approve by name what a rule asks an approval for
    #[arg(long, value_name = "ADDRESS")]
    pub approve: Vec<String>,
}

impl SelectionArgs {
    /// As they are typed.
    pub fn to_arguments(&self) -> Vec<String> {
        repeat_option("--target", &self.target).chain(repeat_option("--exclude", &self.exclude)).collect()
    }
}

impl AllowanceArgs {
    /// As they are typed.
    pub fn to_arguments(&self) -> Vec<String> {
        let leavers: Vec<String> = self.max_leavers.iter().map(ToString::to_string).collect();
        repeat_option("--max-leavers", &leavers).chain(repeat_option("--approve", &self.approve)).collect()
    }
}

/// An option before each of its values.
fn repeat_option<'a>(option: &'a str, values: &'a [String]) -> impl Iterator<Item = String> + 'a {
    values.iter().flat_map(move |value| [option.to_owned(), value.clone()])
}

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people
    Human,
    /// For machines
    Json,
}

/// `leasehold init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where to write it
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `leasehold validate`
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// The stack's directory
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// The form of output
    #[arg(long, value_enum, default_value_t = FindingsFormat::Human)]
    pub format: FindingsFormat,
}

/// A form of output for findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FindingsFormat {
    /// For people
    Human,
    /// For machines, with Terraform's keys
    Json,
    /// Annotations of a GitHub workflow
    Github,
    /// SARIF 2.1.0
    Sarif,
}

/// `leasehold plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub stack: StackArgs,
    #[command(flatten)]
    pub selection: SelectionArgs,
    #[command(flatten)]
    pub allowance: AllowanceArgs,
    /// Keep the plan in a file, to apply it exactly as it is
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Sign that file with this ed25519 key, a private key's file or a public key's that an agent holds the other half of; the
    /// signature goes beside it, with .sig after its name
    #[arg(long, value_name = "KEY", requires = "out")]
    pub signing_key: Option<PathBuf>,
    /// Write blocks for what `import` names and no block stands for yet, into a new file
    #[arg(long, value_name = "FILE")]
    pub generate: Option<PathBuf>,
    /// Exit with 2 when there are changes
    #[arg(long)]
    pub detailed_exitcode: bool,
    #[command(flatten)]
    pub view: PlanViewArgs,
    #[command(flatten)]
    pub json: JsonIntoArgs,
}

/// In which form a plan is shown.
#[derive(Debug, Clone, Args)]
pub struct PlanViewArgs {
    /// The form of output
    #[arg(long, value_enum, default_value_t = PlanFormat::Human)]
    pub format: PlanFormat,
    /// The size to cut markdown to, riskiest changes first
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_BYTES, value_parser = parse_max_bytes)]
    pub max_bytes: usize,
    /// Show the order of the writes as well: what each waits for, and why
    #[arg(long)]
    pub explain_order: bool,
}

fn parse_max_bytes(text: &str) -> Result<usize, String> {
    let bytes: usize = text.parse().map_err(|_| "a number of bytes, such as 65536".to_owned())?;
    if bytes < 1024 { Err("too small to say anything; at least 1024".to_owned()) } else { Ok(bytes) }
}

/// JSON beside what is shown.
#[derive(Debug, Clone, Default, Args)]
pub struct JsonIntoArgs {
    /// Write it as JSON to a file as well
    #[arg(long, value_name = "FILE")]
    pub json_into: Option<PathBuf>,
}

/// A form of output for a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people
    Human,
    /// For machines, with Terraform's resource_changes
    Json,
    /// For a pull request
    Markdown,
    /// Annotations of a GitHub workflow
    Github,
    /// SARIF 2.1.0
    Sarif,
    /// JUnit's XML
    Junit,
}

/// `leasehold apply`
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The stack's directory, or a saved plan
    #[arg(value_name = "DIR|PLAN")]
    pub what: Option<PathBuf>,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// Rehearse as if this were the present moment (RFC 3339); only on the embedded directory
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<Timestamp>,
    #[command(flatten)]
    pub selection: SelectionArgs,
    #[command(flatten)]
    pub allowance: AllowanceArgs,
    /// Apply the saved plan only with a signature beside it by one of these: an allowed_signers file, as ssh-keygen knows it
    #[arg(long, value_name = "FILE")]
    pub signers: Option<PathBuf>,
    #[command(flatten)]
    pub carry_out: CarryOutArgs,
    #[command(flatten)]
    pub json: JsonIntoArgs,
}

/// `leasehold show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A saved plan, or the address of an identity
    #[arg(value_name = "PLAN|ADDRESS")]
    pub what: String,
    #[command(flatten)]
    pub stack: StackArgs,
    #[command(flatten)]
    pub view: PlanViewArgs,
}

/// `leasehold list`
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub stack: StackArgs,
    /// The form of output
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// `leasehold who-can`
#[derive(Debug, Args)]
pub struct WhoCanArgs {
    /// The action, such as s3:GetObject
    #[arg(value_name = "ACTION")]
    pub action: String,
    /// The resource: an ARN, or * for an action that takes none
    #[arg(value_name = "RESOURCE")]
    pub resource: String,
    #[command(flatten)]
    pub stack: StackArgs,
    /// The form of output
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// `leasehold graph`
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// The stack's directory
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// The form of output
    #[arg(long, value_enum, default_value_t = GraphFormat::Dot)]
    pub format: GraphFormat,
}

/// A form of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Graphviz
    Dot,
    /// Mermaid
    Mermaid,
}

/// `leasehold completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}
