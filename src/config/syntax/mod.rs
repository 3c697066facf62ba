//! Text → syntax trees. In: the bytes of a file. Out: blocks and expressions with exact ranges, and every syntax error.
//!
//! [`scan`] cuts a file into its top-level items and refuses what is unbalanced or nested too deep, before any recursive
//! parser sees it. [`parse`] hands each item to `hcl-edit` and [`lower`] turns its tree into the small one below, so that the
//! large one lives no longer than its item and a broken item hides no other. Nothing is evaluated here.

use std::ops::Range;
use std::sync::Arc;

use super::source::{FileId, FileSpan};

mod extent;
mod lower;
pub mod parse;
mod plain;
mod scan;
mod template;

pub use parse::{ParsedFiles, parse_expression, parse_files, parse_template};

/// A range of bytes in the file at hand. Files above 4 GiB are refused, so 32 bits hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteRange {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl ByteRange {
    /// The range with its file.
    #[must_use]
    pub fn to_span(self, file: FileId) -> FileSpan {
        FileSpan { file, bytes: self.range() }
    }

    /// The range of bytes.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A block: its type, its labels and what stands between its braces.
#[derive(Debug, Clone)]
pub struct Block {
    /// The file it stands in.
    pub file: FileId,
    /// The type, such as `identity`.
    pub keyword: SpannedName,
    /// The labels, without quotes.
    pub labels: Vec<SpannedName>,
    /// Type and labels.
    pub header: ByteRange,
    /// The content.
    pub body: BlockBody,
}

impl Block {
    /// The label at `index`; empty where there is none.
    #[must_use]
    pub fn label(&self, index: usize) -> &str {
        self.labels.get(index).map_or("", |label| &label.text)
    }

    /// The header with its file.
    #[must_use]
    pub fn span(&self) -> FileSpan {
        self.header.to_span(self.file)
    }
}

/// A word with its place.
#[derive(Debug, Clone)]
pub struct SpannedName {
    /// The word.
    pub text: Arc<str>,
    /// Where it stands.
    pub place: ByteRange,
}

/// Attributes and blocks in the order they are written.
#[derive(Debug, Clone, Default)]
pub struct BlockBody {
    /// `name = expression` lines.
    pub attributes: Vec<Attribute>,
    /// Inner blocks.
    pub blocks: Vec<Block>,
}

impl BlockBody {
    /// The attribute of that name.
    #[must_use]
    pub fn find_attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| &*attribute.name.text == name)
    }

    /// The inner blocks of that type.
    pub fn find_blocks(&self, keyword: &str) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(move |block| &*block.keyword.text == keyword)
    }
}

/// `name = expression`.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// The name.
    pub name: SpannedName,
    /// The expression.
    pub value: Expr,
}

/// An expression with its range.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub place: ByteRange,
}

/// The forms of an expression.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number as it is written: it is read with all its digits when it is evaluated.
    Number(Box<str>),
    /// A string without interpolation, its escapes resolved.
    String(Arc<str>),
    /// A string or heredoc with interpolations or directives.
    Template(Box<[TemplatePart]>),
    /// `[a, b]`.
    Tuple(Box<[Expr]>),
    /// `{ a = b }`.
    Object(Box<[(Expr, Expr)]>),
    /// The first word of a reference, such as `var`, or the variable of a for expression.
    Variable(Arc<str>),
    /// `base.name`, `base[key]`, `base[*].name`.
    Traverse(Box<Traversal>),
    /// `condition ? yes : no`.
    Conditional(Box<[Expr; 3]>),
    /// `name(arguments)`.
    Call(Box<FunctionCall>),
    /// `-x`, `!x`.
    Unary(Box<(UnaryOperator, Expr)>),
    /// `a + b`.
    Binary(Box<BinaryExpr>),
    /// `[for x in xs : x]`, `{for k, v in m : k => v}`.
    For(Box<ForExpr>),
}

/// One piece of a template.
#[derive(Debug, Clone)]
pub enum TemplatePart {
    /// Text as it stands.
    Text(Arc<str>),
    /// `${…}`.
    Interpolation(Expr),
    /// `%{ if … }…%{ else }…%{ endif }`.
    If {
        /// What decides.
        condition: Expr,
        /// The text when it is true.
        yes: Box<[TemplatePart]>,
        /// The text when it is false.
        no: Box<[TemplatePart]>,
    },
    /// `%{ for x in xs }…%{ endfor }`.
    For {
        /// The variable of the key or index.
        key: Option<Arc<str>>,
        /// The variable of the value.
        value: Arc<str>,
        /// What is gone through.
        collection: Expr,
        /// The text for each.
        body: Box<[TemplatePart]>,
    },
}

/// A way into a value.
#[derive(Debug, Clone)]
pub struct Traversal {
    /// Where it begins.
    pub base: Expr,
    /// The steps, in order.
    pub steps: Vec<TraversalStep>,
}

/// One step into a value.
#[derive(Debug, Clone)]
pub struct TraversalStep {
    /// What it does.
    pub kind: TraversalStepKind,
    /// Where it stands, from its dot or bracket.
    pub place: ByteRange,
}

/// The forms of a step.
#[derive(Debug, Clone)]
pub enum TraversalStepKind {
    /// `.name`.
    Name(Arc<str>),
    /// `[key]` and `.0`.
    Index(Expr),
    /// `.*`: the steps after it up to an index are taken for each element.
    AttributeSplat,
    /// `[*]`: all steps after it are taken for each element.
    FullSplat,
}

/// A function call.
#[derive(Debug, Clone)]
pub struct FunctionCall {
    /// The function's name.
    pub name: SpannedName,
    /// Its arguments.
    pub arguments: Vec<Expr>,
    /// The last argument is a list whose elements are the arguments: `f(xs...)`.
    pub spread: bool,
}

/// An operation on one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `-`.
    Negate,
    /// `!`.
    Not,
}

/// An operation on two values.
#[derive(Debug, Clone)]
pub struct BinaryExpr {
    /// The left side.
    pub left: Expr,
    /// What is done.
    pub operator: hcl_edit::expr::BinaryOperator,
    /// The right side.
    pub right: Expr,
}

/// A for expression.
#[derive(Debug, Clone)]
pub struct ForExpr {
    /// The variable of the key or index.
    pub key: Option<Arc<str>>,
    /// The variable of the value.
    pub value: Arc<str>,
    /// What is gone through.
    pub collection: Expr,
    /// The key of each result; with one, the result is an object.
    pub result_key: Option<Expr>,
    /// Each result.
    pub result: Expr,
    /// `...`: results of one key are gathered in a tuple.
    pub group: bool,
    /// Which elements count.
    pub condition: Option<Expr>,
}
