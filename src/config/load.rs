//! Loads a stack: files and inputs → [`DeclaredStack`], or all findings at once.

use std::collections::{BTreeMap, BTreeSet};

use super::checks;
use super::declare::places::find_places;
use super::declare::{declare_stack, variables};
use super::declared::DeclaredStack;
use super::inputs::ConfigInputs;
use super::modules::{ModuleLibrary, resolve_source};
use super::recorded_files::RecordedFiles;
use super::schema;
use super::schema::block_types::{BLOCK_TYPES, LEASEHOLD};
use super::sources::Sources;
use super::stack_model::StackModel;
use crate::hcl::catalog::BlockCatalog;
use crate::hcl::deep_stack::run_on_deep_stack;
use crate::hcl::diagnostic::{Diagnostic, DiagnosticSeverity, MOST_FINDINGS};
use crate::hcl::eval::Evaluator;
use crate::hcl::files::ROOT_DIRECTORY;
use crate::hcl::source::FileSpan;
use crate::hcl::syntax::{Block, ExprKind, ParsedFiles, parse_files};

/// The result of loading a stack.
#[derive(Debug)]
pub struct LoadedConfig {
    /// What the stack declares. `None`: at least one finding is an error.
    pub declared: Option<DeclaredStack>,
    /// All findings, sorted by file and place.
    pub findings: Vec<Diagnostic>,
}

/// The parsed blocks of a stack's files, before evaluation.
#[derive(Debug)]
pub struct ParsedConfig {
    pub(super) stack: ParsedFiles,
    pub(super) values: ParsedFiles,
    /// The blocks of each module, by directory relative to the stack's.
    pub(super) modules: BTreeMap<String, ParsedFiles>,
}

/// The declared variables that are not sensitive. A variable counts as sensitive unless `sensitive` is absent or a literal `false`.
#[must_use]
pub fn find_nonsensitive_variables(sources: &Sources) -> BTreeSet<String> {
    let parsed = parse_config(sources).stack;
    let variables = || parsed.blocks.iter().filter(|block| &*block.keyword.text == "variable");
    let is_plain = |block: &&Block| {
        block
            .body
            .find_attribute("sensitive")
            .is_none_or(|sensitive| matches!(sensitive.value.kind, ExprKind::Bool(false)))
    };
    let sensitive: BTreeSet<&str> = variables().filter(|block| !is_plain(block)).map(|block| block.label(0)).collect();
    variables().map(|block| block.label(0)).filter(|name| !sensitive.contains(name)).map(str::to_owned).collect()
}

/// Loads a stack: [`parse_config`], then [`evaluate_config`].
#[must_use]
pub fn load_config(sources: &Sources, inputs: &ConfigInputs<'_>) -> LoadedConfig {
    let config = parse_config(sources);
    let loaded = evaluate_config(&config, sources, inputs);
    // Freeing a large tree takes time, so another thread does it.
    rayon::spawn(move || drop(config));
    loaded
}

/// Parses files into blocks. [`evaluate_config`] reports what cannot be parsed.
#[must_use]
pub fn parse_config(sources: &Sources) -> ParsedConfig {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let parsed = run_on_deep_stack(|| ParsedConfig {
        stack: parse_files(sources.stack_files(), threads),
        values: parse_files(sources.variable_files(), 1),
        modules: sources
            .module_directories()
            .filter_map(|name| {
                Some((name.to_owned(), parse_files(sources.find_module(name)?.ok()?.into_iter(), threads)))
            })
            .collect(),
    });
    parsed.unwrap_or_else(|finding| ParsedConfig {
        stack: ParsedFiles { findings: vec![*finding], ..ParsedFiles::default() },
        values: ParsedFiles::default(),
        modules: BTreeMap::new(),
    })
}

/// Evaluates blocks into what they declare.
#[must_use]
pub fn evaluate_config(config: &ParsedConfig, sources: &Sources, inputs: &ConfigInputs<'_>) -> LoadedConfig {
    run_on_deep_stack(|| evaluate_blocks(config, sources, inputs))
        .unwrap_or_else(|finding| LoadedConfig { declared: None, findings: vec![*finding] })
}

fn evaluate_blocks(config: &ParsedConfig, sources: &Sources, inputs: &ConfigInputs<'_>) -> LoadedConfig {
    let ParsedConfig { stack: parsed, values, modules } = config;
    let mut findings: Vec<Diagnostic> = parsed.findings.clone();
    findings.extend(values.findings.iter().map(conceal_variable_file));
    let misplaced = parsed.attributes.iter().take(MOST_FINDINGS);
    findings.extend(misplaced.map(|(file, attribute)| schema::check::explain_misplaced_attribute(*file, attribute)));
    findings.extend(values.blocks.iter().take(MOST_FINDINGS).map(diagnose_block_in_variable_file));
    schema::check::check_blocks(&parsed.blocks, &mut findings);

    let catalog = BlockCatalog::new(parsed, BLOCK_TYPES, &mut findings);
    check_leasehold_block(sources, parsed, &catalog, &mut findings);
    let callers = find_module_callers(config);
    let called = modules.iter().map(|(directory, parsed)| {
        let mut within = Vec::new();
        let catalog = index_module(parsed, &mut within);
        let called = |finding: Diagnostic| match callers.get(directory) {
            Some(caller) => finding.with_related(caller.clone(), "the module is called here"),
            None => finding,
        };
        findings.extend(within.into_iter().map(called));
        (directory.as_str(), catalog)
    });
    let library = ModuleLibrary::new(sources, catalog, called.collect());
    let mut files: variables::VariableFiles<'_> = BTreeMap::new();
    for (file, attribute) in &values.attributes {
        if let Some(source) = sources.get_file(*file) {
            files.entry(&source.name).or_default().push((*file, attribute));
        }
    }
    let places = find_places(&library, inputs, &files, sources);
    findings.extend(places.check_places(inputs.files));
    let (model, recorded) = (StackModel::new(&library), RecordedFiles::new(inputs.files, &places));
    let mut eval = Evaluator::new(&model, &recorded, inputs.now, inputs.limits.into());
    variables::resolve_variables(&mut eval, library.stack_catalog(), &inputs.variables, &files, sources);
    let declared = declare_stack(&eval, &model, &recorded);
    findings.append(&mut eval.findings.borrow_mut());
    if let Some(declared) = &declared {
        checks::run_checks(declared, &mut findings);
    }
    let findings = sort_findings(findings);
    let sound = findings.iter().all(|finding| finding.severity != DiagnosticSeverity::Error);
    LoadedConfig { declared: declared.filter(|_| sound), findings }
}

/// The place of the first call of each module, by its directory.
fn find_module_callers(config: &ParsedConfig) -> BTreeMap<String, FileSpan> {
    let mut callers = BTreeMap::new();
    let modules = config.modules.iter().map(|(directory, parsed)| (directory.as_str(), parsed));
    for (from, parsed) in [(ROOT_DIRECTORY, &config.stack)].into_iter().chain(modules) {
        for block in parsed.blocks.iter().filter(|block| &*block.keyword.text == "module") {
            let Some(ExprKind::String(source)) = block.body.find_attribute("source").map(|source| &source.value.kind)
            else {
                continue;
            };
            if let Ok(directory) = resolve_source(from, source) {
                callers.entry(directory).or_insert_with(|| block.span());
            }
        }
    }
    callers
}

/// Indexes the blocks of a module, and reports what is wrong with them before evaluation.
fn index_module<'a>(parsed: &'a ParsedFiles, findings: &mut Vec<Diagnostic>) -> BlockCatalog<'a> {
    findings.extend(parsed.findings.iter().cloned());
    let misplaced = parsed.attributes.iter().take(MOST_FINDINGS);
    findings.extend(misplaced.map(|(file, attribute)| schema::check::explain_misplaced_attribute(*file, attribute)));
    for block in &parsed.blocks {
        if matches!(&*block.keyword.text, "leasehold" | "provider" | "store" | "import") {
            findings.push(
                Diagnostic::error(
                    "config::not_in_a_module",
                    format!("a module cannot have a `{}` block", block.keyword.text),
                )
                .with_location(block.span(), "only allowed in the stack")
                .with_help("remove it, and declare it in the stack that calls the module"),
            );
        }
    }
    schema::check::check_blocks(&parsed.blocks, findings);
    let catalog = BlockCatalog::new(parsed, BLOCK_TYPES, findings);
    let taken = schema::find_block_schema("module").into_iter().flat_map(|schema| schema.attributes);
    for variable in taken.filter_map(|word| catalog.variables.get(word.name)) {
        findings.push(
            Diagnostic::error(
                "config::label",
                format!("a variable of a module cannot have the name `{}`", variable.label(0)),
            )
            .with_location(variable.span(), "an attribute of the `module` block")
            .with_help("rename the variable: in a module call, it would be ambiguous"),
        );
    }
    catalog
}

/// Sorts by file, place and code, and removes duplicates. Findings without a place come first.
fn sort_findings(mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let key = |finding: &Diagnostic| {
        let place = finding.location.as_ref().map(|at| (at.span.file, at.span.bytes.start, at.span.bytes.end));
        (place, finding.severity, finding.code, finding.summary.clone())
    };
    findings.sort_by_cached_key(key);
    findings.dedup();
    findings
}

/// A finding about the text of a variable file, without the text: the messages of the parser quote it.
#[must_use]
pub fn conceal_variable_file(finding: &Diagnostic) -> Diagnostic {
    let summary = match finding.code {
        "config::not_utf8" => "the variable file is not UTF-8 text",
        "config::too_large" => "the variable file is too large",
        _ => "the variable file has a syntax error",
    };
    let concealed = Diagnostic { severity: finding.severity, ..Diagnostic::error(finding.code, summary) };
    let concealed = match &finding.location {
        Some(location) => concealed.with_location(location.span.clone(), "in this line"),
        None => concealed,
    };
    concealed.with_help(
        "write name = value, one line for each variable; its lines are not shown, because they may hold secrets",
    )
}

fn diagnose_block_in_variable_file(block: &Block) -> Diagnostic {
    Diagnostic::error("config::unknown_block", "a variable file cannot have blocks")
        .with_location(block.span(), "a block")
        .with_help("write name = value, one line for each variable; blocks belong in *.hcl files")
}

fn check_leasehold_block(
    sources: &Sources,
    parsed: &ParsedFiles,
    catalog: &BlockCatalog<'_>,
    findings: &mut Vec<Diagnostic>,
) {
    if !catalog.list_blocks(&LEASEHOLD).is_empty() || catalog.is_broken("leasehold", "") {
        return;
    }
    // The block may be in a file that could not be read.
    let unread = parsed.findings.iter().any(|finding| matches!(finding.code, "config::not_utf8" | "config::too_large"));
    if unread {
        return;
    }
    let (summary, help) = if sources.stack_files().next().is_none() {
        (
            "no *.hcl file in this directory",
            "check that this is the right directory, or run `leasehold init` to create a new stack",
        )
    } else {
        (
            "no file in this directory has a `leasehold` block",
            "add leasehold { stack = \"payments\" } to one of the files, or check that this is the right directory",
        )
    };
    findings.push(
        Diagnostic::error("config::no_leasehold_block", summary)
            .with_detail(
                "The `leasehold` block sets the stack's name. All objects of the stack in the cloud are marked with it.",
            )
            .with_help(help),
    );
}
