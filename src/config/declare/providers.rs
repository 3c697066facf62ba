//! Reads `provider` blocks, and the `provider` attribute of other blocks.

use std::collections::BTreeSet;

use leasehold_provider::Alias;

use super::fields::BlockFields;
use super::inner;
use crate::config::declared::{AssumeRoleBlock, ProviderBlock, ProviderSettings};
use crate::config::schema;
use crate::config::schema::block_types::PROVIDER;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::{Evaluator, ModuleId};
use crate::hcl::syntax::ExprKind;
use crate::hcl::value::show::quote_text;

/// Reads the `provider` blocks. The first is the one without an alias; if all have an alias, the one whose alias sorts first.
pub fn read_providers(eval: &Evaluator<'_>) -> Vec<ProviderBlock> {
    let mut blocks: Vec<ProviderBlock> = Vec::new();
    for block in eval.catalog(ModuleId::ROOT).list_blocks(&PROVIDER) {
        let fields = BlockFields::new(eval, ModuleId::ROOT, block);
        let Some(schema) = schema::find_block_schema("provider") else { continue };
        let name = block.label(0).to_owned();
        let alias = read_alias(&fields);
        let settings = match name.as_str() {
            "aws" => read_aws_settings(&fields),
            "local" => ProviderSettings::Local { path: fields.read_filled_text("path") },
            _ => continue,
        };
        let Some(alias) = alias else { continue };
        let read = ProviderBlock { name, alias, settings, origin: fields.locate_block(schema) };
        match blocks.iter().find_map(|first| diagnose_provider_clash(first, &read)) {
            Some(finding) => fields.report_finding(finding),
            None => blocks.push(read),
        }
    }
    blocks.sort_by(|a, b| a.alias.cmp(&b.alias));
    blocks
}

/// The alias of a block. `Some(None)`: it has none. `None`: its alias is not valid, which is reported.
#[expect(clippy::option_option, reason = "the outer one is whether it can be read")]
fn read_alias(fields: &BlockFields<'_, '_>) -> Option<Option<Alias>> {
    let Some(expr) = fields.find_expr("alias") else { return Some(None) };
    let wrong = |problem: &str| {
        Diagnostic::error("config::alias", problem.to_owned())
            .with_location(fields.expr_span(expr), "not an alias")
            .with_help("write a plain name in quotes, of a-z, 0-9, `_` and `-`: alias = \"audit\"")
    };
    let ExprKind::String(text) = &expr.kind else {
        fields.report_finding(wrong("an alias is known before anything is evaluated: it is text as it stands"));
        return None;
    };
    match Alias::new(text.as_ref()) {
        Ok(alias) => Some(Some(alias)),
        Err(invalid) => {
            fields.report_finding(wrong(&format!("{} cannot be an alias: {}", quote_text(text), invalid.rule)));
            None
        }
    }
}

/// The error if two `provider` blocks cannot be in one stack. `None`: they can.
fn diagnose_provider_clash(first: &ProviderBlock, second: &ProviderBlock) -> Option<Diagnostic> {
    let found = |code, summary: String, part: &str, label: &str| {
        Diagnostic::error(code, summary)
            .with_location(second.origin.part_span(part), label)
            .with_related(first.origin.part_span(part), "the other one")
    };
    if first.name != second.name {
        let summary =
            format!("providers {} and {} cannot stand in one stack", quote_text(&first.name), quote_text(&second.name));
        return Some(
            found("config::mixed_providers", summary, "", "of another type")
                .with_help("put what lives there into a stack of its own"),
        );
    }
    match (&first.alias, &second.alias) {
        (None, None) => {
            let summary = format!("two provider {} blocks have no alias", quote_text(&second.name));
            return Some(found("config::duplicate_block", summary, "", "second provider").with_help(format!(
                "give one of them a name, alias = \"audit\", and let what lives there say provider = provider.{}.audit",
                second.name
            )));
        }
        (Some(a), Some(b)) if a == b => {
            let summary = format!("two providers have the alias {}", quote_text(a.as_str()));
            return Some(
                found("config::duplicate_block", summary, "alias", "the same alias")
                    .with_help("give one of them another alias"),
            );
        }
        _ => {}
    }
    match (&first.settings, &second.settings) {
        (ProviderSettings::Local { path: a }, ProviderSettings::Local { path: b })
            if split_path_segments(a) == split_path_segments(b) =>
        {
            Some(
                found("config::same_directory", "two providers are one directory".to_owned(), "path", "the same file")
                    .with_help("give one of them another `path`: each object would be seen twice"),
            )
        }
        _ => None,
    }
}

/// The segments of a path, without empty ones and `.`.
fn split_path_segments(path: &Option<String>) -> Vec<&str> {
    let path = path.as_deref().unwrap_or(ProviderSettings::DIRECTORY);
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect()
}

fn read_aws_settings(fields: &BlockFields<'_, '_>) -> ProviderSettings {
    let accounts = fields.read_texts("allowed_account_ids").unwrap_or_default();
    for account in &accounts {
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            fields.report_finding(
                Diagnostic::error("config::account", format!("{} is not an AWS account id", quote_text(account)))
                    .with_location(fields.attribute_span("allowed_account_ids"), "12 digits")
                    .with_help("write the 12 digits in quotes, with zeros in front: \"012345678901\""),
            );
        }
    }
    ProviderSettings::Aws {
        region: fields.read_filled_text("region"),
        profile: fields.read_filled_text("profile"),
        allowed_account_ids: accounts.into_iter().collect::<BTreeSet<_>>(),
        assume_role: read_assume_role(fields),
    }
}

/// Reads the `assume_role` block of a provider or a backend.
pub fn read_assume_role(fields: &BlockFields<'_, '_>) -> Option<AssumeRoleBlock> {
    let role = inner::read_inner_blocks(fields, "assume_role").into_iter().next()?;
    Some(AssumeRoleBlock {
        role_arn: role.read_filled_text("role_arn")?,
        external_id: role.read_text("external_id"),
        session_name: role.read_text("session_name"),
    })
}

/// The provider that a block refers to. `Some(None)`: the one without an alias. `None`: there is no reference, or it is not valid.
#[expect(clippy::option_option, reason = "the outer one is whether anything is said")]
pub fn read_provider_alias(fields: &BlockFields<'_, '_>) -> Option<Option<Alias>> {
    let block = fields.read_reference("provider", &PROVIDER)?;
    match block.label.split_once('.') {
        Some((_, alias)) => Alias::new(alias).ok().map(Some),
        None => Some(None),
    }
}
