//! The TLS certificate authorities that the user configures: `AWS_CA_BUNDLE`, or else `ca_bundle` of the profile.
//!
//! In: the environment and the selected profile. Out: a [`CaBundle`], or `None` if neither names a file. As in the AWS CLI and botocore,
//! the bundle replaces the system's authorities; it is not added to them.
//!
//! This module does I/O: it reads the environment, the AWS configuration files and the bundle.

use std::path::PathBuf;

use aws_config::profile::ProfileSet;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::environment;
use crate::settings::{AwsSettings, ConnectError};

/// The certificates of the authorities to trust for TLS.
#[derive(Debug, Clone)]
pub struct CaBundle {
    /// The path of the bundle file.
    pub path: PathBuf,
    /// The file's content: one or more PEM certificates, all of which parse.
    pub pem: Vec<u8>,
}

/// The bundle that the environment or the profile names. `None` if neither names one.
///
/// # Errors
/// The file cannot be read or does not contain certificates, or the profile cannot be read.
pub async fn load_ca_bundle(settings: &AwsSettings) -> Result<Option<CaBundle>, ConnectError> {
    find_ca_bundle(&crate::profile::load_profiles(settings).await?)
}

/// The same as [`load_ca_bundle`], for profiles that are already loaded.
///
/// # Errors
/// The file cannot be read or does not contain certificates.
pub fn find_ca_bundle(profiles: &ProfileSet) -> Result<Option<CaBundle>, ConnectError> {
    let (setting, path) = match environment::read_variable("AWS_CA_BUNDLE") {
        Some(path) => ("AWS_CA_BUNDLE".to_owned(), path),
        None => match profiles.get("ca_bundle").filter(|path| !path.is_empty()) {
            Some(path) => (format!("ca_bundle of profile {:?}", profiles.selected_profile()), path.to_owned()),
            None => return Ok(None),
        },
    };
    read_ca_bundle(PathBuf::from(&path)).map(Some).map_err(|problem| ConnectError::CaBundle {
        setting,
        path: path.into(),
        problem,
    })
}

#[allow(clippy::disallowed_methods, reason = "this function reads the bundle file; it is part of the I/O layer")]
fn read_ca_bundle(path: PathBuf) -> Result<CaBundle, String> {
    let pem = std::fs::read(&path).map_err(|error| error.to_string())?;
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|error| format!("not PEM: {error}"))?;
    if certificates.is_empty() {
        return Err("it contains no PEM certificate (-----BEGIN CERTIFICATE-----)".to_owned());
    }
    for (index, certificate) in certificates.into_iter().enumerate() {
        let number = index.saturating_add(1);
        RootCertStore::empty()
            .add(certificate)
            .map_err(|error| format!("certificate {number} in it cannot be parsed: {error}"))?;
    }
    Ok(CaBundle { path, pem })
}
