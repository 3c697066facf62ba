//! One request, decided.

use leasehold_policy::{Decision, Layer, Outcome, Request};
use serde_json::{Value, json};

use super::{PolicyFile, in_words};
use crate::views::inert::inert;
use crate::views::style::{ADD, CHANGE, REMOVE, paint};

/// A decision, with what it was made from.
#[derive(Debug)]
pub struct Simulated<'a> {
    /// The request.
    pub request: &'a Request,
    /// What becomes of it.
    pub decision: &'a Decision,
    /// The policies, in the order of the evaluated access.
    pub policies: &'a [PolicyFile],
    /// The boundary.
    pub boundary: Option<&'a PolicyFile>,
}

/// A statement that decided.
struct Decider {
    layer: Layer,
    file: String,
    path: String,
    sid: Option<String>,
}

impl Simulated<'_> {
    fn deciders(&self) -> Vec<Decider> {
        let because = self.decision.because.iter().filter_map(|reason| {
            let files = if reason.layer == Layer::Boundary {
                self.boundary.map_or(&[][..], std::slice::from_ref)
            } else {
                self.policies
            };
            let mut documents = files.iter().flat_map(|file| file.documents.iter().map(move |placed| (file, placed)));
            let (file, placed) = documents.nth(reason.document)?;
            let path = placed.path_of(reason.statement).to_string();
            Some(Decider { layer: reason.layer, file: file.file.name.clone(), path, sid: reason.sid.clone() })
        });
        because.collect()
    }
}

/// The decision for people.
#[must_use]
pub fn human(simulated: &Simulated<'_>) -> String {
    let words = match simulated.decision.outcome {
        Outcome::Allow => paint(ADD, "allowed"),
        Outcome::ExplicitDeny => paint(REMOVE, "denied explicitly"),
        Outcome::ImplicitDeny => paint(REMOVE, "denied: nothing allows it"),
        Outcome::Undecided => paint(CHANGE, "not decided: it depends on what AWS does not document"),
    };
    let mut out = format!("{words}  {}\n", in_words(simulated.request));
    for decider in simulated.deciders() {
        let sid = decider.sid.as_ref().map_or_else(String::new, |sid| format!(" ({sid})"));
        let layer = if decider.layer == Layer::Boundary { "  the boundary" } else { "" };
        out.push_str(&format!("  by {}\n", inert(&format!("{} {}{sid}{layer}", decider.file, decider.path))));
    }
    out
}

/// The decision for machines.
#[must_use]
pub fn json(simulated: &Simulated<'_>) -> Value {
    let because = simulated.deciders();
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
