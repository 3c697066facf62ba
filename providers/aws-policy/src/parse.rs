//! JSON → [`PolicyDocument`], according to the policy grammar. Everything outside the grammar is an error with its path
//! and bytes. The parser skips nothing, so no part of a document can be missing from a comparison.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use std::collections::BTreeSet;

use serde_json::Value;

use crate::document::{
    Clause, LanguageVersion, PolicyDocument, PolicyKind, PolicyStatement, StatementCondition, StatementEffect,
};
use crate::error::{JsonPath, ParseErrorKind, PolicyParseError};
use crate::json::{JsonKind, JsonNode};
use crate::operator::{ConditionOperator, ConditionTest};
use crate::pattern::{Pattern, PatternDialect};
use crate::principal::PolicyPrincipal;

impl PolicyDocument {
    /// Parses a document of any kind from JSON text.
    ///
    /// # Errors
    /// The text is not JSON, or not a policy document. The error has the path and the bytes.
    ///
    /// ```
    /// use leasehold_policy::PolicyDocument;
    ///
    /// let text = r#"{"Statement": {"Effect": "allow", "Action": "*", "Resource": "*"}}"#;
    /// let error = PolicyDocument::parse(text).unwrap_err();
    /// assert_eq!(error.to_string(), "Statement.Effect: `allow` is not Allow or Deny");
    /// ```
    pub fn parse(text: &str) -> Result<Self, PolicyParseError> {
        parse_document(&JsonNode::parse_text(text)?, &JsonPath::root())
    }

    /// Parses a document of any kind from a JSON value.
    ///
    /// # Errors
    /// The value is not a policy document. The error has a path and no bytes.
    pub fn from_value(value: &Value) -> Result<Self, PolicyParseError> {
        parse_document(&JsonNode::from_value(value), &JsonPath::root())
    }

    /// Checks that every statement has the elements that this kind of policy requires, and none that it forbids.
    ///
    /// # Errors
    /// The first statement that lacks a required element or has a forbidden one.
    pub fn require_kind(&self, kind: PolicyKind) -> Result<(), PolicyParseError> {
        for (index, statement) in self.statements.iter().enumerate() {
            let path = JsonPath::root().with_member("Statement").with_element(index);
            let fault = |problem| Err(PolicyParseError { path: path.clone(), bytes: None, problem });
            match (kind, statement.principals.is_some(), statement.resources.is_some()) {
                (PolicyKind::Identity, true, _) => {
                    return fault(ParseErrorKind::WrongKind { element: "Principal", kind: "an identity policy" });
                }
                (PolicyKind::Identity | PolicyKind::Resource, _, false) => {
                    return fault(ParseErrorKind::Missing("Resource"));
                }
                (PolicyKind::Trust, _, true) => {
                    return fault(ParseErrorKind::WrongKind { element: "Resource", kind: "a trust policy" });
                }
                (PolicyKind::Trust | PolicyKind::Resource, false, _) => {
                    return fault(ParseErrorKind::Missing("Principal"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

pub(crate) fn parse_document(node: &JsonNode, path: &JsonPath) -> Result<PolicyDocument, PolicyParseError> {
    let members = expect_object(node, path, "an object")?;
    reject_unknown_members(node, members, path, &["Version", "Id", "Statement"])?;
    let version = match find_member(members, "Version") {
        None => LanguageVersion::default(),
        Some(node) => {
            let path = path.with_member("Version");
            match expect_string(node, &path)? {
                "2012-10-17" => LanguageVersion::V2012,
                "2008-10-17" => LanguageVersion::V2008,
                other => {
                    let expected = "2012-10-17 or 2008-10-17";
                    return Err(node.error_here(&path, ParseErrorKind::NotOneOf { value: other.to_owned(), expected }));
                }
            }
        }
    };
    let id = match find_member(members, "Id") {
        None => None,
        Some(node) => Some(expect_string(node, &path.with_member("Id"))?.to_owned()),
    };
    let Some(list) = find_member(members, "Statement") else {
        return Err(node.error_here(path, ParseErrorKind::Missing("Statement")));
    };
    let path = path.with_member("Statement");
    let mut statements = Vec::new();
    let mut sids = BTreeSet::new();
    for (path, node) in one_or_many(list, &path) {
        let read = parse_statement(node, &path, version)?;
        if let Some(sid) = read.sid.as_ref().filter(|sid| !sid.is_empty())
            && !sids.insert(sid.clone())
        {
            return Err(node.error_here(&path.with_member("Sid"), ParseErrorKind::Repeated(sid.clone())));
        }
        statements.push(read);
    }
    Ok(PolicyDocument { version, id, statements })
}

fn parse_statement(
    node: &JsonNode,
    path: &JsonPath,
    version: LanguageVersion,
) -> Result<PolicyStatement, PolicyParseError> {
    const ELEMENTS: &[&str] =
        &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    let members = expect_object(node, path, "a statement object")?;
    reject_unknown_members(node, members, path, ELEMENTS)?;
    let sid = match find_member(members, "Sid") {
        None => None,
        Some(node) => Some(expect_string(node, &path.with_member("Sid"))?.to_owned()),
    };
    let Some(effect) = find_member(members, "Effect") else {
        return Err(node.error_here(path, ParseErrorKind::Missing("Effect")));
    };
    let effect = match expect_string(effect, &path.with_member("Effect"))? {
        "Allow" => StatementEffect::Allow,
        "Deny" => StatementEffect::Deny,
        other => {
            let problem = ParseErrorKind::NotOneOf { value: other.to_owned(), expected: "Allow or Deny" };
            return Err(effect.error_here(&path.with_member("Effect"), problem));
        }
    };
    let principals = match find_plain_or_negated(node, members, path, "Principal", "NotPrincipal")? {
        None => None,
        Some((negated, node, path)) => Some(parse_principals(node, &path, negated)?),
    };
    let Some((negated, list, at)) = find_plain_or_negated(node, members, path, "Action", "NotAction")? else {
        return Err(node.error_here(path, ParseErrorKind::Missing("Action")));
    };
    let actions = parse_clause(list, &at, negated, "NotAction", parse_action)?;
    let resources = match find_plain_or_negated(node, members, path, "Resource", "NotResource")? {
        None => None,
        Some((negated, list, path)) => Some(parse_clause(list, &path, negated, "NotResource", |node, path, text| {
            parse_resource(node, path, text, version)
        })?),
    };
    let conditions = match find_member(members, "Condition") {
        None => Vec::new(),
        Some(node) => parse_conditions(node, &path.with_member("Condition"), version)?,
    };
    Ok(PolicyStatement { sid, effect, principals, actions, resources, conditions })
}

fn parse_clause<T>(
    list: &JsonNode,
    path: &JsonPath,
    negated: bool,
    negation: &'static str,
    read: impl Fn(&JsonNode, &JsonPath, &str) -> Result<T, PolicyParseError>,
) -> Result<Clause<T>, PolicyParseError> {
    let mut items = Vec::new();
    for (path, node) in one_or_many(list, path) {
        items.push(read(node, &path, expect_string(node, &path)?)?);
    }
    if negated && items.is_empty() {
        return Err(list.error_here(path, ParseErrorKind::EmptyNegation(negation)));
    }
    Ok(Clause { negated, items })
}

/// Parses `*`, or `service:action` with wildcards. The tokens are in lower case, the text keeps its case.
fn parse_action(node: &JsonNode, path: &JsonPath, text: &str) -> Result<Pattern, PolicyParseError> {
    let well_formed = match text.split_once(':') {
        None => text == "*",
        Some((service, name)) => {
            let service_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '*' | '?' | '_' | '.');
            let name_char = |c: char| !c.is_whitespace() && !c.is_control();
            !service.is_empty() && service.chars().all(service_char) && !name.is_empty() && name.chars().all(name_char)
        }
    };
    if !well_formed {
        let problem = ParseErrorKind::NotOneOf { value: text.to_owned(), expected: "`*` or `service:action`" };
        return Err(node.error_here(path, problem));
    }
    Ok(Pattern::parse(&text.to_lowercase(), LanguageVersion::V2012, PatternDialect::Wildcards).with_spelling(text))
}

/// Parses `*`, or an ARN pattern: it begins with `arn:`, or with a wildcard or variable that can stand for `arn`.
fn parse_resource(
    node: &JsonNode,
    path: &JsonPath,
    text: &str,
    version: LanguageVersion,
) -> Result<Pattern, PolicyParseError> {
    let starts = text.starts_with("arn:") || text.starts_with(['*', '?', '$']) || text.starts_with("arn*");
    if !starts {
        let problem = ParseErrorKind::NotOneOf { value: text.to_owned(), expected: "`*` or an ARN" };
        return Err(node.error_here(path, problem));
    }
    Ok(Pattern::parse(text, version, PatternDialect::Full))
}

fn parse_principals(
    node: &JsonNode,
    path: &JsonPath,
    negated: bool,
) -> Result<Clause<PolicyPrincipal>, PolicyParseError> {
    if let JsonKind::String(text) = &node.kind {
        if text == "*" {
            return Ok(Clause { negated, items: vec![PolicyPrincipal::Everyone] });
        }
        let problem = ParseErrorKind::NotOneOf { value: text.clone(), expected: "`*` or an object" };
        return Err(node.error_here(path, problem));
    }
    let members = expect_object(node, path, "`*` or an object")?;
    let mut items = Vec::new();
    for (kind, list) in members {
        let path = path.with_member(kind);
        for (path, node) in one_or_many(list, &path) {
            let text = expect_string(node, &path)?;
            let one = match kind.as_str() {
                "AWS" => PolicyPrincipal::from_aws(text),
                "Service" => PolicyPrincipal::Service(text.to_owned()),
                "Federated" => PolicyPrincipal::Federated(text.to_owned()),
                "CanonicalUser" => PolicyPrincipal::CanonicalUser(text.to_owned()),
                other => return Err(list.error_here(&path, ParseErrorKind::UnknownElement(other.to_owned()))),
            };
            if text.is_empty() || (text == "*" && kind != "AWS") {
                let problem = ParseErrorKind::NotOneOf { value: text.to_owned(), expected: "one principal" };
                return Err(node.error_here(&path, problem));
            }
            items.push(one);
        }
    }
    if negated && items.is_empty() {
        return Err(node.error_here(path, ParseErrorKind::EmptyNegation("NotPrincipal")));
    }
    Ok(Clause { negated, items })
}

fn parse_conditions(
    node: &JsonNode,
    path: &JsonPath,
    version: LanguageVersion,
) -> Result<Vec<StatementCondition>, PolicyParseError> {
    let mut out: Vec<StatementCondition> = Vec::new();
    for (name, block) in expect_object(node, path, "an object of operators")? {
        let path = path.with_member(name);
        let operator = ConditionOperator::parse(name);
        for (key, values) in expect_object(block, &path, "an object of context keys")? {
            let path = path.with_member(key);
            let folded = key.to_lowercase();
            if key.is_empty() || out.iter().any(|seen| seen.operator == operator && seen.key == folded) {
                return Err(values.error_here(&path, ParseErrorKind::Repeated(key.clone())));
            }
            let mut patterns = Vec::new();
            for (path, node) in one_or_many(values, &path) {
                let text = match &node.kind {
                    JsonKind::String(text) => text.clone(),
                    JsonKind::Number(text) => text.clone(),
                    JsonKind::Bool(truth) => truth.to_string(),
                    _ => return Err(node.error_here(&path, ParseErrorKind::Expected("a string, number or boolean"))),
                };
                patterns.push(Pattern::parse(&text, version, value_dialect(&operator)));
            }
            if operator == ConditionOperator::Null
                && let Some(bad) = patterns.iter().find(|p| !matches!(parse_bool(p.text()), Some(true | false)))
            {
                let problem = ParseErrorKind::NotOneOf { value: bad.text().to_owned(), expected: "true or false" };
                return Err(values.error_here(&path, problem));
            }
            out.push(StatementCondition { operator: operator.clone(), key: folded, values: patterns });
        }
    }
    Ok(out)
}

/// Parses `true` or `false` in any case, as in values of `Bool` and `Null`.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    [true, false].into_iter().find(|truth| text.eq_ignore_ascii_case(&truth.to_string()))
}

fn value_dialect(operator: &ConditionOperator) -> PatternDialect {
    match operator {
        ConditionOperator::Test {
            test: ConditionTest::StringLike | ConditionTest::ArnLike | ConditionTest::ArnEquals,
            ..
        } => PatternDialect::Full,
        ConditionOperator::Test {
            test: ConditionTest::StringEquals | ConditionTest::StringEqualsIgnoreCase, ..
        } => PatternDialect::Variables,
        _ => PatternDialect::Plain,
    }
}

fn expect_object<'a>(
    node: &'a JsonNode,
    path: &JsonPath,
    what: &'static str,
) -> Result<&'a [(String, JsonNode)], PolicyParseError> {
    match &node.kind {
        JsonKind::Object(members) => Ok(members),
        _ => Err(node.error_here(path, ParseErrorKind::Expected(what))),
    }
}

fn expect_string<'a>(node: &'a JsonNode, path: &JsonPath) -> Result<&'a str, PolicyParseError> {
    match &node.kind {
        JsonKind::String(text) => Ok(text),
        _ => Err(node.error_here(path, ParseErrorKind::Expected("a string"))),
    }
}

fn one_or_many<'a>(node: &'a JsonNode, path: &JsonPath) -> Vec<(JsonPath, &'a JsonNode)> {
    match &node.kind {
        JsonKind::Array(items) => {
            items.iter().enumerate().map(|(index, node)| (path.with_element(index), node)).collect()
        }
        _ => vec![(path.clone(), node)],
    }
}

fn find_member<'a>(members: &'a [(String, JsonNode)], name: &str) -> Option<&'a JsonNode> {
    members.iter().find(|(candidate, _)| candidate == name).map(|(_, node)| node)
}

fn reject_unknown_members(
    node: &JsonNode,
    members: &[(String, JsonNode)],
    path: &JsonPath,
    names: &[&str],
) -> Result<(), PolicyParseError> {
    match members.iter().find(|(name, _)| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, value)) => {
            let bytes = value.bytes.clone().or_else(|| node.bytes.clone());
            Err(PolicyParseError {
                path: path.with_member(name),
                bytes,
                problem: ParseErrorKind::UnknownElement(name.clone()),
            })
        }
    }
}

type ElementChoice<'a> = Option<(bool, &'a JsonNode, JsonPath)>;

/// Finds an element or its negation: whether it is the negation, the node and its path. `None`: neither is present.
///
/// # Errors
/// Both are present.
fn find_plain_or_negated<'a>(
    node: &JsonNode,
    members: &'a [(String, JsonNode)],
    path: &JsonPath,
    plain: &'static str,
    negated: &'static str,
) -> Result<ElementChoice<'a>, PolicyParseError> {
    match (find_member(members, plain), find_member(members, negated)) {
        (Some(_), Some(_)) => Err(node.error_here(path, ParseErrorKind::Both(plain, negated))),
        (Some(list), None) => Ok(Some((false, list, path.with_member(plain)))),
        (None, Some(list)) => Ok(Some((true, list, path.with_member(negated)))),
        (None, None) => Ok(None),
    }
}
