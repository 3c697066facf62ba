//! `leasehold audit checkpoint`, and `apply --checkpoint-out`: signs the end of the chain, and writes it to a file that a pipeline can
//! publish.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use leasehold_files::write_output;

use super::{AuditStackArgs, LedgerReader};
use crate::cli::args::CheckpointArgs;
use crate::cli::{CommandError, CommandExit, signing};
use crate::ledger::{Chain, checkpoint};
use crate::store::{self, lock};
use crate::workflow::{
    self, CheckpointKeeper, CheckpointSignature, Interruption, WorkflowError, publish_checkpoint, resolve_path,
};

/// `leasehold audit checkpoint`
#[derive(Debug, Args)]
pub struct AuditCheckpointArgs {
    #[command(flatten)]
    pub stack: AuditStackArgs,
    /// The ed25519 key to sign with: a private key file, or a public key file whose private key is in ssh-agent
    #[arg(long, value_name = "KEY", env = "LEASEHOLD_SIGNING_KEY")]
    pub signing_key: Option<PathBuf>,
    /// The file to write the checkpoint to; the signature is written next to it, with the extension .sig
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Signs and writes the end of the ledger. Without a file for the checkpoint, prints it on stdout.
///
/// # Errors
/// The ledger cannot be read or written, or the key cannot sign.
pub async fn cmd_checkpoint(
    working_directory: &Path,
    args: &AuditCheckpointArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let ledger = LedgerReader::open_from_args(working_directory, &args.stack).await?;
    let known = lock::read_lock(&ledger.store, &ledger.stack)
        .await?
        .map(|(record, _)| record.known_ledger())
        .unwrap_or_default();
    let (store, stack) = (ledger.store.clone(), ledger.stack.clone());
    let chain = Chain::open_ledger(store, stack.clone(), store::generate_random_id()?, known).await?;
    let publishing = interruption
        .defer_first_signal("Check whether the checkpoint was written: `leasehold audit list --kind checkpoint`.")?;
    let files = CheckpointFiles { working_directory, key: args.signing_key.as_deref(), out: args.out.as_deref() };
    let head = publishing.finish_work(workflow::COMMAND, publish_checkpoint(&chain, &stack, &files)).await?;
    if args.out.is_none() {
        crate::cli::print_result(&checkpoint::render_checkpoint(&stack, &head))?;
    }
    Ok(CommandExit::Done)
}

/// Signs checkpoints with the key in a file, and writes them to files.
pub struct CheckpointFiles<'a> {
    /// The directory that the other paths are relative to.
    working_directory: &'a Path,
    /// The file of the key. `None`: checkpoints are not signed.
    key: Option<&'a Path>,
    /// The file for the checkpoint; its signature is written to the same path with `.sig` at the end. `None`: neither is written.
    out: Option<&'a Path>,
}

impl<'a> CheckpointFiles<'a> {
    /// The files that the options of a run name. `None`: they name none.
    pub fn from_args(args: &'a CheckpointArgs, working_directory: &'a Path) -> Option<Self> {
        let (key, out) = (args.signing_key.as_deref(), args.checkpoint_out.as_deref());
        (key.is_some() || out.is_some()).then_some(Self { working_directory, key, out })
    }
}

impl CheckpointKeeper for CheckpointFiles<'_> {
    fn sign_checkpoint(&self, text: &str) -> Result<Option<CheckpointSignature>, WorkflowError> {
        let sign = |key: &Path| signing::sign_text(&resolve_path(self.working_directory, key), text);
        Ok(self.key.map(sign).transpose()?)
    }

    fn keep_checkpoint(&self, text: &str, signature: Option<&CheckpointSignature>) -> Result<(), WorkflowError> {
        let Some(out) = self.out else { return Ok(()) };
        let out = resolve_path(self.working_directory, out);
        write_text_file(&out, text)?;
        if let Some(signature) = signature {
            write_text_file(&signing::signature_path(&out), &signature.armoured)?;
        }
        Ok(())
    }
}

fn write_text_file(path: &Path, text: &str) -> anyhow::Result<()> {
    write_output(path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}
