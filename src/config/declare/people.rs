//! `owner`, `service` and `scope` blocks.

use std::collections::BTreeMap;

use leasehold_provider::Scope;

use super::fields::Fields;
use super::statements::statements;
use crate::config::declared::{Origin, Owner, Service};
use crate::config::diagnostic::Diagnostic;
use crate::config::eval::{Evaluator, ModuleId};
use crate::config::schema;
use crate::config::value::Keyword;

pub fn owners(eval: &Evaluator<'_>, module: ModuleId) -> BTreeMap<String, Owner> {
    each(eval, module, Keyword::Owner, |fields, origin| Owner {
        name: fields.text("name"),
        email: email(fields),
        team: fields.text("team"),
        origin,
    })
}

fn email(fields: &Fields<'_, '_>) -> Option<String> {
    let email = fields.text("email")?;
    let shaped = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
        && !email.contains(char::is_whitespace);
    if !shaped {
        fields.find(
            Diagnostic::warning("config::email", "this does not look like a mail address")
                .at(fields.place("email"), "name@host is expected")
                .help("owners are reached under it before a lease ends"),
        );
    }
    Some(email)
}

pub fn services(eval: &Evaluator<'_>, module: ModuleId) -> BTreeMap<String, Service> {
    each(eval, module, Keyword::Service, |fields, origin| Service {
        owner: fields.reference("owner", Keyword::Owner).map(|block| fields.known_as(&block)),
        retired: fields.word("status", &[("active", false), ("retired", true)]).unwrap_or(false),
        origin,
    })
}

pub fn scopes(eval: &Evaluator<'_>, module: ModuleId) -> BTreeMap<String, (Scope, Origin)> {
    each(eval, module, Keyword::Scope, |fields, origin| {
        let scope = Scope {
            name: eval.qualified(module, &fields.label),
            description: fields.text("description"),
            statements: statements(fields),
            account: None,
        };
        if scope.statements.is_empty() && fields.body().blocks.is_empty() {
            fields.find(
                Diagnostic::error("config::empty", format!("{} grants nothing", fields.title()))
                    .at(fields.block.span(), "no `statement` block")
                    .help("add statement { … } with actions and resources"),
            );
        }
        (scope, origin)
    })
}

/// What the blocks of one type in one module say, by the names that the model knows them by.
fn each<T>(
    eval: &Evaluator<'_>,
    module: ModuleId,
    keyword: Keyword,
    read: impl Fn(&Fields<'_, '_>, Origin) -> T,
) -> BTreeMap<String, T> {
    let Some(schema) = schema::top(keyword.as_str()) else { return BTreeMap::new() };
    let blocks = eval.catalog(module).blocks(keyword).iter();
    blocks
        .map(|(label, block)| {
            let fields = Fields::new(eval, module, block);
            (eval.qualified(module, label), read(&fields, fields.origin(schema)))
        })
        .collect()
}
