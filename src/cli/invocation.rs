//! Completes the commands that Leasehold prints for people to run next, so that they work in the shell in which this command was run.
//!
//! In: the parsed command line of this process. Out: follow-up commands with the same `-C`, stack directory and variables, quoted for a
//! POSIX shell. The clap description of the follow-up command determines where these options go:
//!
//! ```text
//! leasehold -C live plan prod --var-file eu.hclvars   then   leasehold apply
//!                                                     is     leasehold -C live apply prod --var-file eu.hclvars
//!                                                     and    leasehold audit verify
//!                                                     is     leasehold -C live audit verify --stack prod --var-file eu.hclvars
//! ```
//!
//! The value of a variable is printed only if the configuration declares the variable and does not mark it sensitive. For any other
//! variable the printed command refers to the shell, `--var token="${token:?}"`: the shell stops there unless this shell variable is set.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use crate::config::{Diagnostic, Sources, find_nonsensitive_variables};
use crate::shell::quote_shell_word;

/// The name of the program as shells find it.
const PROGRAM: &str = "leasehold";

/// The command line of this process. It is global because the arguments of a process are; it is set once.
static CURRENT: OnceLock<Invocation> = OnceLock::new();

/// The parts of a command line that are repeated in follow-up commands.
#[derive(Debug, Default)]
pub struct Invocation {
    /// The clap description of the program.
    program: Command,
    /// The argument of `-C`. `None`: the option was not used.
    working_directory: Option<String>,
    /// The argument of `--operator`. `None`: the option was not used; a variable of the environment applies to follow-up commands too.
    operator: Option<String>,
    /// The stack's directory, relative to `here`.
    directory: OnceLock<String>,
    var_files: Vec<String>,
    /// `name=value`
    vars: Vec<String>,
    /// The variables whose values may be printed. Not set: the configuration has not been read.
    plain: OnceLock<BTreeSet<String>>,
    /// Cache of completed commands: a report contains the same few commands many times.
    completed: Mutex<HashMap<String, String>>,
}

/// Stores the command line of this process.
pub fn set_current(command: Command, matches: &ArgMatches) {
    // An error is impossible: this is called once, at the start of the process.
    let _ = CURRENT.set(Invocation::new(command, matches));
}

/// The command line of this process.
pub fn current_invocation() -> &'static Invocation {
    CURRENT.get_or_init(Invocation::default)
}

/// One word of a command.
enum CommandWord {
    /// A literal word; quoted if the shell would interpret it.
    Text(String),
    /// Shell syntax that is printed unchanged.
    Shell(String),
}

impl Invocation {
    fn new(program: Command, matches: &ArgMatches) -> Self {
        let (command, last) = find_last_subcommand(program.clone(), matches);
        let has = |id: &str| command.get_arguments().any(|argument| argument.get_id() == id);
        let paths = |id: &str| -> Vec<String> {
            let paths = has(id).then(|| last.get_many::<PathBuf>(id)).flatten();
            paths.into_iter().flatten().map(|path| path.display().to_string()).collect()
        };
        // `apply FILE` gets the directory from the file.
        let directory =
            paths("dir").pop().or_else(|| takes_directory_or_plan(&command).then(|| paths("what").pop())?);
        let working_directory = last
            .get_one::<PathBuf>("directory")
            .filter(|working_directory| working_directory.as_path() != Path::new("."));
        let operator = (last.value_source("operator") == Some(ValueSource::CommandLine))
            .then(|| last.get_one::<PathBuf>("operator"))
            .flatten();
        let mut invocation = Self {
            program,
            operator: operator.map(|file| to_operand(&file.display().to_string())),
            working_directory: working_directory
                .map(|working_directory| to_operand(&working_directory.display().to_string())),
            var_files: paths("var_file"),
            vars: has("var").then(|| last.get_many::<String>("var")).flatten().into_iter().flatten().cloned().collect(),
            ..Self::default()
        };
        if let Some(directory) = directory.filter(|path| !invocation.resolve_from_here(path).is_file()) {
            invocation.directory = directory.into();
        }
        invocation
    }

    fn resolve_from_here(&self, path: &str) -> PathBuf {
        self.working_directory
            .as_ref()
            .map_or_else(|| PathBuf::from(path), |working_directory| Path::new(working_directory).join(path))
    }

    /// Notes which variables may be printed. This is called once the configuration has been read.
    pub fn note_variables(&self, sources: &Sources) {
        if !self.vars.is_empty() {
            let _ = self.plain.set(find_nonsensitive_variables(sources));
        }
    }

    /// Notes the stack's directory that a saved plan names. The path is relative to the working directory of this process.
    pub fn note_directory(&self, directory: &Path) {
        let seen_from_here = match &self.working_directory {
            None => Some(directory.to_owned()),
            Some(_) => std::path::absolute(directory).ok(),
        };
        if let Some(directory) = seen_from_here.filter(|path| path != Path::new(".")) {
            let _ = self.directory.set(directory.display().to_string());
        }
    }

    /// The follow-up command `words`, with the options of this command line that it accepts and does not have yet.
    pub fn follow_up_command(&self, words: &[&str]) -> String {
        self.complete_command(words)
            .unwrap_or_else(|| render_words(words.iter().map(|word| literal_word(word)).collect()))
    }

    /// Completes each whole command in backticks in the text. Anything else, such as `` `leasehold revoke` ``, stays unchanged.
    pub fn complete_commands(&self, text: &str) -> String {
        let start = format!("`{PROGRAM} ");
        let mut completed = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(&start) {
            completed.push_str(before);
            let Some((command, after)) = after.split_once('`') else {
                completed.push_str(&start);
                rest = after;
                continue;
            };
            completed.push_str(&format!("`{}`", self.complete_text(command)));
            rest = after;
        }
        completed.push_str(rest);
        completed
    }

    /// Completes the commands in the help of findings.
    pub fn complete_findings(&self, findings: &[Diagnostic]) -> Vec<Diagnostic> {
        let complete = |finding: &Diagnostic| Diagnostic {
            help: finding.help.as_ref().map(|help| self.complete_commands(help)),
            ..finding.clone()
        };
        findings.iter().map(complete).collect()
    }

    /// Completes a command that is given without the program's name. The result includes the name.
    fn complete_text(&self, command: &str) -> String {
        let mut known = self.completed.lock().unwrap_or_else(PoisonError::into_inner);
        let complete = || {
            let words = shlex::split(command)?;
            self.complete_command(&words.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let completed = known.entry(command.to_owned());
        completed.or_insert_with(|| complete().unwrap_or_else(|| format!("{PROGRAM} {command}"))).clone()
    }

    /// Completes a command. `None`: the words are not a whole command. A word `DIR/NAME` becomes a file in the stack's directory.
    fn complete_command(&self, words: &[&str]) -> Option<String> {
        let words: Vec<String> = words.iter().map(|word| self.resolve_in_directory(word)).collect();
        let matches = self
            .program
            .clone()
            .try_get_matches_from(std::iter::once(PROGRAM).chain(words.iter().map(String::as_str)))
            .ok()?;
        let (command, last) = find_last_subcommand(self.program.clone(), &matches);
        let find = |id: &str| command.get_arguments().find(|argument| argument.get_id() == id);
        let is_given = |id: &str| last.value_source(id) == Some(ValueSource::CommandLine);
        let is_open = |id: &str| find(id).is_some() && !is_given(id);
        let mut all = Vec::new();
        if let Some(working_directory) = self.working_directory.as_ref().filter(|_| !is_given("directory")) {
            all.extend([literal_word("-C"), literal_word(working_directory)]);
        }
        if let Some(operator) = self.operator.as_ref().filter(|_| !is_given("operator")) {
            all.extend([literal_word("--operator"), literal_word(operator)]);
        }
        all.extend(words.iter().map(|word| literal_word(word)));
        if let Some(directory) = self.directory.get() {
            if is_open("dir") {
                let long = find("dir").and_then(clap::Arg::get_long);
                all.extend(long.map(|long| literal_word(&format!("--{long}"))));
                all.push(literal_word(&to_operand(directory)));
            } else if takes_directory_or_plan(&command) && is_open("what") {
                all.push(literal_word(&to_operand(directory)));
            }
        }
        if is_open("var_file") {
            all.extend(
                self.var_files.iter().flat_map(|file| [literal_word("--var-file"), literal_word(&to_operand(file))]),
            );
        }
        if is_open("var") {
            all.extend(self.vars.iter().filter_map(|assignment| self.var_option_words(assignment)).flatten());
        }
        Some(render_words(all))
    }

    fn resolve_in_directory(&self, word: &str) -> String {
        match (word.strip_prefix("DIR/"), self.directory.get()) {
            (Some(name), Some(directory)) => to_operand(&Path::new(directory).join(name).display().to_string()),
            (Some(name), None) => name.to_owned(),
            (None, _) => word.to_owned(),
        }
    }

    /// `--var` with its value, if the value may be printed. `None`: the value must not be printed, and the name cannot be the name of a
    /// shell variable.
    fn var_option_words(&self, assignment: &str) -> Option<[CommandWord; 2]> {
        let (name, _) = assignment.split_once('=')?;
        let name = name.trim();
        if self.plain.get().is_some_and(|plain| plain.contains(name)) {
            return Some([literal_word("--var"), literal_word(assignment)]);
        }
        let shell = name.replace('-', "_");
        let is_name = shell.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && shell.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_name.then(|| [literal_word("--var"), CommandWord::Shell(format!("{name}=\"${{{shell}:?}}\""))])
    }
}

/// Whether the argument of the command is a directory or a file: `apply DIR|PLAN`.
fn takes_directory_or_plan(command: &Command) -> bool {
    let what = command.get_arguments().find(|argument| argument.get_id() == "what");
    let names = what.and_then(|argument| argument.get_value_names()).unwrap_or_default();
    names.iter().any(|name| name.split('|').any(|part| part == "DIR"))
}

/// The clap description of the innermost subcommand, and its matches.
fn find_last_subcommand(mut command: Command, mut matches: &ArgMatches) -> (Command, &ArgMatches) {
    while let Some((name, inner)) = matches.subcommand() {
        let Some(next) = command.find_subcommand(name).cloned() else { break };
        (command, matches) = (next, inner);
    }
    (command, matches)
}

/// The path in a form that cannot be mistaken for an option.
pub fn to_operand(path: &str) -> String {
    if path.starts_with('-') { format!("./{path}") } else { path.to_owned() }
}

fn literal_word(word: &str) -> CommandWord {
    CommandWord::Text(word.to_owned())
}

fn render_words(words: Vec<CommandWord>) -> String {
    let words = words.into_iter().map(|word| match word {
        CommandWord::Text(text) => quote_shell_word(&text),
        CommandWord::Shell(shell) => shell,
    });
    std::iter::once(PROGRAM.to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use crate::cli::command_line::Cli;
    use crate::config::SourceFile;

    use super::*;

    fn invocation(arguments: &[&str]) -> Invocation {
        let program = Cli::command();
        let matches = program.clone().try_get_matches_from(std::iter::once(&PROGRAM).chain(arguments)).unwrap();
        Invocation::new(program, &matches)
    }

    #[test]
    fn follow_up_command_includes_directory_and_variables() {
        let plain = invocation(&["plan"]);
        let deep = invocation(&["-C", "a b", "plan", "it's", "--var-file", "$x.hclvars"]);
        let cases: [(&[&str], &str, &str); 9] = [
            (&["apply"], "leasehold apply", r#"leasehold -C 'a b' apply "it's" --var-file '$x.hclvars'"#),
            (
                &["lock", "show"],
                "leasehold lock show",
                r#"leasehold -C 'a b' lock show --stack "it's" --var-file '$x.hclvars'"#,
            ),
            (
                &["restore", "identity.m[\"x\"]"],
                "leasehold restore 'identity.m[\"x\"]'",
                r#"leasehold -C 'a b' restore 'identity.m["x"]' "it's" --var-file '$x.hclvars'"#,
            ),
            (&["apply", "-p.plan"], "leasehold apply -p.plan", "leasehold apply -p.plan"),
            (
                &["apply", "./-p.plan"],
                "leasehold apply ./-p.plan",
                "leasehold -C 'a b' apply ./-p.plan --var-file '$x.hclvars'",
            ),
            (&["plan", "other"], "leasehold plan other", "leasehold -C 'a b' plan other --var-file '$x.hclvars'"),
            (
                &["plan", "--generate", "DIR/new.hcl"],
                "leasehold plan --generate new.hcl",
                r#"leasehold -C 'a b' plan --generate "it's/new.hcl" "it's" --var-file '$x.hclvars'"#,
            ),
            (&["init"], "leasehold init", r#"leasehold -C 'a b' init "it's""#),
            (&["revoke"], "leasehold revoke", "leasehold revoke"),
        ];
        for (words, short, long) in cases {
            assert_eq!(plain.follow_up_command(words), short);
            assert_eq!(deep.follow_up_command(words), long);
            // A complete command stays unchanged.
            let again = shlex::split(long.strip_prefix("leasehold ").unwrap()).unwrap();
            assert_eq!(deep.follow_up_command(&again.iter().map(String::as_str).collect::<Vec<_>>()), long);
        }
    }

    #[test]
    fn follow_up_command_repeats_the_operators_file() {
        let bounded = invocation(&["plan", "--operator", "../o.hcl"]);
        assert_eq!(bounded.follow_up_command(&["apply"]), "leasehold --operator ../o.hcl apply");
        assert_eq!(bounded.follow_up_command(&["apply", "--operator", "x"]), "leasehold apply --operator x");
    }

    #[test]
    fn commands_within_texts_are_completed() {
        let deep = invocation(&["-C", "live", "audit", "list", "--stack", "prod"]);
        assert_eq!(
            deep.complete_commands("See `leasehold audit verify`, or `leasehold apply`; `leasehold revoke` and `leasehold` stay. `leasehold x"),
            "See `leasehold -C live audit verify --stack prod`, or `leasehold -C live apply prod`; `leasehold revoke` and `leasehold` \
             stay. `leasehold x"
        );
    }

    #[test]
    fn only_values_of_plain_variables_are_printed() {
        let given = ["plan", "--var", "region=eu west", "--var=api-token=hush", "--var", "other=x"];
        let unread = invocation(&given);
        assert!(!unread.follow_up_command(&["apply"]).contains("eu west"), "{}", unread.follow_up_command(&["apply"]));
        let read = invocation(&given);
        let text = "variable \"region\" {}\nvariable \"api-token\" { sensitive = true }\n";
        read.note_variables(&Sources::new(vec![SourceFile {
            name: "x.hcl".to_owned(),
            bytes: text.as_bytes().into(),
        }]));
        let variables = r#"--var 'region=eu west' --var api-token="${api_token:?}" --var other="${other:?}""#;
        assert_eq!(read.follow_up_command(&["apply"]), format!("leasehold apply {variables}"));
    }
}
