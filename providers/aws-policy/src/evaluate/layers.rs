//! Evaluation over several layers: the identity's policies, its boundary, and the policy of the resource.
//!
//! Not modelled: service and resource control policies, session policies, and services that require a grant by the
//! resource's policy even within the account (KMS keys, role trust). For these pass the policy as `resource_policy`.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-id-rdp.html>

use crate::document::{PolicyDocument, PolicyStatement, StatementEffect};
use crate::evaluate::statement::{PrincipalFit, match_principal, statement_applies};
use crate::evaluate::truth::Truth;
use crate::evaluate::{Evaluation, EvaluationOutcome, LayerMatches, MatchedStatement, PolicyLayer};
use crate::principal::{AccountId, PolicyPrincipal};
use crate::request::{AccessRequest, RequestCaller};

/// The policies that apply to a request.
#[derive(Debug, Clone, Copy)]
pub struct PolicyLayers<'a> {
    /// The policies of the identity and of its groups.
    pub policies: &'a [PolicyDocument],
    /// The permissions boundary, which limits what the policies grant. `None`: no boundary.
    pub boundary: Option<&'a [PolicyDocument]>,
    /// The policy of the resource, or the trust policy of the role to assume. `None`: only the identity's policies
    /// grant.
    pub resource_policy: Option<&'a PolicyDocument>,
    /// The account of the resource. `None`: the account in its ARN, or the caller's if the ARN has none.
    pub resource_account: Option<&'a AccountId>,
}

/// Evaluates a request against all layers.
pub fn evaluate_layers(layers: &PolicyLayers<'_>, request: &AccessRequest) -> Evaluation {
    let on_resource = layers.resource_policy.map_or(&[][..], std::slice::from_ref);
    let boundary = layers.boundary.unwrap_or_default();
    let matches_in = |documents, layer, effect| LayerMatches::collect_matches(documents, layer, effect, request);
    let denies = [
        matches_in(layers.policies, PolicyLayer::Policy, StatementEffect::Deny),
        matches_in(boundary, PolicyLayer::Boundary, StatementEffect::Deny),
        matches_in(on_resource, PolicyLayer::Resource, StatementEffect::Deny),
    ];
    let denied = Truth::any(denies.iter().map(|found| found.truth));
    if denied == Truth::Yes {
        let because = denies.iter().flat_map(|found| found.statements_with_truth(Truth::Yes)).collect();
        return Evaluation { outcome: EvaluationOutcome::ExplicitDeny, because };
    }

    let own = matches_in(layers.policies, PolicyLayer::Policy, StatementEffect::Allow);
    let limit = layers.boundary.map(|documents| matches_in(documents, PolicyLayer::Boundary, StatementEffect::Allow));
    let within = limit.as_ref().map_or(Truth::Yes, |found| found.truth);
    let identity = own.truth.and(within);
    let on_resource =
        layers.resource_policy.map(|policy| ResourceGrant::from_policy(policy, request)).unwrap_or_default();
    let granted = match (&request.principal, layers.resource_policy) {
        (_, None) => identity,
        (RequestCaller::Aws(arn), Some(_)) if crosses_accounts(arn, request, layers) => identity.and(on_resource.any),
        (RequestCaller::Aws(_), Some(_)) => identity.or(on_resource.direct).or(on_resource.within_boundary.and(within)),
        // Services and federated callers have no identity policies.
        (_, Some(_)) => on_resource.any,
    };

    let allows = || {
        own.statements_with_truth(Truth::Yes)
            .chain(limit.iter().flat_map(|l| l.statements_with_truth(Truth::Yes)))
            .chain(on_resource.granting_statements())
    };
    let unknown = |found: &LayerMatches| found.statements_with_truth(Truth::Unknown).collect::<Vec<_>>();
    match granted.and(denied.not()) {
        Truth::Yes => Evaluation { outcome: EvaluationOutcome::Allow, because: allows().collect() },
        Truth::No => Evaluation { outcome: EvaluationOutcome::ImplicitDeny, because: Vec::new() },
        Truth::Unknown => {
            let because = denies.iter().chain([&own]).chain(limit.as_ref()).flat_map(unknown).collect();
            Evaluation { outcome: EvaluationOutcome::Undecided, because }
        }
    }
}

/// What a resource's policy grants a caller, by the way it names the caller.
struct ResourceGrant {
    /// A statement names the user or session itself: the implicit deny of a boundary does not apply.
    direct: Truth,
    /// A statement names the role or everyone: granted within the boundary.
    within_boundary: Truth,
    /// Any statement, including those that name an account, which only allow that account's policies to grant.
    any: Truth,
    statements: Vec<MatchedStatement>,
}

impl Default for ResourceGrant {
    fn default() -> Self {
        Self { direct: Truth::No, within_boundary: Truth::No, any: Truth::No, statements: Vec::new() }
    }
}

impl ResourceGrant {
    fn from_policy(policy: &PolicyDocument, request: &AccessRequest) -> Self {
        let mut grant = Self::default();
        for (index, statement) in policy.statements.iter().enumerate() {
            if statement.effect != StatementEffect::Allow {
                continue;
            }
            let truth = statement_applies(statement, request);
            if truth == Truth::No {
                continue;
            }
            grant.any = grant.any.or(truth);
            match grant_strength(statement, &request.principal) {
                GrantStrength::Direct => grant.direct = grant.direct.or(truth),
                GrantStrength::WithinBoundary => grant.within_boundary = grant.within_boundary.or(truth),
                GrantStrength::Delegates => {}
            }
            if truth == Truth::Yes {
                let sid = statement.sid.clone();
                grant.statements.push(MatchedStatement {
                    layer: PolicyLayer::Resource,
                    document: 0,
                    statement: index,
                    sid,
                });
            }
        }
        grant
    }

    fn granting_statements(&self) -> impl Iterator<Item = MatchedStatement> + '_ {
        self.statements.iter().cloned()
    }
}

/// How a statement of a resource policy names the caller.
enum GrantStrength {
    Direct,
    WithinBoundary,
    Delegates,
}

fn grant_strength(statement: &PolicyStatement, caller: &RequestCaller) -> GrantStrength {
    let Some(clause) = statement.principals.as_ref().filter(|clause| !clause.negated) else {
        return GrantStrength::WithinBoundary;
    };
    let is_role = matches!(caller, RequestCaller::Aws(arn) if arn.split(':').nth(5).is_some_and(|part| part.starts_with("role/")));
    let fits = |desired: fn(&PolicyPrincipal) -> bool, at_least: PrincipalFit| {
        clause.items.iter().any(|principal| desired(principal) && match_principal(principal, caller) >= at_least)
    };
    if !is_role && fits(|principal| matches!(principal, PolicyPrincipal::Aws(_)), PrincipalFit::Named) {
        GrantStrength::Direct
    } else if fits(|principal| !matches!(principal, PolicyPrincipal::Account(_)), PrincipalFit::Covered) {
        GrantStrength::WithinBoundary
    } else {
        GrantStrength::Delegates
    }
}

fn crosses_accounts(caller: &str, request: &AccessRequest, layers: &PolicyLayers<'_>) -> bool {
    let account_of = |arn: &str| arn.split(':').nth(4).and_then(AccountId::parse);
    let owner = layers.resource_account.cloned().or_else(|| account_of(&request.resource));
    owner.is_some_and(|owner| account_of(caller).is_some_and(|account| account != owner))
}
