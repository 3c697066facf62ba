//! Privilege escalation: finds the known paths whose actions the document grants. The comparison decides whether an
//! action is granted, over the whole document, so a Deny, a contradictory condition or a PassRole restricted to another
//! service closes a path.

use std::collections::BTreeMap;

use crate::document::StatementEffect;
use crate::evaluate::names_action;
use crate::evaluate::{PolicyLayer, evaluate_request};
use crate::lint::{ESCALATION_PATHS, EscalationGain, EscalationPath, FindingCollector, LintRule, LintSeverity};
use crate::policy_set::PolicySet;
use crate::reach::{Reach, ReachQuery, check_reach_within};

const PASS_ROLE: &str = "iam:PassRole";
const PASSED_TO: &str = "iam:PassedToService";
/// Stands for any service: no policy names it.
const ANY_SERVICE: &str = "any-other.amazonaws.com";

pub(super) fn check_escalations(out: &mut FindingCollector<'_>) {
    let document = out.document;
    let access = PolicySet::new(vec![document.clone()]);
    let mut known = BTreeMap::new();
    let budget = &mut out.budget;
    let mut first_granting_statement = |action: &'static str, service: Option<&'static str>| -> Option<usize> {
        *known.entry((action, service)).or_insert_with(|| {
            let allowed =
                |s: &crate::document::PolicyStatement| s.effect == StatementEffect::Allow && names_action(s, action);
            if !document.statements.iter().any(allowed) {
                return None;
            }
            let query = ReachQuery { action, resource: None, context: service.map(|service| (PASSED_TO, service)) };
            match check_reach_within(&access, &query, budget) {
                Reach::Never => None,
                // Report what is neither proved nor refuted: a person has to check it.
                Reach::Unknown => document.statements.iter().position(allowed),
                Reach::Granted(request) => {
                    let because = evaluate_request(&access, &request).because;
                    because.iter().find(|reason| reason.layer == PolicyLayer::Policy).map(|reason| reason.statement)
                }
            }
        })
    };
    let mut found = Vec::new();
    for path in ESCALATION_PATHS {
        let service = receiving_service(path);
        let places: Option<Vec<usize>> = path
            .actions
            .iter()
            .map(|action| first_granting_statement(action, service.filter(|_| *action == PASS_ROLE)))
            .collect();
        if let Some(last) = places.and_then(|places| places.last().copied()) {
            found.push((last, path));
        }
    }
    let passes = first_granting_statement(PASS_ROLE, Some(ANY_SERVICE));
    for (statement, path) in found {
        let gain = match path.gain {
            EscalationGain::OwnPermissions => "more permissions for itself",
            EscalationGain::OtherPrincipal => "the permissions of another principal",
            EscalationGain::NewRole => "the permissions of a role that it passes to a service",
            EscalationGain::ExistingRole => "the permissions of a role that a service has",
        };
        let message = format!("{}: with {} the principal can gain {gain}", path.id, path.actions.join(" and "));
        out.add_finding(statement, LintRule::PrivilegeEscalation, LintSeverity::High, message);
    }
    if let Some(statement) = passes {
        let message = "a role can be passed to any service: there is no condition on iam:PassedToService";
        out.add_finding(statement, LintRule::PassRoleAnyService, LintSeverity::High, message.to_owned());
    }
}

/// The service that receives the role in a path, as the value of `iam:PassedToService`. `None`: the path passes no role
/// to a known service.
fn receiving_service(path: &EscalationPath) -> Option<&'static str> {
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
