//! `leasehold audit checkpoint`, and `apply --checkpoint-out`: signs the end of the chain, and writes it to a file that a pipeline can
//! publish.

use std::path::Path;

use anyhow::Context as _;
use leasehold_provider::StackName;

use super::LedgerReader;
use crate::cli::args::AuditCheckpointArgs;
use crate::cli::interruption::{self, Interruption};
use crate::cli::{CommandError, CommandExit, signing};
use crate::ledger::record::{LedgerRecord, SignedCheckpoint};
use crate::ledger::{Chain, LedgerHead, checkpoint};
use crate::store::{self, lock};

/// Signs and writes the end of the ledger. Without a file for the checkpoint, prints it on stdout.
///
/// # Errors
/// The ledger cannot be read or written, or the key cannot sign.
pub async fn cmd_checkpoint(
    here: &Path,
    args: &AuditCheckpointArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let ledger = LedgerReader::open_from_args(here, &args.stack).await?;
    let known = lock::read_lock(&ledger.store, &ledger.stack)
        .await?
        .map(|(record, _)| record.known_ledger())
        .unwrap_or_default();
    let (store, stack) = (ledger.store.clone(), ledger.stack.clone());
    let chain = Chain::open_ledger(store, stack.clone(), store::generate_random_id()?, known).await?;
    let publishing = interruption
        .defer_first_signal("Look whether the checkpoint is there: `leasehold audit list --kind checkpoint`.")?;
    let work = publish_checkpoint(&chain, &stack, args.signing_key.as_deref(), args.out.as_deref(), here);
    let head = publishing.finish_work(interruption::COMMAND, work).await?;
    if args.out.is_none() {
        crate::cli::print_result(&checkpoint::render_checkpoint(&stack, &head))?;
    }
    Ok(CommandExit::Done)
}

/// Writes the end of a chain to the file `out`. With a key, also writes its signature to `out.sig` and into the chain.
///
/// # Errors
/// The chain cannot be read, the key cannot sign, or a file cannot be written.
pub async fn publish_checkpoint(
    chain: &Chain,
    stack: &StackName,
    key: Option<&Path>,
    out: Option<&Path>,
    here: &Path,
) -> Result<LedgerHead, CommandError> {
    let head = chain.head().await;
    let text = checkpoint::render_checkpoint(stack, &head);
    let signed = key.map(|key| signing::sign_text(&crate::cli::resolve_path(here, key), &text)).transpose()?;
    if let Some(signed) = &signed {
        let record = SignedCheckpoint {
            number: head.number,
            digest: head.digest,
            key: signed.key.clone(),
            signature: signed.armoured.clone(),
        };
        chain.append_entry(vec![LedgerRecord::Checkpoint(record)]).await?;
    }
    if let Some(out) = out {
        let out = crate::cli::resolve_path(here, out);
        write_text_file(&out, &text)?;
        if let Some(signed) = &signed {
            let mut signature = out.into_os_string();
            signature.push(".sig");
            write_text_file(Path::new(&signature), &signed.armoured)?;
        }
    }
    Ok(head)
}

fn write_text_file(path: &Path, text: &str) -> Result<(), CommandError> {
    Ok(std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?)
}
