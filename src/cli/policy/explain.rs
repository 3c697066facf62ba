//! `leasehold policy explain`: what policies let one do.

use std::path::Path;

use leasehold_policy::explain_reach;

use super::read;
use crate::cli::args::{Format, PolicyExplainArgs};
use crate::cli::{Exit, Failure, print, print_json};
use crate::views::policy::explanation;

pub fn cmd_explain(here: &Path, args: &PolicyExplainArgs) -> Result<Exit, Failure> {
    let account = args.account.account.as_ref();
    let policy = read::file(here, &args.file, account)?;
    let boundary = args.boundary.as_ref().map(|path| read::file(here, path, account)).transpose()?;
    let services = explain_reach(&read::access(&[policy], boundary.as_ref()));
    match args.format {
        Format::Human => print(&explanation::human(&services))?,
        Format::Json => print_json(&explanation::json(&services))?,
    }
    Ok(Exit::Done)
}
