//! `leasehold plan --generate FILE`: writes a block for each object that an `import` block names into a new file.

use std::path::Path;

use anyhow::Context as _;
use leasehold_files::write_output;

use super::CommandError;
use crate::generate;
use crate::workflow::{self, Connection, Stack};

/// Writes the file. Prints what was written, and what no block can express.
///
/// # Errors
/// The cloud cannot be read, an object cannot be expressed as a block, or the file exists already or cannot be written.
pub async fn generate_blocks(
    working_directory: &Path,
    file: &Path,
    stack: &Stack,
    connection: &Connection,
) -> Result<(), CommandError> {
    let path = super::resolve_path(working_directory, file);
    let observed = workflow::observe_for_plan(stack, connection).await?;
    let generated = generate::generate_blocks(&stack.declared, &observed.snapshot, &connection.realize)
        .map_err(|findings| stack.findings_error(findings))?;
    if generated.blocks == 0 {
        super::print_message("Every import already has a block: nothing was written.\n");
        return Ok(());
    }
    if path.symlink_metadata().is_ok() {
        return Err(anyhow::anyhow!("cannot create {}: the file must not exist yet", path.display()).into());
    }
    write_output(&path, generated.text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    let noun = if generated.blocks == 1 { "block" } else { "blocks" };
    super::print_message(&format!(
        "Wrote {} {noun} to {}. Review and edit the file.\n",
        generated.blocks,
        file.display()
    ));
    for what in &generated.unsaid {
        super::print_message(&format!("warning: not supported in a block, and removed by an apply: {what}\n"));
    }
    Ok(())
}
