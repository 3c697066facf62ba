//! Checks syntax trees against the schema. Input: blocks. Output: a diagnostic for everything that is unknown, missing, duplicate or
//! reserved for a later version. Nothing is evaluated.

use super::{BlockSchema, InnerBlockSchema, TOP, TOP_LATER, find_content};
use crate::hcl::diagnostic::{Diagnostic, add_bounded_finding};
use crate::hcl::source::FileId;
use crate::hcl::suggest::{find_nearest, join_names};
use crate::hcl::syntax::{Attribute, Block, BlockBody};
use crate::hcl::value::show::quote_text;

/// Checks the top-level blocks of a stack's files.
pub fn check_blocks(blocks: &[Block], findings: &mut Vec<Diagnostic>) {
    check_blocks_of(blocks, TOP, TOP_LATER, findings);
}

/// Checks the top-level blocks of a file whose known blocks are `top`. Those in `later` are reserved for a later version.
pub fn check_blocks_of(
    blocks: &[Block],
    top: &'static [&'static BlockSchema],
    later: &'static [&'static str],
    findings: &mut Vec<Diagnostic>,
) {
    for block in blocks {
        let keyword = &*block.keyword.text;
        match top.iter().find(|schema| schema.keyword == keyword) {
            Some(schema) => check_block(block, schema, findings),
            None if later.contains(&keyword) => add_bounded_finding(findings, explain_not_yet(block, "blocks")),
            None => {
                let finding = Diagnostic::error("config::unknown_block", format!("unknown block type `{keyword}`"))
                    .with_location(block.span(), "unknown name");
                let known = top.iter().map(|schema| schema.keyword);
                let inner = top.iter().find(|schema| schema.blocks.iter().any(|inner| inner.schema.keyword == keyword));
                let nearest = find_nearest(keyword, known.clone().chain(later.iter().copied()), None);
                let finding = match (nearest, inner) {
                    (_, Some(outer)) => finding.with_help(format!("it is only allowed in `{}`", outer.keyword)),
                    (Some(near), None) => finding.with_help(format!("did you mean `{near}`?")),
                    (None, None) => finding.with_help(format!("blocks are {}", join_names(known))),
                };
                add_bounded_finding(findings, finding);
            }
        }
    }
}

/// The diagnostic for an attribute outside of any block.
pub fn explain_misplaced_attribute(file: FileId, attribute: &Attribute) -> Diagnostic {
    let name = &attribute.name.text;
    Diagnostic::error("config::unknown_attribute", format!("attribute `{name}` is outside of any block"))
        .with_location(attribute.name.place.to_span(file), "not allowed here")
        .with_help(format!("move it into a block: locals {{ {name} = … }} defines local.{name}; values of variables belong in *.auto.hclvars"))
}

fn explain_not_yet(block: &Block, what: &str) -> Diagnostic {
    let keyword = &block.keyword.text;
    Diagnostic::error("config::not_yet", format!("`{keyword}` {what} are not supported yet"))
        .with_location(block.span(), "not available")
        .with_help("they are reserved for a later version")
}

/// The header of a block as written, such as `identity "x"`.
pub fn describe_block(block: &Block) -> String {
    let labels: String = block.labels.iter().map(|label| format!(" {}", quote_text(&label.text))).collect();
    format!("{}{labels}", block.keyword.text)
}

fn check_block(block: &Block, schema: &'static BlockSchema, findings: &mut Vec<Diagnostic>) {
    if !check_labels(block, schema, findings) {
        return;
    }
    let Some((attributes, inner)) = find_content(schema, block.label(0)) else {
        report_unknown_form(block, schema, findings);
        return;
    };
    if schema.forms.iter().any(|form| form.later && form.label == block.label(0)) {
        add_bounded_finding(
            findings,
            Diagnostic::error(
                "config::not_built",
                format!("this build of Leasehold does not support {}", describe_block(block)),
            )
            .with_location(block.span(), "not included in this build")
            .with_help(format!("build it with `--features {}`, or use another backend", block.label(0))),
        );
        return;
    }
    check_body(&block.body, block, schema, attributes, inner, findings);
}

fn check_labels(block: &Block, schema: &'static BlockSchema, findings: &mut Vec<Diagnostic>) -> bool {
    let keyword = &block.keyword.text;
    if let Some(surplus) = block.labels.get(schema.labels.len()) {
        let desired = match schema.labels {
            [] => format!("`{keyword}` takes no label"),
            [one] => format!("`{keyword}` takes one label, its {one}"),
            more => format!("`{keyword}` takes {} labels", more.len()),
        };
        add_bounded_finding(
            findings,
            Diagnostic::error("config::label", desired)
                .with_location(surplus.place.to_span(block.file), "extra label")
                .with_help("remove the label"),
        );
        return false;
    }
    if let Some(missing) = schema.labels.get(block.labels.len()) {
        let example = schema.forms.first().map_or("x", |form| form.label);
        add_bounded_finding(
            findings,
            Diagnostic::error("config::label", format!("`{keyword}` needs a label, its {missing}"))
                .with_location(block.span(), "a label is missing")
                .with_help(format!("write {keyword} \"{example}\" {{ … }}")),
        );
        return false;
    }
    // If the first label selects a form, the second label is the name.
    let Some(label) = block.labels.get(usize::from(!schema.forms.is_empty())) else { return true };
    let shaped = label
        .text
        .chars()
        .enumerate()
        .all(|(index, c)| c.is_ascii_alphabetic() || c == '_' || (index > 0 && (c.is_ascii_digit() || c == '-')));
    if !shaped || label.text.is_empty() {
        add_bounded_finding(findings,
            Diagnostic::error("config::label", format!("{} is not a valid label", quote_text(&label.text)))
                .with_location(label.place.to_span(block.file), "not a name")
                .with_help("use letters, digits, `_` and `-`, starting with a letter or `_`; to set another name in the cloud, write name = \"…\""),
        );
        return false;
    }
    true
}

fn report_unknown_form(block: &Block, schema: &'static BlockSchema, findings: &mut Vec<Diagnostic>) {
    let Some(label) = block.labels.first() else { return };
    let known = schema.forms.iter().map(|form| form.label);
    let summary = format!("there is no {} {}", schema.keyword, quote_text(&label.text));
    let finding = Diagnostic::error("config::unknown_block", summary)
        .with_location(label.place.to_span(block.file), "unknown name");
    add_bounded_finding(
        findings,
        match find_nearest(&label.text, known.clone(), None) {
            Some(near) => finding.with_help(format!("did you mean {}?", quote_text(near))),
            None => finding.with_help(format!("valid values are {}", join_names(known))),
        },
    );
}

fn check_body(
    body: &BlockBody,
    block: &Block,
    schema: &'static BlockSchema,
    attributes: &'static [super::AttributeSchema],
    inner: &'static [InnerBlockSchema],
    findings: &mut Vec<Diagnostic>,
) {
    for attribute in &body.attributes {
        match attributes.iter().find(|known| known.name == &*attribute.name.text) {
            Some(known) if known.later => add_bounded_finding(
                findings,
                Diagnostic::error("config::not_yet", format!("`{}` is not supported yet", known.name))
                    .with_location(attribute.name.place.to_span(block.file), "not available")
                    .with_help("it is reserved for a later version"),
            ),
            Some(_) => {}
            None if schema.open => {}
            None => add_bounded_finding(findings, explain_unknown_attribute(attribute, block, attributes, inner)),
        }
    }
    for known in attributes.iter().filter(|known| known.required) {
        // A template may provide the attribute, and templates are not evaluated yet.
        let templated = schema.keyword == "identity" && body.find_attribute("template").is_some();
        if body.find_attribute(known.name).is_none() && !templated {
            add_bounded_finding(
                findings,
                Diagnostic::error(
                    "config::missing_attribute",
                    format!("{} has no `{}`", describe_block(block), known.name),
                )
                .with_location(block.span(), format!("`{}` is missing", known.name))
                .with_help(format!("add a line such as: {}", known.example)),
            );
        }
    }
    check_inner_blocks(body, block, attributes, inner, findings);
}

fn check_inner_blocks(
    body: &BlockBody,
    block: &Block,
    attributes: &'static [super::AttributeSchema],
    inner: &'static [InnerBlockSchema],
    findings: &mut Vec<Diagnostic>,
) {
    for (index, each) in body.blocks.iter().enumerate() {
        let keyword = &*each.keyword.text;
        let Some(known) = inner.iter().find(|known| known.schema.keyword == keyword) else {
            add_bounded_finding(findings, explain_unknown_inner(each, block, attributes, inner));
            continue;
        };
        if known.later {
            add_bounded_finding(findings, explain_not_yet(each, "blocks"));
            continue;
        }
        let first = body.blocks.iter().take(index).find(|earlier| *earlier.keyword.text == *keyword);
        if let (false, Some(first)) = (known.many, first) {
            add_bounded_finding(
                findings,
                Diagnostic::error(
                    "config::duplicate_block",
                    format!("{} has two `{keyword}` blocks", describe_block(block)),
                )
                .with_location(each.span(), "again here")
                .with_related(first.span(), "first here")
                .with_help("merge them into one block"),
            );
        }
        if keyword == "dynamic" {
            check_dynamic(each, block, inner, findings);
        } else {
            check_block(each, known.schema, findings);
        }
    }
}

/// Checks a `dynamic` block. It generates blocks of the type that its label names, so its `content` is checked as such a block.
fn check_dynamic(each: &Block, outer: &Block, inner: &'static [InnerBlockSchema], findings: &mut Vec<Diagnostic>) {
    let Some(made) = each.labels.first() else {
        add_bounded_finding(
            findings,
            Diagnostic::error("config::label", "`dynamic` needs a label, the type of block it generates")
                .with_location(each.span(), "a label is missing")
                .with_help("write dynamic \"statement\" { … }"),
        );
        return;
    };
    let makes = inner.iter().filter(|known| known.many && !known.later && known.schema.keyword != "dynamic");
    let Some(known) = makes.clone().find(|known| known.schema.keyword == &*made.text) else {
        let names = makes.map(|known| known.schema.keyword);
        add_bounded_finding(
            findings,
            Diagnostic::error(
                "config::unknown_block",
                format!("`dynamic` cannot generate {} here", quote_text(&made.text)),
            )
            .with_location(made.place.to_span(each.file), "not allowed here")
            .with_help(format!("in {} it can generate {}", outer.keyword.text, join_names(names))),
        );
        return;
    };
    let Some(schema) = inner.iter().find(|known| known.schema.keyword == "dynamic").map(|known| known.schema) else {
        return;
    };
    let outline = BlockBody {
        attributes: each.body.attributes.clone(),
        blocks: each.body.blocks.iter().filter(|block| &*block.keyword.text != "content").cloned().collect(),
    };
    check_body(&outline, each, schema, schema.attributes, schema.blocks, findings);
    let mut contents = each.body.find_blocks("content");
    match (contents.next(), contents.next()) {
        (Some(only), None) => {
            // The labels of the generated blocks come from `labels`, which is not evaluated yet. If the type has forms, the
            // form is unknown, so the attributes are not checked here.
            if known.schema.forms.is_empty() {
                check_body(&only.body, only, known.schema, known.schema.attributes, known.schema.blocks, findings);
            }
        }
        (None, _) => add_bounded_finding(
            findings,
            Diagnostic::error("config::missing_block", "`dynamic` has no `content` block")
                .with_location(each.span(), "`content` is missing")
                .with_help("write the content of each block in content { … }"),
        ),
        (Some(_), Some(second)) => add_bounded_finding(
            findings,
            Diagnostic::error("config::duplicate_block", "`dynamic` has two `content` blocks")
                .with_location(second.span(), "again here"),
        ),
    }
}

fn explain_unknown_attribute(
    attribute: &Attribute,
    block: &Block,
    attributes: &'static [super::AttributeSchema],
    inner: &'static [InnerBlockSchema],
) -> Diagnostic {
    let name = &*attribute.name.text;
    let finding =
        Diagnostic::error("config::unknown_attribute", format!("{} has no attribute `{name}`", describe_block(block)))
            .with_location(attribute.name.place.to_span(block.file), "unknown name");
    if inner.iter().any(|known| known.schema.keyword == name) {
        return finding.with_help(format!("`{name}` is a block: write {name} {{ … }} without `=`"));
    }
    if name == "provider" && &*block.keyword.text == "scope" {
        return finding.with_help(
            "remove it: a scope is created in every account where it is attached to an identity or a group",
        );
    }
    let known = attributes.iter().filter(|known| !known.later).map(|known| known.name);
    match find_nearest(name, known.clone(), None) {
        Some(near) => finding.with_help(format!("did you mean `{near}`?")),
        None if attributes.is_empty() => finding.with_help("the block has no attributes"),
        None => finding.with_help(format!("valid attributes are {}", join_names(known))),
    }
}

fn explain_unknown_inner(
    each: &Block,
    block: &Block,
    attributes: &'static [super::AttributeSchema],
    inner: &'static [InnerBlockSchema],
) -> Diagnostic {
    let keyword = &*each.keyword.text;
    let finding =
        Diagnostic::error("config::unknown_block", format!("{} has no block `{keyword}`", describe_block(block)))
            .with_location(each.span(), "unknown name");
    if attributes.iter().any(|known| known.name == keyword) {
        return finding.with_help(format!("`{keyword}` is an attribute: write {keyword} = …"));
    }
    if TOP.iter().any(|schema| schema.keyword == keyword) {
        return finding.with_help(format!("`{keyword}` is a top-level block: move it out of this block"));
    }
    let known = inner.iter().filter(|known| !known.later).map(|known| known.schema.keyword);
    match find_nearest(keyword, known.clone(), None) {
        Some(near) => finding.with_help(format!("did you mean `{near}`?")),
        None if inner.is_empty() => finding.with_help("the block has no nested blocks"),
        None => finding.with_help(format!("valid blocks are {}", join_names(known))),
    }
}
