//! `leasehold audit verify`: checks that the ledger is complete and unchanged.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use futures::StreamExt as _;
use leasehold_files::{PathError, read_argument_text};
use serde_json::json;

use super::{AuditStackArgs, LedgerReader};
use crate::cli::args::OutputFormat;
use crate::cli::signing::LARGEST_KEY_FILE;
use crate::cli::{CommandError, CommandExit, operator};
use crate::ledger::checkpoint::{self, SignatureError, SignatureTrust, Signers};
use crate::ledger::stored_inventory::read_stored_inventory;
use crate::ledger::verify::{FlawKind, LedgerFlaw, Verification, VerifiedLedger, check_evidence};
use crate::ledger::{LedgerError, LedgerHead, evidence};
use crate::store::lock;
use crate::views;
use crate::workflow::WorkflowError;

/// `leasehold audit verify`
#[derive(Debug, Args)]
pub struct AuditVerifyArgs {
    #[command(flatten)]
    pub stack: AuditStackArgs,
    /// A checkpoint file that was kept elsewhere; the ledger must contain it
    #[arg(long, value_name = "CHECKPOINT")]
    pub since: Option<PathBuf>,
    /// The allowed signers of checkpoints: an allowed_signers file (format of ssh-keygen)
    #[arg(long, value_name = "FILE")]
    pub signers: Option<PathBuf>,
    /// The output format
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
}

/// Checks the chain, its signatures and the archived evidence, and prints each flaw.
///
/// # Errors
/// The ledger cannot be read, or is not complete and unchanged.
pub async fn cmd_verify(working_directory: &Path, args: &AuditVerifyArgs) -> Result<CommandExit, CommandError> {
    let ledger = LedgerReader::open_from_args(working_directory, &args.stack).await?;
    let signers = operator::find_required_signers(working_directory, args.signers.as_ref())?;
    let signers = signers.as_deref().map(read_signers).transpose()?;
    let mut known = Vec::new();
    if let Some(file) = &args.since {
        known.push(read_known_checkpoint(
            &crate::cli::resolve_path(working_directory, file),
            &ledger,
            signers.as_ref(),
        )?);
    }
    known.extend(lock::read_lock(&ledger.store, &ledger.stack).await?.and_then(|(record, _)| record.head));
    let (numbers, strays) = ledger.list_names().await?;
    if numbers.is_empty() && strays.is_empty() && known.is_empty() {
        return Err(WorkflowError::Refused {
            what: format!("the ledger in {} has no entries: there is nothing to verify", ledger.store.place()),
            help: "If the stack was applied, its store was moved or lost: check the `backend` block. See docs/ownership.md.".to_owned(),
        }
        .into());
    }
    let mut verification = Verification::new(&ledger.stack, signers.as_ref(), known);
    let last = numbers.last().copied().unwrap_or_default();
    // If one entry had a very large number among few entries, the scan would read almost only gaps.
    let scanned = last.min(u64::try_from(numbers.len()).unwrap_or(u64::MAX).saturating_mul(2).saturating_add(1024));
    ledger.read_each_entry(scanned, |(number, bytes)| verification.verify_object(number, bytes.as_deref())).await?;
    if scanned < last {
        verification.verify_object(last, None);
    }
    strays.iter().for_each(|name| verification.note_unexpected_object(name));
    let mut verified = verification.finish_verification();
    verified.flaws.extend(find_evidence_flaws(&ledger, &verified).await?);
    verified.flaws.extend(find_inventory_flaw(&ledger, &verified).await?);
    verified.flaws.sort_by_key(|flaw| flaw.entry);
    match args.format {
        OutputFormat::Human => {
            crate::cli::print_result(&views::audit::render_verification(
                ledger.store.place(),
                &verified,
                signers.is_some(),
            ))?;
        }
        OutputFormat::Json => crate::cli::print_json(&render_verification_json(&ledger, &verified))?,
    }
    if verified.flaws.is_empty() { Ok(CommandExit::Done) } else { Err(WorkflowError::Unfinished.into()) }
}

async fn find_evidence_flaws(
    ledger: &LedgerReader,
    verified: &VerifiedLedger,
) -> Result<Vec<LedgerFlaw>, CommandError> {
    let reads = verified.evidence.iter().map(|(number, archived)| async move {
        let object = ledger.store.read_object(&evidence::evidence_key(archived.digest)).await?;
        Ok::<_, CommandError>(check_evidence(*number, archived, object.as_ref().map(|object| object.bytes.as_slice())))
    });
    let mut reads = futures::stream::iter(reads).buffered(super::CONCURRENT_READS);
    let mut flaws = Vec::new();
    while let Some(read) = reads.next().await {
        flaws.extend(read?);
    }
    Ok(flaws)
}

/// Checks the inventory against the ledger. Flaws of entries are found by the verification itself.
async fn find_inventory_flaw(
    ledger: &LedgerReader,
    verified: &VerifiedLedger,
) -> Result<Option<LedgerFlaw>, CommandError> {
    match read_stored_inventory(&ledger.store, &ledger.stack).await {
        Err(LedgerError::Inventory { why, .. }) => {
            Ok(Some(LedgerFlaw { entry: verified.head.number, what: FlawKind::Inventory(why) }))
        }
        Err(LedgerError::Store(error)) => Err(WorkflowError::from(error).into()),
        Ok(_) | Err(_) => Ok(None),
    }
}

fn read_signers(file: &Path) -> Result<Signers, CommandError> {
    let text = read_argument_text(file, LARGEST_KEY_FILE).with_context(|| format!("cannot read {}", file.display()))?;
    Signers::parse_signers(&text).map_err(|why| anyhow::anyhow!("{}: {why}", file.display()).into())
}

/// The point of the chain that a checkpoint file names. The file's signature must be next to it and must be valid.
fn read_known_checkpoint(
    file: &Path,
    ledger: &LedgerReader,
    signers: Option<&Signers>,
) -> Result<LedgerHead, CommandError> {
    let text = read_argument_text(file, LARGEST_KEY_FILE).with_context(|| format!("cannot read {}", file.display()))?;
    let head = checkpoint::parse_checkpoint(&text, &ledger.stack)
        .with_context(|| format!("{} is not a checkpoint", file.display()))?;
    let mut signature = file.as_os_str().to_owned();
    signature.push(".sig");
    let refused =
        |why: String| CommandError::from(anyhow::anyhow!("the checkpoint {} cannot be trusted: {why}", file.display()));
    match (read_argument_text(Path::new(&signature), LARGEST_KEY_FILE), signers) {
        (Ok(armoured), signers) => match checkpoint::verify_signature(&text, &armoured, signers) {
            Ok(SignatureTrust::Known(_) | SignatureTrust::Unknown) => Ok(head),
            Err(why @ (SignatureError::Wrong(_) | SignatureError::UnknownSigner(_))) => Err(refused(why.to_string())),
        },
        (Err(why), _) if !matches!(why, PathError::Missing) => {
            Err(refused(format!("its signature file {} {why}", signature.to_string_lossy())))
        }
        (Err(_), Some(_)) => Err(refused(format!("its signature file {} is missing", signature.to_string_lossy()))),
        (Err(_), None) => Ok(head),
    }
}

fn render_verification_json(ledger: &LedgerReader, verified: &VerifiedLedger) -> serde_json::Value {
    json!({
        "format_version": "1.0",
        "stack": ledger.stack,
        "place": ledger.store.place(),
        "entries": verified.head.number,
        "head": verified.head.digest,
        "valid": verified.flaws.is_empty(),
        "flaws": verified.flaws.iter().map(|flaw| json!({
            "entry": flaw.entry,
            "message": flaw.what.to_string(),
        })).collect::<Vec<_>>(),
        "unfinished": verified.unfinished.iter().map(|(run, entry, intent)| json!({
            "run": run,
            "entry": entry,
            "step": intent.step,
            "subject": intent.subject,
            "action": intent.action,
            "resource": intent.resource,
        })).collect::<Vec<_>>(),
        "checkpoints": { "all": verified.checkpoints.0, "of_known_signers": verified.checkpoints.1 },
        "evidence": verified.evidence.len(),
    })
}
