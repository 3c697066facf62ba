//! `identity` blocks, each with its instances.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use leasehold_provider::{Address, Kind, Principal, Span as Duration, Trust, TrustedIdentity};

use super::fields::Fields;
use super::statements::statements;
use super::trusts::{Read, trusts};
use super::{addresses, inner};
use crate::config::declared::{DeclaredIdentity, Lease, Origin};
use crate::config::diagnostic::Diagnostic;
use crate::config::eval::Evaluator;
use crate::config::eval::budget::MOST_IDENTITIES;
use crate::config::eval::instances::{Instances, default_name};
use crate::config::eval::with_value;
use crate::config::schema;
use crate::config::source::Span;
use crate::config::value::convert::to_text;
use crate::config::value::{BlockRef, Keyword};

/// Trusts of identities in identities, to be looked up: whose, which of its trusts, whom.
type Pending = Vec<(Address, usize, Vec<(BlockRef, Span)>)>;

/// All identities of the stack.
pub fn identities(eval: &Evaluator<'_>, default_ttl: Option<Duration>) -> BTreeMap<Address, DeclaredIdentity> {
    let mut all = BTreeMap::new();
    let mut pending = Pending::new();
    let Some(schema) = schema::top("identity") else { return all };
    for (label, block) in eval.catalog.blocks(Keyword::Identity) {
        let fields = Fields::new(eval, block);
        if let (Some(_), Some(second)) = (fields.expr("for_each"), fields.expr("count")) {
            fields.find(
                Diagnostic::error("config::conflict", "an identity has `for_each` or `count`, not both")
                    .at(fields.span(second), "this excludes `for_each`")
                    .help("for_each gives each instance a key that stays when others come and go"),
            );
            continue;
        }
        let Some(instances) = eval.instances(block, block.span()) else { continue };
        let origin = fields.origin(schema);
        match &*instances {
            Instances::One => {
                let address = Address::identity(label, None);
                let read = || identity(&fields, address.clone(), origin, default_ttl, &mut pending);
                if let Some(identity) = eval.budget.identity(read) {
                    all.insert(address, identity);
                }
            }
            Instances::Keyed(keyed) => {
                if too_many(&fields, all.len() + keyed.len()) {
                    continue;
                }
                for (key, bound) in keyed {
                    let address = Address::identity(label, Some(key));
                    let fields = fields.clone().instance(key.clone(), bound.clone());
                    let read = || identity(&fields, address.clone(), origin.clone(), default_ttl, &mut pending);
                    if let Some(identity) = eval.budget.identity(read) {
                        all.insert(address, identity);
                    }
                }
            }
        }
    }
    settle(eval, &mut all, pending);
    all
}

fn too_many(fields: &Fields<'_, '_>, count: usize) -> bool {
    let too_many = count > MOST_IDENTITIES;
    if too_many {
        fields.find(
            Diagnostic::error("config::budget", format!("more than {MOST_IDENTITIES} identities in one stack"))
                .at(fields.block.span(), format!("with these it is {count}"))
                .help("make several stacks of it"),
        );
    }
    too_many
}

const KINDS: &[(&str, Kind)] = &[
    ("human", Kind::Human),
    ("service", Kind::Service),
    ("workload", Kind::Workload),
    ("agent", Kind::Agent),
    ("break_glass", Kind::BreakGlass),
];

const PRINCIPALS: &[(&str, Principal)] = &[("user", Principal::User), ("role", Principal::Role)];

/// `None`: kind or owner is wrong, which is reported. All other attributes are read first, so that everything is.
fn identity(
    fields: &Fields<'_, '_>,
    address: Address,
    origin: Origin,
    default_ttl: Option<Duration>,
    pending: &mut Pending,
) -> Option<DeclaredIdentity> {
    let kind = fields.word("kind", KINDS);
    let owner = fields.reference("owner", Keyword::Owner);
    let name = fields.filled_text("name");
    let service = fields.reference("service", Keyword::Service);
    let (purpose, environment) = (fields.text("purpose"), fields.text("environment"));
    let principal = fields.word("principal", PRINCIPALS);
    let lease = lease(fields);
    let grace = inner::blocks(fields, "leaver").first().and_then(|leaver| leaver.duration("grace"));
    let statements = statements(fields);
    let scopes: BTreeSet<String> =
        fields.references("scopes", Keyword::Scope).into_iter().map(|(block, _)| block.label.to_string()).collect();
    let trusts = trusts(fields);
    let managed_policy_arns = fields.texts("managed_policy_arns").unwrap_or_default().into_iter().collect();
    let groups = fields.texts("managed_groups").unwrap_or_default().into_iter().collect();
    let permissions_boundary = fields.filled_text("permissions_boundary");
    let (tags, sensitive_tags) = tags(fields);
    let max_session_duration = fields.duration("max_session_duration");
    let depends_on = addresses(fields, "depends_on");
    for (name, found) in [("kind", kind.is_some()), ("owner", owner.is_some())] {
        null_is_missing(fields, name, found);
    }
    let (kind, owner) = (kind?, owner?);
    let trusts = trusts.into_iter().enumerate().map(|(index, read)| match read {
        Read::Done(trust) => trust,
        Read::Identities(identities) => {
            pending.push((address.clone(), index, identities));
            Trust::Identity { identities: Vec::new() }
        }
    });
    Some(DeclaredIdentity {
        name_given: name.is_some(),
        name: name.unwrap_or_else(|| default_name(&fields.label, fields.key.as_deref())),
        kind,
        principal: principal.unwrap_or_else(|| kind.default_principal()),
        owner: owner.label.to_string(),
        service: service.map(|block| block.label.to_string()),
        environment,
        purpose,
        lease: with_default(lease, kind, default_ttl),
        grace,
        statements,
        scopes,
        trusts: trusts.collect(),
        managed_policy_arns,
        groups,
        permissions_boundary,
        tags,
        sensitive_tags,
        max_session_duration,
        depends_on,
        origin,
        address,
    })
}

/// A required attribute that is `null` is missing. When it has another fault, that is reported already.
fn null_is_missing(fields: &Fields<'_, '_>, name: &str, found: bool) {
    let Some(expr) = fields.expr(name).filter(|_| !found) else { return };
    if fields.eval.eval(expr, &fields.scope()).is_ok_and(|value| value.is_null()) {
        fields.find(
            Diagnostic::error("config::missing_attribute", format!("{} has no `{name}`", fields.title()))
                .at(fields.span(expr), format!("`{name}` is null")),
        );
    }
}

fn lease(fields: &Fields<'_, '_>) -> Lease {
    let lease = Lease {
        ttl: fields.duration("ttl"),
        expires_at: fields.instant("expires_at"),
        renewed_at: fields.instant("renewed_at"),
    };
    if let (Some(ttl), Some(_)) = (lease.ttl, lease.expires_at) {
        fields.find(
            Diagnostic::error("config::conflict", "a lease has `ttl` or `expires_at`, not both")
                .at(fields.place("expires_at"), "ends at an instant")
                .related(fields.place("ttl"), format!("ends {ttl} after it began"))
                .help("keep the one that is meant"),
        );
    }
    if lease.renewed_at.is_some() && lease.expires_at.is_some() {
        fields.find(
            Diagnostic::warning("config::no_effect", "`renewed_at` has no effect beside `expires_at`")
                .at(fields.place("renewed_at"), "restarts the count of a ttl, and there is none")
                .help("to renew, move `expires_at`"),
        );
    }
    lease
}

/// An account for emergencies has no lease that it does not state itself.
fn with_default(lease: Lease, kind: Kind, default_ttl: Option<Duration>) -> Lease {
    if lease.ttl.is_some() || lease.expires_at.is_some() || kind == Kind::BreakGlass {
        return lease;
    }
    Lease { ttl: default_ttl, ..lease }
}

/// Tags, and the keys of those that are sensitive.
fn tags(fields: &Fields<'_, '_>) -> (BTreeMap<String, String>, BTreeSet<String>) {
    let (mut tags, mut sensitive) = (BTreeMap::new(), BTreeSet::new());
    let Some((value, expr)) = fields.value("tags") else { return (tags, sensitive) };
    let Some(entries) = value.entries() else {
        fields.find(
            Diagnostic::error("config::type", "`tags` must be a map of strings")
                .at(fields.span(expr), format!("this is {}", with_value(&value)))
                .help("write tags = { team = \"payments\" }"),
        );
        return (tags, sensitive);
    };
    for (key, tag) in entries {
        let Some(text) = to_text(tag) else {
            fields.find(
                Diagnostic::error("config::type", format!("tag `{key}` must be a string"))
                    .at(fields.span(expr), format!("this is {}", with_value(tag))),
            );
            continue;
        };
        if key.starts_with("leasehold:") {
            fields.find(
                Diagnostic::error("config::reserved_tag", format!("tag `{key}` is one of the marks"))
                    .at(fields.span(expr), "set by leasehold itself")
                    .help("give the tag another name"),
            );
        }
        if value.sensitive || tag.sensitive {
            sensitive.insert(key.to_string());
        }
        tags.insert(key.to_string(), text.to_string());
    }
    (tags, sensitive)
}

/// Looks up the identities that trusts name.
fn settle(eval: &Evaluator<'_>, all: &mut BTreeMap<Address, DeclaredIdentity>, pending: Pending) {
    for (holder, index, identities) in pending {
        let mut trusted = BTreeSet::new();
        for (block, span) in identities {
            let found = known(all, &block);
            // An identity that could not be read is reported where it is written.
            if found.is_empty() && !eval.catalog.blocks(Keyword::Identity).contains_key(&*block.label) {
                continue;
            }
            if found.iter().any(|trusted| trusted.address == holder) {
                eval.findings.borrow_mut().push(
                    Diagnostic::error("config::self_trust", format!("{holder} trusts itself"))
                        .at(span, "itself")
                        .help("take it out: an identity need not take itself on"),
                );
                continue;
            }
            trusted.extend(found);
        }
        let slot = all.get_mut(&holder).and_then(|identity| identity.trusts.get_mut(index));
        if let Some(Trust::Identity { identities }) = slot {
            *identities = trusted.into_iter().collect();
        }
    }
}

fn known(all: &BTreeMap<Address, DeclaredIdentity>, block: &BlockRef) -> Vec<TrustedIdentity> {
    let trusted = |identity: &DeclaredIdentity| TrustedIdentity {
        address: identity.address.clone(),
        principal: identity.principal,
        name: identity.name.clone(),
    };
    let address = Address::identity(&block.label, block.key.as_deref());
    if let Some(identity) = all.get(&address) {
        return vec![trusted(identity)];
    }
    if block.key.is_some() {
        return Vec::new();
    }
    // Without a key: every instance.
    let prefix: Arc<str> = format!("{}[", address.as_str()).into();
    let from = Address::from_text(&*prefix);
    all.range(from..)
        .take_while(|(each, _)| each.as_str().starts_with(&*prefix))
        .map(|(_, identity)| trusted(identity))
        .collect()
}
