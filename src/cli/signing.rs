//! Signs text with an SSH key: with the file of a private key, or with the agent that has the private half of a public key file.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use leasehold_files::read_argument_text;
use ssh_key::{HashAlg, PrivateKey, PublicKey, Signature};

use crate::ledger::checkpoint;
use crate::workflow::CheckpointSignature;

/// The largest file of keys, signers or a signature that is read, in bytes.
pub const LARGEST_KEY_FILE: u64 = 1 << 20;

/// Signs a text with the key in a file.
///
/// # Errors
/// The file cannot be read or is not a key, or the agent cannot sign with it.
pub fn sign_text(key: &Path, text: &str) -> anyhow::Result<CheckpointSignature> {
    let content =
        read_argument_text(key, LARGEST_KEY_FILE).with_context(|| format!("cannot read the key {}", key.display()))?;
    if content.contains("PRIVATE KEY") {
        sign_with_file(key, &content, text)
    } else {
        sign_with_agent(key, &content, text)
    }
}

/// The path of the signature of a file.
pub fn signature_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

fn sign_with_file(path: &Path, content: &str, text: &str) -> anyhow::Result<CheckpointSignature> {
    let key = PrivateKey::from_openssh(content)
        .with_context(|| format!("{} is not an OpenSSH ed25519 private key", path.display()))?;
    if key.is_encrypted() {
        bail!(
            "{} has a passphrase: add it to ssh-agent and name the public key, {}.pub",
            path.display(),
            path.display()
        );
    }
    let armoured = checkpoint::sign_checkpoint(&key, text)
        .with_context(|| format!("{} cannot sign; an ed25519 key is required", path.display()))?;
    Ok(CheckpointSignature { armoured, key: key.fingerprint(HashAlg::Sha256).to_string() })
}

fn sign_with_agent(path: &Path, content: &str, text: &str) -> anyhow::Result<CheckpointSignature> {
    let key = PublicKey::from_openssh(content.trim())
        .with_context(|| format!("{} is neither a private nor a public OpenSSH key", path.display()))?;
    let data = checkpoint::signing_data(text).context("the text cannot be signed")?;
    let blob = key.to_bytes().context("cannot encode the key")?;
    let signature = agent::request_signature(&blob, &data)
        .with_context(|| format!("the SSH agent cannot sign with {}", path.display()))?;
    let signature = Signature::try_from(signature.as_slice()).context("the SSH agent's response is not a signature")?;
    let armoured = checkpoint::armor_signature(key.key_data(), signature).context("cannot encode the signature")?;
    checkpoint::verify_signature(text, &armoured, None).context("the SSH agent's signature is not valid")?;
    Ok(CheckpointSignature { armoured, key: key.fingerprint(HashAlg::Sha256).to_string() })
}

/// One request of the agent protocol (draft-ietf-sshm-ssh-agent, section 3.6). The crates that implement the whole protocol depend on all
/// key types, including RSA, which has an open advisory.
#[cfg(unix)]
mod agent {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use anyhow::{Context as _, bail};

    const SIGN_REQUEST: u8 = 13;
    const SIGN_RESPONSE: u8 = 14;
    /// The longest answer of an agent that is read, in bytes.
    const LONGEST: u32 = 256 * 1024;

    pub fn request_signature(key: &[u8], data: &[u8]) -> anyhow::Result<Vec<u8>> {
        let socket = crate::cli::environment::read_variable("SSH_AUTH_SOCK")
            .context("SSH_AUTH_SOCK is not set: no SSH agent is available")?;
        let mut agent = UnixStream::connect(&socket).context("cannot connect to the agent's socket")?;
        agent.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut request = vec![SIGN_REQUEST];
        for part in [key, data] {
            request.extend(u32::try_from(part.len())?.to_be_bytes());
            request.extend(part);
        }
        request.extend(0u32.to_be_bytes());
        agent.write_all(&u32::try_from(request.len())?.to_be_bytes())?;
        agent.write_all(&request)?;
        let mut length = [0; 4];
        agent.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        if length > LONGEST {
            bail!("the response of the agent is too long");
        }
        let mut answer = vec![0; usize::try_from(length)?];
        agent.read_exact(&mut answer)?;
        match answer.split_first() {
            Some((&SIGN_RESPONSE, rest)) if rest.len() >= 4 => Ok(rest.get(4..).unwrap_or_default().to_vec()),
            _ => bail!("the agent refused; it may not have the key"),
        }
    }
}

#[cfg(not(unix))]
mod agent {
    pub fn request_signature(_: &[u8], _: &[u8]) -> anyhow::Result<Vec<u8>> {
        anyhow::bail!("SSH agents are only supported on Unix; pass the private key file")
    }
}
