//! Reads `credential` and `store` blocks: which credentials an identity has, and where the secrets of issued keys go.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Credential, Span as Duration};
use serde::{Serialize, Serializer};

use super::fields::BlockFields;
use super::inner;
use crate::config::declared::{KeyRotation, SecretStore, StoreBlock};
use crate::config::schema;
use crate::config::schema::block_types::STORE;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::{Evaluator, ModuleId};
use crate::hcl::value::show::quote_text;

/// The default for `rotate_every`, in days.
const ROTATE_EVERY: u16 = 90;
/// The default for `overlap`, in days.
const OVERLAP: u16 = 1;

/// The `credential` blocks of an identity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeclaredCredentials {
    /// The kinds of credentials that Leasehold leaves unchanged.
    pub retained_credentials: BTreeSet<Credential>,
    /// The terms for issued access keys. `None`: none are issued.
    pub access_key: Option<KeyRotation>,
}

/// As part of a template's digest: the kept kinds, then store, `rotate_every` and `overlap` of issued keys.
impl Serialize for DeclaredCredentials {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let issued = self.access_key.as_ref().map(|terms| (&terms.store, terms.rotate_every, terms.overlap));
        (&self.retained_credentials, issued).serialize(to)
    }
}

/// Reads the `credential` blocks. `None`: there are none.
pub fn read_credentials(fields: &BlockFields<'_, '_>) -> Option<DeclaredCredentials> {
    let mut read = DeclaredCredentials::default();
    let mut first: BTreeMap<Credential, BlockFields<'_, '_>> = BTreeMap::new();
    for block in inner::read_inner_blocks(fields, "credential") {
        let Some(sort) = parse_credential_type(&block.label) else { continue };
        if let Some(before) = first.get(&sort) {
            let name = format!("credential {}", quote_text(sort.as_str()));
            fields.report_finding(
                Diagnostic::error(
                    "config::duplicate_block",
                    format!("{} has two {name} blocks", fields.describe_block()),
                )
                .with_location(block.block.span(), "again here")
                .with_related(before.block.span(), "first here")
                .with_help("merge them into one block"),
            );
            continue;
        }
        match read_credential_settings(&block, sort) {
            ParsedCredential::Retained => drop(read.retained_credentials.insert(sort)),
            ParsedCredential::Issued(terms) => read.access_key = Some(terms),
            ParsedCredential::Invalid => {}
        }
        first.insert(sort, block);
    }
    (!first.is_empty()).then_some(read)
}

fn parse_credential_type(label: &str) -> Option<Credential> {
    Credential::ALL.into_iter().find(|credential| credential.as_str() == label)
}

enum ParsedCredential {
    /// Leasehold leaves it unchanged.
    Retained,
    /// Leasehold issues it.
    Issued(KeyRotation),
    /// It is not valid, which is already reported.
    Invalid,
}

fn read_credential_settings(block: &BlockFields<'_, '_>, sort: Credential) -> ParsedCredential {
    let (every, overlap) = (block.read_duration("rotate_every"), block.read_duration("overlap"));
    if sort != Credential::AccessKey {
        return ParsedCredential::Retained;
    }
    if block.find_expr("store").is_none() {
        let said = ["rotate_every", "overlap"].into_iter().find(|name| block.find_expr(name).is_some());
        let Some(name) = said else { return ParsedCredential::Retained };
        block.report_finding(
            Diagnostic::error(
                "config::no_store",
                format!("`{name}` requires `store`: it only applies to keys that Leasehold issues"),
            )
            .with_location(block.attribute_span(name), "no key is issued without a `store`")
            .with_help("add store = store.NAME, and declare store \"file\" \"NAME\" {} in the stack"),
        );
        return ParsedCredential::Invalid;
    }
    let Some(store) = block.read_reference("store", &STORE) else { return ParsedCredential::Invalid };
    for name in ["rotate_every", "overlap"] {
        if block.find_expr(name).is_some() && block.read_value(name).is_some() && block.read_duration(name).is_none() {
            return ParsedCredential::Invalid;
        }
    }
    let terms = KeyRotation {
        store: store.label.to_string(),
        rotate_every: every.unwrap_or_else(|| Duration::from_days(ROTATE_EVERY)),
        overlap: overlap.unwrap_or_else(|| Duration::from_days(OVERLAP)),
    };
    if terms.overlap >= terms.rotate_every {
        let place = if block.find_expr("overlap").is_some() { "overlap" } else { "rotate_every" };
        block.report_finding(
            Diagnostic::error(
                "config::overlap",
                format!(
                    "an overlap of {} is not shorter than rotate_every = \"{}\"",
                    terms.overlap, terms.rotate_every
                ),
            )
            .with_location(block.attribute_span(place), "a key would be replaced before the previous key is disabled")
            .with_help("make `overlap` shorter than `rotate_every`, such as \"1d\" and \"90d\""),
        );
        return ParsedCredential::Invalid;
    }
    ParsedCredential::Issued(terms)
}

/// Reads the `store` blocks, by label.
pub fn read_stores(eval: &Evaluator<'_>) -> BTreeMap<String, StoreBlock> {
    let mut stores: BTreeMap<String, StoreBlock> = BTreeMap::new();
    let Some(schema) = schema::find_block_schema("store") else { return stores };
    for (label, block) in eval.catalog(ModuleId::ROOT).named_blocks(&STORE) {
        let fields = BlockFields::new(eval, ModuleId::ROOT, block);
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if label.is_empty() || !plain {
            fields.report_finding(
                Diagnostic::error("config::label", format!("{} is not a valid store name", quote_text(label)))
                    .with_location(block.span(), "letters, digits, `_` and `-`")
                    .with_help("use a name such as store \"file\" \"vault\" {}"),
            );
            continue;
        }
        let path = fields.read_filled_text("path").unwrap_or_else(|| format!(".leasehold/secrets/{label}"));
        let settings = SecretStore::File { path };
        if let Some((other, first)) = stores.iter().find(|(_, store)| is_same_directory(&store.settings, &settings)) {
            fields.report_finding(
                Diagnostic::error(
                    "config::duplicate_store",
                    format!("store.{label} and store.{other} have the same path"),
                )
                .with_location(fields.attribute_span("path"), "the same directory")
                .with_related(first.origin.part_span("path"), "first used here")
                .with_help("set a different path for each store, or keep only one of them"),
            );
            continue;
        }
        stores.insert(label.to_string(), StoreBlock { settings, origin: fields.locate_block(schema) });
    }
    stores
}

fn is_same_directory(a: &SecretStore, b: &SecretStore) -> bool {
    let parts = |store: &SecretStore| {
        let SecretStore::File { path } = store;
        let parts: Vec<String> =
            path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect();
        (path.starts_with('/'), parts)
    };
    parts(a) == parts(b)
}
