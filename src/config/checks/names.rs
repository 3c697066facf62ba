//! Names in the cloud.

use std::collections::HashMap;

use leasehold_provider::Alias;

use crate::config::declared::{Declared, DeclaredIdentity};
use crate::config::diagnostic::Diagnostic;
use crate::config::source::Span;
use crate::config::value::show::quoted;

/// Users among themselves and roles among themselves have different names in an account, upper and lower case being the same.
pub fn identities_have_names_of_their_own(declared: &Declared, findings: &mut Vec<Diagnostic>) {
    let mut taken: HashMap<(Option<&Alias>, &str, String), &DeclaredIdentity> =
        HashMap::with_capacity(declared.identities.len());
    for identity in declared.identities.values() {
        let key = (identity.account.as_ref(), identity.principal.as_str(), identity.name.to_lowercase());
        if let Some(first) = taken.get(&key) {
            findings.push(clash(identity, first));
        } else {
            taken.insert(key, identity);
        }
    }
}

fn clash(identity: &DeclaredIdentity, first: &DeclaredIdentity) -> Diagnostic {
    let what = identity.principal.as_str();
    let place = |identity: &DeclaredIdentity| identity.origin.part("name");
    let (code, summary) = if identity.name == first.name {
        ("config::duplicate_name", format!("two identities are the {what} {}", quoted(&identity.name)))
    } else {
        (
            "config::case_name",
            format!("the {what}s {} and {} differ only by case", quoted(&identity.name), quoted(&first.name)),
        )
    };
    let finding = Diagnostic::error(code, summary)
        .at(place(identity), format!("the name of {}", identity.address))
        .help("give one of them another `name`; the cloud takes upper and lower case for the same");
    let detail = format!("{} and {}", first.address, identity.address);
    if place(identity) == place(first) {
        let finding = finding.detail(detail).help("build the name from each.key: name = \"agent-${each.key}\"");
        return if identity.origin.calls == first.origin.calls {
            finding
        } else {
            let help = "give the module a variable that goes into the name, or leave `name` out: the module's label and key are then part of it";
            identity.origin.explain(finding.help(help))
        };
    }
    identity.origin.explain(finding.related(place(first), format!("the name of {}", first.address)))
}

/// A scope's label is its policy's name in the cloud.
pub fn scopes_have_names_of_their_own(declared: &Declared, findings: &mut Vec<Diagnostic>) {
    let mut taken: HashMap<String, (&str, Span)> = HashMap::with_capacity(declared.scopes.len());
    for (label, (_, origin)) in &declared.scopes {
        if let Some((first, span)) = taken.get(&label.to_lowercase()) {
            findings.push(
                Diagnostic::error(
                    "config::case_name",
                    format!("the scopes {} and {} differ only by case", quoted(label), quoted(first)),
                )
                .at(origin.span(), "this one")
                .related(span.clone(), "and this one")
                .help("give one of them another label; the cloud takes upper and lower case for the same"),
            );
        } else {
            taken.insert(label.to_lowercase(), (label, origin.span()));
        }
    }
}
