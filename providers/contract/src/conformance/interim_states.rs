//! The law [`Law::InterimStates`]: the interim states of policies and trust policies while they change.
//!
//! An interim policy must not grant more than the policy before or the policy after. Example: if `before` allows
//! `s3:GetObject` and `s3:PutObject`, and `after` allows `s3:GetObject` and `sqs:SendMessage`, the interim policy
//! allows at most `s3:GetObject`.

use super::scenario::ConformanceScenario;
use super::{Law, fixtures};
use crate::{
    Access, AccessVerdict, Aspect, DenyExtent, DesiredIdentity, Document, InterimDeny, PolicyDocuments, Resource,
    ResourceId, RoleTrusts, Value,
};

/// Any two policies of the cast have an interim policy that grants no more than either, and that is its own interim
/// policy towards the policy after.
pub fn check_interim_policies(
    stage: &mut ConformanceScenario<'_>,
    documents: &dyn PolicyDocuments,
    policies: &[Resource],
) {
    for before in policies {
        for after in policies {
            stage.scene = format!("between {} and {}", before.id, after.id);
            let before = Resource { id: after.id.clone(), ..before.clone() };
            check_interim_policy(stage, documents, Some(&before), Some(after));
        }
        check_interim_policy(stage, documents, None, Some(before));
        check_interim_policy(stage, documents, Some(before), None);
    }
}

fn check_interim_policy(
    stage: &mut ConformanceScenario<'_>,
    documents: &dyn PolicyDocuments,
    before: Option<&Resource>,
    after: Option<&Resource>,
) {
    let nothing = InterimDeny::default();
    let Some(tight) = documents.build_interim_policy(before, after, &nothing) else {
        return stage.report_violation(Law::InterimStates, "no interim policy exists");
    };
    let again = documents.build_interim_policy(Some(&tight), after, &nothing);
    let stays = after.is_none() || again.is_some_and(|again| again.attributes == tight.attributes);
    stage.require_law(
        Law::InterimStates,
        stays,
        "the interim policy has another interim policy towards the policy after",
    );
    for side in [before, after] {
        let verdict =
            stage.provider().compare.compare_access(&policy_access(side), &policy_access(Some(&tight))).verdict;
        let within = matches!(verdict, AccessVerdict::Equivalent | AccessVerdict::Narrows);
        stage.require_law(
            Law::InterimStates,
            within,
            format!("the interim policy compared with one of the two policies is {verdict:?}"),
        );
    }
    let everything = InterimDeny { everything: true, ..nothing };
    let shut = documents.build_interim_policy(before, after, &everything);
    let shut = shut.is_some_and(|shut| stage.realize().semantics.classify_denial(&shut) == DenyExtent::Everything);
    stage.require_law(Law::InterimStates, shut, "the interim policy that must deny everything allows a request");
}

/// While a role's trust policy changes, the role trusts only principals that both states trust, and its other
/// attributes are unchanged.
pub fn check_narrowed_principals(stage: &mut ConformanceScenario<'_>, trusts: &dyn RoleTrusts, roles: &[Resource]) {
    for before in roles {
        for after in roles.iter().map(|after| Resource { id: before.id.clone(), ..after.clone() }) {
            stage.scene = format!("interim trust policy of {}", before.id);
            let Some(reserved) = trusts.narrow_trust(before, &after, false) else {
                stage.report_violation(Law::InterimStates, "a role has no interim trust policy");
                continue;
            };
            if before.attributes == after.attributes {
                let same = reserved.principal.attributes == before.attributes && !reserved.closed;
                stage.require_law(
                    Law::InterimStates,
                    same,
                    "the interim of a trust policy and itself is a different policy",
                );
                let shut = trusts.narrow_trust(before, &after, true);
                let lets_in = |shut: &Resource| !trusts.extract_trusts(&stage.realm, shut).0.is_empty();
                let closes = shut.is_some_and(|shut| shut.closed && !lets_in(&shut.principal));
                stage.require_law(
                    Law::InterimStates,
                    closes,
                    "the interim trust policy that must trust no principal trusts one",
                );
            }
            let who = |role: &Resource| trusts.extract_trusts(&stage.realm, role);
            let ((old, _), (new, _), (now, unsaid)) = (who(before), who(&after), who(&reserved.principal));
            let within = now.iter().all(|trust| old.contains(trust) && new.contains(trust));
            let closes = if reserved.closed { now.is_empty() } else { !now.is_empty() || !unsaid.is_empty() };
            let trust = |name: &str| stage.realize().semantics.classify_attribute(&before.id, name) == Aspect::Trust;
            let mut attributes = before.attributes.iter().filter(|(name, _)| !trust(name));
            let stays = attributes.all(|(name, value)| reserved.principal.get(name) == Some(value));
            stage.require_law(
                Law::InterimStates,
                within,
                "the interim trust policy trusts a principal that one of the two policies does not trust",
            );
            stage.require_law(
                Law::InterimStates,
                closes,
                "the provider does not report whether the interim trust policy trusts no principal",
            );
            stage.require_law(Law::InterimStates, stays, "an attribute other than the trust policy changes");
        }
    }
}

/// The lease deny of an identity is reported as in effect from the deadline on, and not before.
pub fn check_lease_expiry(stage: &mut ConformanceScenario<'_>, identity: &DesiredIdentity, resources: &[Resource]) {
    let Some(end) = identity.deadline else { return };
    let before = end.checked_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(end);
    let over = |at| resources.iter().any(|part| stage.realize().semantics.has_expired_lease(part, at));
    let until = !over(before) && over(end);
    stage.require_law(
        Law::InterimStates,
        until,
        "the provider does not report that the lease deny takes effect exactly at the deadline",
    );
}

fn policy_access(policy: Option<&Resource>) -> Access {
    Access { policies: policy.and_then(find_policy_document).into_iter().collect(), ..Access::default() }
}

fn find_policy_document(policy: &Resource) -> Option<Document> {
    policy.attributes.values().find_map(|value| match value {
        Value::Document(document) => Some(document.clone()),
        _ => None,
    })
}

/// Checks that an identity's own policy contains the lease deny and is empty at first. Returns the policies for
/// [`check_interim_policies`]: the cast's scopes under the id of the own policy, and the own policy if it exists.
pub fn check_own_policy(
    stage: &mut ConformanceScenario<'_>,
    documents: &dyn PolicyDocuments,
    identity: &DesiredIdentity,
    resources: &[Resource],
) -> Vec<Resource> {
    let principal = stage.realize().ids.principal_id(identity.spec.principal, &identity.spec.name);
    let Some(own) = documents.empty_own_policy(&principal) else {
        stage.report_violation(Law::InterimStates, "the principal has no own policy");
        return Vec::new();
    };
    stage.require_law(
        Law::InterimStates,
        own.depends_on.contains(&principal),
        "the own policy does not depend on the principal",
    );
    stage.require_law(
        Law::InterimStates,
        stage.realize().semantics.classify_denial(&own) == DenyExtent::Nothing,
        "the empty own policy denies a request",
    );
    let real = resources.iter().find(|resource| resource.id == own.id);
    let there = real.is_some() || identity.deadline.is_none();
    stage.require_law(
        Law::InterimStates,
        there,
        format!("the identity has a deadline, but its own policy {} does not exist", own.id),
    );
    let denies = identity.spec.statements.iter().any(|statement| statement.effect == crate::Effect::Deny);
    let says =
        real.is_none_or(|real| (stage.realize().semantics.classify_denial(real) != DenyExtent::Nothing) == denies);
    stage.require_law(
        Law::InterimStates,
        says,
        "the provider does not report what the own policy denies, or counts the lease deny as a denial",
    );
    let words = stage.world.vocabulary();
    match fixtures::build_tagged_scope(&words) {
        Some(tagged) => {
            let tagged = stage.realize().objects.realize_scope(&stage.realm, &stage.stack, &tagged);
            let heeds = documents.has_tag_condition(&tagged, "team") && !documents.has_tag_condition(&tagged, "cost");
            stage.require_law(
                Law::InterimStates,
                heeds,
                "the provider does not report that a policy depends on a tag of its principal",
            );
        }
        None => stage.report_violation(Law::TestWorld, "the provider has policies, and the words no tag condition"),
    }
    let scope = |scope| stage.realize().objects.realize_scope(&stage.realm, &stage.stack, scope);
    let at = |id: &ResourceId, policy: Resource| Resource { id: id.clone(), ..policy };
    let scopes = fixtures::build_scopes(&words);
    scopes.iter().map(|it| at(&own.id, scope(it))).chain(real.cloned()).collect()
}
