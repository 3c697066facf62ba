//! The text of a policy file → its documents with the byte ranges of their statements, for diagnostics that point into
//! the file.

use std::ops::Range;

use crate::document::{PolicyDocument, PolicyKind};
use crate::error::{JsonPath, PolicyParseError};
use crate::json::{JsonKind, JsonNode};
use crate::parse;
use crate::principal::AccountId;

/// Placeholders for an account id: CloudFormation's pseudo parameter and the spellings in AWS's documentation.
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

/// A document and its location in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedDocument {
    /// The document.
    pub document: PolicyDocument,
    /// The path in the file: the root, or an element of the list.
    pub path: JsonPath,
    /// The byte range of each statement, in the order of the document.
    pub statements: Vec<Range<usize>>,
}

impl PlacedDocument {
    /// The kind of policy according to its elements: with `Principal` and `Resource` a resource policy, with
    /// `Principal` only a trust policy, otherwise an identity policy.
    pub fn infer_kind(&self) -> PolicyKind {
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

    /// The path of the statement with this index.
    pub fn statement_path(&self, statement: usize) -> JsonPath {
        self.path.with_member("Statement").with_element(statement)
    }

    /// Like [`PolicyDocument::require_kind`], but the error has the path in the file and the bytes of the statement.
    ///
    /// # Errors
    /// The first statement that lacks a required element or has a forbidden one.
    pub fn require_kind(&self, kind: PolicyKind) -> Result<(), PolicyParseError> {
        for (index, statement) in self.document.statements.iter().enumerate() {
            let alone = PolicyDocument { statements: vec![statement.clone()], ..self.document.clone() };
            alone.require_kind(kind).map_err(|error| PolicyParseError {
                path: self.statement_path(index),
                bytes: self.statements.get(index).cloned(),
                ..error
            })?;
        }
        Ok(())
    }
}

/// Parses a text that is one document or a list of documents. With an account, its id replaces each of
/// [`ACCOUNT_PLACEHOLDERS`].
///
/// # Errors
/// The text is not JSON, or one of the documents is not a policy document.
pub fn parse_documents(text: &str, account: Option<&AccountId>) -> Result<Vec<PlacedDocument>, PolicyParseError> {
    let mut whole = JsonNode::parse_text(text)?;
    if let Some(account) = account {
        fill_placeholders(&mut whole, account);
    }
    let root = JsonPath::root();
    match &whole.kind {
        JsonKind::Array(items) => {
            items.iter().enumerate().map(|(n, node)| place_document(node, root.with_element(n))).collect()
        }
        _ => Ok(vec![place_document(&whole, root)?]),
    }
}

fn place_document(node: &JsonNode, path: JsonPath) -> Result<PlacedDocument, PolicyParseError> {
    let document = parse::parse_document(node, &path)?;
    let statements = match &node.kind {
        JsonKind::Object(members) => members.iter().find(|(name, _)| name == "Statement").map(|(_, node)| node),
        _ => None,
    };
    let nodes = match statements {
        Some(JsonNode { kind: JsonKind::Array(items), .. }) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let statements = nodes.iter().filter_map(|node| node.bytes.clone()).collect();
    Ok(PlacedDocument { document, path, statements })
}

fn fill_placeholders(node: &mut JsonNode, account: &AccountId) {
    match &mut node.kind {
        JsonKind::String(text) => {
            for placeholder in ACCOUNT_PLACEHOLDERS {
                if text.contains(placeholder) {
                    *text = text.replace(placeholder, account.as_str());
                }
            }
        }
        JsonKind::Array(items) => items.iter_mut().for_each(|item| fill_placeholders(item, account)),
        JsonKind::Object(members) => members.iter_mut().for_each(|(_, item)| fill_placeholders(item, account)),
        JsonKind::Null | JsonKind::Bool(_) | JsonKind::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b"}}"#;

    #[test]
    fn single_document_and_list_with_byte_ranges() {
        let one = parse_documents(ONE, None).unwrap();
        assert_eq!((one.len(), one[0].statement_path(0).to_string()), (1, "Statement[0]".to_owned()));
        assert!(ONE[one[0].statements[0].clone()].starts_with(r#"{"Effect""#));
        let list = format!("[{ONE}, {ONE}]");
        let two = parse_documents(&list, None).unwrap();
        assert_eq!(two[1].statement_path(0).to_string(), "[1].Statement[0]");
        assert_eq!(list[two[1].statements[0].clone()], ONE[one[0].statements[0].clone()]);
        assert_eq!(parse_documents("[]", None), Ok(Vec::new()));
    }

    #[test]
    fn error_in_a_list_names_the_document() {
        let list = format!(r#"[{ONE}, {{"Statement": {{"Effect": "allow"}}}}]"#);
        let error = parse_documents(&list, None).unwrap_err();
        assert_eq!(error.path.to_string(), "[1].Statement.Effect");
        assert_eq!(&list[error.bytes.unwrap()], r#""allow""#);
    }

    #[test]
    fn placeholders_are_replaced_by_the_account() {
        let account = AccountId::parse("111122223333");
        let with = |placeholder: &str| {
            let text = ONE.replace("arn:aws:s3:::b", &format!("arn:aws:sns:us-east-1:{placeholder}:t"));
            let read = parse_documents(&text, account.as_ref()).unwrap();
            read[0].document.statements[0].resources.as_ref().unwrap().items[0].text().to_owned()
        };
        for placeholder in ACCOUNT_PLACEHOLDERS {
            assert_eq!(with(placeholder), "arn:aws:sns:us-east-1:111122223333:t");
        }
        assert_eq!(with("444455556666"), "arn:aws:sns:us-east-1:444455556666:t");
    }

    #[test]
    fn missing_element_has_path_and_bytes() {
        let text = r#"{"Statement": [{"Effect": "Allow", "Action": "s3:*"}]}"#;
        let read = parse_documents(text, None).unwrap();
        let error = read[0].require_kind(read[0].infer_kind()).unwrap_err();
        assert_eq!(error.to_string(), "Statement[0]: `Resource` is missing");
        assert!(text[error.bytes.unwrap()].starts_with(r#"{"Effect""#));
    }
}
