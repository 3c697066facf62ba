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
        let key = (identity.spec.account.as_ref(), identity.spec.principal.as_str(), identity.spec.name.to_lowercase());
        if let Some(first) = taken.get(&key) {
            findings.push(diagnose_name_clash(identity, first));
        } else {
            taken.insert(key, identity);
        }
    }
}

fn diagnose_name_clash(identity: &DeclaredIdentity, first: &DeclaredIdentity) -> Diagnostic {
    let what = identity.spec.principal.as_str();
    let place = |identity: &DeclaredIdentity| identity.origin.part_span("name");
    let (code, summary) = if identity.spec.name == first.spec.name {
        ("config::duplicate_name", format!("two identities have the {what} name {}", quote_text(&identity.spec.name)))
    } else {
        (
            "config::case_name",
            format!(
                "the {what} names {} and {} differ only by case",
                quote_text(&identity.spec.name),
                quote_text(&first.spec.name)
            ),
        )
    };
    let finding = Diagnostic::error(code, summary)
        .with_location(place(identity), format!("the name of {}", identity.spec.address))
        .with_help("change the `name` of one of them; names in the cloud are case-insensitive");
    let detail = format!("{} and {}", first.spec.address, identity.spec.address);
    if place(identity) == place(first) {
        let finding =
            finding.with_detail(detail).with_help("include each.key in the name: name = \"agent-${each.key}\"");
        return if identity.origin.calls == first.origin.calls {
            finding
        } else {
            let help = "include a variable of the module in the name, or omit `name`: the default name includes the module's label and key";
            identity.origin.add_module_calls(finding.with_help(help))
        };
    }
    identity.origin.add_module_calls(finding.with_related(place(first), format!("the name of {}", first.spec.address)))
}

/// Scope labels must differ by more than case: a scope's label is the name of its policy in the cloud.
pub fn check_scope_names(declared: &DeclaredStack, findings: &mut Vec<Diagnostic>) {
    let mut taken: HashMap<String, (&str, FileSpan)> = HashMap::with_capacity(declared.scopes.len());
    for (label, (_, origin)) in &declared.scopes {
        if let Some((first, span)) = taken.get(&label.to_lowercase()) {
            findings.push(
                Diagnostic::error(
                    "config::case_name",
                    format!(
                        "the labels of the scopes {} and {} differ only by case",
                        quote_text(label),
                        quote_text(first)
                    ),
                )
                .with_location(origin.header_span(), "this one")
                .with_related(span.clone(), "and this one")
                .with_help("change the label of one of them; names in the cloud are case-insensitive"),
            );
        } else {
            taken.insert(label.to_lowercase(), (label, origin.header_span()));
        }
    }
}
