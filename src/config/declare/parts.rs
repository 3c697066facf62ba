//! Reads the attributes that `identity` and `template` blocks have in common.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Alias, IdentitySpec, Kind, Principal, Span as Duration, Statement};
use serde::{Serialize, Serializer};

use super::credentials::{DeclaredCredentials, read_credentials};
use super::fields::BlockFields;
use super::statements::read_statements;
use super::trusts::{ParsedTrust, read_trusts};
use super::{inner, providers};
use crate::config::declared::Lease;
use crate::config::schema::block_types::{OWNER, SCOPE, SERVICE};
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::describe_value;
use crate::hcl::syntax::ExprKind;
use crate::hcl::value::convert::to_text;

/// The attributes of a block. `None`: the attribute is not set. An empty list is set.
///
/// Their JSON is the content of a template, whose digest is a mark on every identity that uses the template. An attribute
/// that is added here is left out of it while it is not set, so that the marks of existing templates stay.
#[expect(clippy::option_option, reason = "the outer one is whether anything is said")]
#[derive(Debug, Clone, Default, Serialize)]
pub struct IdentityAttributes {
    pub kind: Option<Kind>,
    pub owner: Option<String>,
    pub service: Option<String>,
    pub purpose: Option<String>,
    pub environment: Option<String>,
    pub principal: Option<Principal>,
    #[serde(flatten)]
    pub lease: Lease,
    pub grace: Option<Duration>,
    pub statements: Option<Vec<Statement>>,
    pub scopes: Option<BTreeSet<String>>,
    #[serde(serialize_with = "serialize_set_or_empty")]
    pub trusts: Option<Vec<ParsedTrust>>,
    #[serde(rename = "managed_policy_arns")]
    pub outside_policies: Option<BTreeSet<String>>,
    pub permissions_boundary: Option<String>,
    pub tags: Option<BTreeMap<String, String>>,
    #[serde(skip)]
    pub sensitive_tags: BTreeSet<String>,
    pub max_session_duration: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<DeclaredCredentials>,
    /// Its provider. `None`: not set; `Some(None)`: the provider without an alias.
    #[serde(rename = "provider", skip_serializing_if = "Option::is_none")]
    pub account: Option<Option<Alias>>,
}

/// A list that is not set is written as an empty one.
fn serialize_set_or_empty<S: Serializer>(list: &Option<Vec<ParsedTrust>>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(list.iter().flatten())
}

/// The kinds of identities, with their names in the configuration.
pub const KINDS: &[(&str, Kind)] = &[
    ("human", Kind::Human),
    ("service", Kind::Service),
    ("workload", Kind::Workload),
    ("agent", Kind::Agent),
    ("break_glass", Kind::BreakGlass),
];

const PRINCIPALS: &[(&str, Principal)] = &[("user", Principal::User), ("role", Principal::Role)];

/// Reads the attributes that a block itself sets.
pub fn read_attributes(fields: &BlockFields<'_, '_>) -> IdentityAttributes {
    let known_as =
        |name: &str, keyword| fields.read_reference(name, keyword).map(|block| fields.qualified_name(&block));
    let scopes: BTreeSet<String> =
        fields.read_references("scopes", &SCOPE).into_iter().map(|(block, _)| fields.qualified_name(&block)).collect();
    let (tags, sensitive_tags) = read_tags(fields).unzip();
    IdentityAttributes {
        kind: fields.read_word("kind", KINDS),
        owner: known_as("owner", &OWNER),
        service: known_as("service", &SERVICE),
        purpose: fields.read_prose("purpose"),
        environment: fields.read_text("environment"),
        principal: fields.read_word("principal", PRINCIPALS),
        lease: read_lease(fields),
        grace: inner::read_inner_blocks(fields, "leaver").first().and_then(|leaver| leaver.read_duration("grace")),
        statements: Some(read_statements(fields)).filter(|found| !found.is_empty()),
        scopes: Some(scopes).filter(|found| !found.is_empty() || is_attribute_set(fields, "scopes")),
        trusts: Some(read_trusts(fields)).filter(|found| !found.is_empty()),
        outside_policies: fields.read_texts("managed_policy_arns").map(|arns| arns.into_iter().collect()),
        permissions_boundary: fields.read_filled_text("permissions_boundary"),
        tags,
        sensitive_tags: sensitive_tags.unwrap_or_default(),
        max_session_duration: fields.read_duration("max_session_duration"),
        credentials: read_credentials(fields),
        account: providers::read_provider_alias(fields),
    }
}

/// Whether an attribute is written and not null.
pub fn is_attribute_set(fields: &BlockFields<'_, '_>, name: &str) -> bool {
    match fields.find_expr(name).map(|expr| (expr, &expr.kind)) {
        None | Some((_, ExprKind::Null)) => false,
        Some((_, ExprKind::Tuple(_))) => true,
        // An attribute with an error is written, although its value is unknown.
        Some((expr, _)) => {
            !fields.eval.evaluate_expr(expr, &fields.evaluation_scope()).is_ok_and(|value| value.is_null())
        }
    }
}

impl IdentityAttributes {
    /// Fills attributes that are not set from a template. Lists in the template's `add` combine the template's elements and the block's
    /// own.
    #[must_use]
    pub fn merge_template(self, base: Self, adds: &BTreeSet<String>) -> Self {
        let both = |name: &str| adds.contains(name);
        // `ttl` and `expires_at` exclude each other: if the block sets either, neither comes from the template.
        let ends = self.lease.ttl.is_some() || self.lease.expires_at.is_some();
        let lease = Lease {
            ttl: if ends { self.lease.ttl } else { base.lease.ttl },
            expires_at: if ends { self.lease.expires_at } else { base.lease.expires_at },
            renewed_at: self.lease.renewed_at.or(base.lease.renewed_at),
        };
        let (tags, sensitive_tags) = match (self.tags, base.tags) {
            (Some(own), Some(mut base_tags)) if both("tags") => {
                let mut sensitive = base.sensitive_tags;
                sensitive.retain(|key| !own.contains_key(key));
                sensitive.extend(self.sensitive_tags);
                base_tags.extend(own);
                (Some(base_tags), sensitive)
            }
            (Some(own), _) => (Some(own), self.sensitive_tags),
            (None, base_tags) => (base_tags, base.sensitive_tags),
        };
        Self {
            kind: self.kind.or(base.kind),
            owner: self.owner.or(base.owner),
            service: self.service.or(base.service),
            purpose: self.purpose.or(base.purpose),
            environment: self.environment.or(base.environment),
            principal: self.principal.or(base.principal),
            lease,
            grace: self.grace.or(base.grace),
            statements: merge_lists(self.statements, base.statements, both("statement")),
            scopes: merge_lists(self.scopes, base.scopes, both("scopes")),
            trusts: merge_lists(self.trusts, base.trusts, both("trust")),
            outside_policies: merge_lists(self.outside_policies, base.outside_policies, both("managed_policy_arns")),
            permissions_boundary: self.permissions_boundary.or(base.permissions_boundary),
            tags,
            sensitive_tags,
            max_session_duration: self.max_session_duration.or(base.max_session_duration),
            credentials: self.credentials.or(base.credentials),
            account: self.account.or(base.account),
        }
    }

    /// The identity that these attributes declare, without its trusts, which may refer to other identities. `None`: the kind or the owner
    /// is not set.
    #[must_use]
    pub fn into_spec(self, address: Address, name: String) -> Option<IdentitySpec> {
        let (kind, owner) = (self.kind?, self.owner?);
        Some(IdentitySpec {
            principal: self.principal.unwrap_or_else(|| kind.default_principal()),
            service: self.service,
            environment: self.environment,
            purpose: self.purpose,
            grace: self.grace,
            statements: self.statements.unwrap_or_default(),
            scopes: self.scopes.unwrap_or_default(),
            outside_policies: self.outside_policies.unwrap_or_default(),
            retained_credentials: self.credentials.unwrap_or_default().retained_credentials,
            permissions_boundary: self.permissions_boundary,
            tags: self.tags.unwrap_or_default(),
            sensitive_tags: self.sensitive_tags,
            max_session_duration: self.max_session_duration,
            account: self.account.flatten(),
            ..IdentitySpec::new(address, name, kind, owner)
        })
    }
}

/// The resulting list: the block's own, else the template's. With `both`: the template's elements, then the block's own.
fn merge_lists<L: IntoIterator + Extend<L::Item>>(own: Option<L>, template: Option<L>, both: bool) -> Option<L> {
    match (own, template) {
        (Some(own), Some(mut template)) if both => {
            template.extend(own);
            Some(template)
        }
        (own, template) => own.or(template),
    }
}

fn read_lease(fields: &BlockFields<'_, '_>) -> Lease {
    let lease = Lease {
        ttl: fields.read_duration("ttl"),
        expires_at: fields.read_instant("expires_at"),
        renewed_at: fields.read_instant("renewed_at"),
    };
    if let (Some(ttl), Some(_)) = (lease.ttl, lease.expires_at) {
        fields.report_finding(
            Diagnostic::error("config::conflict", "a lease cannot have both `ttl` and `expires_at`")
                .with_location(fields.attribute_span("expires_at"), "expires at this time")
                .with_related(fields.attribute_span("ttl"), format!("expires after {ttl}"))
                .with_help("keep one of the two"),
        );
    }
    if lease.renewed_at.is_some() && lease.expires_at.is_some() {
        fields.report_finding(
            Diagnostic::warning("config::no_effect", "`renewed_at` has no effect together with `expires_at`")
                .with_location(fields.attribute_span("renewed_at"), "only used with `ttl`")
                .with_help("set a later `expires_at` to renew the lease"),
        );
    }
    lease
}

/// Reads tags, and the keys of the sensitive ones.
fn read_tags(fields: &BlockFields<'_, '_>) -> Option<(BTreeMap<String, String>, BTreeSet<String>)> {
    let (mut tags, mut sensitive) = (BTreeMap::new(), BTreeSet::new());
    let (value, expr) = fields.read_value("tags")?;
    let Some(entries) = value.entries() else {
        fields.report_finding(
            Diagnostic::error("config::type", "`tags` must be a map of strings")
                .with_location(fields.expr_span(expr), format!("this is {}", describe_value(&value)))
                .with_help("write tags = { team = \"payments\" }"),
        );
        return None;
    };
    for (key, tag) in entries {
        let Some(text) = to_text(tag) else {
            fields.report_finding(
                Diagnostic::error("config::type", format!("tag `{key}` must be a string"))
                    .with_location(fields.expr_span(expr), format!("this is {}", describe_value(tag))),
            );
            continue;
        };
        let marked = value.sensitive || tag.sensitive;
        if !fields.check_visible("tags", key, expr, value.sensitive)
            || !fields.check_visible("tags", &text, expr, marked)
        {
            continue;
        }
        if key.starts_with("leasehold:") {
            fields.report_finding(
                Diagnostic::error("config::reserved_tag", format!("tag `{key}` is reserved"))
                    .with_location(fields.expr_span(expr), "reserved for the marks of Leasehold")
                    .with_help("rename the tag"),
            );
        }
        if marked {
            sensitive.insert(key.to_string());
        }
        tags.insert(key.to_string(), text.to_string());
    }
    Some((tags, sensitive))
}
