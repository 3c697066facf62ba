//! Compares every function with Terraform. Input: expressions with the value and type that Terraform computed. The invariant: value and
//! type are equal, except for the expressions in [`DIFFERS`], which must differ.

use std::sync::Arc;

use serde::Deserialize;

use super::alone::{EmptyFolder, EmptyModel};
use super::{EvalScope, Evaluator};
use crate::hcl::budget::EvalLimits;
use crate::hcl::catalog::BlockCatalog;
use crate::hcl::functions::list_function_names;
use crate::hcl::source::FileId;
use crate::hcl::syntax::parse_expression;
use crate::hcl::value::convert::infer_type;
use crate::hcl::value::types::ObjectField;
use crate::hcl::value::{ConfigValue, Type};

/// One case, as written by `scripts/golden-functions`.
#[derive(Deserialize)]
struct GoldenCase {
    expression: String,
    /// The JSON of a tuple that contains the value. `None`: the expression is an error in Terraform.
    value: Option<String>,
    #[serde(rename = "type")]
    of: Option<String>,
}

/// Expressions whose result differs from Terraform on purpose, with the reason. The same table is in `docs/language.md`.
const DIFFERS: &[(&str, &str)] = &[
    ("can(1 / 0)", "a division by zero has no value; in Terraform it is infinite, and fails only where it is used"),
    ("try(1 / 0, null, 3)", "a division by zero has no value"),
    ("true ? [1] : []", "only the side that is taken is evaluated, so the other does not change the type"),
    ("format(\"%v\", null)", "null is written as null, not an error of the whole call"),
    ("jsondecode(\"12345678901234567890123\")", "numbers in JSON that do not fit 64 bits are read as doubles"),
    ("yamldecode(\"a: yes\")", "YAML 1.2: only true and false are bools"),
    ("yamldecode(\"a: 1\\nb:\\n- x\\n- y\\n\")", "YAML 1.2: `y` is text"),
    ("yamldecode(\"a: 2001-12-14\")", "YAML 1.2: a date is text, as it is written"),
];

/// The rows of the table below a heading in `docs/language.md`: the first cell without its backticks, and the second cell.
fn parse_table_rows<'d>(document: &'d str, heading: &str) -> Vec<(&'d str, &'d str)> {
    let section = document.split_once(heading).map_or("", |(_, rest)| rest);
    let lines = section.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
    lines
        .map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
        .map(|(first, second)| (first.trim_matches('`'), second))
        .collect()
}

#[test]
fn the_reference_names_what_differs_and_every_function() {
    let document = include_str!("../../../docs/language.md");
    assert_eq!(parse_table_rows(document, "\n## What differs from Terraform\n"), DIFFERS);
    let mut listed: Vec<&str> = parse_table_rows(document, "\n## Functions\n")
        .into_iter()
        .flat_map(|(_, names)| names.split(' ').map(|name| name.trim_matches('`')))
        .collect();
    let mut known: Vec<&str> = list_function_names().collect();
    listed.sort_unstable();
    known.sort_unstable();
    assert_eq!(listed, known);
}

/// The JSON of a tuple that contains the value, and the type of the value. `None`: the expression is an error.
fn evaluate_outcome(expression: &str) -> Option<(String, String)> {
    let catalog = BlockCatalog::default();
    let limits = EvalLimits { instances: 1000, modules: 1000 };
    let model = EmptyModel(&catalog);
    let eval = Evaluator::new(&model, &EmptyFolder, jiff::Timestamp::UNIX_EPOCH, limits);
    let scope = EvalScope::for_literals(FileId(0));
    let value = |text: &str| -> Option<ConfigValue> {
        let expr = parse_expression(text, FileId(0)).ok()?;
        eval.evaluate_expr(&expr, &scope).ok()
    };
    let json = value(&format!("jsonencode([{expression}])"))?.as_str()?.to_owned();
    let of = render_type(&infer_type(&value(expression)?));
    Some((json, of))
}

/// A type as `terraform console` writes it, without blanks.
fn render_type(of: &Type) -> String {
    match of {
        Type::Any => "dynamic".to_owned(),
        Type::List(of) => format!("list({})", render_type(of)),
        Type::Set(of) => format!("set({})", render_type(of)),
        Type::Map(of) => format!("map({})", render_type(of)),
        Type::Tuple(types) if types.is_empty() => "tuple([])".to_owned(),
        Type::Tuple(types) => {
            format!("tuple([{}])", types.iter().map(|of| format!("{},", render_type(of))).collect::<String>())
        }
        Type::Object(fields) if fields.is_empty() => "object({})".to_owned(),
        Type::Object(fields) => {
            let field = |(name, field): (&Arc<str>, &ObjectField)| {
                let name = name.replace(' ', "");
                format!("{name}:{},", render_type(&field.of))
            };
            format!("object({{{}}})", fields.iter().map(field).collect::<String>())
        }
        primitive => primitive.to_string(),
    }
}

/// Compares types. `dynamic` in our type matches any type: Leasehold does not know some types, such as those of the elements of an empty
/// list.
fn is_same_type(ours: &str, theirs: &str) -> bool {
    match ours.split_once("dynamic") {
        None => ours == theirs,
        Some((before, after)) => theirs.strip_prefix(before).is_some_and(|rest| {
            let tail = after.split("dynamic").next().unwrap_or_default();
            if after.contains("dynamic") { rest.contains(tail) } else { rest.ends_with(after) }
        }),
    }
}

#[test]
fn values_and_types_are_terraforms() {
    let cases: Vec<GoldenCase> =
        serde_json::from_str(include_str!("../../../tests/engine/config/golden/functions.json")).unwrap();
    assert!(cases.len() >= 300, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let ours = evaluate_outcome(&case.expression);
        let same = match (&ours, &case.value) {
            (None, None) => true,
            (Some((json, of)), Some(value)) => {
                json == value && case.of.as_ref().is_none_or(|theirs| is_same_type(of, &theirs.replace(",)", ")")))
            }
            _ => false,
        };
        let excused = DIFFERS.iter().any(|(expression, _)| *expression == case.expression);
        if same == excused {
            let theirs = (case.value.as_deref().unwrap_or("-"), case.of.as_deref().unwrap_or("-"));
            let why = if excused { "now the same, take it off the table" } else { "differs" };
            wrong.push(format!("{}\n   {why}\n   ours   {ours:?}\n   theirs {theirs:?}", case.expression));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
