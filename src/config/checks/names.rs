//! Checks that cloud names are unique.

use std::collections::HashMap;

use leasehold_provider::Alias;

use crate::config::declared::{DeclaredIdentity, DeclaredStack};
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::source::FileSpan;
use crate::hcl::value::show::quote_text;

/// User names and role names must be unique in an account. IAM ignores their case.
pub fn check_identity_names(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    let mut taken: HashMap<(Option<&Alias>, &str, String), &DeclaredIdentity> =
        HashMap::with_capacity(declared.identities.len());
    for identity in declared.identities.values() {
        let key = (identity.account.as_ref(), identity.principal.as_str(), identity.name.to_lowercase());
        if let Some(first) = taken.get(&key) {
            findings.push(diagnose_name_clash(identity, first));
        } else {
            taken.insert(key, identity);
        }
    }
}

fn diagnose_name_clash(identity: &DeclaredIdentity, first: &DeclaredIdentity) -> Diagnostic {
    let what = identity.principal.as_str();
    let place = |identity: &DeclaredIdentity| identity.origin.part_span("name");
    let (code, summary) = if identity.name == first.name {
        ("config::duplicate_name", format!("two identities are the {what} {}", quote_text(&identity.name)))
    } else {
        (
            "config::case_name",
            format!("the {what}s {} and {} differ only by case", quote_text(&identity.name), quote_text(&first.name)),
        )
    };
    let finding = Diagnostic::error(code, summary)
        .with_location(place(identity), format!("the name of {}", identity.address))
        .with_help("give one of them another `name`; the cloud takes upper and lower case for the same");
    let detail = format!("{} and {}", first.address, identity.address);
    if place(identity) == place(first) {
        let finding =
            finding.with_detail(detail).with_help("build the name from each.key: name = \"agent-${each.key}\"");
        return if identity.origin.calls == first.origin.calls {
            finding
        } else {
            let help = "give the module a variable that goes into the name, or leave `name` out: the module's label and key are then part of it";
            identity.origin.add_module_calls(finding.with_help(help))
        };
    }
    identity.origin.add_module_calls(finding.with_related(place(first), format!("the name of {}", first.address)))
}

/// Scope labels must differ by more than case: a scope's label is the name of its policy in the cloud.
pub fn check_scope_names(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    let mut taken: HashMap<String, (&str, FileSpan)> = HashMap::with_capacity(declared.scopes.len());
    for (label, (_, origin)) in &declared.scopes {
        if let Some((first, span)) = taken.get(&label.to_lowercase()) {
            findings.push(
                Diagnostic::error(
                    "config::case_name",
                    format!("the scopes {} and {} differ only by case", quote_text(label), quote_text(first)),
                )
                .with_location(origin.header_span(), "this one")
                .with_related(span.clone(), "and this one")
                .with_help("give one of them another label; the cloud takes upper and lower case for the same"),
            );
        } else {
            taken.insert(label.to_lowercase(), (label, origin.header_span()));
        }
    }
}
