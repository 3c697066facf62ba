//! [`PROVIDER_TYPE`]: the `provider "local"` block, and how to open the directory with its settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use leasehold_files::{PathError, resolve_place};
use leasehold_provider::block_schema::{AttributeSchema, BlockForm};
use leasehold_provider::{
    ConnectRequest, Connecting, ProviderConnectError, ProviderFields, ProviderType, Realm, SettingProblem,
};

use crate::directory::ACCOUNT;
use crate::{LocalDirectory, build_realizer};

/// The provider `local`.
pub const PROVIDER_TYPE: ProviderType = ProviderType {
    title: "local",
    form: BlockForm {
        label: "local",
        attributes: &[AttributeSchema::optional("path"), AttributeSchema::optional("alias")],
        blocks: &[],
        later: false,
    },
    lists: &[],
    has_given_time: true,
    check_settings: |_| Vec::new(),
    find_clash,
    guess_realm,
    build_realizer,
    connect,
};

/// The default database file, relative to the stack's directory.
const DEFAULT_FILE: &str = ".leasehold/directory.db";

/// The database file, relative to the stack's directory.
fn file_path(fields: &ProviderFields) -> &str {
    fields.get("path").and_then(|path| path.as_str()).unwrap_or(DEFAULT_FILE)
}

fn find_clash(first: &ProviderFields, second: &ProviderFields) -> Option<SettingProblem> {
    let segments = |fields| file_path(fields).split('/').filter(|part| !part.is_empty() && *part != ".");
    segments(first).eq(segments(second)).then(|| SettingProblem {
        code: "config::same_directory",
        attribute: "path",
        summary: "two providers use the same file".to_owned(),
        label: "the same file",
        help: "set another `path` for one of them; otherwise each object would be read twice".to_owned(),
    })
}

fn guess_realm(_: &ProviderFields) -> Realm {
    Realm {
        provider: "local".to_owned(),
        account: ACCOUNT.to_owned(),
        partition: String::new(),
        actor: String::new(),
        others: BTreeMap::new(),
    }
}

fn connect(request: ConnectRequest) -> Connecting {
    let file = file_path(&request.settings);
    let now = request.now;
    let path = match resolve_place(&request.directory, file) {
        Ok(path) => path,
        Err(refused) => {
            let error = RefusedPathError { file: file.to_owned(), refused };
            return Box::pin(async move { Err(ProviderConnectError { is_in_settings: true, cause: Box::new(error) }) });
        }
    };
    let directory = LocalDirectory::new(path, request.actor, Arc::new(move || now));
    let directory = match request.account {
        // The alias may be renamed, but the file stays the same.
        Some(_) => directory.with_account_name(file),
        None => directory,
    };
    Box::pin(async move { Ok(Arc::new(directory).into_provider()) })
}

/// The path in the block is refused.
#[derive(Debug, thiserror::Error)]
#[error("the file {file:?} {refused}")]
struct RefusedPathError {
    file: String,
    refused: PathError,
}
