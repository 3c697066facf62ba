//! Checks the trusts, credentials and leases of identities.

use std::collections::HashSet;

use leasehold_provider::{Kind, Principal};

use crate::config::declared::{DeclaredIdentity, DeclaredStack};
use crate::hcl::diagnostic::{Diagnostic, DiagnosticSeverity};
use crate::hcl::source::FileSpan;

/// The first identity of each block, so that a block with several instances is checked once.
fn first_identity_per_block(declared: &DeclaredStack) -> impl Iterator<Item = &DeclaredIdentity> {
    let mut last = None;
    let mut seen = HashSet::new();
    declared.identities.values().filter(move |identity| {
        let origin = Some((identity.origin.file, identity.origin.header.start));
        // A quick test first: instances of one block usually follow each other.
        let new = last != origin && seen.insert(origin);
        last = origin;
        new
    })
}

/// A user has no trusts and no session duration: it has credentials of its own, and no principal assumes it.
pub fn check_users_have_no_trusts(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    let mut seen: HashSet<(u32, usize)> = HashSet::new();
    for identity in declared.identities.values().filter(|identity| identity.spec.principal == Principal::User) {
        let user = format!("{} is a user", identity.spec.address);
        let help =
            format!("kind = \"{}\" is a user by default; remove this, or set principal = \"role\"", identity.spec.kind);
        let mut push = |summary: &str, span: FileSpan| {
            if seen.insert((span.file.0, span.bytes.start)) {
                let finding = Diagnostic::error("config::not_a_role", summary).with_location(span, user.clone());
                findings.push(identity.origin.add_module_calls(finding.with_help(help.clone())));
            }
        };
        if !identity.spec.trusts.is_empty() {
            push("only a role can have `trust` blocks", identity.origin.part_span("trust"));
        }
        if identity.spec.max_session_duration.is_some() {
            push("only a role has a session duration", identity.origin.part_span("max_session_duration"));
        }
    }
}

/// Warns about roles without a trust: no principal can assume them.
pub fn check_roles_have_trusts(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    for identity in first_identity_per_block(declared).filter(|identity| identity.spec.principal == Principal::Role) {
        if identity.spec.trusts.is_empty() {
            let finding =
                Diagnostic::warning("config::no_trust", format!("no principal can assume {}", identity.spec.address))
                    .with_location(identity.origin.header_span(), "a role without `trust`")
                    .with_help("add a block trust \"oidc\", \"service\", \"aws\", \"identity\" or \"saml\"");
            findings.push(identity.origin.add_module_calls(finding));
        }
    }
}

/// A role has no access keys and no password: it has only temporary session credentials.
pub fn check_roles_have_no_credentials(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    for identity in first_identity_per_block(declared).filter(|identity| identity.spec.principal == Principal::Role) {
        if identity.access_key.is_some() || !identity.spec.retained_credentials.is_empty() {
            let finding = Diagnostic::error("config::not_a_user", "only a user can have credentials")
                .with_location(identity.origin.part_span("credential"), format!("{} is a role", identity.spec.address))
                .with_help(format!(
                    "kind = \"{}\" is a role by default; set principal = \"user\", or use `trust` blocks: a role is assumed and needs no keys",
                    identity.spec.kind
                ));
            findings.push(identity.origin.add_module_calls(finding));
        }
    }
}

/// Warns about identities without a lease. Not while the stack has errors: a `ttl` that could not be read, in a block, a template or the
/// defaults, does not mean that access never expires.
pub fn check_leases(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    if findings.iter().any(|finding| finding.severity == DiagnosticSeverity::Error) {
        return;
    }
    for identity in first_identity_per_block(declared).filter(|identity| identity.spec.kind != Kind::BreakGlass) {
        if identity.lease.ttl.is_none() && identity.lease.expires_at.is_none() {
            let summary = format!("{} has no lease: its access never expires", identity.spec.address);
            let finding = Diagnostic::warning("config::no_lease", summary)
                .with_location(identity.origin.header_span(), "neither `ttl` nor `expires_at`")
                .with_help("add ttl = \"90d\", or a default for all identities: defaults { ttl = \"90d\" } in the `leasehold` block");
            findings.push(identity.origin.add_module_calls(finding));
        }
    }
}

/// Warns about a lease on a break-glass identity: it never expires.
pub fn check_break_glass_leases(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    for identity in first_identity_per_block(declared).filter(|identity| identity.spec.kind == Kind::BreakGlass) {
        for (name, given) in
            [("ttl", identity.lease.ttl.is_some()), ("expires_at", identity.lease.expires_at.is_some())]
        {
            if given {
                findings.push(
                    Diagnostic::warning(
                        "config::no_effect",
                        format!("`{name}` has no effect on {}", identity.spec.address),
                    )
                    .with_location(identity.origin.part_span(name), "the access of break_glass identities never expires")
                    .with_help("remove it; a break-glass account only leaves if it is removed from the configuration and approved"),
                );
            }
        }
    }
}
