//! JSON → [`Document`], by the policy grammar. Anything the grammar lacks is an error with its path and bytes; nothing
//! is skipped, so nothing that a document says can be lost on the way to a verdict.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use std::collections::BTreeSet;

use serde_json::Value;

use crate::document::{Clause, Condition, Document, Effect, PolicyKind, Statement, Version};
use crate::error::{JsonPath, ParseError, Problem};
use crate::json::{Kind, Node};
use crate::operator::{Operator, Test};
use crate::pattern::{Dialect, Pattern};
use crate::principal::Principal;

impl Document {
    /// Reads a document of any kind.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        document(&Node::read(text)?, &JsonPath::root())
    }

    /// Reads a document that is already a JSON value. Its errors have a path and no byte range.
    pub fn from_value(value: &Value) -> Result<Self, ParseError> {
        document(&Node::from_value(value), &JsonPath::root())
    }

    /// Checks that every statement has what this kind of policy needs, and nothing that it may not have.
    pub fn require(&self, kind: PolicyKind) -> Result<(), ParseError> {
        for (index, statement) in self.statements.iter().enumerate() {
            let path = JsonPath::root().member("Statement").element(index);
            let fault = |problem| Err(ParseError { path: path.clone(), bytes: None, problem });
            match (kind, statement.principals.is_some(), statement.resources.is_some()) {
                (PolicyKind::Identity, true, _) => {
                    return fault(Problem::WrongKind { element: "Principal", kind: "an identity policy" });
                }
                (PolicyKind::Identity | PolicyKind::Resource, _, false) => return fault(Problem::Missing("Resource")),
                (PolicyKind::Trust, _, true) => {
                    return fault(Problem::WrongKind { element: "Resource", kind: "a trust policy" });
                }
                (PolicyKind::Trust | PolicyKind::Resource, false, _) => return fault(Problem::Missing("Principal")),
                _ => {}
            }
        }
        Ok(())
    }
}

pub(crate) fn document(node: &Node, path: &JsonPath) -> Result<Document, ParseError> {
    let members = object(node, path, "an object")?;
    known(node, members, path, &["Version", "Id", "Statement"])?;
    let version = match member(members, "Version") {
        None => Version::default(),
        Some(node) => {
            let path = path.member("Version");
            match string(node, &path)? {
                "2012-10-17" => Version::V2012,
                "2008-10-17" => Version::V2008,
                other => {
                    let expected = "2012-10-17 or 2008-10-17";
                    return Err(node.fault(&path, Problem::NotOneOf { value: other.to_owned(), expected }));
                }
            }
        }
    };
    let id = match member(members, "Id") {
        None => None,
        Some(node) => Some(string(node, &path.member("Id"))?.to_owned()),
    };
    let Some(list) = member(members, "Statement") else {
        return Err(node.fault(path, Problem::Missing("Statement")));
    };
    let path = path.member("Statement");
    let mut statements = Vec::new();
    let mut sids = BTreeSet::new();
    for (path, node) in one_or_many(list, &path) {
        let read = statement(node, &path, version)?;
        if let Some(sid) = read.sid.as_ref().filter(|sid| !sid.is_empty())
            && !sids.insert(sid.clone())
        {
            return Err(node.fault(&path.member("Sid"), Problem::Repeated(sid.clone())));
        }
        statements.push(read);
    }
    Ok(Document { version, id, statements })
}

fn statement(node: &Node, path: &JsonPath, version: Version) -> Result<Statement, ParseError> {
    const ELEMENTS: &[&str] =
        &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    let members = object(node, path, "a statement object")?;
    known(node, members, path, ELEMENTS)?;
    let sid = match member(members, "Sid") {
        None => None,
        Some(node) => Some(string(node, &path.member("Sid"))?.to_owned()),
    };
    let Some(effect) = member(members, "Effect") else {
        return Err(node.fault(path, Problem::Missing("Effect")));
    };
    let effect = match string(effect, &path.member("Effect"))? {
        "Allow" => Effect::Allow,
        "Deny" => Effect::Deny,
        other => {
            let problem = Problem::NotOneOf { value: other.to_owned(), expected: "Allow or Deny" };
            return Err(effect.fault(&path.member("Effect"), problem));
        }
    };
    let principals = match either(node, members, path, "Principal", "NotPrincipal")? {
        None => None,
        Some((negated, node, path)) => Some(principals(node, &path, negated)?),
    };
    let Some((negated, list, at)) = either(node, members, path, "Action", "NotAction")? else {
        return Err(node.fault(path, Problem::Missing("Action")));
    };
    let actions = clause(list, &at, negated, "NotAction", action)?;
    let resources = match either(node, members, path, "Resource", "NotResource")? {
        None => None,
        Some((negated, list, path)) => {
            Some(clause(list, &path, negated, "NotResource", |node, path, text| resource(node, path, text, version))?)
        }
    };
    let conditions = match member(members, "Condition") {
        None => Vec::new(),
        Some(node) => conditions(node, &path.member("Condition"), version)?,
    };
    Ok(Statement { sid, effect, principals, actions, resources, conditions })
}

fn clause<T>(
    list: &Node,
    path: &JsonPath,
    negated: bool,
    negation: &'static str,
    read: impl Fn(&Node, &JsonPath, &str) -> Result<T, ParseError>,
) -> Result<Clause<T>, ParseError> {
    let mut items = Vec::new();
    for (path, node) in one_or_many(list, path) {
        items.push(read(node, &path, string(node, &path)?)?);
    }
    if negated && items.is_empty() {
        return Err(list.fault(path, Problem::EmptyNegation(negation)));
    }
    Ok(Clause { negated, items })
}

/// `*`, or `service:action` with wildcards. The tokens are in lower case.
fn action(node: &Node, path: &JsonPath, text: &str) -> Result<Pattern, ParseError> {
    let well_formed = match text.split_once(':') {
        None => text == "*",
        Some((service, name)) => {
            let service_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '*' | '?' | '_' | '.');
            let name_char = |c: char| !c.is_whitespace() && !c.is_control();
            !service.is_empty() && service.chars().all(service_char) && !name.is_empty() && name.chars().all(name_char)
        }
    };
    if !well_formed {
        let problem = Problem::NotOneOf { value: text.to_owned(), expected: "`*` or `service:action`" };
        return Err(node.fault(path, problem));
    }
    Ok(Pattern::read(&text.to_lowercase(), Version::V2012, Dialect::Wildcards).spelled(text))
}

/// `*`, or an ARN pattern. What stands before the first colon is `arn`, or a wildcard or variable that may become it.
fn resource(node: &Node, path: &JsonPath, text: &str, version: Version) -> Result<Pattern, ParseError> {
    let starts = text.starts_with("arn:") || text.starts_with(['*', '?', '$']) || text.starts_with("arn*");
    if !starts {
        let problem = Problem::NotOneOf { value: text.to_owned(), expected: "`*` or an ARN" };
        return Err(node.fault(path, problem));
    }
    Ok(Pattern::read(text, version, Dialect::Full))
}

fn principals(node: &Node, path: &JsonPath, negated: bool) -> Result<Clause<Principal>, ParseError> {
    if let Kind::String(text) = &node.kind {
        if text == "*" {
            return Ok(Clause { negated, items: vec![Principal::Everyone] });
        }
        let problem = Problem::NotOneOf { value: text.clone(), expected: "`*` or an object" };
        return Err(node.fault(path, problem));
    }
    let members = object(node, path, "`*` or an object")?;
    let mut items = Vec::new();
    for (kind, list) in members {
        let path = path.member(kind);
        for (path, node) in one_or_many(list, &path) {
            let text = string(node, &path)?;
            let one = match kind.as_str() {
                "AWS" => Principal::aws(text),
                "Service" => Principal::Service(text.to_owned()),
                "Federated" => Principal::Federated(text.to_owned()),
                "CanonicalUser" => Principal::CanonicalUser(text.to_owned()),
                other => return Err(list.fault(&path, Problem::UnknownElement(other.to_owned()))),
            };
            if text.is_empty() || (text == "*" && kind != "AWS") {
                let problem = Problem::NotOneOf { value: text.to_owned(), expected: "one principal" };
                return Err(node.fault(&path, problem));
            }
            items.push(one);
        }
    }
    if negated && items.is_empty() {
        return Err(node.fault(path, Problem::EmptyNegation("NotPrincipal")));
    }
    Ok(Clause { negated, items })
}

fn conditions(node: &Node, path: &JsonPath, version: Version) -> Result<Vec<Condition>, ParseError> {
    let mut out: Vec<Condition> = Vec::new();
    for (name, block) in object(node, path, "an object of operators")? {
        let path = path.member(name);
        let operator = Operator::read(name);
        for (key, values) in object(block, &path, "an object of context keys")? {
            let path = path.member(key);
            let folded = key.to_lowercase();
            if key.is_empty() || out.iter().any(|seen| seen.operator == operator && seen.key == folded) {
                return Err(values.fault(&path, Problem::Repeated(key.clone())));
            }
            let mut patterns = Vec::new();
            for (path, node) in one_or_many(values, &path) {
                let text = match &node.kind {
                    Kind::String(text) => text.clone(),
                    Kind::Number(text) => text.clone(),
                    Kind::Bool(truth) => truth.to_string(),
                    _ => return Err(node.fault(&path, Problem::Expected("a string, number or boolean"))),
                };
                patterns.push(Pattern::read(&text, version, dialect(&operator)));
            }
            if operator == Operator::Null
                && let Some(bad) = patterns.iter().find(|p| !matches!(fold_bool(p.text()), Some(true | false)))
            {
                let problem = Problem::NotOneOf { value: bad.text().to_owned(), expected: "true or false" };
                return Err(values.fault(&path, problem));
            }
            out.push(Condition { operator: operator.clone(), key: folded, values: patterns });
        }
    }
    Ok(out)
}

/// `true` and `false` in any case, as `Bool` and `Null` take them.
pub(crate) fn fold_bool(text: &str) -> Option<bool> {
    [true, false].into_iter().find(|truth| text.eq_ignore_ascii_case(&truth.to_string()))
}

fn dialect(operator: &Operator) -> Dialect {
    match operator {
        Operator::Test { test: Test::StringLike | Test::ArnLike | Test::ArnEquals, .. } => Dialect::Full,
        Operator::Test { test: Test::StringEquals | Test::StringEqualsIgnoreCase, .. } => Dialect::Variables,
        _ => Dialect::Plain,
    }
}

fn object<'a>(node: &'a Node, path: &JsonPath, what: &'static str) -> Result<&'a [(String, Node)], ParseError> {
    match &node.kind {
        Kind::Object(members) => Ok(members),
        _ => Err(node.fault(path, Problem::Expected(what))),
    }
}

fn string<'a>(node: &'a Node, path: &JsonPath) -> Result<&'a str, ParseError> {
    match &node.kind {
        Kind::String(text) => Ok(text),
        _ => Err(node.fault(path, Problem::Expected("a string"))),
    }
}

fn one_or_many<'a>(node: &'a Node, path: &JsonPath) -> Vec<(JsonPath, &'a Node)> {
    match &node.kind {
        Kind::Array(items) => items.iter().enumerate().map(|(index, node)| (path.element(index), node)).collect(),
        _ => vec![(path.clone(), node)],
    }
}

fn member<'a>(members: &'a [(String, Node)], name: &str) -> Option<&'a Node> {
    members.iter().find(|(candidate, _)| candidate == name).map(|(_, node)| node)
}

fn known(node: &Node, members: &[(String, Node)], path: &JsonPath, names: &[&str]) -> Result<(), ParseError> {
    match members.iter().find(|(name, _)| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, value)) => {
            let bytes = value.bytes.clone().or_else(|| node.bytes.clone());
            Err(ParseError { path: path.member(name), bytes, problem: Problem::UnknownElement(name.clone()) })
        }
    }
}

type Either<'a> = Option<(bool, &'a Node, JsonPath)>;

/// The element or its negation, never both.
fn either<'a>(
    node: &Node,
    members: &'a [(String, Node)],
    path: &JsonPath,
    plain: &'static str,
    negated: &'static str,
) -> Result<Either<'a>, ParseError> {
    match (member(members, plain), member(members, negated)) {
        (Some(_), Some(_)) => Err(node.fault(path, Problem::Both(plain, negated))),
        (Some(list), None) => Ok(Some((false, list, path.member(plain)))),
        (None, Some(list)) => Ok(Some((true, list, path.member(negated)))),
        (None, None) => Ok(None),
    }
}
