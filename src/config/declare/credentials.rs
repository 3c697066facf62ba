//! `credential` and `store` blocks: which credentials an identity has, and where the secrets of issued ones go.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Credential, Span as Duration};

use super::fields::Fields;
use super::inner;
use crate::config::declared::{KeyTerms, SecretStore, StoreBlock};
use crate::config::diagnostic::Diagnostic;
use crate::config::eval::{Evaluator, ModuleId};
use crate::config::schema;
use crate::config::value::Keyword;
use crate::config::value::show::quoted;

/// How old a key may become where nothing is said.
const ROTATE_EVERY: u16 = 90;
/// How many days an old key works on where nothing is said.
const OVERLAP: u16 = 1;

/// What the `credential` blocks of an identity say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Those that stay as they live.
    pub keeps: BTreeSet<Credential>,
    /// The access keys that are issued.
    pub access_key: Option<KeyTerms>,
}

/// Reads the `credential` blocks. `None`: there is none.
pub fn credentials(fields: &Fields<'_, '_>) -> Option<Credentials> {
    let mut read = Credentials::default();
    let mut first: BTreeMap<Credential, Fields<'_, '_>> = BTreeMap::new();
    for block in inner::blocks(fields, "credential") {
        let Some(sort) = sort(&block.label) else { continue };
        if let Some(before) = first.get(&sort) {
            let name = format!("credential {}", quoted(sort.as_str()));
            fields.find(
                Diagnostic::error("config::duplicate_block", format!("{} has two blocks {name}", fields.title()))
                    .at(block.block.span(), "again here")
                    .related(before.block.span(), "first here")
                    .help("put what they say into one"),
            );
            continue;
        }
        match terms(&block, sort) {
            Terms::Kept => drop(read.keeps.insert(sort)),
            Terms::Issued(terms) => read.access_key = Some(terms),
            Terms::Wrong => {}
        }
        first.insert(sort, block);
    }
    (!first.is_empty()).then_some(read)
}

fn sort(label: &str) -> Option<Credential> {
    Credential::ALL.into_iter().find(|credential| credential.as_str() == label)
}

enum Terms {
    /// It stays as it lives.
    Kept,
    /// It is issued.
    Issued(KeyTerms),
    /// It cannot be read, which is reported.
    Wrong,
}

fn terms(block: &Fields<'_, '_>, sort: Credential) -> Terms {
    let (every, overlap) = (block.duration("rotate_every"), block.duration("overlap"));
    if sort != Credential::AccessKey {
        return Terms::Kept;
    }
    if block.expr("store").is_none() {
        let said = ["rotate_every", "overlap"].into_iter().find(|name| block.expr(name).is_some());
        let Some(name) = said else { return Terms::Kept };
        block.find(
            Diagnostic::error(
                "config::no_store",
                format!("`{name}` is about keys that are issued, and no `store` is named"),
            )
            .at(block.place(name), "nothing is issued without a store")
            .help("add store = store.NAME, and a block store \"file\" \"NAME\" {} to the stack"),
        );
        return Terms::Wrong;
    }
    let Some(store) = block.reference("store", Keyword::Store) else { return Terms::Wrong };
    for name in ["rotate_every", "overlap"] {
        if block.expr(name).is_some() && block.value(name).is_some() && block.duration(name).is_none() {
            return Terms::Wrong;
        }
    }
    let terms = KeyTerms {
        store: store.label.to_string(),
        rotate_every: every.unwrap_or_else(|| Duration::from_days(ROTATE_EVERY)),
        overlap: overlap.unwrap_or_else(|| Duration::from_days(OVERLAP)),
    };
    if terms.overlap >= terms.rotate_every {
        let place = if block.expr("overlap").is_some() { "overlap" } else { "rotate_every" };
        block.find(
            Diagnostic::error(
                "config::overlap",
                format!("an overlap of {} does not fit into rotate_every = \"{}\"", terms.overlap, terms.rotate_every),
            )
            .at(block.place(place), "a key would be replaced before the one before it is off")
            .help("make `overlap` shorter than `rotate_every`, such as \"1d\" and \"90d\""),
        );
        return Terms::Wrong;
    }
    Terms::Issued(terms)
}

/// The `store` blocks, by label.
pub fn stores(eval: &Evaluator<'_>) -> BTreeMap<String, StoreBlock> {
    let mut stores: BTreeMap<String, StoreBlock> = BTreeMap::new();
    let Some(schema) = schema::top("store") else { return stores };
    for (label, block) in eval.catalog(ModuleId::STACK).blocks(Keyword::Store) {
        let fields = Fields::new(eval, ModuleId::STACK, block);
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if label.is_empty() || !plain {
            fields.find(
                Diagnostic::error("config::label", format!("{} is not a name for a store", quoted(label)))
                    .at(block.span(), "letters, digits, `_` and `-`")
                    .help("name it as in store \"file\" \"vault\" {}"),
            );
            continue;
        }
        let path = fields.filled_text("path").unwrap_or_else(|| format!(".leasehold/secrets/{label}"));
        let settings = SecretStore::File { path };
        if let Some((other, first)) = stores.iter().find(|(_, store)| same_place(&store.settings, &settings)) {
            fields.find(
                Diagnostic::error("config::duplicate_store", format!("store.{label} is where store.{other} is"))
                    .at(fields.place("path"), "the same directory")
                    .related(first.origin.part("path"), "named here")
                    .help("give each store a directory of its own, or keep one of the two"),
            );
            continue;
        }
        stores.insert((*label).to_owned(), StoreBlock { settings, origin: fields.origin(schema) });
    }
    stores
}

fn same_place(a: &SecretStore, b: &SecretStore) -> bool {
    let parts = |store: &SecretStore| {
        let SecretStore::File { path } = store;
        let parts: Vec<String> =
            path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect();
        (path.starts_with('/'), parts)
    };
    parts(a) == parts(b)
}
