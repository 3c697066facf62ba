//! `leasehold validate`: everything that is wrong with a stack as far as it can be known without the cloud.

use std::path::Path;

use leasehold_provider::{Realm, Snapshot};

use super::args::{FindingsFormat, ValidateArgs};
use super::connection;
use super::session::{self, Loaded, Stack};
use super::{Exit, Failure};
use crate::config::declared::ProviderSettings;
use crate::config::{Declared, Diagnostic, Severity};
use crate::lifecycle;
use crate::realize;
use crate::views::diagnostics;
use crate::views::style::{ADD, paint};

pub fn cmd_validate(here: &Path, args: &ValidateArgs) -> Result<Exit, Failure> {
    let now = session::now(None);
    let (_, loaded) = Stack::load(here, args.dir.as_deref(), &args.variables, now)?;
    let Loaded { sources, declared, mut findings, .. } = loaded;
    let failed = |findings: &[Diagnostic]| findings.iter().any(|finding| finding.severity == Severity::Error);
    if let Some(declared) = declared.as_ref().filter(|_| !failed(&findings)) {
        findings.extend(limits(declared, now));
    }
    let valid = !failed(&findings);
    match args.format {
        FindingsFormat::Json => super::print_json(&diagnostics::json(&findings, &sources))?,
        FindingsFormat::Github => super::print(&diagnostics::github(&findings, &sources))?,
        FindingsFormat::Sarif => super::print_json(&diagnostics::sarif(&findings, &sources))?,
        FindingsFormat::Human if !valid => return Err(Failure::Findings { findings, sources }),
        FindingsFormat::Human => {
            if !findings.is_empty() {
                super::say(&super::failure::drawn(&findings, &sources));
            }
            let count = declared.map_or(0, |declared| declared.identities.len());
            let noun = if count == 1 { "identity" } else { "identities" };
            super::print(&format!("{} The configuration is valid: {count} {noun}.\n", paint(ADD, "Success!")))?;
        }
    }
    if valid { Ok(Exit::Done) } else { Err(Failure::Unfinished) }
}

/// The limits of the cloud that the stack would break, as if every identity joined now.
fn limits(declared: &Declared, now: jiff::Timestamp) -> Vec<Diagnostic> {
    let settings = match declared.providers.as_slice() {
        [] => ProviderSettings::Local { path: None },
        [first, ..] => first.settings.clone(),
    };
    let realize = connection::realizer(&settings);
    let realm = placeholder(&settings);
    let (_, mut findings) = realize::shared(declared, realize.as_ref(), &realm);
    let snapshot = Snapshot::empty(realm);
    let principal_id = |principal, name: &str| realize.principal_id(principal, name);
    // Whether a lease is over depends on what lives, which is not known here.
    let (standings, _) = lifecycle::decide(declared, &snapshot, now, principal_id);
    for standing in &standings {
        findings.extend(realize::identity(standing, realize.as_ref(), &snapshot.realm).1);
    }
    findings
}

/// Where a stack would go, as far as its text says: sizes do not depend on the account's digits.
fn placeholder(settings: &ProviderSettings) -> Realm {
    let (provider, account, partition) = match settings {
        ProviderSettings::Local { .. } => ("local", "embedded".to_owned(), ""),
        ProviderSettings::Aws { allowed_account_ids, .. } => {
            ("aws", allowed_account_ids.first().cloned().unwrap_or_else(|| "0".repeat(12)), "aws")
        }
    };
    Realm { provider: provider.to_owned(), account, partition: partition.to_owned(), actor: String::new() }
}
