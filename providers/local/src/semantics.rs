//! What the objects of this directory mean: what they grant and deny, and their interim states. Pure.
//!
//! In: live and desired resources. Out: classifications and interim resources. The documents are policies in the IAM
//! policy language, so `leasehold-policy` answers what they say.

use jiff::Timestamp;
use leasehold_policy::provider::INTERIM_DENY_SID;
use leasehold_provider::{
    Aspect, Change, Credential, DenyExtent, Document, InterimDeny, NarrowedPrincipal, PolicyDocuments, PolicySemantics,
    Principal, Realm, Resource, ResourceId, RoleTrusts, Trust, Value,
};

use crate::kinds::{self, DirectoryObject, DirectoryPart};
use crate::realize::KEY_INACTIVE;
use crate::{LocalRealizer, documents, limits, trusts};

impl PolicySemantics for LocalRealizer {
    fn credential_kind(&self, id: &ResourceId) -> Option<Credential> {
        match kinds::parse_object_id(id)? {
            DirectoryObject::Part(_, DirectoryPart::Key(_)) => Some(Credential::AccessKey),
            DirectoryObject::Part(_, DirectoryPart::Login) => Some(Credential::Login),
            _ => None,
        }
    }

    fn is_left_unchanged(&self, _id: &ResourceId, _guards_a_person: bool) -> bool {
        false
    }

    fn is_restriction(&self, resource: &Resource) -> bool {
        matches!(resource.get("policy"), Some(Value::Document(policy)) if documents::contains_deny(policy))
    }

    fn classify_attribute(&self, _id: &ResourceId, attribute: &str) -> Aspect {
        match attribute {
            "trust" => Aspect::Trust,
            "permissions_boundary" => Aspect::Boundary,
            "policy" | "group" => Aspect::Access,
            "max_session_duration" => Aspect::Session,
            "status" => Aspect::Credential,
            "tags" => Aspect::Tags,
            _ => Aspect::Description,
        }
    }

    fn classify_denial(&self, resource: &Resource) -> DenyExtent {
        match resource.get("policy") {
            Some(Value::Document(policy)) => {
                leasehold_policy::provider::classify_denies(policy, kinds::is_lease_policy(&resource.id))
            }
            _ => DenyExtent::Nothing,
        }
    }

    fn has_expired_lease(&self, policy: &Resource, now: Timestamp) -> bool {
        match policy.get("policy") {
            Some(Value::Document(document)) => {
                kinds::is_lease_policy(&policy.id) && leasehold_policy::provider::is_lease_deny_in_effect(document, now)
            }
            _ => false,
        }
    }

    fn is_same_document(&self, a: &Document, b: &Document) -> bool {
        leasehold_policy::provider::are_same_policy(a, b)
    }

    fn describe_change(&self, change: &Change) -> Option<String> {
        let attribute = |name| change.resource_after().and_then(|after| after.get(name));
        match kinds::parse_object_id(change.id())? {
            DirectoryObject::Part(_, DirectoryPart::Inline(_))
            | DirectoryObject::GroupPart(_, DirectoryPart::Inline(_)) => {
                let policy = attribute("policy")?.as_document()?;
                let descriptions = [
                    (documents::QUARANTINE_SID, "deny everything"),
                    (documents::LEASE_DENY_SID, "lease deny"),
                    (INTERIM_DENY_SID, "deny everything (interim)"),
                ];
                let (_, text) = descriptions.into_iter().find(|(sid, _)| documents::has_statement(policy, sid))?;
                Some(text.to_owned())
            }
            DirectoryObject::Part(_, DirectoryPart::Key(ResourceId::NEW)) => {
                Some(format!("secret → {}", attribute("store")?.as_text()?))
            }
            DirectoryObject::Part(_, DirectoryPart::Key(_)) => {
                (attribute("status")?.as_text()? == KEY_INACTIVE).then(|| "key disabled".to_owned())
            }
            DirectoryObject::Principal(Principal::Role, _) => {
                let closed = Value::Document(documents::empty_trust());
                let was_open =
                    change.resource_before().and_then(|before| before.get("trust")).is_some_and(|t| *t != closed);
                (was_open && *attribute("trust")? == closed).then(|| "trust policy emptied".to_owned())
            }
            DirectoryObject::Principal(Principal::User, _)
            | DirectoryObject::Policy(_)
            | DirectoryObject::Part(..)
            | DirectoryObject::Group(_)
            | DirectoryObject::GroupPart(..) => None,
        }
    }
}

impl PolicyDocuments for LocalRealizer {
    fn has_tag_condition(&self, policy: &Resource, tag: &str) -> bool {
        matches!(policy.get("policy"), Some(Value::Document(document)) if leasehold_policy::provider::tests_principal_tag(document, tag))
    }

    fn empty_own_policy(&self, whole: &ResourceId) -> Option<Resource> {
        let kind = match kinds::parse_object_id(whole)? {
            DirectoryObject::Principal(..) => kinds::INLINE_POLICY,
            DirectoryObject::Group(_) => kinds::GROUP_POLICY,
            _ => return None,
        };
        let id = kinds::part_id(kind, &whole.name, kinds::LEASE_POLICY).with_account(whole.account.as_ref());
        Some(
            Resource::new(id, None)
                .with_attribute("policy", Value::Document(documents::empty_policy()))
                .with_dependency(whole.clone()),
        )
    }

    fn build_interim_policy(
        &self,
        before: Option<&Resource>,
        after: Option<&Resource>,
        withheld: &InterimDeny,
    ) -> Option<Resource> {
        let whole = after.or(before)?;
        let fits = |policy: &serde_json::Value| limits::fits_policy_limit(&whole.id, policy);
        let policy = |resource: Option<&Resource>| resource.and_then(|it| it.document_attribute("policy")).cloned();
        let interim = leasehold_policy::provider::interim_policy(
            policy(before).as_ref(),
            policy(after).as_ref(),
            withheld,
            fits,
        )?;
        Some(whole.clone().with_attribute("policy", Value::Document(interim.into())))
    }
}

impl RoleTrusts for LocalRealizer {
    fn extract_trusts(&self, _realm: &Realm, role: &Resource) -> (Vec<Trust>, Vec<String>) {
        trusts::parse_trusts(role)
    }

    fn narrow_trust(&self, before: &Resource, after: &Resource, closed: bool) -> Option<NarrowedPrincipal> {
        let (Some(Value::Document(old)), Some(Value::Document(new))) = (before.get("trust"), after.get("trust")) else {
            return None;
        };
        let both = leasehold_policy::provider::interim_trust_statements(old, new);
        let closed = closed || !leasehold_policy::provider::trusts_any_principal(&both);
        let trust = if closed { documents::empty_trust() } else { documents::document_from_statements(both) };
        let mut principal = before.clone().with_attribute("trust", Value::Document(trust));
        principal.depends_on.retain(|id| !closed && after.depends_on.contains(id));
        Some(NarrowedPrincipal { principal, closed })
    }
}
