//! Files and inputs → [`Declared`], or every finding at once.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::Catalog;
use super::checks;
use super::declare::{declare, variables};
use super::declared::Declared;
use super::diagnostic::{Diagnostic, Severity};
use super::eval::Evaluator;
use super::inputs::Inputs;
use super::modules::{Library, STACK as STACK_DIRECTORY, resolve};
use super::schema;
use super::source::{Sources, Span};
use super::syntax::parse::STACK;
use super::syntax::{Block, ExprKind, Parsed, parse_files};

/// What the files say, and what is wrong with it.
#[derive(Debug)]
pub struct Loaded {
    /// What is declared. `None` when any finding is an error.
    pub declared: Option<Declared>,
    /// Every finding, by file and place.
    pub findings: Vec<Diagnostic>,
}

/// The blocks of a stack's files, before anything is known about what they mean.
#[derive(Debug)]
pub struct Config {
    pub(super) stack: Parsed,
    pub(super) values: Parsed,
    /// By directory, relative to the stack's.
    pub(super) modules: BTreeMap<String, Parsed>,
}

/// The variables that a stack declares and does not call sensitive. `sensitive` counts unless it is a literal `false`.
#[must_use]
pub fn variables_in_plain(sources: &Sources) -> BTreeSet<String> {
    let parsed = parse(sources).stack;
    let variables = || parsed.blocks.iter().filter(|block| &*block.keyword.text == "variable");
    let is_plain = |block: &&Block| {
        block.body.attribute("sensitive").is_none_or(|sensitive| matches!(sensitive.value.kind, ExprKind::Bool(false)))
    };
    let sensitive: BTreeSet<&str> = variables().filter(|block| !is_plain(block)).map(|block| block.label(0)).collect();
    variables().map(|block| block.label(0)).filter(|name| !sensitive.contains(name)).map(str::to_owned).collect()
}

/// Reads a stack: [`parse`], then [`evaluate`].
#[must_use]
pub fn load(sources: &Sources, inputs: &Inputs<'_>) -> Loaded {
    let config = parse(sources);
    let loaded = evaluate(&config, sources, inputs);
    // Nobody waits for the freeing of a large tree.
    rayon::spawn(move || drop(config));
    loaded
}

/// Text → blocks. What cannot be read is among the findings of [`evaluate`].
#[must_use]
pub fn parse(sources: &Sources) -> Config {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let parsed = on_a_deep_stack(|| Config {
        stack: parse_files(sources.stack_files(), threads),
        values: parse_files(sources.variable_files(), 1),
        modules: sources
            .modules()
            .filter_map(|name| Some((name.to_owned(), parse_files(sources.module(name)?.ok()?.into_iter(), threads))))
            .collect(),
    });
    parsed.unwrap_or_else(|| Config {
        stack: Parsed { findings: vec![internal()], ..Parsed::default() },
        values: Parsed::default(),
        modules: BTreeMap::new(),
    })
}

/// Blocks → what they declare.
#[must_use]
pub fn evaluate(config: &Config, sources: &Sources, inputs: &Inputs<'_>) -> Loaded {
    on_a_deep_stack(|| declared(config, sources, inputs))
        .unwrap_or_else(|| Loaded { declared: None, findings: vec![internal()] })
}

/// Depths are bounded, but not so low that any thread's stack would do: this work gets one of a size it knows.
pub(super) fn on_a_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("config".to_owned()).stack_size(STACK);
        thread.spawn_scoped(scope, work).ok().and_then(|thread| thread.join().ok())
    })
}

fn internal() -> Diagnostic {
    Diagnostic::error("config::internal", "reading the configuration failed within the program")
        .help("this is a defect of leasehold: please report it with the configuration")
}

fn declared(config: &Config, sources: &Sources, inputs: &Inputs<'_>) -> Loaded {
    let Config { stack: parsed, values, modules } = config;
    let mut findings: Vec<Diagnostic> = parsed.findings.iter().chain(&values.findings).cloned().collect();
    findings.extend(parsed.attributes.iter().map(|(file, attribute)| schema::check::stray(*file, attribute)));
    findings.extend(values.blocks.iter().map(block_among_values));
    schema::check::blocks(&parsed.blocks, &mut findings);

    let catalog = Catalog::new(parsed, &mut findings);
    no_leasehold_block(sources, parsed, &catalog, &mut findings);
    let callers = callers(config);
    let called = modules.iter().map(|(directory, parsed)| {
        let mut within = Vec::new();
        let catalog = module(parsed, &mut within);
        let called = |finding: Diagnostic| match callers.get(directory) {
            Some(caller) => finding.related(caller.clone(), "the module is called here"),
            None => finding,
        };
        findings.extend(within.into_iter().map(called));
        (directory.as_str(), catalog)
    });
    let library = Library::new(sources, catalog, called.collect());
    let mut files: variables::VariableFiles<'_> = BTreeMap::new();
    for (file, attribute) in &values.attributes {
        if let Some(source) = sources.get(*file) {
            files.entry(&source.name).or_default().push((*file, attribute));
        }
    }
    let mut eval = Evaluator::new(&library, inputs.files, inputs.now, inputs.limits);
    variables::resolve(&mut eval, library.stack(), &inputs.variables, &files, sources);
    let declared = declare(&eval);
    findings.append(&mut eval.findings.borrow_mut());
    if let Some(declared) = &declared {
        checks::run(declared, &mut findings);
    }
    let findings = in_order(findings);
    let sound = findings.iter().all(|finding| finding.severity != Severity::Error);
    Loaded { declared: declared.filter(|_| sound), findings }
}

/// Where each module is called first, by its directory.
fn callers(config: &Config) -> BTreeMap<String, Span> {
    let mut callers = BTreeMap::new();
    let modules = config.modules.iter().map(|(directory, parsed)| (directory.as_str(), parsed));
    for (from, parsed) in [(STACK_DIRECTORY, &config.stack)].into_iter().chain(modules) {
        for block in parsed.blocks.iter().filter(|block| &*block.keyword.text == "module") {
            let Some(ExprKind::String(source)) = block.body.attribute("source").map(|source| &source.value.kind) else {
                continue;
            };
            if let Ok(directory) = resolve(from, source) {
                callers.entry(directory).or_insert_with(|| block.span());
            }
        }
    }
    callers
}

/// The blocks of a module, and what is wrong with them before anything is evaluated.
fn module<'a>(parsed: &'a Parsed, findings: &mut Vec<Diagnostic>) -> Catalog<'a> {
    findings.extend(parsed.findings.iter().cloned());
    findings.extend(parsed.attributes.iter().map(|(file, attribute)| schema::check::stray(*file, attribute)));
    for block in &parsed.blocks {
        if matches!(&*block.keyword.text, "leasehold" | "provider" | "store" | "import") {
            findings.push(
                Diagnostic::error(
                    "config::not_in_a_module",
                    format!("a module holds no `{}` block", block.keyword.text),
                )
                .at(block.span(), "belongs to the stack")
                .help("take it out: the stack that calls the module has it"),
            );
        }
    }
    schema::check::blocks(&parsed.blocks, findings);
    let catalog = Catalog::new(parsed, findings);
    let taken = schema::top("module").into_iter().flat_map(|schema| schema.attributes);
    for variable in taken.filter_map(|word| catalog.variables.get(word.name)) {
        findings.push(
            Diagnostic::error("config::label", format!("a module's variable cannot be called `{}`", variable.label(0)))
                .at(variable.span(), "a word of `module` itself")
                .help("give the variable another name: a call could not tell the two apart"),
        );
    }
    catalog
}

/// By file, place and code; what belongs to no place comes first. No finding stands twice.
fn in_order(mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let key = |finding: &Diagnostic| {
        let place = finding.location.as_ref().map(|at| (at.span.file, at.span.bytes.start, at.span.bytes.end));
        (place, finding.severity, finding.code, finding.summary.clone())
    };
    findings.sort_by_cached_key(key);
    findings.dedup();
    findings
}

fn block_among_values(block: &Block) -> Diagnostic {
    Diagnostic::error("config::unknown_block", "a file of variables' values holds no blocks")
        .at(block.span(), "a block")
        .help("write name = value, a line for each variable; blocks stand in *.hcl files")
}

fn no_leasehold_block(sources: &Sources, parsed: &Parsed, catalog: &Catalog<'_>, findings: &mut Vec<Diagnostic>) {
    if catalog.leasehold.is_some() || catalog.is_broken("leasehold", "") {
        return;
    }
    // A file that could not be read at all may hold it.
    let unread = parsed.findings.iter().any(|finding| matches!(finding.code, "config::not_utf8" | "config::too_large"));
    if unread {
        return;
    }
    let (summary, help) = if sources.stack_files().next().is_none() {
        (
            "there is no *.hcl file here",
            "look whether this is the right directory; `leasehold init` writes a first stack to start from",
        )
    } else {
        (
            "no file here has a `leasehold` block",
            "add leasehold { stack = \"payments\" } to one of the files, or look whether this is the right directory",
        )
    };
    findings.push(
        Diagnostic::error("config::no_leasehold_block", summary)
            .detail("A `leasehold` block names the stack, and the stack's name marks everything it owns in the cloud.")
            .help(help),
    );
}
