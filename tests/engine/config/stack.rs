//! Stacks for tests: files in memory.

use std::collections::BTreeMap;

use leasehold::config::{
    ConfigInputs, DeclaredStack, LoadedConfig, SourceFile, Sources, StackFiles, StackLimits, VariableAssignment,
    gather_modules, load_config,
};
use leasehold::views::diagnostics::{DiagnosticStyle, render_diagnostics};

/// Files beside the configuration, and those of modules by their directories.
#[derive(Default)]
pub struct Files(pub BTreeMap<&'static str, &'static [u8]>, BTreeMap<String, Vec<SourceFile>>);

impl StackFiles for Files {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.get(path).map(|bytes| bytes.to_vec()).ok_or_else(|| format!("there is no file {path}"))
    }

    fn list_files(&self, path: &str) -> Result<Vec<String>, String> {
        let under = if path == "." { String::new() } else { format!("{path}/") };
        Ok(self.0.keys().filter_map(|name| name.strip_prefix(&under)).map(str::to_owned).collect())
    }

    fn read_module(&self, directory: &str) -> Result<Vec<SourceFile>, String> {
        self.1.get(directory).cloned().ok_or_else(|| format!("there is no directory {directory}"))
    }
}

/// A stack's files, values and neighbours.
#[derive(Default)]
pub struct Stack {
    sources: Vec<SourceFile>,
    variable_files: Vec<SourceFile>,
    assignments: Vec<VariableAssignment>,
    files: Files,
}

impl Stack {
    /// A stack of one file.
    pub fn of(text: &str) -> Self {
        Self::default().file("main.hcl", text.as_bytes())
    }

    /// A stack with a `leasehold` block, an owner and `text`.
    pub fn with(text: &str) -> Self {
        Self::of(text).file(
            "zz.hcl",
            b"leasehold { stack = \"demo\" }\nowner \"jane\" {\n  name  = \"Jane Doe\"\n  email = \"jane@example.com\"\n}\n",
        )
    }

    pub fn file(mut self, name: &str, bytes: &[u8]) -> Self {
        self.sources.push(SourceFile { name: name.to_owned(), bytes: bytes.into() });
        self
    }

    /// A file of a module, `modules/a/main.hcl`.
    pub fn module(mut self, path: &str, text: &str) -> Self {
        let (directory, _) = path.rsplit_once('/').unwrap();
        let file = SourceFile { name: path.to_owned(), bytes: text.as_bytes().into() };
        self.files.1.entry(directory.to_owned()).or_default().push(file);
        self
    }

    pub fn variable_file(mut self, name: &str, text: &str) -> Self {
        self.variable_files.push(SourceFile { name: name.to_owned(), bytes: text.as_bytes().into() });
        self.assignments.push(VariableAssignment::File(name.to_owned()));
        self
    }

    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.assignments.push(VariableAssignment::CommandLine { name: name.to_owned(), value: value.to_owned() });
        self
    }

    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.assignments.push(VariableAssignment::Environment { name: name.to_owned(), value: value.to_owned() });
        self
    }

    pub fn beside(mut self, name: &'static str, bytes: &'static [u8]) -> Self {
        self.files.0.insert(name, bytes);
        self
    }

    pub fn sources(&self) -> Sources {
        gather_modules(Sources::new(self.sources.clone()).with_variable_files(self.variable_files.clone()), &self.files)
    }

    pub fn load(&self) -> LoadedConfig {
        let now = "2026-11-20T22:00:00Z".parse().unwrap();
        load_config(
            &self.sources(),
            &ConfigInputs {
                variables: self.assignments.clone(),
                now,
                files: &self.files,
                limits: StackLimits::default(),
            },
        )
    }

    /// The findings as a terminal of 100 columns shows them.
    pub fn drawn(&self) -> String {
        render_diagnostics(&self.load().findings, &self.sources(), DiagnosticStyle { color: false, width: 100 })
    }

    /// What is declared, where nothing is wrong.
    pub fn declared(&self) -> DeclaredStack {
        let loaded = self.load();
        loaded.declared.unwrap_or_else(|| panic!("{}", self.drawn()))
    }
}
