//! Asks for approval of a plan at the terminal.

use std::io::{IsTerminal as _, Write as _};

use anyhow::Context as _;
use async_trait::async_trait;

use super::print_message;
use crate::rules::ApprovedPlan;
use crate::views::style::{STRONG, paint_text};
use crate::workflow::{Approval, Approver, WorkflowError};

/// Prompts the user.
pub struct TerminalPrompt;

#[async_trait(?Send)]
impl Approver for TerminalPrompt {
    /// Refused if stdin or stderr is not a terminal.
    async fn request_approval(&self, _: &ApprovedPlan) -> Result<Approval, WorkflowError> {
        let refused = |what: &str| WorkflowError::Refused {
            what: what.to_owned(),
            help: "Answer yes at a terminal, or pass --auto-approve.".to_owned(),
        };
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return Err(refused("cannot prompt for approval: stdin or stderr is not a terminal"));
        }
        print_message(&format!("\n{} Only 'yes' approves: ", paint_text(STRONG, "Apply this plan?")));
        std::io::stderr().flush().context("cannot write to stderr")?;
        let read = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            std::io::stdin().read_line(&mut answer).map(|_| answer)
        });
        let answer = read.await.context("cannot read the answer")?.context("cannot read the answer")?;
        if answer.trim() == "yes" {
            Ok(Approval { how: "at the terminal".to_owned(), prompted: true })
        } else {
            Err(refused("apply canceled, nothing was changed"))
        }
    }
}
