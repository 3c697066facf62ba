//! `trust` blocks.

use leasehold_provider::Trust;

use super::fields::Fields;
use super::inner;
use crate::config::diagnostic::Diagnostic;
use crate::config::source::Span;
use crate::config::value::show::quoted;
use crate::config::value::{BlockRef, Keyword};

/// A trust, with references to identities that are looked up once all are known.
#[derive(Debug, Clone)]
pub enum Read {
    /// Complete.
    Done(Trust),
    /// Of identities of this stack, each with its place.
    Identities(Vec<(BlockRef, Span)>),
}

/// The trusts of an identity.
pub fn trusts(fields: &Fields<'_, '_>) -> Vec<Read> {
    inner::blocks(fields, "trust").iter().filter_map(trust).collect()
}

fn trust(fields: &Fields<'_, '_>) -> Option<Read> {
    let trust = match &*fields.label {
        "oidc" => {
            let issuer = fields.filled_text("issuer");
            let (audiences, subjects) = (members(fields, "audiences"), members(fields, "subjects"));
            let issuer = issuer?;
            if !issuer.starts_with("https://") {
                fields.find(
                    Diagnostic::error("config::issuer", format!("{} is not an issuer's URL", quoted(&issuer)))
                        .at(fields.place("issuer"), "https:// is required")
                        .help(format!("write \"https://{}\"", issuer.trim_start_matches("http://"))),
                );
            }
            Trust::Oidc { issuer, audiences: audiences?, subjects: subjects? }
        }
        "service" => Trust::Service { principals: members(fields, "principals")? },
        "aws" => {
            let external_id = fields.text("external_id");
            Trust::Aws { principals: members(fields, "principals")?, external_id }
        }
        "saml" => {
            let provider = fields.filled_text("provider");
            Trust::Saml { audiences: members(fields, "audiences")?, provider: provider? }
        }
        "identity" => {
            let identities = fields.references("identities", Keyword::Identity);
            let found = identities.into_iter().map(|(block, expr)| (block, fields.span(expr)));
            return Some(Read::Identities(found.collect()));
        }
        // A form that stands there as it is was looked up with the tables; this one was computed.
        _ if &*fields.block.keyword.text != "content" => return None,
        _ => {
            fields.find(
                Diagnostic::error("config::unknown_block", format!("there is no trust {}", quoted(&fields.label)))
                    .at(fields.block.span(), "not known")
                    .help("there is oidc, service, aws, identity and saml"),
            );
            return None;
        }
    };
    Some(Read::Done(trust))
}

/// A list with at least one member.
fn members(fields: &Fields<'_, '_>, name: &str) -> Option<Vec<String>> {
    let texts = fields.texts(name)?;
    if texts.is_empty() {
        fields.find(
            Diagnostic::error("config::empty", format!("`{name}` is empty"))
                .at(fields.place(name), "trusts nobody")
                .help("name at least one, or leave the trust out"),
        );
        return None;
    }
    Some(texts)
}
