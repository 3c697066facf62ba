//! A decision over several layers: the identity's policies, its boundary, the policy of the resource.
//!
//! Not modelled: service and resource control policies, session policies, and the services that always ask the resource
//! (a KMS key's policy, a role's trust, which [`simulate`] answers when that policy is handed in as the resource's).
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-id-rdp.html>

use crate::document::{Document, Effect, Statement};
use crate::evaluate::statement::{Fit, applies, fit};
use crate::evaluate::truth::Truth;
use crate::evaluate::{Decision, Layer, Matches, Outcome, Reason};
use crate::principal::{AccountId, Principal};
use crate::request::{Caller, Request};

/// Everything that has a say in a request.
#[derive(Debug, Clone, Copy)]
pub struct Layers<'a> {
    /// The policies attached to the identity, and to its groups.
    pub policies: &'a [Document],
    /// The permissions boundary; it grants nothing and limits what the policies grant.
    pub boundary: Option<&'a [Document]>,
    /// The policy of the resource, or the trust of the role to be assumed.
    pub resource_policy: Option<&'a Document>,
    /// The account that the resource belongs to, where its ARN does not tell. Without either, the caller's.
    pub resource_account: Option<&'a AccountId>,
}

/// Decides a request against all layers.
pub fn simulate(layers: &Layers<'_>, request: &Request) -> Decision {
    let on_resource = layers.resource_policy.map_or(&[][..], std::slice::from_ref);
    let boundary = layers.boundary.unwrap_or_default();
    let of = |documents, layer, effect| Matches::of(documents, layer, effect, request);
    let denies = [
        of(layers.policies, Layer::Policy, Effect::Deny),
        of(boundary, Layer::Boundary, Effect::Deny),
        of(on_resource, Layer::Resource, Effect::Deny),
    ];
    let denied = Truth::any(denies.iter().map(|found| found.truth));
    if denied == Truth::Yes {
        let because = denies.iter().flat_map(|found| found.with(Truth::Yes)).collect();
        return Decision { outcome: Outcome::ExplicitDeny, because };
    }

    let own = of(layers.policies, Layer::Policy, Effect::Allow);
    let limit = layers.boundary.map(|documents| of(documents, Layer::Boundary, Effect::Allow));
    let within = limit.as_ref().map_or(Truth::Yes, |found| found.truth);
    let identity = own.truth.and(within);
    let on_resource = layers.resource_policy.map(|policy| Grant::of(policy, request)).unwrap_or_default();
    let granted = match (&request.principal, layers.resource_policy) {
        (_, None) => identity,
        (Caller::Aws(arn), Some(_)) if crosses_accounts(arn, request, layers) => identity.and(on_resource.any),
        (Caller::Aws(_), Some(_)) => identity.or(on_resource.direct).or(on_resource.within_boundary.and(within)),
        // Services and federated callers hold no policies of their own.
        (_, Some(_)) => on_resource.any,
    };

    let allows =
        || own.with(Truth::Yes).chain(limit.iter().flat_map(|l| l.with(Truth::Yes))).chain(on_resource.reasons());
    let unknown = |found: &Matches| found.with(Truth::Unknown).collect::<Vec<_>>();
    match granted.and(denied.not()) {
        Truth::Yes => Decision { outcome: Outcome::Allow, because: allows().collect() },
        Truth::No => Decision { outcome: Outcome::ImplicitDeny, because: Vec::new() },
        Truth::Unknown => {
            let because = denies.iter().chain([&own]).chain(limit.as_ref()).flat_map(unknown).collect();
            Decision { outcome: Outcome::Undecided, because }
        }
    }
}

/// What a resource's policy grants a caller, told apart by how it names them.
struct Grant {
    /// Names the user or session itself: a boundary's implicit deny does not stand against it.
    direct: Truth,
    /// Names the role, or everyone: holds within the boundary.
    within_boundary: Truth,
    /// Any of it, an account included: naming an account only lets that account's own policies grant.
    any: Truth,
    statements: Vec<Reason>,
}

impl Default for Grant {
    fn default() -> Self {
        Self { direct: Truth::No, within_boundary: Truth::No, any: Truth::No, statements: Vec::new() }
    }
}

impl Grant {
    fn of(policy: &Document, request: &Request) -> Self {
        let mut grant = Self::default();
        for (index, statement) in policy.statements.iter().enumerate() {
            if statement.effect != Effect::Allow {
                continue;
            }
            let truth = applies(statement, request);
            if truth == Truth::No {
                continue;
            }
            grant.any = grant.any.or(truth);
            match strength(statement, &request.principal) {
                Strength::Direct => grant.direct = grant.direct.or(truth),
                Strength::WithinBoundary => grant.within_boundary = grant.within_boundary.or(truth),
                Strength::Delegates => {}
            }
            if truth == Truth::Yes {
                let sid = statement.sid.clone();
                grant.statements.push(Reason { layer: Layer::Resource, document: 0, statement: index, sid });
            }
        }
        grant
    }

    fn reasons(&self) -> impl Iterator<Item = Reason> + '_ {
        self.statements.iter().cloned()
    }
}

enum Strength {
    Direct,
    WithinBoundary,
    Delegates,
}

fn strength(statement: &Statement, caller: &Caller) -> Strength {
    let Some(clause) = statement.principals.as_ref().filter(|clause| !clause.negated) else {
        return Strength::WithinBoundary;
    };
    let is_role =
        matches!(caller, Caller::Aws(arn) if arn.split(':').nth(5).is_some_and(|part| part.starts_with("role/")));
    let fits = |wanted: fn(&Principal) -> bool, at_least: Fit| {
        clause.items.iter().any(|principal| wanted(principal) && fit(principal, caller) >= at_least)
    };
    if !is_role && fits(|principal| matches!(principal, Principal::Aws(_)), Fit::Named) {
        Strength::Direct
    } else if fits(|principal| !matches!(principal, Principal::Account(_)), Fit::Covered) {
        Strength::WithinBoundary
    } else {
        Strength::Delegates
    }
}

fn crosses_accounts(caller: &str, request: &Request, layers: &Layers<'_>) -> bool {
    let account_of = |arn: &str| arn.split(':').nth(4).and_then(AccountId::read);
    let owner = layers.resource_account.cloned().or_else(|| account_of(&request.resource));
    owner.is_some_and(|owner| account_of(caller).is_some_and(|account| account != owner))
}
