//! Functions that read files in the directory of the root module or of the module that contains the call.

use super::ParamType::{Any, Text};
use super::{
    Args, EvaluatingFunction, Function, FunctionBody, FunctionError, MarkHandling, declare_function, declare_param,
    patterns,
};
use crate::hcl::files::join_path;
use crate::hcl::value::ConfigValue;

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("basename", &[declare_param("path", Text)], |args| {
        Ok(ConfigValue::new_string(extract_basename(args.expect_text(0)?)))
    }),
    declare_function("dirname", &[declare_param("path", Text)], |args| {
        Ok(ConfigValue::new_string(extract_dirname(args.expect_text(0)?)))
    }),
    declare_function("file", &[declare_param("path", Text)], |args| Ok(ConfigValue::new_string(read_text_file(args)?))),
    declare_function("fileexists", &[declare_param("path", Text)], |args| {
        let path = resolve_path(args)?;
        match args.files.contains_file(&path) {
            Ok(there) => Ok(ConfigValue::new_bool(there)),
            Err(problem) => FunctionError::reject_argument(0, problem),
        }
    }),
    declare_function("fileset", &[declare_param("path", Text), declare_param("pattern", Text)], list_file_set),
    Function {
        name: "templatefile",
        params: &[declare_param("path", Text), declare_param("variables", Any)],
        variadic: None,
        marks: MarkHandling::Spread,
        cheap: false,
        body: FunctionBody::Evaluating(EvaluatingFunction::TemplateFile),
    },
];

/// The path in the first argument, relative to the directory of the root module. Lexically it stays within that directory or, in a
/// module, of that module. The result contains no `.` and no doubled slashes. Symbolic links are not resolved here.
fn resolve_path(args: &Args<'_>) -> Result<String, FunctionError> {
    let path = args.expect_text(0)?;
    let outside = if args.in_root {
        "it is outside the stack's directory"
    } else {
        "it is outside the module's directory; pass the content as a variable instead"
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
    Ok(join_path(args.directory, &parts.join("/")))
}

/// Reads the file that the first argument names.
///
/// # Errors
///
/// Returns an error if the file cannot be read, is too large, or is not UTF-8.
pub fn read_text_file(args: &Args<'_>) -> Result<String, FunctionError> {
    let path = resolve_path(args)?;
    let bytes = args.files.read_file(&path).or_else(|problem| FunctionError::reject_argument(0, problem))?;
    args.budget.check_string_room(bytes.len())?;
    String::from_utf8(bytes).or_else(|_| FunctionError::reject_argument(0, "the file is not UTF-8 text"))
}

/// The files below a path that match a glob, relative to the path. The glob may contain `*`, `?`, `**` and `{a,b}`.
fn list_file_set(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let under = resolve_path(args)?;
    let files = args.files.list_files(&under).or_else(|problem| FunctionError::reject_argument(0, problem))?;
    args.budget.check_collection_room(files.len())?;
    let length = files.iter().map(String::len).sum();
    let pattern =
        patterns::compile_cached_pattern(&translate_glob(args.expect_text(1)?), 1, args).map_err(|problem| {
            match problem {
                FunctionError::Argument(..) => FunctionError::Argument(1, "not a path pattern".to_owned()),
                other => other,
            }
        })?;
    patterns::charge_reading(&pattern, length, args)?;
    let found: Vec<ConfigValue> =
        files.into_iter().filter(|path| pattern.regex.is_match(path)).map(ConfigValue::new_string).collect();
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
