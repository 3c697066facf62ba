//! Reads `owner`, `service` and `scope` blocks.

use std::collections::BTreeMap;

use leasehold_provider::Scope;

use super::fields::BlockFields;
use super::statements::read_statements;
use crate::config::declared::{DeclaredOwner, DeclaredService};
use crate::config::naming::qualify_label;
use crate::config::origin::BlockOrigin;
use crate::config::schema;
use crate::config::schema::block_types::{OWNER, SCOPE, SERVICE};
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::{Evaluator, ModuleId};
use crate::hcl::value::BlockType;

/// Reads the `owner` blocks of one module, by qualified name.
pub fn read_owners(eval: &Evaluator<'_>, module: ModuleId) -> BTreeMap<String, DeclaredOwner> {
    read_blocks(eval, module, &OWNER, |fields, origin| DeclaredOwner {
        name: fields.read_text("name"),
        email: read_email(fields),
        team: fields.read_text("team"),
        origin,
    })
}

fn read_email(fields: &BlockFields<'_, '_>) -> Option<String> {
    let email = fields.read_text("email")?;
    let shaped = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
        && !email.contains(char::is_whitespace);
    if !shaped {
        fields.report_finding(
            Diagnostic::warning("config::email", "this is not an email address")
                .with_location(fields.attribute_span("email"), "expected name@host")
                .with_help("the address is used to contact the owner before a lease expires"),
        );
    }
    Some(email)
}

/// Reads the `service` blocks of one module, by qualified name.
pub fn read_services(eval: &Evaluator<'_>, module: ModuleId) -> BTreeMap<String, DeclaredService> {
    read_blocks(eval, module, &SERVICE, |fields, origin| DeclaredService {
        owner: fields.read_reference("owner", &OWNER).map(|block| fields.qualified_name(&block)),
        retired: fields.read_word("status", &[("active", false), ("retired", true)]).unwrap_or(false),
        origin,
    })
}

/// Reads the `scope` blocks of one module, by qualified name, each with its place in the files.
pub fn read_scopes(eval: &Evaluator<'_>, module: ModuleId) -> BTreeMap<String, (Scope, BlockOrigin)> {
    read_blocks(eval, module, &SCOPE, |fields, origin| {
        let scope = Scope {
            name: qualify_label(eval, module, &fields.label),
            description: fields.read_prose("description"),
            statements: read_statements(fields),
            account: None,
        };
        if scope.statements.is_empty() && fields.body().blocks.is_empty() {
            fields.report_finding(
                Diagnostic::error("config::empty", format!("{} grants no access", fields.describe_block()))
                    .with_location(fields.block.span(), "no `statement` block")
                    .with_help("add statement { … } with `actions` and `resources`"),
            );
        }
        (scope, origin)
    })
}

/// Reads the blocks of one type in one module, by qualified name.
fn read_blocks<T>(
    eval: &Evaluator<'_>,
    module: ModuleId,
    of: &BlockType,
    read: impl Fn(&BlockFields<'_, '_>, BlockOrigin) -> T,
) -> BTreeMap<String, T> {
    let Some(schema) = schema::find_block_schema(of.word) else { return BTreeMap::new() };
    let blocks = eval.catalog(module).named_blocks(of).iter();
    blocks
        .map(|(label, block)| {
            let fields = BlockFields::new(eval, module, block);
            (qualify_label(eval, module, label), read(&fields, fields.locate_block(schema)))
        })
        .collect()
}
