//! Reads `provider` blocks, and the `provider` attribute of other blocks.

use leasehold_provider::{Alias, ProviderFields, ProviderType, SettingProblem};
use serde_json::Value as Json;

use super::fields::BlockFields;
use super::inner;
use crate::config::declared::{AssumeRoleBlock, ProviderBlock};
use crate::config::schema;
use crate::config::schema::block_types::PROVIDER;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::{Evaluator, ModuleId};
use crate::hcl::syntax::ExprKind;
use crate::hcl::value::show::quote_text;
use crate::providers::{ProviderSettings, find_provider_type};

/// Reads the `provider` blocks. The first is the one without an alias; if all have an alias, the one whose alias sorts first.
pub fn read_providers(eval: &Evaluator<'_>) -> Vec<ProviderBlock> {
    let mut blocks: Vec<ProviderBlock> = Vec::new();
    for block in eval.catalog(ModuleId::ROOT).list_blocks(&PROVIDER) {
        let fields = BlockFields::new(eval, ModuleId::ROOT, block);
        let Some(schema) = schema::find_block_schema("provider") else { continue };
        let Some(provider) = find_provider_type(block.label(0)) else { continue };
        let alias = read_alias(&fields);
        let settings = read_settings(&fields, provider);
        let Some(alias) = alias else { continue };
        let read = ProviderBlock { alias, settings, origin: fields.locate_block(schema) };
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
            .with_location(fields.expr_span(expr), "not a valid alias")
            .with_help("write a name of a-z, 0-9, `_` and `-` in quotes: alias = \"audit\"")
    };
    let ExprKind::String(text) = &expr.kind else {
        fields.report_finding(wrong("`alias` must be a plain string without expressions"));
        return None;
    };
    match Alias::new(text.as_ref()) {
        Ok(alias) => Some(Some(alias)),
        Err(invalid) => {
            fields.report_finding(wrong(&format!("{} is not a valid alias: {}", quote_text(text), invalid.rule)));
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
    let (first_name, second_name) = (first.settings.provider.name(), second.settings.provider.name());
    if first_name != second_name {
        let summary =
            format!("providers {} and {} cannot be used in one stack", quote_text(first_name), quote_text(second_name));
        return Some(
            found("config::mixed_providers", summary, "", "a different type of provider")
                .with_help("use a separate stack for this provider"),
        );
    }
    match (&first.alias, &second.alias) {
        (None, None) => {
            let summary = format!("two provider {} blocks have no alias", quote_text(second_name));
            return Some(found("config::duplicate_block", summary, "", "second provider").with_help(format!(
                "add alias = \"audit\" to one of them, and set provider = provider.{second_name}.audit for the objects in its account"
            )));
        }
        (Some(a), Some(b)) if a == b => {
            let summary = format!("two providers have the alias {}", quote_text(a.as_str()));
            return Some(
                found("config::duplicate_block", summary, "alias", "the same alias")
                    .with_help("change one of the aliases"),
            );
        }
        _ => {}
    }
    let clash = (second.settings.provider.find_clash)(&first.settings.fields, &second.settings.fields)?;
    let SettingProblem { code, attribute, summary, label, help } = clash;
    Some(found(code, summary, attribute, label).with_help(help))
}

/// Reads the settings of a block by the schema of its provider. What is absent is null.
fn read_settings(fields: &BlockFields<'_, '_>, provider: &'static ProviderType) -> ProviderSettings {
    let mut settings = ProviderFields::new();
    for name in provider.form.attributes.iter().map(|attribute| attribute.name).filter(|name| *name != "alias") {
        let value = if provider.lists.contains(&name) {
            let mut items = fields.read_texts(name).unwrap_or_default();
            items.sort_unstable();
            items.dedup();
            Json::from(items)
        } else {
            Json::from(fields.read_filled_text(name))
        };
        settings.insert(name.to_owned(), value);
    }
    for inner in provider.form.blocks {
        let block = inner::read_inner_blocks(fields, inner.schema.keyword).into_iter().next();
        let value = block.and_then(|block| read_inner_settings(&block, inner.schema.attributes));
        settings.insert(inner.schema.keyword.to_owned(), Json::from(value));
    }
    for SettingProblem { code, attribute, summary, label, help } in (provider.check_settings)(&settings) {
        fields.report_finding(
            Diagnostic::error(code, summary).with_location(fields.attribute_span(attribute), label).with_help(help),
        );
    }
    ProviderSettings { provider, fields: settings }
}

/// The texts of an inner block. `None`: a required one is absent, which is reported.
fn read_inner_settings(
    block: &BlockFields<'_, '_>,
    attributes: &'static [schema::AttributeSchema],
) -> Option<ProviderFields> {
    let mut settings = ProviderFields::new();
    for attribute in attributes {
        let value = match attribute.required {
            true => Json::from(block.read_filled_text(attribute.name)?),
            false => Json::from(block.read_text(attribute.name)),
        };
        settings.insert(attribute.name.to_owned(), value);
    }
    Some(settings)
}

/// Reads the `assume_role` block of a backend.
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
