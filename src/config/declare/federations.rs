//! Reads `federation` blocks: the OIDC issuers and SAML providers that an account trusts.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Federation, Issuer};

use super::fields::BlockFields;
use super::providers;
use crate::config::declared::DeclaredFederations;
use crate::config::naming::{derive_default_name, qualify_label};
use crate::config::schema;
use crate::config::schema::block_types::FEDERATION;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::{Evaluator, ModuleId};
use crate::hcl::value::show::quote_text;

/// Reads the federations of one module, by qualified name, each with its place in the files.
pub fn read_federations(eval: &Evaluator<'_>, module: ModuleId) -> DeclaredFederations {
    let Some(schema) = schema::find_block_schema("federation") else { return BTreeMap::new() };
    let mut all = BTreeMap::new();
    for (label, block) in eval.catalog(module).named_blocks(&FEDERATION) {
        let fields = BlockFields::new(eval, module, block);
        let name = qualify_label(eval, module, label);
        let issuer = match block.label(0) {
            "oidc" => read_oidc_issuer(&fields),
            "saml" => read_saml_issuer(&fields, || derive_default_name(eval, module, label, None)),
            _ => None,
        };
        if let Some(issuer) = issuer {
            let account = providers::read_provider_alias(&fields).flatten();
            all.insert(name.clone(), (Federation { name, issuer, account }, fields.locate_block(schema)));
        }
    }
    all
}

fn read_oidc_issuer(fields: &BlockFields<'_, '_>) -> Option<Issuer> {
    let audiences = fields.read_texts("audiences");
    let thumbprints: BTreeSet<String> = fields
        .read_texts("thumbprints")
        .unwrap_or_default()
        .into_iter()
        .map(|print| print.to_ascii_lowercase())
        .collect();
    for print in thumbprints.iter().filter(|print| print.len() != 40 || !print.bytes().all(|b| b.is_ascii_hexdigit())) {
        fields.report_finding(
            Diagnostic::error("config::thumbprint", format!("{} is not a thumbprint", quote_text(print)))
                .with_location(fields.attribute_span("thumbprints"), "40 hexadecimal digits")
                .with_help(
                    "write the SHA-1 of the certificate without colons, or omit `thumbprints`: AWS then determines it",
                ),
        );
    }
    let url = fields.read_filled_text("url")?;
    if !url.starts_with("https://") || url.trim_end_matches('/').len() <= "https://".len() {
        fields.report_finding(
            Diagnostic::error("config::issuer", format!("{} is not an issuer's URL", quote_text(&url)))
                .with_location(fields.attribute_span("url"), "https:// is required")
                .with_help("write it as the issuer publishes it: \"https://token.actions.githubusercontent.com\""),
        );
        return None;
    }
    Some(Issuer::Oidc { url, audiences: audiences?.into_iter().collect(), thumbprints })
}

fn read_saml_issuer(fields: &BlockFields<'_, '_>, default: impl FnOnce() -> String) -> Option<Issuer> {
    let metadata = fields.read_prose("metadata")?;
    if !metadata.trim_start().starts_with('<') {
        fields.report_finding(
            Diagnostic::error("config::metadata", "`metadata` is not an XML document")
                .with_location(
                    fields.attribute_span("metadata"),
                    "expected the metadata document of the identity provider",
                )
                .with_help("read it from a file: metadata = file(\"corp.xml\")"),
        );
        return None;
    }
    Some(Issuer::Saml { name: fields.read_filled_text("name").unwrap_or_else(default), metadata })
}
