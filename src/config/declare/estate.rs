//! `moved` and `removed` blocks: addresses as they are written, never evaluated, because what they name need not be declared.

use leasehold_provider::Address;

use super::fields::Fields;
use super::inner;
use super::parts::KINDS;
use crate::config::diagnostic::Diagnostic;
use crate::config::estate::{Estate, Import, Move, Release, is_module, sort};
use crate::config::eval::{Evaluator, ModuleId};
use crate::config::schema;
use crate::config::syntax::{Block, Expr, ExprKind, StepKind};
use crate::config::value::Keyword;

/// What one module says of objects that live already. The addresses in it are its own, as in Terraform: `identity.a` is the module's.
pub fn moves(eval: &Evaluator<'_>, module: ModuleId, estate: &mut Estate) {
    let here = |address: Address| match &eval.module(module).path {
        Some(path) => Address::from_text(format!("{path}.{address}")),
        None => address,
    };
    if let Some(schema) = schema::top("moved") {
        for block in &eval.catalog(module).moved {
            let fields = Fields::new(eval, module, block);
            let (from, to) = (subject(&fields, "from"), subject(&fields, "to"));
            if let (Some(from), Some(to)) = (from, to)
                && like(&fields, &from, &to)
            {
                estate.moves.push(Move { from: here(from), to: here(to), origin: fields.origin(schema) });
            }
        }
    }
    if let Some(schema) = schema::top("removed") {
        for block in &eval.catalog(module).removed {
            let fields = Fields::new(eval, module, block);
            let (from, keeps) = (subject(&fields, "from"), keeps(&fields));
            if let (Some(from), true) = (from, keeps) {
                estate.released.push(Release { from: here(from), origin: fields.origin(schema) });
            }
        }
    }
}

/// What the stack takes in, and which default names somebody reads. Nothing is left to be evaluated.
pub fn settled(eval: &Evaluator<'_>, estate: Estate) -> Estate {
    Estate { imports: imports(eval), default_names_read: eval.default_names_read.borrow().clone(), ..estate }
}

fn imports(eval: &Evaluator<'_>) -> Vec<Import> {
    let Some(schema) = schema::top("import") else { return Vec::new() };
    let read = |block: &&Block| {
        let fields = Fields::new(eval, ModuleId::STACK, block);
        let (id, kind) = (fields.filled_text("id"), fields.word("kind", KINDS));
        let owner = fields.reference("owner", Keyword::Owner).map(|owner| fields.known_as(&owner));
        let expr = fields.expr("to")?;
        let to = address(expr).filter(|to| matches!(sort(to), Some("identity" | "group")));
        if to.is_none() {
            fields.find(
                Diagnostic::error("config::address", "`to` is the address of an identity or a group")
                    .at(fields.span(expr), "not such an address")
                    .help("write to = identity.NAME or to = group.NAME, without quotes"),
            );
        }
        Some(Import { to: to?, id: id?, owner, kind, origin: fields.origin(schema) })
    };
    eval.catalog(ModuleId::STACK).imports.iter().filter_map(read).collect()
}

/// Whether what is removed lives on: `keep`, or Terraform's `lifecycle { destroy = false }`.
fn keeps(fields: &Fields<'_, '_>) -> bool {
    let keep = fields.flag("keep");
    let destroy = inner::blocks(fields, "lifecycle").first().and_then(|lifecycle| lifecycle.flag("destroy"));
    if let (Some(keep), Some(destroy)) = (keep, destroy)
        && keep == destroy
    {
        fields.find(
            Diagnostic::error("config::conflict", "`keep` and `lifecycle` say opposite things")
                .at(fields.place("keep"), format!("keep = {keep}"))
                .detail(format!("lifecycle {{ destroy = {destroy} }} says the opposite."))
                .help("keep one of the two"),
        );
    }
    keep.or(destroy.map(|destroy| !destroy)).unwrap_or(false)
}

/// The address of an identity, or of a module, that an attribute names.
fn subject(fields: &Fields<'_, '_>, name: &str) -> Option<Address> {
    let expr = fields.expr(name)?;
    let wrong = |summary: String, label: &str| {
        Diagnostic::error("config::address", summary)
            .at(fields.span(expr), label)
            .help("write identity.NAME, identity.NAME[\"key\"] or module.NAME, without quotes")
    };
    let Some(address) = address(expr) else {
        fields.find(wrong(format!("`{name}` is an address, as it is written elsewhere"), "not an address"));
        return None;
    };
    let text = address.as_str();
    let in_module_or_root = ["identity", "module"].into_iter().any(|word| text.split('.').next() == Some(word));
    if in_module_or_root && matches!(sort(&address), Some("identity" | "module")) {
        return Some(address);
    }
    fields.find(match text.split('.').next() {
        Some("scope" | "group" | "federation") => Diagnostic::error("config::address", format!("{text} has nothing to move or to keep"))
            .at(fields.span(expr), "shared by identities")
            .detail("It is named in the cloud after its label; under another label it is another object.")
            .help("take this block out: who holds the old one is given the new one, and the plan says that its access is EQUIVALENT"),
        _ => wrong(format!("{text} is not the address of an identity or a module"), "not such an address"),
    });
    None
}

/// An address as it is written: words, and keys in brackets.
pub fn address(expr: &Expr) -> Option<Address> {
    let ExprKind::Traverse(traverse) = &expr.kind else { return None };
    let ExprKind::Variable(base) = &traverse.base.kind else { return None };
    let mut text = base.to_string();
    for step in &traverse.steps {
        match &step.kind {
            StepKind::Name(name) => {
                text.push('.');
                text.push_str(name);
            }
            StepKind::Index(key) => {
                let key = match &key.kind {
                    ExprKind::String(key) => serde_json::Value::from(&**key).to_string(),
                    ExprKind::Number(number) if number.bytes().all(|b| b.is_ascii_digit()) => number.to_string(),
                    _ => return None,
                };
                text.push_str(&format!("[{key}]"));
            }
            StepKind::AttributeSplat | StepKind::FullSplat => return None,
        }
    }
    Some(Address::from_text(text))
}

fn like(fields: &Fields<'_, '_>, from: &Address, to: &Address) -> bool {
    let alike = is_module(from) == is_module(to);
    if !alike {
        fields.find(
            Diagnostic::error("config::moved", format!("{from} cannot become {to}"))
                .at(fields.place("to"), "of another sort")
                .related(fields.place("from"), "from here")
                .help("an identity moves to the address of an identity, a module to that of a module"),
        );
    }
    alike
}
