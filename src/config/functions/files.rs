//! Functions that read files in the directory of the stack or of a module. The evaluator records each file read and the digest of its
//! bytes, which become part of the plan.

use std::sync::Arc;

use leasehold_provider::Digest;

use super::ParamType::{Any, Text};
use super::{
    Args, Function, FunctionBody, FunctionError, MarkHandling, Param, declare_function, declare_param, patterns,
};
use crate::config::eval::{EvalScope, Evaluator, ModuleId};
use crate::config::modules::join_path;
use crate::config::source::FileId;
use crate::config::syntax::{ByteRange, parse_template};
use crate::config::value::ConfigValue;

const fn declare_reading_function(
    name: &'static str,
    params: &'static [Param],
    body: fn(&Args<'_>, &Evaluator<'_>) -> Result<ConfigValue, FunctionError>,
) -> Function {
    Function {
        name,
        params,
        variadic: None,
        marks: MarkHandling::Spread,
        cheap: false,
        body: FunctionBody::Reads(body),
    }
}

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("basename", &[declare_param("path", Text)], |args| {
        Ok(ConfigValue::new_string(extract_basename(args.expect_text(0)?)))
    }),
    declare_function("dirname", &[declare_param("path", Text)], |args| {
        Ok(ConfigValue::new_string(extract_dirname(args.expect_text(0)?)))
    }),
    declare_reading_function("file", &[declare_param("path", Text)], |args, evaluator| {
        Ok(ConfigValue::new_string(read_text_file(args, evaluator)?))
    }),
    declare_reading_function("fileexists", &[declare_param("path", Text)], |args, evaluator| {
        let path = resolve_path(args, evaluator)?;
        match evaluator.files.contains_file(&path) {
            Ok(there) => Ok(ConfigValue::new_bool(there)),
            Err(problem) => FunctionError::reject_argument(0, problem),
        }
    }),
    declare_reading_function("fileset", &[declare_param("path", Text), declare_param("pattern", Text)], list_file_set),
    declare_reading_function(
        "templatefile",
        &[declare_param("path", Text), declare_param("variables", Any)],
        render_template_file,
    ),
];

/// The largest template file, in bytes: 1 MiB.
const LARGEST_TEMPLATE: usize = 1024 * 1024;

/// The path in the first argument, relative to the directory of the stack. Lexically it stays within the directory of the stack or, in a
/// module, of that module. The result contains no `.` and no doubled slashes. Symbolic links are not resolved here.
fn resolve_path(args: &Args<'_>, evaluator: &Evaluator<'_>) -> Result<String, FunctionError> {
    let path = args.expect_text(0)?;
    let outside = if args.module == ModuleId::STACK {
        "it lies outside of the stack's directory, and only files within are read"
    } else {
        "it lies outside of the module's directory, and only files within are read; hand the content over as a variable"
    };
    if path.starts_with('/') || path.contains('\\') || path.contains('\0') || path.contains(':') {
        return FunctionError::reject_argument(0, outside);
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return FunctionError::reject_argument(0, outside),
            ".." => {}
            part => parts.push(part),
        }
    }
    Ok(join_path(evaluator.module(args.module).directory, &parts.join("/")))
}

fn read_text_file(args: &Args<'_>, evaluator: &Evaluator<'_>) -> Result<String, FunctionError> {
    let path = resolve_path(args, evaluator)?;
    let bytes = evaluator.files.read_file(&path).or_else(|problem| FunctionError::reject_argument(0, problem))?;
    args.budget.check_string_room(bytes.len())?;
    evaluator.files_read.borrow_mut().insert(path, Digest::from_bytes(&bytes));
    String::from_utf8(bytes).or_else(|_| FunctionError::reject_argument(0, "the file is not UTF-8 text"))
}

fn render_template_file(args: &Args<'_>, evaluator: &Evaluator<'_>) -> Result<ConfigValue, FunctionError> {
    if evaluator.in_template.get() {
        return FunctionError::reject_call("a template renders no other template");
    }
    let content = read_text_file(args, evaluator)?;
    if content.len() > LARGEST_TEMPLATE {
        return FunctionError::reject_argument(0, "a template may have up to 1 MiB");
    }
    // Parsing takes about one step for each byte.
    let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
    evaluator
        .budget
        .take_steps(|| ByteRange::default().to_span(FileId(u32::MAX)), length)
        .map_err(FunctionError::Inner)?;
    let Some(entries) = args.get(1)?.entries() else {
        return FunctionError::reject_argument(1, "a map or object is required");
    };
    let nowhere = FileId(u32::MAX);
    let failed = |finding: &crate::config::Diagnostic| {
        let label = finding.location.as_ref().map_or("", |location| location.label.as_str());
        let line = finding.location.as_ref().map_or(0, |location| {
            content.as_bytes().iter().take(location.span.bytes.start).filter(|byte| **byte == b'\n').count() + 1
        });
        FunctionError::Argument(0, format!("line {line} of the template: {} ({label})", finding.summary))
    };
    let parts = parse_template(&content, nowhere).map_err(|finding| failed(&finding))?;
    let bound: Vec<(Arc<str>, ConfigValue)> =
        entries.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let scope = EvalScope::for_bindings(nowhere, &bound);
    evaluator.in_template.set(true);
    let rendered = evaluator.evaluate_template(&parts, ByteRange::default(), &scope);
    evaluator.in_template.set(false);
    match rendered {
        Ok(value) => Ok(value),
        Err(crate::config::eval::EvalError::Wrong { finding, .. }) => Err(failed(&finding)),
        Err(fault) => Err(FunctionError::Inner(fault)),
    }
}

/// The files below a path that match a glob, relative to the path. The glob may contain `*`, `?`, `**` and `{a,b}`.
fn list_file_set(args: &Args<'_>, evaluator: &Evaluator<'_>) -> Result<ConfigValue, FunctionError> {
    let under = resolve_path(args, evaluator)?;
    let files = evaluator.files.list_files(&under).or_else(|problem| FunctionError::reject_argument(0, problem))?;
    args.budget.check_collection_room(files.len())?;
    let length = files.iter().map(String::len).sum();
    let pattern = patterns::compile_cached_pattern(&translate_glob(args.expect_text(1)?), 1, length, args, evaluator)
        .map_err(|problem| match problem {
        FunctionError::Argument(..) => FunctionError::Argument(1, "not a pattern of paths".to_owned()),
        other => other,
    })?;
    let found: Vec<ConfigValue> =
        files.into_iter().filter(|path| pattern.is_match(path)).map(ConfigValue::new_string).collect();
    Ok(ConfigValue::new_set(found))
}

/// Converts a glob to a regular expression. For example, `a/*.json` becomes `^a/[^/]*\.json$`.
fn translate_glob(pattern: &str) -> String {
    let mut out = String::from("^");
    let mut chars = pattern.chars().peekable();
    let mut braces = 0;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                if chars.peek() == Some(&'/') {
                    chars.next();
                    out.push_str("(?:.*/)?");
                } else {
                    out.push_str(".*");
                }
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '{' => {
                braces += 1;
                out.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                out.push(')');
            }
            ',' if braces > 0 => out.push('|'),
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    out.push('$');
    out
}

fn extract_basename(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match (path, trimmed) {
        ("", _) => ".",
        (_, "") => "/",
        (_, trimmed) => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

fn extract_dirname(path: &str) -> String {
    let (directory, rooted) = match path.rsplit_once('/') {
        None => return ".".to_owned(),
        Some((directory, _)) => (directory, path.starts_with('/')),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in directory.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}
