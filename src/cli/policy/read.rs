//! Reads policy files. A syntax error in one is a finding with its place in the file.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use leasehold_files::read_argument;
use leasehold_policy::{AccountId, PlacedDocument, PolicyDocument, PolicyParseError, PolicySet, parse_documents};

use crate::cli::CommandError;
use crate::config::{Diagnostic, FileId, SourceFile, Sources};
use crate::hcl::source::FileSpan;
use crate::views::policy::PolicyFile;
use crate::workflow::WorkflowError;

/// The largest file that is read, in bytes. This is more than any policy has, and more than a list of all policies of an account: AWS
/// limits each policy to 10,240 characters.
const LARGEST: u64 = 64 << 20;

/// Reads one policy file.
///
/// # Errors
/// The file cannot be read, is too large, or is not a valid policy.
pub fn read_policy_file(
    working_directory: &Path,
    path: &Path,
    account: Option<&AccountId>,
) -> Result<PolicyFile, CommandError> {
    let full = working_directory.join(path);
    let bytes: Arc<[u8]> =
        read_argument(&full, LARGEST).with_context(|| format!("cannot read {}", path.display()))?.into();
    let file = SourceFile { name: path.display().to_string(), bytes };
    match parse_policy_file(&file.bytes, account) {
        Ok(documents) => Ok(PolicyFile { file, documents }),
        Err(finding) => {
            Err(WorkflowError::Findings { findings: vec![*finding], sources: Sources::new(vec![file]) }.into())
        }
    }
}

/// The access of an identity with the policies in these files: the union of the policies, limited by the boundary.
pub fn combine_access(policies: &[PolicyFile], boundary: Option<&PolicyFile>) -> PolicySet {
    let policies = PolicySet::new(policies.iter().flat_map(bare_documents).collect());
    match boundary {
        Some(boundary) => policies.with_boundary(bare_documents(boundary).collect()),
        None => policies,
    }
}

fn bare_documents(file: &PolicyFile) -> impl Iterator<Item = PolicyDocument> + '_ {
    file.documents.iter().map(|placed| placed.document.clone())
}

fn parse_policy_file(bytes: &[u8], account: Option<&AccountId>) -> Result<Vec<PlacedDocument>, Box<Diagnostic>> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let finding = Diagnostic::error("policy::not_utf8", "the file is not UTF-8");
        Box::new(finding.with_location(to_span(at..at.saturating_add(1)), "invalid byte"))
    })?;
    // Some editors write a byte order mark at the start of a file. It is not part of the JSON.
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    let skipped = text.len().saturating_sub(bare.len());
    let read = parse_documents(bare, account).and_then(|documents| {
        documents.iter().try_for_each(|document| document.require_kind(document.infer_kind()))?;
        Ok(documents)
    });
    let shifted = |at: std::ops::Range<usize>| at.start.saturating_add(skipped)..at.end.saturating_add(skipped);
    match read {
        Ok(documents) if skipped == 0 => Ok(documents),
        Ok(documents) => Ok(documents
            .into_iter()
            .map(|document| PlacedDocument {
                statements: document.statements.into_iter().map(shifted).collect(),
                ..document
            })
            .collect()),
        Err(error) => Err(Box::new(malformed_diagnostic(error, text.len(), shifted))),
    }
}

fn malformed_diagnostic(
    error: PolicyParseError,
    end: usize,
    shifted: impl Fn(std::ops::Range<usize>) -> std::ops::Range<usize>,
) -> Diagnostic {
    let summary = format!("this is not a policy: {error}");
    let place = error.bytes.map_or(0..end, shifted);
    Diagnostic::error("policy::malformed", summary)
        .with_location(to_span(place), error.problem.to_string())
        .with_help("IAM would refuse it. The grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html")
}

fn to_span(bytes: std::ops::Range<usize>) -> FileSpan {
    FileSpan { file: FileId(0), bytes }
}
