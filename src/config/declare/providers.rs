//! `provider` blocks, and the blocks that say which of them they mean.

use std::collections::BTreeSet;

use leasehold_provider::Alias;

use super::fields::Fields;
use super::inner;
use crate::config::declared::{AssumeRole, ProviderBlock, ProviderSettings};
use crate::config::diagnostic::Diagnostic;
use crate::config::eval::{Evaluator, ModuleId};
use crate::config::schema;
use crate::config::syntax::ExprKind;
use crate::config::value::Keyword;
use crate::config::value::show::quoted;

/// The `provider` blocks: the one without an alias first, or where every one has an alias, the first by its alias; then the others.
pub fn providers(eval: &Evaluator<'_>) -> Vec<ProviderBlock> {
    let mut blocks: Vec<ProviderBlock> = Vec::new();
    for block in &eval.catalog(ModuleId::STACK).providers {
        let fields = Fields::new(eval, ModuleId::STACK, block);
        let Some(schema) = schema::top("provider") else { continue };
        let name = block.label(0).to_owned();
        let alias = alias(&fields);
        let settings = match name.as_str() {
            "aws" => aws(&fields),
            "local" => ProviderSettings::Local { path: fields.filled_text("path") },
            _ => continue,
        };
        let Some(alias) = alias else { continue };
        let read = ProviderBlock { name, alias, settings, origin: fields.origin(schema) };
        match blocks.iter().find_map(|first| clash(first, &read)) {
            Some(finding) => fields.find(finding),
            None => blocks.push(read),
        }
    }
    blocks.sort_by(|a, b| a.alias.cmp(&b.alias));
    blocks
}

/// The alias of a block, if it says one. `None`: it says one that cannot be, which is reported.
#[expect(clippy::option_option, reason = "the outer one is whether it can be read")]
fn alias(fields: &Fields<'_, '_>) -> Option<Option<Alias>> {
    let Some(expr) = fields.expr("alias") else { return Some(None) };
    let wrong = |problem: &str| {
        Diagnostic::error("config::alias", problem.to_owned())
            .at(fields.span(expr), "not an alias")
            .help("write a plain name in quotes, of a-z, 0-9, `_` and `-`: alias = \"audit\"")
    };
    let ExprKind::String(text) = &expr.kind else {
        fields.find(wrong("an alias is known before anything is evaluated: it is text as it stands"));
        return None;
    };
    match Alias::new(text.as_ref()) {
        Ok(alias) => Some(Some(alias)),
        Err(invalid) => {
            fields.find(wrong(&format!("{} cannot be an alias: {}", quoted(text), invalid.rule)));
            None
        }
    }
}

/// Why a block cannot stand beside another.
fn clash(first: &ProviderBlock, second: &ProviderBlock) -> Option<Diagnostic> {
    let found = |code, summary: String, part: &str, label: &str| {
        Diagnostic::error(code, summary)
            .at(second.origin.part(part), label)
            .related(first.origin.part(part), "the other one")
    };
    if first.name != second.name {
        let summary =
            format!("providers {} and {} cannot stand in one stack", quoted(&first.name), quoted(&second.name));
        return Some(
            found("config::mixed_providers", summary, "", "of another type")
                .help("put what lives there into a stack of its own"),
        );
    }
    match (&first.alias, &second.alias) {
        (None, None) => {
            let summary = format!("two provider {} blocks have no alias", quoted(&second.name));
            return Some(found("config::duplicate_block", summary, "", "second provider").help(format!(
                "give one of them a name, alias = \"audit\", and let what lives there say provider = provider.{}.audit",
                second.name
            )));
        }
        (Some(a), Some(b)) if a == b => {
            let summary = format!("two providers have the alias {}", quoted(a.as_str()));
            return Some(
                found("config::duplicate_block", summary, "alias", "the same alias")
                    .help("give one of them another alias"),
            );
        }
        _ => {}
    }
    match (&first.settings, &second.settings) {
        (ProviderSettings::Local { path: a }, ProviderSettings::Local { path: b }) if plain(a) == plain(b) => Some(
            found("config::same_directory", "two providers are one directory".to_owned(), "path", "the same file")
                .help("give one of them another `path`: each object would be seen twice"),
        ),
        _ => None,
    }
}

/// A path without what says nothing in it.
fn plain(path: &Option<String>) -> Vec<&str> {
    let path = path.as_deref().unwrap_or(ProviderSettings::DIRECTORY);
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect()
}

fn aws(fields: &Fields<'_, '_>) -> ProviderSettings {
    let accounts = fields.texts("allowed_account_ids").unwrap_or_default();
    for account in &accounts {
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            fields.find(
                Diagnostic::error("config::account", format!("{} is not an AWS account id", quoted(account)))
                    .at(fields.place("allowed_account_ids"), "12 digits")
                    .help("write the 12 digits in quotes, with zeros in front: \"012345678901\""),
            );
        }
    }
    ProviderSettings::Aws {
        region: fields.filled_text("region"),
        profile: fields.filled_text("profile"),
        allowed_account_ids: accounts.into_iter().collect::<BTreeSet<_>>(),
        assume_role: assume_role(fields),
    }
}

/// The `assume_role` block of a provider or a backend.
pub fn assume_role(fields: &Fields<'_, '_>) -> Option<AssumeRole> {
    let role = inner::blocks(fields, "assume_role").into_iter().next()?;
    Some(AssumeRole {
        role_arn: role.filled_text("role_arn")?,
        external_id: role.text("external_id"),
        session_name: role.text("session_name"),
    })
}

/// The provider that a block names. `Some(None)`: the one without an alias. `None`: it names none, or none that is there.
#[expect(clippy::option_option, reason = "the outer one is whether anything is said")]
pub fn named(fields: &Fields<'_, '_>) -> Option<Option<Alias>> {
    let block = fields.reference("provider", Keyword::Provider)?;
    match block.label.split_once('.') {
        Some((_, alias)) => Alias::new(alias).ok().map(Some),
        None => Some(None),
    }
}
