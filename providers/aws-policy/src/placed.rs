//! The text of a file → its documents, each with where its statements stand, for messages that point into the file.

use std::ops::Range;

use crate::document::{Document, PolicyKind};
use crate::error::{JsonPath, ParseError};
use crate::json::{Kind, Node};
use crate::parse;
use crate::principal::AccountId;

/// What people write where an account id will stand: CloudFormation's pseudo parameter, and the spellings of AWS's guides.
pub const ACCOUNT_PLACEHOLDERS: &[&str] = &[
    "${AWS::AccountId}",
    "${AccountId}",
    "${account_id}",
    "{{account_id}}",
    "<ACCOUNT_ID>",
    "<account-id>",
    "AWS_ACCOUNT_ID",
    "ACCOUNT_ID",
];

/// A document, and where it stands in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The document.
    pub document: Document,
    /// Where in the text: the root, or an element of the list.
    pub path: JsonPath,
    /// The bytes of each statement, in the order of the document.
    pub statements: Vec<Range<usize>>,
}

impl Placed {
    /// The kind that the elements show: a principal with a resource, a principal alone, or neither.
    pub fn kind(&self) -> PolicyKind {
        let statements = &self.document.statements;
        match (
            statements.iter().any(|statement| statement.principals.is_some()),
            statements.iter().any(|statement| statement.resources.is_some()),
        ) {
            (true, true) => PolicyKind::Resource,
            (true, false) => PolicyKind::Trust,
            (false, _) => PolicyKind::Identity,
        }
    }

    /// The path of a statement.
    pub fn path_of(&self, statement: usize) -> JsonPath {
        self.path.member("Statement").element(statement)
    }

    /// As [`Document::require`], with the bytes of the statement.
    pub fn require(&self, kind: PolicyKind) -> Result<(), ParseError> {
        for (index, statement) in self.document.statements.iter().enumerate() {
            let alone = Document { statements: vec![statement.clone()], ..self.document.clone() };
            alone.require(kind).map_err(|error| ParseError {
                path: self.path_of(index),
                bytes: self.statements.get(index).cloned(),
                ..error
            })?;
        }
        Ok(())
    }
}

/// Reads a text that is one document or a list of them. With an account, the placeholders for one stand for it.
pub fn read(text: &str, account: Option<&AccountId>) -> Result<Vec<Placed>, ParseError> {
    let mut whole = Node::read(text)?;
    if let Some(account) = account {
        fill(&mut whole, account);
    }
    let root = JsonPath::root();
    match &whole.kind {
        Kind::Array(items) => items.iter().enumerate().map(|(n, node)| placed(node, root.element(n))).collect(),
        _ => Ok(vec![placed(&whole, root)?]),
    }
}

fn placed(node: &Node, path: JsonPath) -> Result<Placed, ParseError> {
    let document = parse::document(node, &path)?;
    let statements = match &node.kind {
        Kind::Object(members) => members.iter().find(|(name, _)| name == "Statement").map(|(_, node)| node),
        _ => None,
    };
    let nodes = match statements {
        Some(Node { kind: Kind::Array(items), .. }) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let statements = nodes.iter().filter_map(|node| node.bytes.clone()).collect();
    Ok(Placed { document, path, statements })
}

fn fill(node: &mut Node, account: &AccountId) {
    match &mut node.kind {
        Kind::String(text) => {
            for placeholder in ACCOUNT_PLACEHOLDERS {
                if text.contains(placeholder) {
                    *text = text.replace(placeholder, account.as_str());
                }
            }
        }
        Kind::Array(items) => items.iter_mut().for_each(|item| fill(item, account)),
        Kind::Object(members) => members.iter_mut().for_each(|(_, item)| fill(item, account)),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b"}}"#;

    #[test]
    fn one_document_or_a_list_and_where_their_statements_stand() {
        let one = read(ONE, None).unwrap();
        assert_eq!((one.len(), one[0].path_of(0).to_string()), (1, "Statement[0]".to_owned()));
        assert!(ONE[one[0].statements[0].clone()].starts_with(r#"{"Effect""#));
        let list = format!("[{ONE}, {ONE}]");
        let two = read(&list, None).unwrap();
        assert_eq!(two[1].path_of(0).to_string(), "[1].Statement[0]");
        assert_eq!(list[two[1].statements[0].clone()], ONE[one[0].statements[0].clone()]);
        assert_eq!(read("[]", None), Ok(Vec::new()));
    }

    #[test]
    fn an_error_in_a_list_says_which_document_it_is_in() {
        let list = format!(r#"[{ONE}, {{"Statement": {{"Effect": "allow"}}}}]"#);
        let error = read(&list, None).unwrap_err();
        assert_eq!(error.path.to_string(), "[1].Statement.Effect");
        assert_eq!(&list[error.bytes.unwrap()], r#""allow""#);
    }

    #[test]
    fn a_placeholder_stands_for_the_account() {
        let account = AccountId::read("111122223333");
        let with = |placeholder: &str| {
            let text = ONE.replace("arn:aws:s3:::b", &format!("arn:aws:sns:us-east-1:{placeholder}:t"));
            let read = read(&text, account.as_ref()).unwrap();
            read[0].document.statements[0].resources.as_ref().unwrap().items[0].text().to_owned()
        };
        for placeholder in ACCOUNT_PLACEHOLDERS {
            assert_eq!(with(placeholder), "arn:aws:sns:us-east-1:111122223333:t");
        }
        assert_eq!(with("444455556666"), "arn:aws:sns:us-east-1:444455556666:t");
    }

    #[test]
    fn what_a_kind_lacks_is_pointed_at() {
        let text = r#"{"Statement": [{"Effect": "Allow", "Action": "s3:*"}]}"#;
        let read = read(text, None).unwrap();
        let error = read[0].require(read[0].kind()).unwrap_err();
        assert_eq!(error.to_string(), "Statement[0]: `Resource` is missing");
        assert!(text[error.bytes.unwrap()].starts_with(r#"{"Effect""#));
    }
}
