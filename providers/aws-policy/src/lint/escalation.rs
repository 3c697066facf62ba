//! Ways to more rights. Each action of a path is asked of the comparison, over the whole document: a Deny, a condition
//! that cannot hold and a PassRole for another service close a path.

use std::collections::BTreeMap;

use crate::access::Access;
use crate::document::Effect;
use crate::evaluate::{Layer, evaluate};
use crate::lint::{Findings, Gain, PATHS, Path, Rule, Severity};
use crate::reach::{Question, Reach, reach_within, speaks_of};

const PASS_ROLE: &str = "iam:PassRole";
const PASSED_TO: &str = "iam:PassedToService";
/// A service that no policy names.
const ANY_SERVICE: &str = "any-other.amazonaws.com";

pub(super) fn check(out: &mut Findings<'_>) {
    let document = out.document;
    let access = Access::of(vec![document.clone()]);
    let mut known = BTreeMap::new();
    let budget = &mut out.budget;
    let mut ask = |action: &'static str, service: Option<&'static str>| -> Option<usize> {
        *known.entry((action, service)).or_insert_with(|| {
            let allowed = |s: &crate::document::Statement| s.effect == Effect::Allow && speaks_of(s, action);
            if !document.statements.iter().any(allowed) {
                return None;
            }
            let question = Question { action, resource: None, context: service.map(|service| (PASSED_TO, service)) };
            match reach_within(&access, &question, budget) {
                Reach::Never => None,
                // Not known is a finding, too: somebody has to look.
                Reach::Unknown => document.statements.iter().position(allowed),
                Reach::Granted(request) => {
                    let because = evaluate(&access, &request).because;
                    because.iter().find(|reason| reason.layer == Layer::Policy).map(|reason| reason.statement)
                }
            }
        })
    };
    let mut found = Vec::new();
    for path in PATHS {
        let service = receiving_service(path);
        let places: Option<Vec<usize>> =
            path.actions.iter().map(|action| ask(action, service.filter(|_| *action == PASS_ROLE))).collect();
        if let Some(last) = places.and_then(|places| places.last().copied()) {
            found.push((last, path));
        }
    }
    let passes = ask(PASS_ROLE, Some(ANY_SERVICE));
    for (statement, path) in found {
        let gain = match path.gain {
            Gain::OwnRights => "more rights for itself",
            Gain::OtherPrincipal => "the rights of another principal",
            Gain::NewRole => "the rights of a role that it hands to a service",
            Gain::ExistingRole => "the rights of a role that a service holds",
        };
        let message = format!("{}: with {} the holder can gain {gain}", path.id, path.actions.join(" and "));
        out.at(statement, Rule::PrivilegeEscalation, Severity::High, message);
    }
    if let Some(statement) = passes {
        let message = "a role can be passed to any service: there is no condition on iam:PassedToService";
        out.at(statement, Rule::PassRoleAnyService, Severity::High, message.to_owned());
    }
}

/// The service that is handed the role, as `iam:PassedToService` names it.
fn receiving_service(path: &Path) -> Option<&'static str> {
    let prefix = path.actions.iter().find(|action| **action != PASS_ROLE)?.split(':').next()?;
    Some(match prefix {
        "apprunner" => "tasks.apprunner.amazonaws.com",
        "bedrock-agentcore" => "bedrock-agentcore.amazonaws.com",
        "cloudformation" => "cloudformation.amazonaws.com",
        "codebuild" => "codebuild.amazonaws.com",
        "datapipeline" => "datapipeline.amazonaws.com",
        "ec2" => "ec2.amazonaws.com",
        "ecs" => "ecs-tasks.amazonaws.com",
        "glue" => "glue.amazonaws.com",
        "lambda" => "lambda.amazonaws.com",
        "sagemaker" => "sagemaker.amazonaws.com",
        _ => return None,
    })
}
