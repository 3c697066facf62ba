//! Findings about the configuration, drawn for people or written for machines.
//!
//! In: findings, whose places are byte ranges of files, and the files. Out: text with the lines around each place, JSON with Terraform's
//! keys, GitHub annotations, or SARIF. Text from files is shown through `ShownText`, so that it cannot control the terminal.

mod limit;
mod sarif;
pub(super) mod text;

use std::collections::HashMap;
use std::fmt;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use serde_json::{Value, json};

use crate::config::{Diagnostic, DiagnosticSeverity, FileId, Location, Sources};
use limit::limit_findings;
pub use sarif::render_diagnostics_sarif;
use text::{ShownText, escape_controls};

/// The style in which findings are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiagnosticStyle {
    /// Whether colours and bold text are used.
    pub color: bool,
    /// The width of the terminal in columns.
    pub width: usize,
}

/// The texts of the files that findings refer to.
struct SourceTexts<'s> {
    sources: &'s Sources,
    known: HashMap<FileId, ShownText<'s>>,
}

impl<'s> SourceTexts<'s> {
    fn new(findings: &[Diagnostic], sources: &'s Sources) -> Self {
        let mut known = HashMap::new();
        for location in findings.iter().flat_map(|finding| finding.location.iter().chain(&finding.related)) {
            if let Some(file) = sources.get_file(location.span.file) {
                known.entry(location.span.file).or_insert_with(|| match sources.is_variable_file(location.span.file) {
                    true => ShownText::withheld(&file.bytes),
                    false => ShownText::new(&file.bytes),
                });
            }
        }
        Self { sources, known }
    }

    fn displayed_file_name(&self, file: FileId) -> String {
        self.sources.get_file(file).map_or_else(String::new, |file| escape_controls(&file.name))
    }
}

/// Draws findings, each with the lines of the file that it refers to.
#[must_use]
pub fn render_diagnostics(findings: &[Diagnostic], sources: &Sources, style: DiagnosticStyle) -> String {
    let theme = if style.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(style.width.clamp(40, 160))
        .with_context_lines(1)
        .without_syntax_highlighting()
        .with_links(false);
    let findings = limit_findings(findings);
    let texts = SourceTexts::new(&findings, sources);
    let mut out = String::new();
    for finding in &findings {
        let drawn = DrawnFinding::new(finding, &texts);
        if handler.render_report(&mut out, &drawn).is_err() {
            // The file does not have this place. The text without the lines still says what is wrong.
            out.push_str(&render_plain(finding));
        }
        out.push('\n');
    }
    out
}

fn render_plain(finding: &Diagnostic) -> String {
    let help = finding.help.as_ref().map_or_else(String::new, |help| format!("\n  help: {}", escape_controls(help)));
    format!("{}\n\n  {}{help}\n", finding.code, describe_finding(finding))
}

/// Summary, detail, and the values involved, each on its own lines.
fn describe_finding(finding: &Diagnostic) -> String {
    let mut words = escape_controls(&finding.summary);
    if let Some(detail) = &finding.detail {
        words.push_str(&format!("\n{}", escape_controls(detail)));
    }
    for (reference, value) in &finding.values {
        words.push_str(&format!("\n{} {}", escape_controls(reference), escape_controls(value)));
    }
    words
}

/// A finding in the form that miette draws: places in the finding's own file are labels, places in other files are separate reports.
struct DrawnFinding<'t> {
    code: &'static str,
    severity: miette::Severity,
    words: String,
    help: Option<String>,
    source: Option<DrawnPart<'t>>,
    labels: Vec<LabeledSpan>,
    elsewhere: Vec<DrawnFinding<'t>>,
}

struct DrawnPart<'t> {
    name: String,
    text: &'t ShownText<'t>,
}

impl<'t> DrawnFinding<'t> {
    fn new(finding: &Diagnostic, texts: &'t SourceTexts<'_>) -> Self {
        let mut drawn = Self {
            code: finding.code,
            severity: match finding.severity {
                DiagnosticSeverity::Error => miette::Severity::Error,
                DiagnosticSeverity::Warning => miette::Severity::Warning,
            },
            words: describe_finding(finding),
            help: finding.help.as_deref().map(escape_controls),
            source: None,
            labels: Vec::new(),
            elsewhere: Vec::new(),
        };
        let Some(location) = &finding.location else { return drawn };
        drawn.add_location(location, texts, true);
        for related in &finding.related {
            if related.span.file == location.span.file {
                drawn.add_location(related, texts, false);
                continue;
            }
            let mut other = Self {
                code: "",
                severity: miette::Severity::Advice,
                words: escape_controls(&related.label),
                help: None,
                source: None,
                labels: Vec::new(),
                elsewhere: Vec::new(),
            };
            other.add_location(&Location { label: String::new(), ..related.clone() }, texts, true);
            drawn.elsewhere.push(other);
        }
        drawn
    }

    fn add_location(&mut self, location: &Location, texts: &'t SourceTexts<'_>, primary: bool) {
        let Some(text) = texts.known.get(&location.span.file) else { return };
        self.source.get_or_insert_with(|| DrawnPart { name: texts.displayed_file_name(location.span.file), text });
        let range = text.underlined_range(&text.shown_range(&location.span.bytes));
        let label = Some(escape_controls(&location.label)).filter(|label| !label.is_empty());
        self.labels.push(if primary {
            LabeledSpan::new_primary_with_span(label, (range.start, range.len()))
        } else {
            LabeledSpan::new_with_span(label, (range.start, range.len()))
        });
    }
}

impl fmt::Debug for DrawnFinding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl fmt::Display for DrawnFinding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for DrawnFinding<'_> {}

impl miette::Diagnostic for DrawnFinding<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.code.is_empty()).then(|| Box::new(self.code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|part| part as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty()).then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = _>>)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        let each = self.elsewhere.iter().map(|other| other as &dyn miette::Diagnostic);
        (!self.elsewhere.is_empty()).then(|| Box::new(each) as Box<dyn Iterator<Item = _>>)
    }
}

impl SourceCode for DrawnPart<'_> {
    fn read_span<'a>(
        &'a self,
        span: &miette::SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn miette::SpanContents<'a> + 'a>, miette::MietteError> {
        let lines = self.text.context_lines(span.offset()..span.offset() + span.len(), before, after);
        // When miette asks for no lines around the span, it needs the position of the span itself, for the heading.
        let (first, column) = match (before, after) {
            (0, 0) => {
                let (line, column) = self.text.line_and_column(span.offset());
                (line - 1, column - 1)
            }
            _ => (lines.first, 0),
        };
        Ok(Box::new(miette::MietteSpanContents::new_named(
            self.name.clone(),
            lines.text.as_bytes(),
            (lines.start, lines.text.len()).into(),
            first,
            column,
            lines.count,
        )))
    }
}

/// Findings with the keys of Terraform's `validate -json`: `severity`, `summary`, `detail`, `range`, `snippet`; and in addition `code`,
/// `help` and `related`.
#[must_use]
pub fn render_diagnostics_json(findings: &[Diagnostic], sources: &Sources) -> Value {
    let findings = limit_findings(findings);
    let texts = SourceTexts::new(&findings, sources);
    findings.iter().map(|finding| render_finding_json(finding, &texts)).collect()
}

fn render_finding_json(finding: &Diagnostic, texts: &SourceTexts<'_>) -> Value {
    let severity = match finding.severity {
        DiagnosticSeverity::Error => "error",
        DiagnosticSeverity::Warning => "warning",
    };
    let detail: Vec<&str> = finding.detail.iter().chain(&finding.help).map(String::as_str).collect();
    let mut object = json!({
        "severity": severity,
        "code": finding.code,
        "summary": finding.summary,
        "detail": detail.join("\n"),
    });
    let Some(fields) = object.as_object_mut() else { return object };
    if let Some(help) = &finding.help {
        fields.insert("help".to_owned(), help.as_str().into());
    }
    if let Some((location, text)) = finding.location.as_ref().and_then(|at| Some((at, texts.known.get(&at.span.file)?)))
    {
        let value = |(reference, value): &(String, String)| json!({ "traversal": reference, "statement": value });
        let values: Vec<Value> = finding.values.iter().map(value).collect();
        let range = text.shown_range(&location.span.bytes);
        let lines = text.context_lines(range.clone(), 0, 0);
        let (start, end) = (range.start - lines.start, range.end.min(lines.start + lines.text.len()) - lines.start);
        fields.insert("range".to_owned(), render_range_json(location, texts));
        fields.insert(
            "snippet".to_owned(),
            json!({
                "context": null,
                "code": lines.text.trim_end_matches('\n'),
                "start_line": lines.first + 1,
                "highlight_start_offset": start,
                "highlight_end_offset": end.max(start),
                "values": values,
            }),
        );
    }
    let related: Vec<Value> = finding
        .related
        .iter()
        .filter(|related| texts.known.contains_key(&related.span.file))
        .map(|related| json!({ "message": related.label, "range": render_range_json(related, texts) }))
        .collect();
    if !related.is_empty() {
        fields.insert("related".to_owned(), related.into());
    }
    object
}

fn render_range_json(location: &Location, texts: &SourceTexts<'_>) -> Value {
    let Some(text) = texts.known.get(&location.span.file) else { return Value::Null };
    let range = text.shown_range(&location.span.bytes);
    let point = |at: usize, byte: usize| {
        let (line, column) = text.line_and_column(at);
        json!({ "line": line, "column": column, "byte": byte })
    };
    json!({
        "filename": texts.displayed_file_name(location.span.file),
        "start": point(range.start, location.span.bytes.start),
        "end": point(range.end, location.span.bytes.end),
    })
}

/// Findings as annotations of a GitHub workflow: `::error file=…,line=…,title=…::…`.
#[must_use]
pub fn render_diagnostics_github(findings: &[Diagnostic], sources: &Sources) -> String {
    let findings = limit_findings(findings);
    let texts = SourceTexts::new(&findings, sources);
    let mut out = String::new();
    for finding in &findings {
        let level = match finding.severity {
            DiagnosticSeverity::Error => "error",
            DiagnosticSeverity::Warning => "warning",
        };
        let mut properties = Vec::new();
        if let Some((location, text)) =
            finding.location.as_ref().and_then(|at| Some((at, texts.known.get(&at.span.file)?)))
        {
            let range = text.shown_range(&location.span.bytes);
            let ((line, column), (end, _)) = (text.line_and_column(range.start), text.line_and_column(range.end));
            properties.push(format!("file={}", escape_property(&texts.displayed_file_name(location.span.file))));
            properties.push(format!("line={line},endLine={end},col={column}"));
        }
        properties.push(format!("title={}", escape_property(&finding.summary)));
        let label = finding.location.as_ref().map(|location| &location.label).filter(|label| !label.is_empty());
        let values: Vec<String> = finding.values.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let body = label.into_iter().chain(&finding.detail).chain(&values).chain(&finding.help);
        let body: Vec<&str> = body.map(String::as_str).collect();
        let body = if body.is_empty() { finding.summary.clone() } else { body.join("\n") };
        out.push_str(&format!("::{level} {}::{}\n", properties.join(","), escape_message(&body)));
    }
    out
}

/// Escapes text from outside for the body of an annotation.
#[must_use]
pub fn escape_message(text: &str) -> String {
    escape_controls(text).replace('%', "%25").replace('\n', "%0A")
}

/// Escapes text from outside for a property of an annotation.
#[must_use]
pub fn escape_property(text: &str) -> String {
    escape_message(text).replace(':', "%3A").replace(',', "%2C")
}
