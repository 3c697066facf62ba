//! Checkpoints: signed points of the chain. A copy that is kept elsewhere shows whether the chain was truncated or rewritten later.
//!
//! In: the last entry of a chain and an SSH key. Out: the text of a checkpoint and its signature. The text has the form of a transparency
//! log's checkpoint (C2SP `tlog-checkpoint`): origin, size, hash. The chain is not a Merkle tree, so the hash is the digest of the last
//! entry. The signature is an SSHSIG (OpenSSH `PROTOCOL.sshsig`) over that text, in a separate file: `ssh-keygen -Y verify` checks it.
//!
//! ```text
//! leasehold/demo
//! 42
//! <SHA-256 of entry 42 in base64>
//! ```

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use leasehold_provider::StackName;
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

use super::entry::LedgerHead;

/// The namespace of the signature, for `ssh-keygen -Y verify -n leasehold`.
pub const NAMESPACE: &str = "leasehold";

/// The text of a checkpoint for that last entry.
#[must_use]
pub fn render_checkpoint(stack: &StackName, head: &LedgerHead) -> String {
    let hash = head.digest.as_bytes();
    format!("leasehold/{stack}\n{}\n{}\n", head.number, BASE64_STANDARD.encode(hash))
}

/// Why a text is not a checkpoint of a stack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It does not have the form of a checkpoint.
    #[error(
        "a checkpoint must have three lines: leasehold/STACK, an entry number, and the digest of the entry in base64"
    )]
    Form,
    /// It is a checkpoint of another stack.
    #[error("it is a checkpoint of another stack: {0}")]
    OtherStack(String),
}

/// Parses the text of a checkpoint of `stack`.
///
/// # Errors
/// If the text does not have the form of a checkpoint, or is of another stack.
pub fn parse_checkpoint(text: &str, stack: &StackName) -> Result<LedgerHead, CheckpointError> {
    let mut lines = text.lines();
    let (Some(origin), Some(number), Some(hash)) = (lines.next(), lines.next(), lines.next()) else {
        return Err(CheckpointError::Form);
    };
    if !origin.starts_with("leasehold/") {
        return Err(CheckpointError::Form);
    }
    if origin != format!("leasehold/{stack}") {
        return Err(CheckpointError::OtherStack(origin.to_owned()));
    }
    let number = number.parse().map_err(|_| CheckpointError::Form)?;
    let hash = BASE64_STANDARD.decode(hash).map_err(|_| CheckpointError::Form)?;
    let hash: [u8; 32] = hash.try_into().map_err(|_| CheckpointError::Form)?;
    Ok(LedgerHead { number, digest: hash.into() })
}

/// Signs a checkpoint with a private key. Returns the armored signature over the data that [`signing_data`] gives.
///
/// # Errors
/// If the key cannot sign.
pub fn sign_checkpoint(key: &PrivateKey, text: &str) -> Result<String, ssh_key::Error> {
    key.sign(NAMESPACE, HashAlg::Sha512, text.as_bytes())?.to_pem(LineEnding::LF)
}

/// The data that an SSH agent must sign for a checkpoint.
///
/// # Errors
/// If the data cannot be encoded.
pub fn signing_data(text: &str) -> Result<Vec<u8>, ssh_key::Error> {
    SshSig::signed_data(NAMESPACE, HashAlg::Sha512, text.as_bytes())
}

/// The armored form of a signature that an SSH agent made.
///
/// # Errors
/// If the signature cannot be encoded.
pub fn armor_signature(key: &KeyData, signature: ssh_key::Signature) -> Result<String, ssh_key::Error> {
    SshSig::new(key.clone(), NAMESPACE, HashAlg::Sha512, signature)?.to_pem(LineEnding::LF)
}

/// How far a valid signature can be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureTrust {
    /// A known signer made it. The value is the principal in the `allowed_signers` file.
    Known(String),
    /// It is valid, and no signers were given.
    Unknown,
}

/// Why a signature is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It is not a signature of this text.
    #[error("it is not a valid signature of this text: {0}")]
    Wrong(String),
    /// It is valid, and its key is not among the signers. The value is the fingerprint of the key.
    #[error("it was made with the key {0}, which is not one of the allowed signers")]
    UnknownSigner(String),
}

/// Verifies a signature. Without signers, it only checks that the signature is valid for the text.
///
/// # Errors
/// If the signature is not valid for the text, or its key is not among the signers.
pub fn verify_signature(
    text: &str,
    armoured: &str,
    signers: Option<&Signers>,
) -> Result<SignatureTrust, SignatureError> {
    let wrong = |error: ssh_key::Error| SignatureError::Wrong(error.to_string());
    let signature = SshSig::from_pem(armoured).map_err(wrong)?;
    let key = PublicKey::from(signature.public_key().clone());
    key.verify(NAMESPACE, text.as_bytes(), &signature).map_err(wrong)?;
    let Some(signers) = signers else { return Ok(SignatureTrust::Unknown) };
    let fingerprint = || key.fingerprint(HashAlg::Sha256).to_string();
    signers
        .find_signer(&key)
        .map(|who| SignatureTrust::Known(who.to_owned()))
        .ok_or_else(|| SignatureError::UnknownSigner(fingerprint()))
}

/// The principals that may sign, with their keys, from an `allowed_signers` file (ssh-keygen(1), ALLOWED SIGNERS).
#[derive(Debug, Clone, Default)]
pub struct Signers(Vec<(String, KeyData)>);

impl Signers {
    /// Parses the text of the file.
    ///
    /// # Errors
    /// If a line cannot be parsed; the message has its number. No line is skipped, because the list of signers must be certain.
    pub fn parse_signers(text: &str) -> Result<Self, String> {
        let mut signers = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let number = index.saturating_add(1);
            let (who, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let key = find_key(rest).ok_or_else(|| {
                format!("line {number} is not \"principals [options] key-type key\" with an ssh-ed25519 key")
            })?;
            if !allows_our_namespace(rest) {
                continue;
            }
            signers.push((who.to_owned(), key));
        }
        Ok(Self(signers))
    }

    fn find_signer(&self, key: &PublicKey) -> Option<&str> {
        self.0.iter().find(|(_, data)| data == key.key_data()).map(|(who, _)| who.as_str())
    }
}

/// The key in a line: the part that begins with the word for the type of the key.
fn find_key(rest: &str) -> Option<KeyData> {
    let start = rest.split_whitespace().find(|word| word.starts_with("ssh-ed25519"))?;
    let at = rest.find(start)?;
    PublicKey::from_openssh(rest.get(at..)?).ok().map(|key| key.key_data().clone())
}

/// Whether a line is valid for our namespace. True if the line names no namespaces.
fn allows_our_namespace(rest: &str) -> bool {
    let Some((_, after)) = rest.split_once("namespaces=\"") else { return true };
    after.split('"').next().unwrap_or_default().split(',').any(|namespace| namespace == NAMESPACE || namespace == "*")
}

#[cfg(test)]
mod tests {
    use ssh_key::private::Ed25519Keypair;

    use leasehold_provider::Digest;

    use super::*;

    fn head() -> LedgerHead {
        LedgerHead { number: 42, digest: Digest::from_bytes(b"x") }
    }

    #[test]
    fn a_checkpoint_reads_back_and_is_of_one_stack() {
        let stack = StackName::new("demo").unwrap();
        let text = render_checkpoint(&stack, &head());
        assert_eq!(parse_checkpoint(&text, &stack), Ok(head()));
        let other = StackName::new("other").unwrap();
        assert_eq!(parse_checkpoint(&text, &other), Err(CheckpointError::OtherStack("leasehold/demo".to_owned())));
        assert_eq!(parse_checkpoint("leasehold/demo\n42\n", &stack), Err(CheckpointError::Form));
    }

    #[test]
    fn only_signature_of_the_same_text_is_valid() {
        let key = PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32]));
        let text = render_checkpoint(&StackName::new("demo").unwrap(), &head());
        let signature = sign_checkpoint(&key, &text).unwrap();
        assert_eq!(verify_signature(&text, &signature, None), Ok(SignatureTrust::Unknown));
        let line = format!("ops@acme.example {}", key.public_key().to_openssh().unwrap());
        let signers = Signers::parse_signers(&line).unwrap();
        assert_eq!(
            verify_signature(&text, &signature, Some(&signers)),
            Ok(SignatureTrust::Known("ops@acme.example".to_owned()))
        );
        assert!(matches!(verify_signature("other", &signature, Some(&signers)), Err(SignatureError::Wrong(_))));
        assert!(matches!(
            verify_signature(&text, &signature, Some(&Signers::default())),
            Err(SignatureError::UnknownSigner(_))
        ));
        let git = Signers::parse_signers(&line.replace(" ssh-", " namespaces=\"git\" ssh-")).unwrap();
        assert!(matches!(verify_signature(&text, &signature, Some(&git)), Err(SignatureError::UnknownSigner(_))));
        assert!(Signers::parse_signers("ops@acme.example").is_err());
    }
}
