//! Reads `moved`, `removed` and `import` blocks. Their addresses are not evaluated, because they may name identities that are not
//! declared.

use leasehold_provider::Address;

use super::fields::BlockFields;
use super::inner;
use super::parts::KINDS;
use crate::config::estate::{ImportBlock, MovedBlock, RemovedBlock, StateBlocks, address_kind, is_module_address};
use crate::config::schema;
use crate::config::schema::block_types::{IMPORT, MOVED, OWNER, REMOVED};
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::{Evaluator, ModuleId};
use crate::hcl::syntax::{Block, Expr, ExprKind, TraversalStepKind};

/// Reads the `moved` and `removed` blocks of one module. As in Terraform, addresses are relative to the module: `identity.a` is the
/// module's.
pub fn read_moved_and_removed(eval: &Evaluator<'_>, module: ModuleId, estate: &mut StateBlocks) {
    let working_directory = |address: Address| match &eval.module(module).path {
        Some(path) => Address::from_text(format!("{path}.{address}")),
        None => address,
    };
    if let Some(schema) = schema::find_block_schema("moved") {
        for block in eval.catalog(module).list_blocks(&MOVED) {
            let fields = BlockFields::new(eval, module, block);
            let (from, to) = (read_subject_address(&fields, "from"), read_subject_address(&fields, "to"));
            if let (Some(from), Some(to)) = (from, to)
                && check_same_address_kind(&fields, &from, &to)
            {
                estate.moves.push(MovedBlock {
                    from: working_directory(from),
                    to: working_directory(to),
                    origin: fields.locate_block(schema),
                });
            }
        }
    }
    if let Some(schema) = schema::find_block_schema("removed") {
        for block in eval.catalog(module).list_blocks(&REMOVED) {
            let fields = BlockFields::new(eval, module, block);
            let (from, keeps) = (read_subject_address(&fields, "from"), is_kept_after_removal(&fields));
            if let (Some(from), true) = (from, keeps) {
                estate
                    .released
                    .push(RemovedBlock { from: working_directory(from), origin: fields.locate_block(schema) });
            }
        }
    }
}

/// Reads the `import` blocks.
pub fn read_imports(eval: &Evaluator<'_>) -> Vec<ImportBlock> {
    let Some(schema) = schema::find_block_schema("import") else { return Vec::new() };
    let read = |block: &&Block| {
        let fields = BlockFields::new(eval, ModuleId::ROOT, block);
        let (id, kind) = (fields.read_filled_text("id"), fields.read_word("kind", KINDS));
        let owner = fields.read_reference("owner", &OWNER).map(|owner| fields.qualified_name(&owner));
        let expr = fields.find_expr("to")?;
        let to = parse_address(expr).filter(|to| matches!(address_kind(to), Some("identity" | "group")));
        if to.is_none() {
            fields.report_finding(
                Diagnostic::error("config::address", "`to` must be the address of an identity or a group")
                    .with_location(fields.expr_span(expr), "not such an address")
                    .with_help("write to = identity.NAME or to = group.NAME, without quotes"),
            );
        }
        Some(ImportBlock { to: to?, id: id?, owner, kind, origin: fields.locate_block(schema) })
    };
    eval.catalog(ModuleId::ROOT).list_blocks(&IMPORT).iter().filter_map(read).collect()
}

/// Whether a removed identity stays in the cloud: `keep`, or Terraform's `lifecycle { destroy = false }`.
fn is_kept_after_removal(fields: &BlockFields<'_, '_>) -> bool {
    let keep = fields.read_flag("keep");
    let destroy =
        inner::read_inner_blocks(fields, "lifecycle").first().and_then(|lifecycle| lifecycle.read_flag("destroy"));
    if let (Some(keep), Some(destroy)) = (keep, destroy)
        && keep == destroy
    {
        fields.report_finding(
            Diagnostic::error("config::conflict", "`keep` and `lifecycle` conflict")
                .with_location(fields.attribute_span("keep"), format!("keep = {keep}"))
                .with_detail(format!("It conflicts with lifecycle {{ destroy = {destroy} }}."))
                .with_help("keep one of the two"),
        );
    }
    keep.or(destroy.map(|destroy| !destroy)).unwrap_or(false)
}

/// Reads an attribute that is the address of an identity or a module.
fn read_subject_address(fields: &BlockFields<'_, '_>, name: &str) -> Option<Address> {
    let expr = fields.find_expr(name)?;
    let wrong = |summary: String, label: &str| {
        Diagnostic::error("config::address", summary)
            .with_location(fields.expr_span(expr), label)
            .with_help("write identity.NAME, identity.NAME[\"key\"] or module.NAME, without quotes")
    };
    let Some(address) = parse_address(expr) else {
        fields.report_finding(wrong(format!("`{name}` must be an address"), "not an address"));
        return None;
    };
    let text = address.as_str();
    let in_module_or_root = ["identity", "module"].into_iter().any(|word| text.split('.').next() == Some(word));
    if in_module_or_root && matches!(address_kind(&address), Some("identity" | "module")) {
        return Some(address);
    }
    fields.report_finding(match text.split('.').next() {
        Some("scope" | "group" | "federation") => Diagnostic::error("config::address", format!("{text} cannot be moved or released"))
            .with_location(fields.expr_span(expr), "a shared object")
            .with_detail("Its name in the cloud is its label; with another label it is another object.")
            .with_help("remove this block: the plan replaces the old object by the new one, with equivalent access for its identities"),
        _ => wrong(format!("{text} is not the address of an identity or a module"), "not such an address"),
    });
    None
}

/// Converts an expression to an address: words, and keys in brackets. `None`: it is something else.
pub fn parse_address(expr: &Expr) -> Option<Address> {
    let ExprKind::Traverse(traverse) = &expr.kind else { return None };
    let ExprKind::Variable(base) = &traverse.base.kind else { return None };
    let mut text = base.to_string();
    for step in &traverse.steps {
        match &step.kind {
            TraversalStepKind::Name(name) => {
                text.push('.');
                text.push_str(name);
            }
            TraversalStepKind::Index(key) => {
                let key = match &key.kind {
                    ExprKind::String(key) => serde_json::Value::from(&**key).to_string(),
                    ExprKind::Number(number) if number.bytes().all(|b| b.is_ascii_digit()) => number.to_string(),
                    _ => return None,
                };
                text.push_str(&format!("[{key}]"));
            }
            TraversalStepKind::AttributeSplat | TraversalStepKind::FullSplat => return None,
        }
    }
    Some(Address::from_text(text))
}

fn check_same_address_kind(fields: &BlockFields<'_, '_>, from: &Address, to: &Address) -> bool {
    let alike = is_module_address(from) == is_module_address(to);
    if !alike {
        fields.report_finding(
            Diagnostic::error("config::moved", format!("cannot move {from} to {to}"))
                .with_location(fields.attribute_span("to"), "a different type of address")
                .with_related(fields.attribute_span("from"), "from here")
                .with_help("move an identity to an identity address, and a module to a module address"),
        );
    }
    alike
}
