//! Generates an `identity` block from a live principal.

use std::collections::BTreeSet;

use leasehold_provider::statements::parse_statements;
use leasehold_provider::{
    Address, Aspect, Condition, Credential, Document, Effect, Kind, Principal, ResourceId, Span, Statement, Trust,
    Unmarked, Value,
};

use super::BlockGenerator;
use super::hcl::{HclBody, quote_text, render_block};
use crate::config::{Diagnostic, ImportBlock};

impl BlockGenerator<'_> {
    /// The block of an imported principal.
    pub(super) fn render_identity(
        &self,
        import: &ImportBlock,
        label: &str,
        found: &Unmarked,
        unsaid: &mut Vec<String>,
    ) -> Result<String, Box<Diagnostic>> {
        let retained_credentials: BTreeSet<Credential> =
            found.resources.keys().filter_map(|id| self.realize.semantics.credential_kind(id)).collect();
        let kind = import.kind.unwrap_or_else(|| guess_kind(found.principal, &retained_credentials));
        let mut body = HclBody::default();
        body.set_attribute("kind", quote_text(kind.as_str()));
        body.set_attribute("owner", format!("owner.{}", self.find_owner(import)?));
        if kind.default_principal() != found.principal {
            body.set_attribute("principal", quote_text(found.principal.as_str()));
        }
        if found.name != label {
            body.set_attribute("name", quote_text(&found.name));
        }
        if let Some(provider) = self.declared.find_provider_reference(found.id.account.as_ref()) {
            body.set_attribute("provider", provider);
        }
        self.write_attributes(&mut body, found, &import.to, unsaid);
        let documents = found.resources.values().filter_map(|part| match part.get("policy") {
            Some(Value::Document(document)) => Some((&part.id, document)),
            _ => None,
        });
        write_statements(&mut body, documents, &import.to, unsaid);
        if let (Some(of_roles), Principal::Role, Some(role)) =
            (&self.realize.trusts, found.principal, found.resources.get(&found.id))
        {
            let (trusts, not_said) = of_roles.extract_trusts(&self.snapshot.realm, role);
            trusts.iter().for_each(|each| write_trust(&mut body, each));
            unsaid.extend(not_said.into_iter().map(|what| format!("{}: {what}", import.to)));
        }
        for credential in retained_credentials {
            body.add_block(&format!("credential \"{}\"", credential.as_str()), &HclBody::default());
        }
        Ok(render_block(&format!("identity \"{label}\""), &body))
    }

    /// The owner: the one that the import names, else the only one that is declared.
    fn find_owner(&self, import: &ImportBlock) -> Result<String, Box<Diagnostic>> {
        let mut owners = self.declared.owners.keys();
        match (&import.owner, owners.next(), owners.next()) {
            (Some(owner), _, _) => Ok(owner.clone()),
            (None, Some(only), None) => Ok(only.clone()),
            (None, _, _) => Err(Box::new(
                Diagnostic::error("lifecycle::import", format!("{} has no owner", import.to))
                    .with_location(import.origin.header_span(), "no `owner`")
                    .with_help("add owner = owner.NAME to the import block"),
            )),
        }
    }

    fn write_attributes(&self, body: &mut HclBody, found: &Unmarked, address: &Address, unsaid: &mut Vec<String>) {
        let principal = found.resources.get(&found.id);
        let text = |name: &str| principal.and_then(|resource| resource.get(name)?.as_text());
        if let Some(purpose) = text("description") {
            body.set_attribute("purpose", quote_text(purpose));
        }
        if let Some(path) = text("path") {
            body.set_attribute("path", quote_text(path));
        }
        if let Some(boundary) = text("permissions_boundary") {
            body.set_attribute("permissions_boundary", quote_text(boundary));
        }
        if let Some(Value::Number(seconds)) = principal.and_then(|resource| resource.get("max_session_duration")) {
            match u32::try_from(*seconds).ok().and_then(Span::from_seconds) {
                Some(span) => body.set_attribute("max_session_duration", quote_text(&span.to_string())),
                None => unsaid.push(format!("{address}: a maximum session duration of {seconds} s")),
            }
        }
        let (mut policies, mut groups) = (BTreeSet::new(), BTreeSet::new());
        for part in found.resources.values() {
            for (name, value) in &part.attributes {
                match (self.realize.semantics.classify_attribute(&part.id, name), value.as_text()) {
                    (Aspect::Access, Some(group)) if name == "group" => groups.insert(group.to_owned()),
                    (Aspect::Access, Some(policy)) => policies.insert(policy.to_owned()),
                    _ => false,
                };
            }
        }
        groups.retain(|group| !self.members.contains_key(&(found.id.account.clone(), group.clone())));
        body.set_list("managed_policy_arns", &policies);
        body.set_list("managed_groups", &groups);
        if let Some(Value::Map(tags)) = principal.and_then(|resource| resource.get("tags")) {
            body.set_map("tags", tags);
        }
    }
}

/// A user with a password is a person, a user without one is a service. A role is a workload.
fn guess_kind(principal: Principal, retained_credentials: &BTreeSet<Credential>) -> Kind {
    match principal {
        Principal::Role => Kind::Workload,
        Principal::User if retained_credentials.contains(&Credential::Login) => Kind::Human,
        Principal::User => Kind::Service,
    }
}

/// Writes every statement of some policies. A sid that occurs in two of them, or that is Leasehold's own, is left out: sids have no effect
/// on access.
pub(super) fn write_statements<'a>(
    body: &mut HclBody,
    documents: impl Iterator<Item = (&'a ResourceId, &'a Document)>,
    of: &Address,
    unsaid: &mut Vec<String>,
) {
    let mut sids = BTreeSet::new();
    for (id, document) in documents {
        match parse_statements(document) {
            Err(what) => unsaid.push(format!("{of}: {id}: {what}")),
            Ok(all) => {
                for statement in &all {
                    let sid = statement.sid.as_ref().filter(|sid| !sid.starts_with("Leasehold"));
                    let sid = sid.filter(|sid| sids.insert((*sid).clone()));
                    body.add_block("statement", &build_statement_body(statement, sid));
                }
            }
        }
    }
}

fn build_statement_body(statement: &Statement, sid: Option<&String>) -> HclBody {
    let mut body = HclBody::default();
    if let Some(sid) = sid {
        body.set_attribute("sid", quote_text(sid));
    }
    if statement.effect == Effect::Deny {
        body.set_attribute("effect", quote_text("deny"));
    }
    body.set_list("actions", &statement.actions);
    body.set_list("not_actions", &statement.not_actions);
    body.set_list("resources", &statement.resources);
    body.set_list("not_resources", &statement.not_resources);
    for Condition { test, variable, values } in &statement.conditions {
        let mut condition = HclBody::default();
        condition.set_attribute("test", quote_text(test));
        condition.set_attribute("variable", quote_text(variable));
        condition.set_list("values", values);
        body.add_block("condition", &condition);
    }
    body
}

fn write_trust(body: &mut HclBody, trust: &Trust) {
    let mut inner = HclBody::default();
    let sort = match trust {
        Trust::Oidc { issuer, audiences, subjects } => {
            inner.set_attribute("issuer", quote_text(issuer));
            inner.set_list("audiences", audiences);
            inner.set_list("subjects", subjects);
            "oidc"
        }
        Trust::Service { principals } => {
            inner.set_list("principals", principals);
            "service"
        }
        Trust::Named { principals, external_id } => {
            inner.set_list("principals", principals);
            if let Some(id) = external_id {
                inner.set_attribute("external_id", quote_text(id));
            }
            "aws"
        }
        Trust::Saml { provider, audiences } => {
            inner.set_attribute("provider", quote_text(provider));
            inner.set_list("audiences", audiences);
            "saml"
        }
        // A live trust policy names principals, never addresses.
        Trust::Identity { .. } => return,
    };
    body.add_block(&format!("trust \"{sort}\""), &inner);
}
