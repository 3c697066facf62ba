//! `federation` blocks: issuers and directories whose word the account takes.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Federation, Issuer};

use super::fields::Fields;
use super::providers;
use crate::config::declared::Federations;
use crate::config::diagnostic::Diagnostic;
use crate::config::eval::instances::default_name;
use crate::config::eval::{Evaluator, ModuleId};
use crate::config::schema;
use crate::config::value::show::quoted;

/// All federations of one module, by the names that the model knows them by, with where they are written.
pub fn federations(eval: &Evaluator<'_>, module: ModuleId) -> Federations {
    let Some(schema) = schema::top("federation") else { return BTreeMap::new() };
    let mut all = BTreeMap::new();
    for (label, block) in &eval.catalog(module).federations {
        let fields = Fields::new(eval, module, block);
        let name = eval.qualified(module, label);
        let issuer = match block.label(0) {
            "oidc" => oidc(&fields),
            "saml" => saml(&fields, || default_name(&eval.module(module).prefix, label, None)),
            _ => None,
        };
        if let Some(issuer) = issuer {
            let account = providers::named(&fields).flatten();
            all.insert(name.clone(), (Federation { name, issuer, account }, fields.origin(schema)));
        }
    }
    all
}

fn oidc(fields: &Fields<'_, '_>) -> Option<Issuer> {
    let audiences = fields.texts("audiences");
    let thumbprints: BTreeSet<String> =
        fields.texts("thumbprints").unwrap_or_default().into_iter().map(|print| print.to_ascii_lowercase()).collect();
    for print in thumbprints.iter().filter(|print| print.len() != 40 || !print.bytes().all(|b| b.is_ascii_hexdigit())) {
        fields.find(
            Diagnostic::error("config::thumbprint", format!("{} is not a thumbprint", quoted(print)))
                .at(fields.place("thumbprints"), "40 hexadecimal digits")
                .help("write the SHA-1 of the certificate without colons, or leave `thumbprints` out: the cloud finds it by itself"),
        );
    }
    let url = fields.filled_text("url")?;
    if !url.starts_with("https://") || url.trim_end_matches('/').len() <= "https://".len() {
        fields.find(
            Diagnostic::error("config::issuer", format!("{} is not an issuer's URL", quoted(&url)))
                .at(fields.place("url"), "https:// is required")
                .help("write it as the issuer publishes it: \"https://token.actions.githubusercontent.com\""),
        );
        return None;
    }
    Some(Issuer::Oidc { url, audiences: audiences?.into_iter().collect(), thumbprints })
}

fn saml(fields: &Fields<'_, '_>, default: impl FnOnce() -> String) -> Option<Issuer> {
    let metadata = fields.filled_text("metadata")?;
    if !metadata.trim_start().starts_with('<') {
        fields.find(
            Diagnostic::error("config::metadata", "`metadata` is not an XML document")
                .at(fields.place("metadata"), "the directory's metadata, as it publishes it")
                .help("read it from a file: metadata = file(\"corp.xml\")"),
        );
        return None;
    }
    Some(Issuer::Saml { name: fields.filled_text("name").unwrap_or_else(default), metadata })
}
