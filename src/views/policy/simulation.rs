//! The decision on one request.

use leasehold_policy::{AccessRequest, Evaluation, EvaluationOutcome, PolicyLayer};
use serde_json::{Value, json};

use super::{PolicyFile, describe_request};
use crate::views::inert::escape_steering;
use crate::views::style::{ADD, CHANGE, REMOVE, paint_text};

/// A decision, with the input that it was made from.
#[derive(Debug)]
pub struct SimulatedDecision<'a> {
    /// The request.
    pub request: &'a AccessRequest,
    /// The result of the evaluation.
    pub decision: &'a Evaluation,
    /// The policies, in the order of the evaluated access.
    pub policies: &'a [PolicyFile],
    /// The permissions boundary. `None`: there is none.
    pub boundary: Option<&'a PolicyFile>,
}

/// A statement that determined the decision.
struct DeciderSummary {
    layer: PolicyLayer,
    file: String,
    path: String,
    sid: Option<String>,
}

impl SimulatedDecision<'_> {
    fn deciding_statements(&self) -> Vec<DeciderSummary> {
        let because = self.decision.because.iter().filter_map(|reason| {
            let files = if reason.layer == PolicyLayer::Boundary {
                self.boundary.map_or(&[][..], std::slice::from_ref)
            } else {
                self.policies
            };
            let mut documents = files.iter().flat_map(|file| file.documents.iter().map(move |placed| (file, placed)));
            let (file, placed) = documents.nth(reason.document)?;
            let path = placed.statement_path(reason.statement).to_string();
            Some(DeciderSummary { layer: reason.layer, file: file.file.name.clone(), path, sid: reason.sid.clone() })
        });
        because.collect()
    }
}

/// The decision for people.
#[must_use]
pub fn render_simulation(simulated: &SimulatedDecision<'_>) -> String {
    let words = match simulated.decision.outcome {
        EvaluationOutcome::Allow => paint_text(ADD, "allowed"),
        EvaluationOutcome::ExplicitDeny => paint_text(REMOVE, "denied explicitly"),
        EvaluationOutcome::ImplicitDeny => paint_text(REMOVE, "denied: no statement allows it"),
        EvaluationOutcome::Undecided => paint_text(CHANGE, "not decided: depends on undocumented AWS behavior"),
    };
    let mut out = format!("{words}  {}\n", describe_request(simulated.request));
    for decider in simulated.deciding_statements() {
        let sid = decider.sid.as_ref().map_or_else(String::new, |sid| format!(" ({sid})"));
        let layer = if decider.layer == PolicyLayer::Boundary { "  (permissions boundary)" } else { "" };
        out.push_str(&format!("  by {}\n", escape_steering(&format!("{} {}{sid}{layer}", decider.file, decider.path))));
    }
    out
}

/// The decision as JSON.
#[must_use]
pub fn render_simulation_json(simulated: &SimulatedDecision<'_>) -> Value {
    let because = simulated.deciding_statements();
    let statements = because.iter().zip(&simulated.decision.because).map(|(decider, reason)| {
        json!({
            "layer": decider.layer, "file": decider.file, "path": decider.path,
            "statement": reason.statement, "sid": decider.sid,
        })
    });
    json!({
        "decision": simulated.decision.outcome,
        "statements": statements.collect::<Vec<_>>(),
        "request": simulated.request.to_value(),
    })
}
