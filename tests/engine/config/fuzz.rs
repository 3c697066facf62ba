//! Stacks made by change and chance from a corpus: parsing, evaluating and drawing must neither panic nor hang, nor take much
//! memory. `cargo test` runs a few; a long run is
//!
//! ```text
//! LEASEHOLD_FUZZ_SECONDS=1200 cargo test --release -p leasehold --test engine config::fuzz -- --nocapture
//! ```
//!
//! `LEASEHOLD_FUZZ_SEED` begins elsewhere. What breaks it is written below the temporary directory, and named; with its path in
//! `LEASEHOLD_FUZZ_INPUT` that one input is tried again.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use leasehold::config::{ConfigInputs, SourceFile, Sources, StackFiles, StackLimits, gather_modules, load_config};
use leasehold::views::diagnostics::{
    DiagnosticStyle, render_diagnostics, render_diagnostics_github, render_diagnostics_json, render_diagnostics_sarif,
};

/// The most that one stack may take, of processor time. A debug build is many times slower.
const LIMIT: Duration = if cfg!(debug_assertions) { Duration::from_secs(20) } else { Duration::from_secs(1) };
/// The most memory that the whole run may take, in KiB.
const MEMORY: u64 = 512 * 1024;
/// What may be asked for by number, so that it is not the work that was asked for which takes the time: a stack of 100,000 identities is
/// sound, and may take longer. That such stacks take time as they are large is measured in `benches/compare.py`.
const SIZE: StackLimits = StackLimits { identities: 10_000, modules: 1_000 };
/// What is kept to change again may take so many bytes: it counts as memory of the whole run.
const POOL: usize = 32 * 1024 * 1024;
/// Longer stacks are cut.
const LONGEST: usize = 64 * 1024;

/// A stack as one text: `main.hcl`, then `-- path --` lines and further files.
struct Files(Vec<SourceFile>);

impl Files {
    fn of(text: &str) -> Self {
        let mut files = vec![("main.hcl".to_owned(), String::new())];
        for line in text.split_inclusive('\n') {
            let name = line.trim_end().strip_prefix("-- ").and_then(|line| line.strip_suffix(" --"));
            match name {
                Some(name) => files.push((name.to_owned(), String::new())),
                None => files.last_mut().unwrap().1.push_str(line),
            }
        }
        let file = |(name, text): (String, String)| SourceFile { name, bytes: text.into_bytes().into() };
        Self(files.into_iter().map(file).collect())
    }

    fn directly_in(&self, directory: &str) -> Vec<SourceFile> {
        let parent = |file: &&SourceFile| file.name.rsplit_once('/').map_or(".", |(parent, _)| parent) == directory;
        self.0.iter().filter(parent).filter(|file| file.name.ends_with(".hcl")).cloned().collect()
    }
}

impl StackFiles for Files {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        assert!(!path.starts_with('/') && !path.contains("/../"), "{path} was asked for");
        let file = self.0.iter().find(|file| file.name == path);
        file.map(|file| file.bytes.to_vec()).ok_or_else(|| format!("there is no file {path}"))
    }

    fn list_files(&self, _: &str) -> Result<Vec<String>, String> {
        Ok(self.0.iter().map(|file| file.name.clone()).collect())
    }

    fn read_module(&self, directory: &str) -> Result<Vec<SourceFile>, String> {
        match self.directly_in(directory) {
            files if files.is_empty() => Err(format!("there is no directory {directory}")),
            files => Ok(files),
        }
    }
}

/// Loads and draws a stack. What it was like, in a word: the codes and shapes of its findings.
fn outcome(text: &str) -> BTreeSet<String> {
    let files = Files::of(text);
    let sources = gather_modules(Sources::new(files.directly_in(".")), &files);
    let now = "2026-11-20T22:00:00Z".parse().unwrap();
    let loaded = load_config(&sources, &ConfigInputs { variables: Vec::new(), now, files: &files, limits: SIZE });
    let few: Vec<_> = loaded.findings.iter().take(200).cloned().collect();
    let drawn = render_diagnostics(&few, &sources, DiagnosticStyle { color: false, width: 80 });
    assert!(drawn.chars().all(|c| c == '\n' || !c.is_control()), "a control character was drawn");
    let _ = (
        render_diagnostics_json(&few, &sources),
        render_diagnostics_github(&few, &sources),
        render_diagnostics_sarif(&few, &sources),
    );
    assert!(loaded.findings.iter().all(|finding| finding.code != "config::internal"), "it panicked");
    let shape = |text: &str| text.split('`').step_by(2).flat_map(|part| part.split('"').step_by(2)).collect::<String>();
    let mut shapes: BTreeSet<String> =
        loaded.findings.iter().map(|finding| format!("{} {}", finding.code, shape(&finding.summary))).collect();
    shapes.extend(loaded.declared.map(|declared| format!("sound {}", declared.identities.len().min(9))));
    shapes
}

/// Numbers that a seed decides.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }

    fn of<'t, T: ?Sized>(&mut self, choices: &[&'t T]) -> &'t T {
        choices[self.below(choices.len())]
    }
}

const WORDS: &[&str] = &[
    "identity",
    "owner",
    "scope",
    "service",
    "template",
    "module",
    "variable",
    "locals",
    "output",
    "leasehold",
    "group",
    "moved",
    "removed",
    "import",
    "statement",
    "trust",
    "dynamic",
    "content",
    "for_each",
    "count",
    "source",
    "type",
    "default",
    "validation",
    "each.key",
    "each.value",
    "count.index",
    "var.x",
    "local.x",
    "module.a",
    "identity.x",
    "template.t",
    "owner.jane",
    "[*]",
    "[0]",
    "[\"k\"]",
    "...",
    "null",
    "true",
    "-1",
    "1e9",
    "1e308",
    "0.1",
    "\"\"",
    "\"${",
    "%{ if ",
    "%{ endif }",
    "%{ for x in ",
    "<<EOT\n",
    "\nEOT\n",
    "<<-E\n",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "=",
    "==",
    "=>",
    "?",
    ":",
    "&&",
    "!",
    "-",
    "/",
    "%",
    "#",
    "/*",
    "*/",
    "\\u00e9",
    "\u{202e}",
    "\u{feff}",
    "\r\n",
    "\0",
    "é",
    "\"./a\"",
    "\"../..\"",
    "\"/etc/passwd\"",
    "depends_on",
    "sensitive",
    "optional(",
    "object({",
    "list(",
    "toset([",
    "-- a/main.hcl --\n",
];

const FUNCTIONS: &[&str] = &[
    "abs",
    "ceil",
    "chomp",
    "chunklist",
    "coalesce",
    "compact",
    "concat",
    "contains",
    "csvdecode",
    "distinct",
    "element",
    "file",
    "fileset",
    "flatten",
    "floor",
    "format",
    "formatdate",
    "formatlist",
    "indent",
    "join",
    "jsondecode",
    "jsonencode",
    "keys",
    "length",
    "lookup",
    "lower",
    "max",
    "md5",
    "merge",
    "min",
    "one",
    "range",
    "regex",
    "regexall",
    "replace",
    "reverse",
    "sensitive",
    "setproduct",
    "setunion",
    "slice",
    "sort",
    "split",
    "substr",
    "sum",
    "templatefile",
    "timeadd",
    "title",
    "tolist",
    "tomap",
    "tonumber",
    "toset",
    "tostring",
    "transpose",
    "trim",
    "try",
    "urlencode",
    "values",
    "yamldecode",
    "yamlencode",
    "zipmap",
    "can",
    "base64decode",
    "sha256",
];

const ATOMS: &[&str] = &[
    "1",
    "-7",
    "1e9",
    "1e308",
    "0.3",
    "\"a\"",
    "\"\"",
    "\"${local.x}\"",
    "\"(a+)+$\"",
    "\"%s %d\"",
    "null",
    "true",
    "[]",
    "{}",
    "local.x",
    "var.x",
    "each.value",
    "owner.jane",
    "identity.x",
    "module.a",
    "module.a.x",
    "path.module",
    "template.t",
    "\"2027-01-01T00:00:00Z\"",
    "\"90d\"",
    "\"arn:aws:s3:::x\"",
    "range(1000)",
    "\"\\u0000\"",
    "\"漢字 \u{1f468}\u{200d}\u{1f469}\"",
];

fn expression(chance: &mut Chance, depth: usize) -> String {
    if depth == 0 {
        return chance.of(ATOMS).to_owned();
    }
    let mut inner = || expression(chance, depth - 1);
    let (a, b, c) = (inner(), inner(), inner());
    let function = chance.of(FUNCTIONS);
    match chance.below(16) {
        0 => format!("{function}({a})"),
        1 => format!("{function}({a}, {b})"),
        2 => format!("{function}({a}, {b}, {c})"),
        3 => format!("[{a}, {b}, {c}]"),
        4 => format!("{{ x = {a}, ({b}) = {c} }}"),
        5 => format!("[for x in {a} : {b} if {c}]"),
        6 => format!("{{ for k, v in {a} : k => {b}... }}"),
        7 => format!("({a} {} {b})", chance.of(&["+", "-", "*", "/", "%", "==", "<", "&&", "||"])),
        8 => format!("({a} ? {b} : {c})"),
        9 => format!("{a}[{b}]"),
        10 => format!("{a}[*].x"),
        11 => format!("\"x ${{{a}}} %{{ if {b} }}y%{{ endif }}\""),
        12 => format!("{function}({a}...)"),
        13 => format!("-{a}"),
        14 => format!("[for a in range(1000) : [for b in range(1000) : {a}]]"),
        _ => a,
    }
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// One change.
fn change(text: &mut String, pool: &[String], chance: &mut Chance) {
    let (a, b) = (chance.below(text.len() + 1), chance.below(40));
    let (from, to) = (boundary(text, a), boundary(text, a.saturating_add(b)));
    match chance.below(11) {
        0 => text.replace_range(from..to, ""),
        1 => text.insert_str(from, chance.of(WORDS)),
        2 => text.replace_range(from..to, chance.of(WORDS)),
        3 | 4 => {
            // Another value for some attribute.
            let places: Vec<usize> = text.match_indices("= ").map(|(at, _)| at + 2).collect();
            if !places.is_empty() {
                let at = places[chance.below(places.len())];
                let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
                let depth = 1 + chance.below(4);
                text.replace_range(at..end, &expression(chance, depth));
            }
        }
        5 => {
            let other = &pool[chance.below(pool.len())];
            let cut = boundary(other, chance.below(other.len() + 1));
            text.truncate(from);
            text.push_str(&other[cut..]);
        }
        6 => {
            let part = text[from..to].repeat(2 + chance.below(60));
            text.insert_str(from, &part);
        }
        7 => {
            let open = chance.of(&["[", "(", "{ a = ", "\"${", "f(", "!", "-", "x[", "a {\n"]);
            let many = 1 << chance.below(12);
            text.insert_str(from, &open.repeat(many));
        }
        8 => {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let (x, y) = (chance.below(lines.len()), chance.below(lines.len()));
            let last = lines.len() - 1;
            let mut lines = lines.clone();
            lines.swap(x.min(last), y.min(last));
            *text = lines.concat();
        }
        9 => {
            let value = expression(chance, 5);
            text.push_str(&format!("\nlocals {{\n  l{} = {value}\n}}\n", chance.below(100)));
        }
        _ => {
            let other = &pool[chance.below(pool.len())];
            text.push('\n');
            text.push_str(other);
        }
    }
    if text.is_empty() {
        text.push('\n');
    }
}

/// The files of the corpus, and the stack that has every block and attribute.
fn corpus() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/config");
    let entries = std::fs::read_dir(folder.join("corpus")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    names.push(folder.join("reference.hcl"));
    names.sort();
    names.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// Processor time of this process so far, where the system tells: its own, and the system's for it.
fn processor() -> Option<(Duration, Duration)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| Some(Duration::from_millis(fields.get(field)?.parse::<u64>().ok()? * 10));
    Some((ticks(11)?, ticks(12)?))
}

/// The outcome of a stack, and what it took: of wall time, of processor time, and of the system's.
fn timed(text: &str) -> (std::thread::Result<BTreeSet<String>>, [Duration; 3]) {
    let (wall, before) = (Instant::now(), processor());
    let found = std::panic::catch_unwind(|| outcome(text));
    let wall = wall.elapsed();
    let (own, system) = before.zip(processor()).map_or((wall, Duration::ZERO), |(a, b)| (b.0 - a.0, b.1 - a.1));
    (found, [wall, own, system])
}

/// The most memory this process has had, in KiB, where the system tells.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn fuzz() {
    if let Ok(path) = std::env::var("LEASEHOLD_FUZZ_INPUT") {
        let (found, took) = timed(&std::fs::read_to_string(path).unwrap());
        panic!("wall, own and system's time {took:?}: {found:?}");
    }
    let long = environment("LEASEHOLD_FUZZ_SECONDS");
    let mut chance = Chance(environment("LEASEHOLD_FUZZ_SEED").unwrap_or(1));
    let mut pool = corpus();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut kept = 0;
    assert!(pool.len() >= 15, "{}", pool.len());
    for text in &pool {
        known.extend(outcome(text));
    }
    let start = Instant::now();
    let (mut runs, mut slowest) = (0_u64, (Duration::ZERO, String::new()));
    while long.map_or(runs < 40, |seconds| start.elapsed() < Duration::from_secs(seconds)) {
        let mut text = pool[chance.below(pool.len())].clone();
        for _ in 0..=chance.below(6) {
            change(&mut text, &pool, &mut chance);
        }
        text.truncate(boundary(&text, LONGEST));
        let (found, [wall, own, system]) = timed(&text);
        let took = own + system;
        let worst = |what: &str| {
            let path = std::env::temp_dir().join("leasehold-fuzz-input");
            std::fs::write(&path, &text).unwrap();
            panic!("{what}: {}", path.display());
        };
        let Ok(found) = found else { worst("panic") };
        // Other tests of this process take their share of its time; in a long run it is alone.
        if long.is_some() && took > LIMIT {
            worst(&format!("took {own:?}, and {system:?} of the system, in {wall:?}"));
        }
        if long.is_some() && peak() > MEMORY {
            worst(&format!("took {} MiB", peak() / 1024));
        }
        if took > slowest.0 {
            slowest = (took, text.clone());
        }
        if found.iter().any(|shape| !known.contains(shape)) && kept + text.len() < POOL {
            kept += text.len();
            known.extend(found);
            pool.push(text);
        }
        runs += 1;
        if long.is_some() && runs % 20_000 == 0 {
            tell(start, runs, pool.len(), slowest.0);
        }
    }
    if long.is_some() {
        tell(start, runs, pool.len(), slowest.0);
        assert!(peak() < MEMORY, "{} KiB", peak());
    }
}

/// How a long run goes.
fn tell(start: Instant, runs: u64, kept: usize, slowest: Duration) {
    let (took, peak) = (start.elapsed(), peak() / 1024);
    eprintln!("{runs} runs in {took:?}, {kept} kept, slowest {slowest:?}, peak {peak} MiB");
}

/// The corpus holds what must be refused too: each of those files says with which code.
#[test]
fn the_corpus_is_refused_as_it_says() {
    for text in corpus() {
        let Some(code) = text.strip_prefix("# refused: ").and_then(|text| text.lines().next()) else { continue };
        let shapes = outcome(&text);
        assert!(
            shapes.iter().any(|shape| shape.starts_with(code)),
            "{code}: {shapes:?}\n{}",
            &text[..text.len().min(300)]
        );
        assert!(!shapes.iter().any(|shape| shape.starts_with("sound")), "{code}");
    }
}
