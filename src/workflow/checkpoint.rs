//! Signs the end of a stack's ledger. The caller has the key and the files.

use leasehold_provider::StackName;

use super::error::WorkflowError;
use crate::ledger::record::{LedgerRecord, SignedCheckpoint};
use crate::ledger::{Chain, LedgerHead, checkpoint};

/// The signature of a checkpoint, in armored form, and the fingerprint of its key.
pub struct CheckpointSignature {
    /// The signature.
    pub armoured: String,
    /// The fingerprint of the key.
    pub key: String,
}

/// Signs checkpoints, and keeps them outside the ledger.
pub trait CheckpointKeeper {
    /// Signs a checkpoint. `None`: without a key.
    ///
    /// # Errors
    /// The key cannot sign.
    fn sign_checkpoint(&self, text: &str) -> Result<Option<CheckpointSignature>, WorkflowError>;

    /// Keeps a checkpoint and its signature where the user asked for it.
    ///
    /// # Errors
    /// A file cannot be written.
    fn keep_checkpoint(&self, text: &str, signature: Option<&CheckpointSignature>) -> Result<(), WorkflowError>;
}

/// Signs the end of a chain, writes the signature into the chain, and gives both to the keeper.
///
/// # Errors
/// The chain cannot be read or written, the key cannot sign, or the checkpoint cannot be kept.
pub async fn publish_checkpoint(
    chain: &Chain,
    stack: &StackName,
    keeper: &dyn CheckpointKeeper,
) -> Result<LedgerHead, WorkflowError> {
    let head = chain.head().await;
    let text = checkpoint::render_checkpoint(stack, &head);
    let signature = keeper.sign_checkpoint(&text)?;
    if let Some(signature) = &signature {
        let record = SignedCheckpoint {
            number: head.number,
            digest: head.digest,
            key: signature.key.clone(),
            signature: signature.armoured.clone(),
        };
        chain.append_entry(vec![LedgerRecord::Checkpoint(record)]).await?;
    }
    keeper.keep_checkpoint(&text, signature.as_ref())?;
    Ok(head)
}
