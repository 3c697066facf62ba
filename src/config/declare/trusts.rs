//! Reads `trust` blocks.

use leasehold_provider::Trust;
use serde::{Serialize, Serializer};

use super::fields::BlockFields;
use super::inner;
use crate::config::schema::block_types::IDENTITY;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::source::FileSpan;
use crate::hcl::value::BlockRef;
use crate::hcl::value::show::quote_text;

/// A parsed trust. References to identities are resolved when all identities are known.
#[derive(Debug, Clone)]
pub enum ParsedTrust {
    /// Complete.
    Done(Trust),
    /// A trust in identities of this stack, each reference with its place.
    Identities(Vec<(BlockRef, FileSpan)>),
}

/// As part of a template's digest: the trust, or the addresses of the trusted identities.
impl Serialize for ParsedTrust {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Done(trust) => trust.serialize(to),
            Self::Identities(identities) => to.collect_seq(identities.iter().map(|(block, _)| block.to_string())),
        }
    }
}

/// Reads the trusts of an identity.
pub fn read_trusts(fields: &BlockFields<'_, '_>) -> Vec<ParsedTrust> {
    inner::read_inner_blocks(fields, "trust").iter().filter_map(read_trust).collect()
}

fn read_trust(fields: &BlockFields<'_, '_>) -> Option<ParsedTrust> {
    let trust = match &*fields.label {
        "oidc" => {
            let issuer = fields.read_filled_text("issuer");
            let (audiences, subjects) = (read_members(fields, "audiences"), read_members(fields, "subjects"));
            let issuer = issuer?;
            if !issuer.starts_with("https://") {
                fields.report_finding(
                    Diagnostic::error("config::issuer", format!("{} is not an issuer's URL", quote_text(&issuer)))
                        .with_location(fields.attribute_span("issuer"), "https:// is required")
                        .with_help(format!("write \"https://{}\"", issuer.trim_start_matches("http://"))),
                );
            }
            Trust::Oidc { issuer, audiences: audiences?, subjects: subjects? }
        }
        "service" => Trust::Service { principals: read_members(fields, "principals")? },
        "aws" => {
            let external_id = fields.read_text("external_id");
            Trust::Named { principals: read_members(fields, "principals")?, external_id }
        }
        "saml" => {
            let provider = fields.read_filled_text("provider");
            Trust::Saml { audiences: read_members(fields, "audiences")?, provider: provider? }
        }
        "identity" => {
            let identities = fields.read_references("identities", &IDENTITY);
            let found = identities.into_iter().map(|(block, expr)| (block, fields.expr_span(expr)));
            return Some(ParsedTrust::Identities(found.collect()));
        }
        // The schema check reports an unknown type that is written literally. This one was computed by a `dynamic` block.
        _ if &*fields.block.keyword.text != "content" => return None,
        _ => {
            fields.report_finding(
                Diagnostic::error(
                    "config::unknown_block",
                    format!("there is no trust type {}", quote_text(&fields.label)),
                )
                .with_location(fields.block.span(), "unknown trust type")
                .with_help("the trust types are oidc, service, aws, identity and saml"),
            );
            return None;
        }
    };
    Some(ParsedTrust::Done(trust))
}

/// Reads a list with at least one element.
fn read_members(fields: &BlockFields<'_, '_>, name: &str) -> Option<Vec<String>> {
    let texts = fields.read_texts(name)?;
    if texts.is_empty() {
        fields.report_finding(
            Diagnostic::error("config::empty", format!("`{name}` is empty"))
                .with_location(fields.attribute_span(name), "trusts no principal")
                .with_help("add at least one element, or remove the `trust` block"),
        );
        return None;
    }
    Some(texts)
}
