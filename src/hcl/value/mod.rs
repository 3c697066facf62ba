//! Values of the expression language, with Terraform's type system: lists, sets and tuples are different types. A value has a mark that
//! says whether it is sensitive. Operations and functions pass the mark on to their results, and diagnostics never show a marked value.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization as _;

mod block_ref;
pub mod convert;
pub mod number;
pub mod show;
mod size;
pub mod types;

pub use block_ref::{BlockNaming, BlockRef, BlockType, BlockVisibility, InstanceKey, render_address};
pub use number::Number;
pub use size::{ValueSize, steps_for_text};
pub use types::Type;

/// The entries of a map or object, sorted by key.
pub type Entries = BTreeMap<Arc<str>, ConfigValue>;

/// A value. Cloning is cheap, because strings and collections are shared.
#[derive(Debug, Clone)]
pub struct ConfigValue {
    /// The content.
    pub data: ValueData,
    /// The value must not be shown. Elements of a collection have marks of their own.
    pub sensitive: bool,
    /// An element, at any depth, is sensitive.
    sensitive_within: bool,
    size: ValueSize,
}

/// The content of a value, by type.
#[derive(Debug, Clone)]
pub enum ValueData {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text in Unicode's composed form (NFC).
    String(Arc<str>),
    /// Elements of one type, in order.
    List(Arc<Vec<ConfigValue>>),
    /// Elements of one type, sorted and without duplicates.
    Set(Arc<Vec<ConfigValue>>),
    /// Elements of any types, in order.
    Tuple(Arc<Vec<ConfigValue>>),
    /// Entries whose values have one type.
    Map(Arc<Entries>),
    /// Attributes whose values have any types.
    Object(Arc<Entries>),
    /// A reference to a block.
    Block(BlockRef),
}

impl From<ValueData> for ConfigValue {
    fn from(data: ValueData) -> Self {
        let (size, sensitive_within) = match &data {
            ValueData::List(elements) | ValueData::Set(elements) | ValueData::Tuple(elements) => {
                (ValueSize::of_elements(elements), elements.iter().any(Self::contains_sensitive))
            }
            ValueData::Map(entries) | ValueData::Object(entries) => {
                (ValueSize::of_entries(entries), entries.values().any(Self::contains_sensitive))
            }
            ValueData::String(text) => (ValueSize::of_text(text), false),
            ValueData::Number(number) => (ValueSize::of_number(number), false),
            _ => (ValueSize::ONE, false),
        };
        Self { data, sensitive: false, sensitive_within, size }
    }
}

impl ConfigValue {
    /// `null`.
    pub const NULL: Self =
        Self { data: ValueData::Null, sensitive: false, sensitive_within: false, size: ValueSize::ONE };

    /// A string, normalized to Unicode's composed form (NFC).
    #[must_use]
    pub fn new_string(text: impl Into<Arc<str>> + AsRef<str>) -> Self {
        let composed =
            if text.as_ref().is_ascii() { text.into() } else { text.as_ref().nfc().collect::<String>().into() };
        ValueData::String(composed).into()
    }

    /// A bool.
    #[must_use]
    pub fn new_bool(value: bool) -> Self {
        ValueData::Bool(value).into()
    }

    /// A number.
    #[must_use]
    pub fn new_number(value: impl Into<Number>) -> Self {
        ValueData::Number(value.into()).into()
    }

    /// A tuple.
    #[must_use]
    pub fn new_tuple(elements: Vec<Self>) -> Self {
        ValueData::Tuple(Arc::new(elements)).into()
    }

    /// A list. The caller ensures that the elements have one type.
    #[must_use]
    pub fn new_list(elements: Vec<Self>) -> Self {
        ValueData::List(Arc::new(elements)).into()
    }

    /// A set. The caller ensures that the elements have one type. Elements of a set have no marks of their own, so the whole set is
    /// sensitive if an element is.
    #[must_use]
    pub fn new_set(elements: Vec<Self>) -> Self {
        let sensitive = elements.iter().any(Self::contains_sensitive);
        let mut elements: Vec<Self> = elements.into_iter().map(Self::without_marks).collect();
        elements.sort();
        elements.dedup();
        Self::from(ValueData::Set(Arc::new(elements))).with_mark(sensitive)
    }

    /// A map. The caller ensures that the entries have one type.
    #[must_use]
    pub fn new_map(entries: Entries) -> Self {
        ValueData::Map(Arc::new(entries)).into()
    }

    /// An object.
    #[must_use]
    pub fn new_object(entries: Entries) -> Self {
        ValueData::Object(Arc::new(entries)).into()
    }

    /// The value, marked as sensitive if `mark` is true or it already was.
    #[must_use]
    pub fn with_mark(mut self, mark: bool) -> Self {
        self.sensitive |= mark;
        self
    }

    /// The value without its own mark. Elements keep their marks.
    #[must_use]
    pub fn without_own_mark(mut self) -> Self {
        self.sensitive = false;
        self
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.data, ValueData::Null)
    }

    /// Whether the value or an element at any depth is sensitive.
    #[must_use]
    pub fn contains_sensitive(&self) -> bool {
        self.sensitive || self.sensitive_within
    }

    /// How large it is. Each occurrence of a shared value counts.
    #[must_use]
    pub fn size(&self) -> ValueSize {
        self.size
    }

    /// The value without any mark, at any depth.
    #[must_use]
    pub fn without_marks(self) -> Self {
        if !self.contains_sensitive() {
            return self;
        }
        let elements =
            |elements: &[Self]| Arc::new(elements.iter().map(|element| element.clone().without_marks()).collect());
        let entries = |entries: &Entries| {
            Arc::new(entries.iter().map(|(key, value)| (key.clone(), value.clone().without_marks())).collect())
        };
        match self.data {
            ValueData::List(each) => ValueData::List(elements(&each)),
            ValueData::Set(each) => ValueData::Set(elements(&each)),
            ValueData::Tuple(each) => ValueData::Tuple(elements(&each)),
            ValueData::Map(each) => ValueData::Map(entries(&each)),
            ValueData::Object(each) => ValueData::Object(entries(&each)),
            scalar => scalar,
        }
        .into()
    }

    /// The elements of a list, set or tuple. `None` for other types.
    #[must_use]
    pub fn elements(&self) -> Option<&[Self]> {
        match &self.data {
            ValueData::List(elements) | ValueData::Set(elements) | ValueData::Tuple(elements) => Some(elements),
            _ => None,
        }
    }

    /// The entries of a map or object. `None` for other types.
    #[must_use]
    pub fn entries(&self) -> Option<&Entries> {
        match &self.data {
            ValueData::Map(entries) | ValueData::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// The text of a string. `None` for other types.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            ValueData::String(text) => Some(text),
            _ => None,
        }
    }

    /// The type with its article, for diagnostics: `a list`, `a string`.
    #[must_use]
    pub fn describe_form(&self) -> &'static str {
        match &self.data {
            ValueData::Null => "null",
            ValueData::Bool(_) => "a bool",
            ValueData::Number(_) => "a number",
            ValueData::String(_) => "a string",
            ValueData::List(_) => "a list",
            ValueData::Set(_) => "a set",
            ValueData::Tuple(_) => "a tuple",
            ValueData::Map(_) => "a map",
            ValueData::Object(_) => "an object",
            ValueData::Block(block) => block.of.phrase,
        }
    }

    fn order_rank(&self) -> u8 {
        match &self.data {
            ValueData::Null => 0,
            ValueData::Bool(_) => 1,
            ValueData::Number(_) => 2,
            ValueData::String(_) => 3,
            ValueData::List(_) => 4,
            ValueData::Set(_) => 5,
            ValueData::Tuple(_) => 6,
            ValueData::Map(_) => 7,
            ValueData::Object(_) => 8,
            ValueData::Block(_) => 9,
        }
    }
}

/// Values are equal if type and content are equal. Marks are ignored. A list never equals a tuple.
impl PartialEq for ConfigValue {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for ConfigValue {}

impl PartialOrd for ConfigValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The order of the elements of a set: by type, then by content. Strings are ordered by their bytes.
impl Ord for ConfigValue {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.data, &other.data) {
            (ValueData::Bool(a), ValueData::Bool(b)) => a.cmp(b),
            (ValueData::Number(a), ValueData::Number(b)) => a.cmp(b),
            (ValueData::String(a), ValueData::String(b)) => a.cmp(b),
            (ValueData::List(a), ValueData::List(b))
            | (ValueData::Set(a), ValueData::Set(b))
            | (ValueData::Tuple(a), ValueData::Tuple(b)) => a.cmp(b),
            (ValueData::Map(a), ValueData::Map(b)) | (ValueData::Object(a), ValueData::Object(b)) => a.cmp(b),
            (ValueData::Block(a), ValueData::Block(b)) => a.cmp(b),
            _ => self.order_rank().cmp(&other.order_rank()),
        }
    }
}
