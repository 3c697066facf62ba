//! `leasehold fmt`: formats configuration files as `terraform fmt` does.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use leasehold_files::read_argument;
use similar::TextDiff;

use super::{CommandError, CommandExit};
use crate::config::{SourceFile, Sources, conceal_variable_file};
use crate::hcl::format::format_files;
use crate::workflow::Interruption;

/// `leasehold fmt`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 success or no changes · 2 a file cannot be read · 3 with --check: a file is not formatted"
)]
pub struct FmtArgs {
    /// Files and directories; - reads stdin and writes stdout
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Do not write files; exit with 3 if a file is not formatted
    #[arg(long)]
    pub check: bool,
    /// Show the differences
    #[arg(long)]
    pub diff: bool,
    /// Also format files in subdirectories
    #[arg(long)]
    pub recursive: bool,
}

/// Endings of the names of the files that are formatted.
const ENDINGS: [&str; 2] = [".hcl", ".hclvars"];

/// The largest file that is formatted, in bytes.
const LARGEST_FILE: u64 = 64 << 20;

/// What was changed when a signal stops a run after the first file was written.
const CHANGED: &str = "the files printed above are formatted, the others are not";

/// A file, or stdin if it has no path.
struct FormatInput {
    path: Option<PathBuf>,
    shown: String,
    bytes: Vec<u8>,
}

/// A file with a syntax error does not stop the others from being formatted, but the run fails.
///
/// # Errors
/// A file cannot be read or written, or has a syntax error.
pub fn cmd_fmt(
    working_directory: &Path,
    args: &FmtArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let mut broken: Vec<(Vec<crate::config::Diagnostic>, Sources)> = Vec::new();
    let mut unformatted = false;
    for input in collect_inputs(working_directory, args).map_err(unreadable_input_error)? {
        let file = SourceFile { name: input.shown.clone(), bytes: input.bytes.as_slice().into() };
        let has_values = input.shown.ends_with(".hclvars");
        let sources = match has_values {
            true => Sources::default().with_variable_files(vec![file]),
            false => Sources::new(vec![file]),
        };
        let text = match format_files(sources.iter()) {
            Ok(texts) => texts.concat(),
            Err(findings) => {
                let findings = match has_values {
                    true => findings.iter().map(conceal_variable_file).collect(),
                    false => findings,
                };
                broken.push((findings, sources));
                continue;
            }
        };
        let changed = text.as_bytes() != input.bytes;
        unformatted |= changed;
        report_input(&input, &text, changed, args)?;
        if let Some(path) = input.path.as_ref().filter(|_| changed && !args.check) {
            interruption.make_change(CHANGED, || replace_file(path, &text).map_err(unreadable_input_error))?;
        }
    }
    for (findings, sources) in &broken {
        super::print_message(&super::failure::render_findings(findings, sources));
    }
    match (broken.is_empty(), args.check && unformatted) {
        (false, _) => Err(CommandError::Unread),
        (true, true) => Ok(CommandExit::Unformatted),
        (true, false) => Ok(CommandExit::Done),
    }
}

/// Prints what the options ask for: the text of stdin, the name of a changed file, its changed lines.
fn report_input(input: &FormatInput, text: &str, changed: bool, args: &FmtArgs) -> Result<(), CommandError> {
    if input.path.is_none() && !args.check && !args.diff {
        return super::print_result(text);
    }
    if !changed {
        return Ok(());
    }
    if input.path.is_some() {
        super::print_result(&format!("{}\n", crate::views::inert::escape_steering(&input.shown)))?;
    }
    if args.diff {
        let before = String::from_utf8_lossy(&input.bytes);
        let diff = TextDiff::from_lines(before.as_ref(), text);
        let names = (format!("old/{}", input.shown), format!("new/{}", input.shown));
        super::print_result(&diff.unified_diff().header(&names.0, &names.1).to_string())?;
    }
    Ok(())
}

fn unreadable_input_error(error: anyhow::Error) -> CommandError {
    super::print_message(&format!("error: {error:#}\n"));
    CommandError::Unread
}

fn collect_inputs(working_directory: &Path, args: &FmtArgs) -> anyhow::Result<Vec<FormatInput>> {
    let mut inputs = Vec::new();
    for path in &args.paths {
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).context("cannot read stdin")?;
            inputs.push(FormatInput { path: None, shown: "<stdin>".to_owned(), bytes });
            continue;
        }
        let full = super::resolve_path(working_directory, path);
        if full.is_dir() {
            let shown = if path == Path::new(".") { PathBuf::new() } else { path.clone() };
            collect_directory(&full, &shown, args.recursive, &mut inputs)?;
        } else {
            inputs.push(read_input(full, path)?);
        }
    }
    Ok(inputs)
}

fn read_input(full: PathBuf, shown: &Path) -> anyhow::Result<FormatInput> {
    let name = shown.display().to_string();
    if !ENDINGS.iter().any(|ending| name.ends_with(ending)) {
        anyhow::bail!("{name} is not a configuration file: the name must end in .hcl or .hclvars");
    }
    // A link to a file of another kind: a syntax error would quote it.
    let real = full.canonicalize().with_context(|| format!("cannot read {name}"))?;
    if !ENDINGS.iter().any(|ending| real.to_string_lossy().ends_with(ending)) {
        anyhow::bail!(
            "{name} is a link to a file that is not a configuration file: its name must end in .hcl or .hclvars"
        );
    }
    let bytes = read_argument(&full, LARGEST_FILE).with_context(|| format!("cannot read {name}"))?;
    Ok(FormatInput { path: Some(full), shown: name, bytes })
}

/// Collects the files of a directory in the order of their names. Hidden files, and files behind links to directories, are skipped.
fn collect_directory(full: &Path, shown: &Path, recursive: bool, into: &mut Vec<FormatInput>) -> anyhow::Result<()> {
    let context = || format!("cannot list {}", full.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(full).with_context(context)? {
        let entry = entry.with_context(context)?;
        names.push((entry.file_name(), entry.file_type().with_context(context)?));
    }
    names.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, kind) in names {
        let (path, text) = (full.join(&name), name.to_string_lossy());
        if text.starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            if recursive {
                collect_directory(&path, &shown.join(&name), recursive, into)?;
            }
        } else if ENDINGS.iter().any(|ending| text.ends_with(ending)) {
            into.push(read_input(path, &shown.join(&name))?);
        }
    }
    Ok(())
}

/// Replaces the text of a file atomically. A link stays a link, and the file keeps its permissions.
fn replace_file(path: &Path, text: &str) -> anyhow::Result<()> {
    let context = || format!("cannot write {}", path.display());
    let real = path.canonicalize().with_context(context)?;
    let written = || -> std::io::Result<()> {
        let folder = real.parent().ok_or(std::io::ErrorKind::IsADirectory)?;
        let mut next = tempfile::Builder::new().prefix(".").suffix(".next").tempfile_in(folder)?;
        next.as_file().set_permissions(std::fs::metadata(&real)?.permissions())?;
        next.write_all(text.as_bytes())?;
        next.as_file().sync_all()?;
        next.persist(&real)?;
        Ok(())
    };
    written().with_context(context)
}
