//! Runs one stack through the configuration stage, and measures the time it takes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use leasehold::config::{ConfigInputs, SourceFile, Sources, StackFiles, StackLimits, gather_modules, load_config};
use leasehold::views::diagnostics::{
    DiagnosticStyle, render_diagnostics, render_diagnostics_github, render_diagnostics_json, render_diagnostics_sarif,
};

/// Bounds on the size of a stack: a valid stack of 100,000 identities may take longer than the test allows. `benches/compare.py` measures
/// such stacks.
const LIMITS: StackLimits = StackLimits { identities: 10_000, modules: 1_000 };

/// A stack as one text: `main.hcl`, then `-- path --` lines and further files.
struct StackText(Vec<SourceFile>);

impl StackText {
    fn parse(text: &str) -> Self {
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

impl StackFiles for StackText {
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

/// Loads a stack and renders its findings in every format. Returns the codes and the shapes of the findings: their summaries without names.
///
/// # Panics
/// If a stage panicked, or a control character was drawn.
pub fn outcome(text: &str) -> BTreeSet<String> {
    let files = StackText::parse(text);
    let sources = gather_modules(Sources::new(files.directly_in(".")), &files);
    let now = "2026-11-20T22:00:00Z".parse().unwrap();
    let loaded = load_config(&sources, &ConfigInputs { variables: Vec::new(), now, files: &files, limits: LIMITS });
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

/// Processor time of this process so far, where the system tells: its own, and the system's for it.
fn processor() -> Option<(Duration, Duration)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| Some(Duration::from_millis(fields.get(field)?.parse::<u64>().ok()? * 10));
    Some((ticks(11)?, ticks(12)?))
}

/// The outcome of a stack, and the time it took: wall time, processor time in user mode, and in the system.
pub fn timed(text: &str) -> (std::thread::Result<BTreeSet<String>>, [Duration; 3]) {
    let (wall, before) = (Instant::now(), processor());
    let found = std::panic::catch_unwind(|| outcome(text));
    let wall = wall.elapsed();
    let (own, system) = before.zip(processor()).map_or((wall, Duration::ZERO), |(a, b)| (b.0 - a.0, b.1 - a.1));
    (found, [wall, own, system])
}

/// The most memory this process has had, in KiB, where the system tells.
pub fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
