//! An identity's block.

use std::collections::BTreeSet;

use leasehold_provider::statements::statements_of;
use leasehold_provider::{
    Address, Aspect, Condition, Credential, Document, Effect, Kind, Principal, ResourceId, Span, Statement, Trust,
    Unmarked, Value,
};

use super::Task;
use super::hcl::{Body, block, quoted};
use crate::config::{Diagnostic, Import};

impl Task<'_> {
    /// The block of a principal that is taken in.
    pub(super) fn identity(
        &self,
        import: &Import,
        label: &str,
        found: &Unmarked,
        unsaid: &mut Vec<String>,
    ) -> Result<String, Box<Diagnostic>> {
        let keeps: BTreeSet<Credential> = found.resources.keys().filter_map(|id| self.realize.credential(id)).collect();
        let kind = import.kind.unwrap_or_else(|| guess(found.principal, &keeps));
        let mut body = Body::default();
        body.set("kind", quoted(kind.as_str()));
        body.set("owner", format!("owner.{}", self.owner(import)?));
        if kind.default_principal() != found.principal {
            body.set("principal", quoted(found.principal.as_str()));
        }
        if found.name != label {
            body.set("name", quoted(&found.name));
        }
        if let Some(provider) = self.declared.provider_of(found.id.account.as_ref()) {
            body.set("provider", provider);
        }
        self.attributes(&mut body, found);
        let documents = found.resources.values().filter_map(|part| match part.get("policy") {
            Some(Value::Document(document)) => Some((&part.id, document)),
            _ => None,
        });
        statements(&mut body, documents, &import.to, unsaid);
        if let (Principal::Role, Some(role)) = (found.principal, found.resources.get(&found.id)) {
            let (trusts, not_said) = self.realize.trusts(&self.snapshot.realm, role);
            trusts.iter().for_each(|each| trust(&mut body, each));
            unsaid.extend(not_said.into_iter().map(|what| format!("{}: {what}", import.to)));
        }
        for credential in keeps {
            body.block(&format!("credential \"{}\"", credential.as_str()), &Body::default());
        }
        Ok(block(&format!("identity \"{label}\""), &body))
    }

    /// Who answers for it: whom the import names, or the only owner there is.
    fn owner(&self, import: &Import) -> Result<String, Box<Diagnostic>> {
        let mut owners = self.declared.owners.keys();
        match (&import.owner, owners.next(), owners.next()) {
            (Some(owner), _, _) => Ok(owner.clone()),
            (None, Some(only), None) => Ok(only.clone()),
            (None, _, _) => Err(Box::new(
                Diagnostic::error("lifecycle::import", format!("nobody is named who answers for {}", import.to))
                    .at(import.origin.span(), "no `owner`")
                    .help("add owner = owner.NAME to the import block"),
            )),
        }
    }

    fn attributes(&self, body: &mut Body, found: &Unmarked) {
        let principal = found.resources.get(&found.id);
        let text = |name: &str| principal.and_then(|resource| resource.get(name)?.as_text());
        if let Some(purpose) = text("description") {
            body.set("purpose", quoted(purpose));
        }
        if let Some(path) = text("path") {
            body.set("path", quoted(path));
        }
        if let Some(boundary) = text("permissions_boundary") {
            body.set("permissions_boundary", quoted(boundary));
        }
        if let Some(Value::Number(seconds)) = principal.and_then(|resource| resource.get("max_session_duration")) {
            let span = u32::try_from(*seconds).ok().and_then(Span::from_seconds);
            body.set("max_session_duration", quoted(&span.map_or_else(String::new, |span| span.to_string())));
        }
        let (mut policies, mut groups) = (BTreeSet::new(), BTreeSet::new());
        for part in found.resources.values() {
            for (name, value) in &part.attributes {
                match (self.realize.aspect(&part.id, name), value.as_text()) {
                    (Aspect::Access, Some(group)) if name == "group" => groups.insert(group.to_owned()),
                    (Aspect::Access, Some(policy)) => policies.insert(policy.to_owned()),
                    _ => false,
                };
            }
        }
        groups.retain(|group| !self.members.contains_key(&(found.id.account.clone(), group.clone())));
        body.list("managed_policy_arns", &policies);
        body.list("managed_groups", &groups);
        if let Some(Value::Map(tags)) = principal.and_then(|resource| resource.get("tags")) {
            body.map("tags", tags);
        }
    }
}

/// A user with a password is a person, one without serves a program; a role does a job.
fn guess(principal: Principal, keeps: &BTreeSet<Credential>) -> Kind {
    match principal {
        Principal::Role => Kind::Workload,
        Principal::User if keeps.contains(&Credential::Login) => Kind::Human,
        Principal::User => Kind::Service,
    }
}

/// Every statement of some policies. A sid that stands in two of them, or is Leasehold's own, is left out: it says nothing to the cloud.
pub(super) fn statements<'a>(
    body: &mut Body,
    documents: impl Iterator<Item = (&'a ResourceId, &'a Document)>,
    of: &Address,
    unsaid: &mut Vec<String>,
) {
    let mut sids = BTreeSet::new();
    for (id, document) in documents {
        match statements_of(document) {
            Err(what) => unsaid.push(format!("{of}: {id}: {what}")),
            Ok(all) => {
                for statement in &all {
                    let sid = statement.sid.as_ref().filter(|sid| !sid.starts_with("Leasehold"));
                    let sid = sid.filter(|sid| sids.insert((*sid).clone()));
                    body.block("statement", &statement_body(statement, sid));
                }
            }
        }
    }
}

fn statement_body(statement: &Statement, sid: Option<&String>) -> Body {
    let mut body = Body::default();
    if let Some(sid) = sid {
        body.set("sid", quoted(sid));
    }
    if statement.effect == Effect::Deny {
        body.set("effect", quoted("deny"));
    }
    body.list("actions", &statement.actions);
    body.list("not_actions", &statement.not_actions);
    body.list("resources", &statement.resources);
    body.list("not_resources", &statement.not_resources);
    for Condition { test, variable, values } in &statement.conditions {
        let mut condition = Body::default();
        condition.set("test", quoted(test));
        condition.set("variable", quoted(variable));
        condition.list("values", values);
        body.block("condition", &condition);
    }
    body
}

fn trust(body: &mut Body, trust: &Trust) {
    let mut inner = Body::default();
    let sort = match trust {
        Trust::Oidc { issuer, audiences, subjects } => {
            inner.set("issuer", quoted(issuer));
            inner.list("audiences", audiences);
            inner.list("subjects", subjects);
            "oidc"
        }
        Trust::Service { principals } => {
            inner.list("principals", principals);
            "service"
        }
        Trust::Aws { principals, external_id } => {
            inner.list("principals", principals);
            if let Some(id) = external_id {
                inner.set("external_id", quoted(id));
            }
            "aws"
        }
        Trust::Saml { provider, audiences } => {
            inner.set("provider", quoted(provider));
            inner.list("audiences", audiences);
            "saml"
        }
        // A document that lives names principals, never addresses.
        Trust::Identity { .. } => return,
    };
    body.block(&format!("trust \"{sort}\""), &inner);
}
