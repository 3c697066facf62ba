//! Reads the operator's file: text → [`OperatorBounds`], or all findings at once.
//!
//! The language is that of stacks with two blocks, `allow` and `require`. There are no variables, modules and files: nothing outside of the
//! file decides what it means. What is unknown, null or wrong is an error, because a bound that is not understood would not hold.

use std::path::Path;

use jiff::Timestamp;
use leasehold_provider::{EndpointPattern, EndpointRule, Span};

use super::{BoundPattern, OperatorBounds, OperatorSetting, PatternList};
use crate::config::declare::fields::BlockFields;
use crate::config::inputs::StackLimits;
use crate::config::places::StackPlaces;
use crate::config::recorded_files::RecordedFiles;
use crate::config::schema::check::check_blocks_of;
use crate::config::schema::{AttributeSchema, BlockSchema};
use crate::config::sources::{NoFiles, Sources};
use crate::hcl::catalog::BlockCatalog;
use crate::hcl::deep_stack::run_on_deep_stack;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::{AttributeRead, BlockModel, CalledModule, Evaluated, Evaluator, ModuleId};
use crate::hcl::source::SourceFile;
use crate::hcl::syntax::{Block, Expr, ExprKind, parse_files};
use crate::hcl::value::show::quote_text;
use crate::hcl::value::{BlockNaming, BlockType, BlockVisibility, ConfigValue};

static ALLOW: BlockSchema = declare_block(
    "allow",
    &[
        AttributeSchema::optional("accounts"),
        AttributeSchema::optional("backends"),
        AttributeSchema::optional("endpoints"),
        AttributeSchema::optional("assume_roles"),
        AttributeSchema::optional("secret_stores"),
        AttributeSchema::optional("unlimited_identities"),
    ],
);
static REQUIRE: BlockSchema = declare_block(
    "require",
    &[
        AttributeSchema::optional("signers"),
        AttributeSchema::optional("max_ttl"),
        AttributeSchema::optional("max_plan_age"),
    ],
);

/// The blocks of the file.
pub static OPERATOR_BLOCKS: &[&BlockSchema] = &[&ALLOW, &REQUIRE];

static ALLOW_TYPE: BlockType = declare_type("allow", "an allow block");
static REQUIRE_TYPE: BlockType = declare_type("require", "a require block");
static OPERATOR_BLOCK_TYPES: &[&BlockType] = &[&ALLOW_TYPE, &REQUIRE_TYPE];

const fn declare_block(keyword: &'static str, attributes: &'static [AttributeSchema]) -> BlockSchema {
    BlockSchema { keyword, labels: &[], attributes, blocks: &[], open: false, forms: &[] }
}

const fn declare_type(word: &'static str, phrase: &'static str) -> BlockType {
    let (naming, visibility) = (BlockNaming::Single, BlockVisibility::Hidden);
    BlockType { word, phrase, naming, visibility, readable: &[], has_instances: false }
}

/// Reads the operator's file. `path` is its path, for the bounds; `file.name` is the name that messages show.
///
/// # Errors
/// All findings, with the sources that they refer to.
pub fn read_operator_file(
    path: &Path,
    file: SourceFile,
    now: Timestamp,
) -> Result<OperatorBounds, (Vec<Diagnostic>, Sources)> {
    let name = file.name.clone();
    let sources = Sources::new(vec![file]);
    let read = run_on_deep_stack(|| evaluate_file(&sources, &name, now)).unwrap_or_else(|finding| Err(vec![*finding]));
    match read {
        Ok(bounds) => Ok(OperatorBounds { file: Some(path.to_owned()), ..bounds }),
        Err(findings) => Err((findings, sources)),
    }
}

fn evaluate_file(sources: &Sources, name: &str, now: Timestamp) -> Result<OperatorBounds, Vec<Diagnostic>> {
    let parsed = parse_files(sources.stack_files(), 1);
    let mut findings = parsed.findings.clone();
    findings.extend(parsed.attributes.iter().map(|(file, attribute)| {
        let name = &attribute.name.text;
        Diagnostic::error("operator::attribute", format!("attribute `{name}` is outside of any block"))
            .with_location(attribute.name.place.to_span(*file), "not allowed here")
            .with_help("move it into the block `allow` or `require`")
    }));
    check_blocks_of(&parsed.blocks, OPERATOR_BLOCKS, &[], &mut findings);
    let catalog = BlockCatalog::new(&parsed, OPERATOR_BLOCK_TYPES, &mut findings);
    if parsed.blocks.is_empty() && findings.is_empty() {
        findings.push(
            Diagnostic::error("operator::empty", format!("{name} has neither an `allow` nor a `require` block"))
                .with_help("write the bounds, or unset LEASEHOLD_OPERATOR; see docs/operator.md"),
        );
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    // The file reads no other file, so no place of a stack has to be kept from it.
    let places = StackPlaces::default();
    let (model, files) = (OperatorModel { catalog: &catalog }, RecordedFiles::new(&NoFiles, &places));
    let eval = Evaluator::new(&model, &files, now, StackLimits::default().into());
    let text = sources.stack_files().next().map(|(_, file)| file.bytes.as_ref()).unwrap_or_default();
    let bounds = declare_bounds(&eval, &catalog, FilePlaces { name, text });
    let findings = eval.findings.take();
    if findings.is_empty() { Ok(bounds) } else { Err(findings) }
}

/// Names the places of the file: `NAME:LINE`.
#[derive(Clone, Copy)]
struct FilePlaces<'a> {
    name: &'a str,
    text: &'a [u8],
}

impl FilePlaces<'_> {
    fn name_line(self, offset: usize) -> String {
        let before = self.text.iter().take(offset).filter(|byte| **byte == b'\n').count();
        format!("{}:{}", self.name, before.saturating_add(1))
    }
}

fn declare_bounds(eval: &Evaluator<'_>, catalog: &BlockCatalog<'_>, places: FilePlaces<'_>) -> OperatorBounds {
    let mut bounds = OperatorBounds::default();
    let block = |of: &BlockType| {
        let block = catalog.list_blocks(of).first().copied()?;
        Some(OperatorFields { fields: BlockFields::new(eval, ModuleId::ROOT, block), places })
    };
    if let Some(allow) = block(&ALLOW_TYPE) {
        bounds.accounts = allow.read_patterns("accounts", |_| false);
        bounds.backends = allow.read_patterns("backends", names_store_owner);
        bounds.assume_roles = allow.read_patterns("assume_roles", |text| text.contains(":role/"));
        bounds.secret_stores = allow.read_patterns("secret_stores", |_| true);
        bounds.unlimited_identities = allow.read_patterns("unlimited_identities", |_| true);
        bounds.endpoints = allow.read_endpoints();
    }
    if let Some(require) = block(&REQUIRE_TYPE) {
        bounds.signers = require
            .read_setting("signers", |fields| fields.read_filled_text("signers"))
            .map(|setting| OperatorSetting { value: setting.value.into(), place: setting.place });
        bounds.max_ttl = require.read_duration("max_ttl");
        bounds.max_plan_age = require.read_duration("max_plan_age");
    }
    bounds
}

/// Whether the beginning of a store's name contains its whole bucket or storage account: `s3://acme-leasehold/`. Bucket names are global, so
/// `s3://acme*` would allow the buckets of others.
fn names_store_owner(text: &str) -> bool {
    text.split_once("://").is_none_or(|(_, name)| name.contains('/'))
}

/// The attributes of one block of the file.
struct OperatorFields<'e, 'a> {
    fields: BlockFields<'e, 'a>,
    places: FilePlaces<'e>,
}

impl<'e, 'a> OperatorFields<'e, 'a> {
    /// Reads an attribute with `read`. `None`: it is not written, or has an error, which is reported.
    fn read_setting<T>(
        &self,
        name: &str,
        read: impl FnOnce(&BlockFields<'e, 'a>) -> Option<T>,
    ) -> Option<OperatorSetting<T>> {
        let expr = self.fields.find_expr(name)?;
        let known = self.fields.eval.findings.borrow().len();
        let value = read(&self.fields);
        if value.is_none() && self.fields.eval.findings.borrow().len() == known {
            self.report_problem(expr, &format!("`{name}` has no value"), "null would remove the bound");
        }
        let place = self.places.name_line(expr.place.range().start);
        Some(OperatorSetting { value: value?, place })
    }

    fn read_duration(&self, name: &str) -> Option<OperatorSetting<Span>> {
        self.read_setting(name, |fields| fields.read_duration(name))
    }

    /// Reads a list of patterns.
    fn read_patterns(&self, name: &str, names_owner: fn(&str) -> bool) -> Option<PatternList> {
        let OperatorSetting { value, place } = self.read_setting(name, |fields| fields.read_texts(name))?;
        let parsed = self.parse_items(name, &value, |text| {
            BoundPattern::parse_pattern(text, names_owner).map_err(|label| (label.to_owned(), PATTERN_HELP))
        });
        Some(OperatorSetting { value: parsed, place })
    }

    fn read_endpoints(&self) -> EndpointRule {
        let Some(OperatorSetting { value, place }) =
            self.read_setting("endpoints", |fields| fields.read_texts("endpoints"))
        else {
            return EndpointRule::default();
        };
        let patterns = self.parse_items("endpoints", &value, |text| {
            EndpointPattern::parse_pattern(text).map_err(|error| (error.to_string(), ENDPOINT_HELP))
        });
        EndpointRule::Listed { patterns, place }
    }

    /// Parses the items of a list, and reports those that are wrong at their place.
    fn parse_items<T>(
        &self,
        name: &str,
        texts: &[String],
        parse: impl Fn(&str) -> Result<T, (String, &'static str)>,
    ) -> Vec<T> {
        let mut parsed = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            match (parse(text), self.fields.find_expr(name)) {
                (Ok(item), _) => parsed.push(item),
                (Err((label, help)), Some(list)) => {
                    let item = match &list.kind {
                        ExprKind::Tuple(items) => items.get(index).unwrap_or(list),
                        _ => list,
                    };
                    let summary = format!("{} cannot be used in `{name}`: {label}", quote_text(text));
                    self.report_problem(item, &summary, help);
                }
                (Err(_), None) => {}
            }
        }
        parsed
    }

    fn report_problem(&self, expr: &Expr, summary: &str, help: &str) {
        let finding = Diagnostic::error("operator::value", summary)
            .with_location(self.fields.expr_span(expr), "not valid")
            .with_help(help);
        self.fields.report_finding(finding);
    }
}

const PATTERN_HELP: &str = "write a whole name, or the beginning of one with `*` at its end: \"s3://acme-leasehold/*\"";
const ENDPOINT_HELP: &str = "write a URL such as \"https://minio.example:9000\", or \"https://gate.example/store/*\"";

/// The model of the file: two blocks, no modules, and no defaults.
struct OperatorModel<'a> {
    catalog: &'a BlockCatalog<'a>,
}

impl<'a> BlockModel<'a> for OperatorModel<'a> {
    fn block_types(&self) -> &'static [&'static BlockType] {
        OPERATOR_BLOCK_TYPES
    }

    fn root_catalog(&self) -> &'a BlockCatalog<'a> {
        self.catalog
    }

    fn find_called_module(&self, _: &str, _: &Block) -> CalledModule<'a> {
        Err(None)
    }

    fn read_unset_attribute(&self, _: &Evaluator<'_>, _: &AttributeRead<'_>) -> Evaluated<ConfigValue> {
        Ok(ConfigValue::NULL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<OperatorBounds, String> {
        let file = SourceFile { name: "operator.hcl".to_owned(), bytes: text.as_bytes().into() };
        let read = read_operator_file(Path::new("/etc/operator.hcl"), file, Timestamp::UNIX_EPOCH);
        read.map_err(|(findings, _)| findings.iter().map(|one| format!("{}: {}\n", one.code, one.summary)).collect())
    }

    #[test]
    fn every_setting_is_read_with_its_line() {
        let bounds = read(
            r#"
allow {
  accounts             = ["111122223333"]
  backends             = ["s3://acme-leasehold/*", "local:.leasehold"]
  endpoints            = ["http://minio.internal:9000"]
  assume_roles         = [join("", ["arn:aws:iam::111122223333:role/", "leasehold-*"])]
  secret_stores        = []
  unlimited_identities = ["identity.root_*"]
}
require {
  signers      = "signers"
  max_ttl      = "90d"
  max_plan_age = "1h"
}
"#,
        )
        .unwrap();
        assert_eq!(bounds.accounts.unwrap().place, "operator.hcl:3");
        assert!(bounds.backends.unwrap().value[0].matches_name("s3://acme-leasehold/x"));
        assert!(bounds.endpoints.check_endpoint("http://minio.internal:9000").is_ok());
        assert!(bounds.assume_roles.unwrap().value[0].matches_name("arn:aws:iam::111122223333:role/leasehold-a"));
        assert_eq!(bounds.secret_stores.unwrap().value, []);
        assert_eq!(bounds.signers.unwrap().value, Path::new("signers"));
        assert_eq!(bounds.max_ttl.unwrap().value.to_string(), "90d");
        assert_eq!(bounds.max_plan_age.unwrap().place, "operator.hcl:13");
    }

    #[test]
    fn what_could_weaken_a_bound_is_an_error() {
        for text in [
            "",
            "# allow {}",
            "allow { account = [\"111122223333\"] }",
            "allow { accounts = null }",
            "allow { accounts = [\"1111*\"] }",
            "allow { accounts = \"111122223333\" }",
            "allow { accounts = [null] }",
            "allow { backends = [\"s3://acme*\"] }",
            "allow { backends = [\"*\"] }",
            "allow { endpoints = [\"https://*\"] }",
            "allow { endpoints = [\"minio.example\"] }",
            "allow { assume_roles = [\"arn:aws:iam::*\"] }",
            "allow { assume_roles = [var.x] }",
            "allow { accounts = [file(\"x\")] }",
            "allow { }\nallow { }",
            "allow { nested { } }",
            "allow \"label\" { }",
            "require { max_ttl = \"3 months\" }",
            "require { max_ttl = null }",
            "require { signers = \"\" }",
            "forbid { }",
            "leasehold { stack = \"x\" }",
            "locals { }",
            "variable \"x\" { }",
            "module \"x\" { source = \"./x\" }",
            "accounts = []",
            "allow {",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("allow { }").is_ok());
    }
}
