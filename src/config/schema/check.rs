//! Syntax against the tables: everything unknown, missing, superfluous or not there yet.

use super::{BlockSchema, Inner, TOP, TOP_LATER, content, top};
use crate::config::diagnostic::Diagnostic;
use crate::config::eval::suggest::{listed, nearest};
use crate::config::source::FileId;
use crate::config::syntax::{Attribute, Block, Body};
use crate::config::value::show::quoted;

/// Checks the blocks of a stack's files.
pub fn blocks(blocks: &[Block], findings: &mut Vec<Diagnostic>) {
    for block in blocks {
        let keyword = &*block.keyword.text;
        match top(keyword) {
            Some(schema) => check(block, schema, findings),
            None if TOP_LATER.contains(&keyword) => findings.push(not_yet(block, "blocks")),
            None => {
                let finding = Diagnostic::error("config::unknown_block", format!("there is no block `{keyword}`"))
                    .at(block.span(), "not known");
                let known = TOP.iter().map(|schema| schema.keyword);
                let inner = TOP.iter().find(|schema| schema.blocks.iter().any(|inner| inner.schema.keyword == keyword));
                findings.push(match (nearest(keyword, known.clone().chain(TOP_LATER.iter().copied()), None), inner) {
                    (_, Some(outer)) => finding.help(format!("it stands within `{}`", outer.keyword)),
                    (Some(near), None) => finding.help(format!("did you mean `{near}`?")),
                    (None, None) => finding.help(format!("blocks are {}", listed(known))),
                });
            }
        }
    }
}

/// Attributes outside of blocks have no place in a stack's file.
pub fn stray(file: FileId, attribute: &Attribute) -> Diagnostic {
    let name = &attribute.name.text;
    Diagnostic::error("config::unknown_attribute", format!("`{name}` stands outside of any block"))
        .at(attribute.name.place.in_file(file), "not known here")
        .help(format!("put it into a block: locals {{ {name} = … }} makes it local.{name}; values of variables stand in *.auto.hclvars"))
}

fn not_yet(block: &Block, what: &str) -> Diagnostic {
    let keyword = &block.keyword.text;
    Diagnostic::error("config::not_yet", format!("`{keyword}` {what} are not in this version yet"))
        .at(block.span(), "not available")
        .help("the language names them; a later version has them")
}

/// `identity "x"`.
pub fn title(block: &Block) -> String {
    let labels: String = block.labels.iter().map(|label| format!(" {}", quoted(&label.text))).collect();
    format!("{}{labels}", block.keyword.text)
}

fn check(block: &Block, schema: &'static BlockSchema, findings: &mut Vec<Diagnostic>) {
    if !labels(block, schema, findings) {
        return;
    }
    let Some((attributes, inner)) = content(schema, block.label(0)) else {
        unknown_form(block, schema, findings);
        return;
    };
    if schema.forms.iter().any(|form| form.later && form.label == block.label(0)) {
        findings.push(
            Diagnostic::error("config::not_built", format!("this build of leasehold knows no {}", title(block)))
                .at(block.span(), "not built in")
                .help(format!("build it with `--features {}`, or use another backend", block.label(0))),
        );
        return;
    }
    check_body(&block.body, block, schema, attributes, inner, findings);
}

fn labels(block: &Block, schema: &'static BlockSchema, findings: &mut Vec<Diagnostic>) -> bool {
    let keyword = &block.keyword.text;
    if let Some(surplus) = block.labels.get(schema.labels.len()) {
        let wanted = match schema.labels {
            [] => format!("`{keyword}` takes no label"),
            [one] => format!("`{keyword}` takes one label, its {one}"),
            more => format!("`{keyword}` takes {} labels", more.len()),
        };
        findings.push(
            Diagnostic::error("config::label", wanted)
                .at(surplus.place.in_file(block.file), "one too many")
                .help("take it out"),
        );
        return false;
    }
    if let Some(missing) = schema.labels.get(block.labels.len()) {
        let example = schema.forms.first().map_or("x", |form| form.label);
        findings.push(
            Diagnostic::error("config::label", format!("`{keyword}` needs a label, its {missing}"))
                .at(block.span(), "a label is missing")
                .help(format!("write {keyword} \"{example}\" {{ … }}")),
        );
        return false;
    }
    // Where the first label picks a form, the name comes after it.
    let Some(label) = block.labels.get(usize::from(!schema.forms.is_empty())) else { return true };
    let shaped = label
        .text
        .chars()
        .enumerate()
        .all(|(index, c)| c.is_ascii_alphabetic() || c == '_' || (index > 0 && (c.is_ascii_digit() || c == '-')));
    if !shaped || label.text.is_empty() {
        findings.push(
            Diagnostic::error("config::label", format!("{} cannot be a label", quoted(&label.text)))
                .at(label.place.in_file(block.file), "not a name")
                .help("a label is a name: letters, digits, `_` and `-`, beginning with a letter or `_`; the name in the cloud may differ: name = \"…\""),
        );
        return false;
    }
    true
}

fn unknown_form(block: &Block, schema: &'static BlockSchema, findings: &mut Vec<Diagnostic>) {
    let Some(label) = block.labels.first() else { return };
    let known = schema.forms.iter().map(|form| form.label);
    let summary = format!("there is no {} {}", schema.keyword, quoted(&label.text));
    let finding = Diagnostic::error("config::unknown_block", summary).at(label.place.in_file(block.file), "not known");
    findings.push(match nearest(&label.text, known.clone(), None) {
        Some(near) => finding.help(format!("did you mean {}?", quoted(near))),
        None => finding.help(format!("there is {}", listed(known))),
    });
}

fn check_body(
    body: &Body,
    block: &Block,
    schema: &'static BlockSchema,
    attributes: &'static [super::Attribute],
    inner: &'static [Inner],
    findings: &mut Vec<Diagnostic>,
) {
    for attribute in &body.attributes {
        match attributes.iter().find(|known| known.name == &*attribute.name.text) {
            Some(known) if known.later => findings.push(
                Diagnostic::error("config::not_yet", format!("`{}` is not in this version yet", known.name))
                    .at(attribute.name.place.in_file(block.file), "not available")
                    .help("the language names it; a later version has it"),
            ),
            Some(_) => {}
            None if schema.open => {}
            None => findings.push(unknown_attribute(attribute, block, attributes, inner)),
        }
    }
    for known in attributes.iter().filter(|known| known.required) {
        // What a template gives is not known yet.
        let templated = schema.keyword == "identity" && body.attribute("template").is_some();
        if body.attribute(known.name).is_none() && !templated {
            findings.push(
                Diagnostic::error("config::missing_attribute", format!("{} has no `{}`", title(block), known.name))
                    .at(block.span(), format!("`{}` is missing", known.name))
                    .help(format!("add a line such as: {}", known.example)),
            );
        }
    }
    inner_blocks(body, block, attributes, inner, findings);
}

fn inner_blocks(
    body: &Body,
    block: &Block,
    attributes: &'static [super::Attribute],
    inner: &'static [Inner],
    findings: &mut Vec<Diagnostic>,
) {
    for (index, each) in body.blocks.iter().enumerate() {
        let keyword = &*each.keyword.text;
        let Some(known) = inner.iter().find(|known| known.schema.keyword == keyword) else {
            findings.push(unknown_inner(each, block, attributes, inner));
            continue;
        };
        if known.later {
            findings.push(not_yet(each, "blocks"));
            continue;
        }
        let first = body.blocks.iter().take(index).find(|earlier| *earlier.keyword.text == *keyword);
        if let (false, Some(first)) = (known.many, first) {
            findings.push(
                Diagnostic::error("config::duplicate_block", format!("{} has two `{keyword}` blocks", title(block)))
                    .at(each.span(), "again here")
                    .related(first.span(), "first here")
                    .help("put what they say into one"),
            );
        }
        if keyword == "dynamic" {
            dynamic(each, block, inner, findings);
        } else {
            check(each, known.schema, findings);
        }
    }
}

/// A `dynamic` block makes blocks of the type its label names; its `content` is checked as one of them.
fn dynamic(each: &Block, outer: &Block, inner: &'static [Inner], findings: &mut Vec<Diagnostic>) {
    let Some(made) = each.labels.first() else {
        findings.push(
            Diagnostic::error("config::label", "`dynamic` needs a label, the type of block it makes")
                .at(each.span(), "a label is missing")
                .help("write dynamic \"statement\" { … }"),
        );
        return;
    };
    let makes = inner.iter().filter(|known| known.many && !known.later && known.schema.keyword != "dynamic");
    let Some(known) = makes.clone().find(|known| known.schema.keyword == &*made.text) else {
        let names = makes.map(|known| known.schema.keyword);
        findings.push(
            Diagnostic::error("config::unknown_block", format!("`dynamic` cannot make {} here", quoted(&made.text)))
                .at(made.place.in_file(each.file), "not known here")
                .help(format!("in {} it makes {}", outer.keyword.text, listed(names))),
        );
        return;
    };
    let Some(schema) = inner.iter().find(|known| known.schema.keyword == "dynamic").map(|known| known.schema) else {
        return;
    };
    let outline = Body {
        attributes: each.body.attributes.clone(),
        blocks: each.body.blocks.iter().filter(|block| &*block.keyword.text != "content").cloned().collect(),
    };
    check_body(&outline, each, schema, schema.attributes, schema.blocks, findings);
    let mut contents = each.body.blocks_of("content");
    match (contents.next(), contents.next()) {
        (Some(only), None) => {
            // Labels of what is made come from `labels`, so the form is not known yet: any form's attributes may stand.
            if known.schema.forms.is_empty() {
                check_body(&only.body, only, known.schema, known.schema.attributes, known.schema.blocks, findings);
            }
        }
        (None, _) => findings.push(
            Diagnostic::error("config::missing_block", "`dynamic` has no `content` block")
                .at(each.span(), "`content` is missing")
                .help("what each block holds stands in content { … }"),
        ),
        (Some(_), Some(second)) => findings.push(
            Diagnostic::error("config::duplicate_block", "`dynamic` has two `content` blocks")
                .at(second.span(), "again here"),
        ),
    }
}

fn unknown_attribute(
    attribute: &Attribute,
    block: &Block,
    attributes: &'static [super::Attribute],
    inner: &'static [Inner],
) -> Diagnostic {
    let name = &*attribute.name.text;
    let finding = Diagnostic::error("config::unknown_attribute", format!("{} has no attribute `{name}`", title(block)))
        .at(attribute.name.place.in_file(block.file), "not known");
    if inner.iter().any(|known| known.schema.keyword == name) {
        return finding.help(format!("`{name}` is a block: write {name} {{ … }} without `=`"));
    }
    if name == "provider" && &*block.keyword.text == "scope" {
        return finding.help("leave it out: a scope is made in every account in which an identity or a group holds it");
    }
    let known = attributes.iter().filter(|known| !known.later).map(|known| known.name);
    match nearest(name, known.clone(), None) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None if attributes.is_empty() => finding.help("it has no attributes"),
        None => finding.help(format!("its attributes are {}", listed(known))),
    }
}

fn unknown_inner(
    each: &Block,
    block: &Block,
    attributes: &'static [super::Attribute],
    inner: &'static [Inner],
) -> Diagnostic {
    let keyword = &*each.keyword.text;
    let finding = Diagnostic::error("config::unknown_block", format!("{} has no block `{keyword}`", title(block)))
        .at(each.span(), "not known");
    if attributes.iter().any(|known| known.name == keyword) {
        return finding.help(format!("`{keyword}` is an attribute: write {keyword} = …"));
    }
    if TOP.iter().any(|schema| schema.keyword == keyword) {
        return finding.help(format!("`{keyword}` blocks stand in a file by themselves, not within another"));
    }
    let known = inner.iter().filter(|known| !known.later).map(|known| known.schema.keyword);
    match nearest(keyword, known.clone(), None) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None if inner.is_empty() => finding.help("it holds no blocks"),
        None => finding.help(format!("its blocks are {}", listed(known))),
    }
}
