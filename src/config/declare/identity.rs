//! Reads `identity` blocks and their instances.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use leasehold_provider::{Address, IdentitySpec, Kind, Span as Duration, Trust, TrustedIdentity};

use super::fields::BlockFields;
use super::template::IdentityTemplates;
use super::trusts::ParsedTrust;
use super::waits::DependencyReader;
use super::{parts, waits};
use crate::config::declared::{DeclaredIdentity, Lease};
use crate::config::naming::{block_address, derive_default_name};
use crate::config::origin::BlockOrigin;
use crate::config::schema;
use crate::config::schema::block_types::IDENTITY;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::instances::BlockInstances;
use crate::hcl::eval::{Evaluator, ModuleId};
use crate::hcl::source::FileSpan;
use crate::hcl::value::show::quote_text;
use crate::hcl::value::{BlockRef, InstanceKey, render_address};

/// The steps that each identity adds to the budget of the evaluation, because a large stack needs more time.
const STEPS_OF_AN_IDENTITY: u64 = 2_000;

/// Trusts in identities that are resolved later: the trusting identity, the index of the trust, the references with their places.
type PendingTrusts = Vec<(Address, usize, Vec<(BlockRef, FileSpan)>)>;

/// The identities of a stack and its modules, while they are being read.
#[derive(Default)]
pub struct DeclaredIdentities {
    all: BTreeMap<Address, DeclaredIdentity>,
    reading: IdentityReader,
}

/// State that is shared between the identities being read.
#[derive(Default)]
struct IdentityReader {
    pending: PendingTrusts,
    templates: IdentityTemplates,
    waits: DependencyReader,
}

impl IdentityReader {
    /// The trusts of an identity. Trusts in other identities stay empty until all identities are read.
    fn collect_trusts(&mut self, holder: &Address, trusts: Vec<ParsedTrust>) -> Vec<Trust> {
        let of = |(index, read)| match read {
            ParsedTrust::Done(trust) => trust,
            ParsedTrust::Identities(identities) => {
                self.pending.push((holder.clone(), index, identities));
                Trust::Identity { identities: Vec::new() }
            }
        };
        trusts.into_iter().enumerate().map(of).collect()
    }

    /// Adds an identity. It also depends on `waits_for`, the dependencies of its module. `false`: there are too many dependencies, which
    /// is reported.
    fn insert_identity(
        &mut self,
        fields: &BlockFields<'_, '_>,
        mut identity: DeclaredIdentity,
        waits_for: &BTreeSet<Address>,
        all: &mut BTreeMap<Address, DeclaredIdentity>,
    ) -> bool {
        identity.depends_on.extend(waits_for.iter().cloned());
        let few = self.waits.reserve_dependencies(identity.depends_on.len());
        if few {
            all.insert(identity.spec.address.clone(), identity);
        } else {
            fields.report_finding(waits::diagnose_too_many_dependencies(&identity));
        }
        few
    }
}

impl DeclaredIdentities {
    /// Resolves the references between identities. Call it after every module is read.
    pub fn into_resolved_identities(mut self, eval: &Evaluator<'_>) -> BTreeMap<Address, DeclaredIdentity> {
        resolve_trusted_identities(eval, &mut self.all, self.reading.pending);
        self.reading.waits.expand_modules(eval, &mut self.all);
        self.all
    }
}

/// Reads the identities of one module. Each of them depends on what the call of its module depends on.
pub fn read_identities(
    eval: &Evaluator<'_>,
    module: ModuleId,
    default_ttl: Option<Duration>,
    waits_for: &BTreeSet<Address>,
    identities: &mut DeclaredIdentities,
) {
    let DeclaredIdentities { all, reading } = identities;
    reading.templates.read_module_templates(eval, module);
    let Some(schema) = schema::find_block_schema("identity") else { return };
    let path = eval.module(module).path.clone();
    let at = |label: &str, key: Option<&InstanceKey>| {
        Address::from_text(render_address(path.as_deref(), IDENTITY.word, label, key))
    };
    for (label, block) in eval.catalog(module).named_blocks(&IDENTITY) {
        let fields = BlockFields::new(eval, module, block);
        if has_for_each_and_count(&fields) {
            continue;
        }
        let Some(instances) = eval.evaluate_instances(module, block, block.span()) else { continue };
        let origin = fields.locate_block(schema);
        match &*instances {
            BlockInstances::One => {
                if has_too_many_identities(&fields, all.len().saturating_add(1)) {
                    continue;
                }
                let address = at(label, None);
                let read = || read_identity(&fields, address.clone(), origin, default_ttl, reading);
                if let Some(identity) = eval.budget.run_with_more_steps(STEPS_OF_AN_IDENTITY, read) {
                    reading.insert_identity(&fields, identity, waits_for, all);
                }
            }
            BlockInstances::Keyed(keyed) => {
                if has_too_many_identities(&fields, all.len() + keyed.len()) {
                    continue;
                }
                for (key, bound) in keyed {
                    let address = at(label, Some(key));
                    let fields = fields.clone().for_instance(key.clone(), bound.clone());
                    let read = || read_identity(&fields, address.clone(), origin.clone(), default_ttl, reading);
                    if let Some(identity) = eval.budget.run_with_more_steps(STEPS_OF_AN_IDENTITY, read)
                        && !reading.insert_identity(&fields, identity, waits_for, all)
                    {
                        break;
                    }
                }
            }
        }
    }
}

/// Whether a block has both `for_each` and `count`, which is reported.
pub fn has_for_each_and_count(fields: &BlockFields<'_, '_>) -> bool {
    let (Some(_), Some(second)) = (fields.find_expr("for_each"), fields.find_expr("count")) else { return false };
    let (article, word) = if &*fields.block.keyword.text == "module" { ("a", "module") } else { ("an", "identity") };
    fields.report_finding(
        Diagnostic::error("config::conflict", format!("{article} {word} cannot have both `for_each` and `count`"))
            .with_location(fields.expr_span(second), "conflicts with `for_each`")
            .with_help("use for_each: its keys do not change when other instances are added or removed"),
    );
    true
}

fn has_too_many_identities(fields: &BlockFields<'_, '_>, count: usize) -> bool {
    let most = fields.eval.budget.limits.instances;
    let too_many = count > most;
    if too_many {
        fields.report_finding(
            Diagnostic::error("config::budget", format!("more than {most} identities in one stack"))
                .with_location(fields.block.span(), format!("with this block: {count}"))
                .with_help("split it into several stacks"),
        );
    }
    too_many
}

/// Reads one identity. `None`: its kind, owner or template is wrong, which is reported. All attributes are read first, so that all errors
/// are reported.
fn read_identity(
    fields: &BlockFields<'_, '_>,
    address: Address,
    origin: BlockOrigin,
    default_ttl: Option<Duration>,
    reading: &mut IdentityReader,
) -> Option<DeclaredIdentity> {
    let name = fields.read_filled_text("name");
    let own = parts::read_attributes(fields);
    let template = reading.templates.find_for_identity(fields);
    let groups = fields.read_texts("managed_groups").unwrap_or_default().into_iter().collect();
    let path = fields.read_filled_text("path").filter(|path| is_valid_path(fields, path));
    let depends_on = reading.waits.read_dependencies(fields);
    let taken = template.as_deref();
    // The template is unknown, and so are the attributes it would give.
    if taken.is_none() && parts::is_attribute_set(fields, "template") {
        return None;
    }
    let mut whole = match taken {
        Some(template) => own.merge_template(template.parts.clone(), &template.adds),
        None => own,
    };
    for (name, found) in [("kind", whole.kind.is_some()), ("owner", whole.owner.is_some())] {
        check_required_attribute(fields, name, found);
    }
    let name_given = name.is_some();
    let name =
        name.unwrap_or_else(|| derive_default_name(fields.eval, fields.module, &fields.label, fields.key.as_ref()));
    let (lease, trusts) = (whole.lease, whole.trusts.take());
    let access_key = whole.credentials.as_mut().and_then(|credentials| credentials.access_key.take());
    let spec = whole.into_spec(address, name)?;
    Some(DeclaredIdentity {
        lease: apply_default_ttl(lease, spec.kind, default_ttl),
        spec: IdentitySpec {
            trusts: reading.collect_trusts(&spec.address, trusts.unwrap_or_default()),
            groups,
            path,
            template: template.map(|template| template.mark.clone()),
            ..spec
        },
        name_given,
        access_key,
        depends_on,
        origin,
    })
}

/// Reports a required attribute that is `null`, or that neither the block nor its template has. Other errors of the attribute are reported
/// where it is read. Without a template, the schema check reports an absent attribute.
fn check_required_attribute(fields: &BlockFields<'_, '_>, name: &str, found: bool) {
    if found {
        return;
    }
    let finding =
        || Diagnostic::error("config::missing_attribute", format!("{} has no `{name}`", fields.describe_block()));
    match (fields.find_expr(name), fields.find_expr("template")) {
        (Some(expr), _) => {
            if fields.eval.evaluate_expr(expr, &fields.evaluation_scope()).is_ok_and(|value| value.is_null()) {
                fields.report_finding(finding().with_location(fields.expr_span(expr), format!("`{name}` is null")));
            }
        }
        (None, Some(template)) => fields.report_finding(
            finding()
                .with_location(fields.block.span(), format!("`{name}` is missing"))
                .with_related(fields.expr_span(template), "this template does not set it either")
                .with_help(format!("add `{name}` to the identity or to its template")),
        ),
        (None, None) => {}
    }
}

/// Applies the stack's default `ttl`. A break-glass identity gets no default.
fn apply_default_ttl(lease: Lease, kind: Kind, default_ttl: Option<Duration>) -> Lease {
    if lease.ttl.is_some() || lease.expires_at.is_some() || kind == Kind::BreakGlass {
        return lease;
    }
    Lease { ttl: default_ttl, ..lease }
}

/// Resolves the identities that trusts refer to.
fn resolve_trusted_identities(
    eval: &Evaluator<'_>,
    all: &mut BTreeMap<Address, DeclaredIdentity>,
    pending: PendingTrusts,
) {
    for (holder, index, identities) in pending {
        let mut trusted = BTreeSet::new();
        for (block, span) in identities {
            let found = find_trusted_identities(all, &block);
            let module = eval.find_module(block.module.as_ref());
            // An identity with errors is reported at its own block.
            if found.is_empty() && !eval.catalog(module).named_blocks(&IDENTITY).contains_key(&*block.label) {
                continue;
            }
            if found.iter().any(|trusted| trusted.address == holder) {
                eval.add_finding(
                    module,
                    Diagnostic::error("config::self_trust", format!("{holder} trusts itself"))
                        .with_location(span, "itself")
                        .with_help("remove it: an identity does not need to assume itself"),
                );
                continue;
            }
            trusted.extend(found);
        }
        let slot = all.get_mut(&holder).and_then(|identity| identity.spec.trusts.get_mut(index));
        if let Some(Trust::Identity { identities }) = slot {
            *identities = trusted.into_iter().collect();
        }
    }
}

fn find_trusted_identities(all: &BTreeMap<Address, DeclaredIdentity>, block: &BlockRef) -> Vec<TrustedIdentity> {
    let trusted = |identity: &DeclaredIdentity| TrustedIdentity {
        address: identity.spec.address.clone(),
        principal: identity.spec.principal,
        name: identity.spec.name.clone(),
        // Set later, when the accounts of both identities are known.
        account: None,
    };
    let address = block_address(block);
    if let Some(identity) = all.get(&address) {
        return vec![trusted(identity)];
    }
    if block.key.is_some() {
        return Vec::new();
    }
    // A reference without a key means every instance.
    let prefix: Arc<str> = format!("{}[", address.as_str()).into();
    let from = Address::from_text(&*prefix);
    all.range(from..)
        .take_while(|(each, _)| each.as_str().starts_with(&*prefix))
        .map(|(_, identity)| trusted(identity))
        .collect()
}

/// Whether a path is `/`, or words between slashes. Reports an invalid path.
fn is_valid_path(fields: &BlockFields<'_, '_>, path: &str) -> bool {
    let shaped = path.starts_with('/') && path.ends_with('/') && path.len() <= 512;
    if !shaped {
        fields.report_finding(
            Diagnostic::error("config::path", format!("{} is not a valid path", quote_text(path)))
                .with_location(fields.attribute_span("path"), "must begin and end with a slash")
                .with_help("write path = \"/team/payments/\""),
        );
    }
    shaped
}
