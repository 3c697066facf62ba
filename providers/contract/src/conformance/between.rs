//! The law [`Law::Between`]: the interim states of policies and trust policies while they change.
//!
//! An interim policy must not grant more than the policy before or the policy after. Example: if `before` allows
//! `s3:GetObject` and `s3:PutObject`, and `after` allows `s3:GetObject` and `sqs:SendMessage`, the interim policy
//! allows at most `s3:GetObject`.

use super::stage::Stage;
use super::{Law, cast};
use crate::{
    Access, AccessVerdict, Aspect, DenyExtent, DesiredIdentity, Document, InterimDeny, PolicyDocuments, Resource,
    ResourceId, RoleTrusts, Value,
};

/// Any two policies of the cast have an interim policy that grants no more than either, and that is its own interim
/// policy towards the policy after.
pub fn check_interim_policies(stage: &mut Stage<'_>, documents: &dyn PolicyDocuments, policies: &[Resource]) {
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
    stage: &mut Stage<'_>,
    documents: &dyn PolicyDocuments,
    before: Option<&Resource>,
    after: Option<&Resource>,
) {
    let nothing = InterimDeny::default();
    let Some(tight) = documents.build_interim_policy(before, after, &nothing) else {
        return stage.report_violation(Law::Between, "there is nothing between");
    };
    let again = documents.build_interim_policy(Some(&tight), after, &nothing);
    let stays = after.is_none() || again.is_some_and(|again| again.attributes == tight.attributes);
    stage.require_law(Law::Between, stays, "between it and the end there is yet another");
    for side in [before, after] {
        let verdict =
            stage.provider().compare.compare_access(&policy_access(side), &policy_access(Some(&tight))).verdict;
        let within = matches!(verdict, AccessVerdict::Equivalent | AccessVerdict::Narrows);
        stage.require_law(Law::Between, within, format!("to what one side allows it is {verdict:?}"));
    }
    let everything = InterimDeny { everything: true, ..nothing };
    let shut = documents.build_interim_policy(before, after, &everything);
    let shut = shut.is_some_and(|shut| stage.realize().semantics.classify_denial(&shut) == DenyExtent::Everything);
    stage.require_law(Law::Between, shut, "asked to deny everything, it allows something");
}

/// While a role's trust policy changes, the role trusts only principals that both states trust, and its other
/// attributes are unchanged.
pub fn check_narrowed_principals(stage: &mut Stage<'_>, trusts: &dyn RoleTrusts, roles: &[Resource]) {
    for before in roles {
        for after in roles.iter().map(|after| Resource { id: before.id.clone(), ..after.clone() }) {
            stage.scene = format!("{} between two trusts", before.id);
            let Some(reserved) = trusts.narrow_trust(before, &after, false) else {
                stage.report_violation(Law::Between, "a role has no trust between two");
                continue;
            };
            if before.attributes == after.attributes {
                let same = reserved.principal.attributes == before.attributes && !reserved.closed;
                stage.require_law(Law::Between, same, "between a trust and itself there is another");
                let shut = trusts.narrow_trust(before, &after, true);
                let lets_in = |shut: &Resource| !trusts.extract_trusts(&stage.realm, shut).0.is_empty();
                let closes = shut.is_some_and(|shut| shut.closed && !lets_in(&shut.principal));
                stage.require_law(Law::Between, closes, "asked to trust nobody, it trusts somebody");
            }
            let who = |role: &Resource| trusts.extract_trusts(&stage.realm, role);
            let ((old, _), (new, _), (now, unsaid)) = (who(before), who(&after), who(&reserved.principal));
            let within = now.iter().all(|trust| old.contains(trust) && new.contains(trust));
            let closes = if reserved.closed { now.is_empty() } else { !now.is_empty() || !unsaid.is_empty() };
            let trust = |name: &str| stage.realize().semantics.classify_attribute(&before.id, name) == Aspect::Trust;
            let mut attributes = before.attributes.iter().filter(|(name, _)| !trust(name));
            let stays = attributes.all(|(name, value)| reserved.principal.get(name) == Some(value));
            stage.require_law(Law::Between, within, "it trusts whom one of its states does not");
            stage.require_law(Law::Between, closes, "whether it trusts nobody is not said");
            stage.require_law(Law::Between, stays, "more of it changes than whom it trusts");
        }
    }
}

/// The lease deny of an identity is reported as in effect from the deadline on, and not before.
pub fn check_lease_expiry(stage: &mut Stage<'_>, identity: &DesiredIdentity, resources: &[Resource]) {
    let Some(end) = identity.deadline else { return };
    let before = end.checked_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(end);
    let over = |at| resources.iter().any(|part| stage.realize().semantics.has_expired_lease(part, at));
    let until = !over(before) && over(end);
    stage.require_law(Law::Between, until, "its fence is not said to deny from the deadline on, and from then only");
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
    stage: &mut Stage<'_>,
    documents: &dyn PolicyDocuments,
    identity: &DesiredIdentity,
    resources: &[Resource],
) -> Vec<Resource> {
    let principal = stage.realize().ids.principal_id(identity.spec.principal, &identity.spec.name);
    let Some(own) = documents.empty_own_policy(&principal) else {
        stage.report_violation(Law::Between, "it has no policy of its own");
        return Vec::new();
    };
    stage.require_law(Law::Between, own.depends_on.contains(&principal), "its own policy does not hang on it");
    stage.require_law(
        Law::Between,
        stage.realize().semantics.classify_denial(&own) == DenyExtent::Nothing,
        "a policy of its own with nothing in it denies something",
    );
    let real = resources.iter().find(|resource| resource.id == own.id);
    let there = real.is_some() || identity.deadline.is_none();
    stage.require_law(Law::Between, there, format!("it ends, and its own policy {} is not there", own.id));
    let denies = identity.spec.statements.iter().any(|statement| statement.effect == crate::Effect::Deny);
    let says =
        real.is_none_or(|real| (stage.realize().semantics.classify_denial(real) != DenyExtent::Nothing) == denies);
    stage.require_law(Law::Between, says, "what its own policy denies is not said, or a fence counts as a denial");
    let words = stage.world.vocabulary();
    match cast::build_tagged_scope(&words) {
        Some(tagged) => {
            let tagged = stage.realize().objects.realize_scope(&stage.realm, &stage.stack, &tagged);
            let heeds = documents.has_tag_condition(&tagged, "team") && !documents.has_tag_condition(&tagged, "cost");
            stage.require_law(Law::Between, heeds, "that a policy depends on a tag of its holder is not said");
        }
        None => stage.report_violation(Law::Scenery, "the provider has policies, and the words no tag condition"),
    }
    let scope = |scope| stage.realize().objects.realize_scope(&stage.realm, &stage.stack, scope);
    let at = |id: &ResourceId, policy: Resource| Resource { id: id.clone(), ..policy };
    let scopes = cast::build_scopes(&words);
    scopes.iter().map(|it| at(&own.id, scope(it))).chain(real.cloned()).collect()
}
