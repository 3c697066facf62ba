//! Syntax trees. Input: the bytes of the files. Output: blocks and expressions with their byte ranges, and a diagnostic for
//! every syntax error. Nothing is evaluated here.
//!
//! [`outline`] splits a file into its top-level items and reports unbalanced or too deeply nested delimiters. It runs first and does not
//! recurse, so no input can exhaust the stack of the recursive parser. [`parse`] then reads each item: simple items with [`plain`],
//! all others with `hcl-edit`, whose tree [`lower`] converts to the smaller tree of this module. Items are parsed one at a time:
//! the tree of `hcl-edit` is dropped with its item, and an error in one item does not hide errors in others.
//!
//! Example: `team "web" { lead = "jane" }` becomes a [`Block`] with the keyword `team`, the label `web` and one [`Attribute`] named `lead`.

use std::ops::Range;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization as _;

use super::source::{FileId, FileSpan};

mod extent;
pub mod lexer;
mod lower;
mod outline;
pub mod parse;
mod plain;
mod template;

pub use parse::{ParsedFiles, parse_expression, parse_files, parse_template};

/// A range of bytes in a file. 32 bits are enough, because files above 64 MiB are rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteRange {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl ByteRange {
    /// The range from `start` to `end`, in bytes from the start of the file.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        // Larger files are rejected before anything in them has a range.
        let narrow = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { start: narrow(start), end: narrow(end) }
    }

    /// Adds the file to the range.
    #[must_use]
    pub fn to_span(self, file: FileId) -> FileSpan {
        FileSpan { file, bytes: self.range() }
    }

    /// The range as `usize`, for slicing.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Converts text to Unicode's composed form (NFC), in which HCL compares and orders strings.
fn normalize_unicode(value: String) -> Arc<str> {
    if value.is_ascii() { value.into() } else { value.nfc().collect::<String>().into() }
}

/// A block: its type, its labels and the content between its braces.
#[derive(Debug, Clone)]
pub struct Block {
    /// The file that contains it.
    pub file: FileId,
    /// The type, such as `team`.
    pub keyword: SpannedName,
    /// The labels, without quotes.
    pub labels: Vec<SpannedName>,
    /// The range from the first byte of the type to the last byte of the labels.
    pub header: ByteRange,
    /// The content between the braces.
    pub body: BlockBody,
}

impl Block {
    /// The label at `index`, or the empty string if the block has fewer labels.
    #[must_use]
    pub fn label(&self, index: usize) -> &str {
        self.labels.get(index).map_or("", |label| &label.text)
    }

    /// The range of the header, with its file.
    #[must_use]
    pub fn span(&self) -> FileSpan {
        self.header.to_span(self.file)
    }
}

/// A name with its range.
#[derive(Debug, Clone)]
pub struct SpannedName {
    /// The name.
    pub text: Arc<str>,
    /// Its range in the file.
    pub place: ByteRange,
}

/// The content of a block: attributes and inner blocks, each in source order.
#[derive(Debug, Clone, Default)]
pub struct BlockBody {
    /// `name = expression` lines.
    pub attributes: Vec<Attribute>,
    /// Inner blocks.
    pub blocks: Vec<Block>,
}

impl BlockBody {
    /// The attribute named `name`. `None` if the body does not set it.
    #[must_use]
    pub fn find_attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| &*attribute.name.text == name)
    }

    /// The inner blocks of one type, in source order.
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
    /// The form of the expression, with its parts.
    pub kind: ExprKind,
    /// Its range in the file.
    pub place: ByteRange,
}

/// The forms of an expression.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number literal as written. It is parsed when it is evaluated, so no digits are lost.
    Number(Box<str>),
    /// A string without interpolation. Escapes are already resolved.
    String(Arc<str>),
    /// A string or heredoc with interpolations or directives.
    Template(Box<[TemplatePart]>),
    /// `[a, b]`.
    Tuple(Box<[Expr]>),
    /// `{ a = b }`.
    Object(Box<[(Expr, Expr)]>),
    /// The first name of a reference, such as `var`, or a variable of a for expression.
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

/// One part of a template.
#[derive(Debug, Clone)]
pub enum TemplatePart {
    /// Literal text.
    Text(Arc<str>),
    /// `${…}`.
    Interpolation(Expr),
    /// `%{ if … }…%{ else }…%{ endif }`.
    If {
        /// The condition.
        condition: Expr,
        /// The parts rendered when the condition is true.
        yes: Box<[TemplatePart]>,
        /// The parts rendered when the condition is false.
        no: Box<[TemplatePart]>,
    },
    /// `%{ for x in xs }…%{ endfor }`.
    For {
        /// The variable for the key or index. `None` if the directive names only one variable.
        key: Option<Arc<str>>,
        /// The variable for the value.
        value: Arc<str>,
        /// The collection to iterate over.
        collection: Expr,
        /// The parts rendered for each element.
        body: Box<[TemplatePart]>,
    },
}

/// Access to a part of a value: a base expression and the steps applied to it.
#[derive(Debug, Clone)]
pub struct Traversal {
    /// The expression that the first step is applied to.
    pub base: Expr,
    /// The steps, in source order.
    pub steps: Vec<TraversalStep>,
}

/// One step of a traversal.
#[derive(Debug, Clone)]
pub struct TraversalStep {
    /// The form of the step.
    pub kind: TraversalStepKind,
    /// Its range, which begins at its dot or bracket.
    pub place: ByteRange,
}

/// The forms of a traversal step.
#[derive(Debug, Clone)]
pub enum TraversalStepKind {
    /// `.name`.
    Name(Arc<str>),
    /// `[key]`, and the legacy form `.0`.
    Index(Expr),
    /// `.*`: the `.name` steps directly after it are applied to each element.
    AttributeSplat,
    /// `[*]`: all steps after it are applied to each element.
    FullSplat,
}

/// A function call.
#[derive(Debug, Clone)]
pub struct FunctionCall {
    /// The name of the function.
    pub name: SpannedName,
    /// The arguments, in source order.
    pub arguments: Vec<Expr>,
    /// The last argument is a list whose elements become arguments: `f(xs...)`.
    pub spread: bool,
}

/// A unary operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `-`.
    Negate,
    /// `!`.
    Not,
}

/// A binary operation.
#[derive(Debug, Clone)]
pub struct BinaryExpr {
    /// The left operand.
    pub left: Expr,
    /// The operator.
    pub operator: hcl_edit::expr::BinaryOperator,
    /// The right operand.
    pub right: Expr,
}

/// A for expression.
#[derive(Debug, Clone)]
pub struct ForExpr {
    /// The variable for the key or index. `None` if the expression names only one variable.
    pub key: Option<Arc<str>>,
    /// The variable for the value.
    pub value: Arc<str>,
    /// The collection to iterate over.
    pub collection: Expr,
    /// The key of each result. `Some`: the result is an object; `None`: a tuple.
    pub result_key: Option<Expr>,
    /// The value of each result.
    pub result: Expr,
    /// `...`: results with the same key are collected in a tuple.
    pub group: bool,
    /// The `if` clause: elements for which it is false are skipped. `None`: no element is skipped.
    pub condition: Option<Expr>,
}
