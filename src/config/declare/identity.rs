//! `identity` blocks, each with its instances.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use leasehold_provider::{Address, Key, Kind, Principal, Span as Duration, Trust, TrustedIdentity};

use super::fields::Fields;
use super::statements::statements;
use super::trusts::{Read, trusts};
use super::{addresses, inner};
use crate::config::declared::{DeclaredIdentity, Lease, Origin};
use crate::config::diagnostic::Diagnostic;
use crate::config::eval::budget::MOST_IDENTITIES;
use crate::config::eval::instances::{Instances, default_name};
use crate::config::eval::with_value;
use crate::config::eval::{Evaluator, ModuleId};
use crate::config::schema;
use crate::config::source::Span;
use crate::config::value::convert::to_text;
use crate::config::value::{BlockRef, Keyword};

/// Trusts of identities in identities, to be looked up: whose, which of its trusts, whom.
type Pending = Vec<(Address, usize, Vec<(BlockRef, Span)>)>;

/// The identities of a stack and its modules, as they are read.
#[derive(Default)]
pub struct Identities {
    all: BTreeMap<Address, DeclaredIdentity>,
    pending: Pending,
}

impl Identities {
    /// All of them, once every module is read: what they say of each other is looked up.
    pub fn settled(mut self, eval: &Evaluator<'_>) -> BTreeMap<Address, DeclaredIdentity> {
        settle(eval, &mut self.all, self.pending);
        expand(&mut self.all);
        self.all
    }
}

/// Reads the identities of one module. Each of them waits for what the call of its module waits for.
pub fn identities(
    eval: &Evaluator<'_>,
    module: ModuleId,
    default_ttl: Option<Duration>,
    waits_for: &BTreeSet<Address>,
    identities: &mut Identities,
) {
    let Identities { all, pending } = identities;
    let Some(schema) = schema::top("identity") else { return };
    let path = eval.module(module).path.clone();
    let at = |label: &str, key: Option<&Key>| Address::block(path.as_deref(), "identity", label, key);
    for (label, block) in eval.catalog(module).blocks(Keyword::Identity) {
        let fields = Fields::new(eval, module, block);
        if both_for_each_and_count(&fields) {
            continue;
        }
        let Some(instances) = eval.instances(module, block, block.span()) else { continue };
        let origin = fields.origin(schema);
        match &*instances {
            Instances::One => {
                let address = at(label, None);
                let read = || identity(&fields, address.clone(), origin, default_ttl, pending);
                if let Some(mut identity) = eval.budget.identity(read) {
                    identity.depends_on.extend(waits_for.iter().cloned());
                    all.insert(address, identity);
                }
            }
            Instances::Keyed(keyed) => {
                if too_many(&fields, all.len() + keyed.len()) {
                    continue;
                }
                for (key, bound) in keyed {
                    let address = at(label, Some(key));
                    let fields = fields.clone().instance(key.clone(), bound.clone());
                    let read = || identity(&fields, address.clone(), origin.clone(), default_ttl, pending);
                    if let Some(mut identity) = eval.budget.identity(read) {
                        identity.depends_on.extend(waits_for.iter().cloned());
                        all.insert(address, identity);
                    }
                }
            }
        }
    }
}

/// Who waits for a whole module waits for each identity in it.
fn expand(all: &mut BTreeMap<Address, DeclaredIdentity>) {
    let waiting: Vec<(Address, Address)> = all
        .values()
        .flat_map(|identity| identity.depends_on.iter().map(|on| (identity.address.clone(), on.clone())))
        .filter(|(_, on)| !all.contains_key(on))
        .collect();
    for (waiter, module) in waiting {
        let prefix = format!("{module}.");
        let within = all.range(Address::from_text(prefix.as_str())..).map(|(address, _)| address);
        let within: Vec<Address> =
            within.take_while(|address| address.as_str().starts_with(&prefix)).cloned().collect();
        if let Some(identity) = all.get_mut(&waiter) {
            identity.depends_on.remove(&module);
            identity.depends_on.extend(within);
        }
    }
}

/// Whether a block has both, which is reported.
pub fn both_for_each_and_count(fields: &Fields<'_, '_>) -> bool {
    let (Some(_), Some(second)) = (fields.expr("for_each"), fields.expr("count")) else { return false };
    let (article, word) = if &*fields.block.keyword.text == "module" { ("a", "module") } else { ("an", "identity") };
    fields.find(
        Diagnostic::error("config::conflict", format!("{article} {word} has `for_each` or `count`, not both"))
            .at(fields.span(second), "this excludes `for_each`")
            .help("for_each gives each instance a key that stays when others come and go"),
    );
    true
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
        fields.references("scopes", Keyword::Scope).into_iter().map(|(block, _)| fields.known_as(&block)).collect();
    let trusts = trusts(fields);
    let managed_policy_arns = fields.texts("managed_policy_arns").unwrap_or_default().into_iter().collect();
    let permissions_boundary = fields.filled_text("permissions_boundary");
    let (tags, sensitive_tags) = tags(fields);
    let max_session_duration = fields.duration("max_session_duration");
    let depends_on = addresses(fields, "depends_on");
    for (name, found) in [("kind", kind.is_some()), ("owner", owner.is_some())] {
        null_is_missing(fields, name, found);
    }
    let (kind, owner) = (kind?, owner?);
    let prefix = fields.eval.module(fields.module).prefix.clone();
    let trusts = trusts.into_iter().enumerate().map(|(index, read)| match read {
        Read::Done(trust) => trust,
        Read::Identities(identities) => {
            pending.push((address.clone(), index, identities));
            Trust::Identity { identities: Vec::new() }
        }
    });
    Some(DeclaredIdentity {
        name: name.unwrap_or_else(|| default_name(&prefix, &fields.label, fields.key.as_ref())),
        kind,
        principal: principal.unwrap_or_else(|| kind.default_principal()),
        owner: fields.known_as(&owner),
        service: service.map(|block| fields.known_as(&block)),
        environment,
        purpose,
        lease: with_default(lease, kind, default_ttl),
        grace,
        statements,
        scopes,
        trusts: trusts.collect(),
        managed_policy_arns,
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
            let module = eval.module_at(block.module.as_ref());
            // An identity that could not be read is reported where it is written.
            if found.is_empty() && !eval.catalog(module).blocks(Keyword::Identity).contains_key(&*block.label) {
                continue;
            }
            if found.iter().any(|trusted| trusted.address == holder) {
                eval.find(
                    module,
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
    let address = block.address();
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
