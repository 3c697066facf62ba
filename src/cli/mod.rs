//! The command line: one file per command.
//!
//! In: arguments, environment variables, files and the clock. Out: text on stdout and stderr, files, and an exit code. This is the only
//! part of the program that prints, prompts, and reads the clock, files and the environment.
#![allow(clippy::disallowed_methods, reason = "this is the edge")]

mod apply;
mod approval;
mod args;
mod as_joiners;
mod audit;
mod change;
mod command_line;
mod completions;
mod drift;
pub mod environment;
mod failure;
mod fmt;
mod generate;
mod graph;
mod init;
mod invocation;
mod list;
mod lock;
mod operator;
mod origin;
mod plan;
mod plan_view;
mod policy;
mod progress;
mod provider;
mod recover;
mod restore;
mod revoke;
mod session;
mod show;
mod signals;
mod signing;
mod sweep;
mod terminal;
mod throttling;
mod validate;
mod who_can;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::views::inert::escape_json;
use crate::workflow::{Interruption, resolve_path};
use command_line::{Cli, Command};
use failure::CommandError;

/// The result of a command that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CommandExit {
    /// The work is done, or there is nothing to do. Exit code 0.
    Done,
    /// There are changes, and the caller asked for an exit code that says so: 2.
    Changes,
    /// Files are not formatted as `fmt` would format them, and the caller asked for an exit code that says so: 3.
    Unformatted,
}

/// Runs the program and returns its exit code: 0 done or nothing to do, 1 error, 2 changes where the caller asked for that code, 3 refused.
#[must_use]
pub fn main() -> ExitCode {
    leasehold_files::keep_new_files_private();
    if let Some(restarted) = environment::restart_without_empty() {
        return restarted.unwrap_or_else(|error| CommandError::from(error).report_error());
    }
    if let Err(error) = environment::refuse_empty_operator() {
        return CommandError::from(error).report_error();
    }
    let interruption = signals::start_signal_thread();
    let matches = Cli::command().get_matches();
    invocation::set_current(Cli::command(), &matches);
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    cli.color.apply_globally();
    if let Err(error) = environment::check_variables().map_err(anyhow::Error::from).and_then(|()| start_tracing()) {
        return CommandError::from(error).report_error();
    }
    if let Err(error) = operator::load_bounds(&cli.directory, cli.operator.as_deref()) {
        return error.report_error();
    }
    let interruption = match interruption {
        Ok(interruption) => interruption,
        Err(error) => {
            return CommandError::from(anyhow::Error::from(error).context("cannot handle signals")).report_error();
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return CommandError::from(anyhow::Error::from(error).context("cannot start the runtime")).report_error();
        }
    };
    let ended = runtime.block_on(run_command(cli, &interruption));
    interruption.end_command();
    // After a signal, the thread of a prompt may still be waiting for an answer.
    runtime.shutdown_background();
    print_message(&throttling::summarize_throttling());
    match ended {
        Ok(CommandExit::Done) => ExitCode::SUCCESS,
        Ok(CommandExit::Changes) => ExitCode::from(2),
        Ok(CommandExit::Unformatted) => ExitCode::from(3),
        Err(failure) => failure.report_error(),
    }
}

async fn run_command(cli: Cli, interruption: &Interruption) -> Result<CommandExit, CommandError> {
    let working_directory = cli.directory;
    match cli.command {
        Command::Init(args) => init::cmd_init(&working_directory, &args, interruption),
        Command::Fmt(args) => fmt::cmd_fmt(&working_directory, &args, interruption),
        Command::Validate(args) => validate::cmd_validate(&working_directory, &args),
        Command::Plan(args) => plan::cmd_plan(&working_directory, &args, interruption).await,
        Command::Apply(args) => apply::cmd_apply(&working_directory, &args, interruption).await,
        Command::Sweep(args) => sweep::cmd_sweep(&working_directory, &args, interruption).await,
        Command::Drift(args) => drift::cmd_drift(&working_directory, &args).await,
        Command::Revoke(args) => revoke::cmd_revoke(&working_directory, &args, interruption).await,
        Command::Recover(args) => recover::cmd_recover(&working_directory, &args, interruption).await,
        Command::Restore(args) => restore::cmd_restore(&working_directory, &args, interruption).await,
        Command::Show(args) => show::cmd_show(&working_directory, &args).await,
        Command::List(args) => list::cmd_list(&working_directory, &args).await,
        Command::Graph(args) => graph::cmd_graph(&working_directory, &args),
        Command::WhoCan(args) => who_can::cmd_who_can(&working_directory, &args).await,
        Command::Audit(command) => audit::cmd_audit(&working_directory, &command, interruption).await,
        Command::Lock(command) => lock::cmd_lock(&working_directory, &command, interruption).await,
        Command::Policy(command) => policy::cmd_policy(&working_directory, &command),
        Command::Provider(command) => provider::cmd_provider(&working_directory, &command),
        Command::Completions(args) => completions::cmd_completions(&args, Cli::command()),
    }
}

/// Logs go to stderr, only if `RUST_LOG` enables them, and only from our own crates.
fn start_tracing() -> anyhow::Result<()> {
    use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
    use tracing_subscriber::util::SubscriberInitExt as _;
    let asked = environment::read_variable("RUST_LOG").unwrap_or_else(|| "error".to_owned());
    let asked = tracing_subscriber::EnvFilter::try_new(&asked).map_err(|error| {
        anyhow::anyhow!(
            "the environment variable RUST_LOG is {asked:?}, which is not a valid log filter such as \"leasehold=debug\": \
             {error}. Correct it or unset it"
        )
    })?;
    // Libraries log the bodies of requests, which contain secrets.
    let ours = tracing_subscriber::filter::filter_fn(|about| about.target().starts_with("leasehold"));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(ours);
    tracing_subscriber::registry().with(asked).with(lines).init();
    Ok(())
}

/// Prints the result of a command on stdout.
fn print_result(text: &str) -> Result<(), CommandError> {
    Ok(write_stdout(text)?)
}

/// Writes to stdout. Hides the throttling line and suspends the progress bar while it writes. A closed pipe is not an error.
fn write_stdout(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    throttling::clear_line();
    let written = progress::shared_screen().suspend(|| {
        let mut stdout = anstream::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
    });
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).context("cannot write to stdout"))
        }
        _ => Ok(()),
    }
}

/// Prints a message on stderr, separate from the result. Hides the throttling line and suspends the progress bar while it writes.
fn print_message(text: &str) {
    throttling::clear_line();
    progress::shared_screen().suspend(|| write_stderr(text));
}

/// Writes to stderr without regard to the progress bar or the throttling line.
fn write_stderr(text: &str) {
    use std::io::Write as _;
    // If stderr cannot be written, there is no way to report that.
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// Prints JSON with a line break after it.
fn print_json(value: &serde_json::Value) -> Result<(), CommandError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| CommandError::from(anyhow::Error::from(error)))?;
    print_result(&format!("{}\n", escape_json(&text)))
}
