//! Values of the expression language, in the manner of Terraform's: lists and sets and tuples are different things, and a
//! value knows whether it is sensitive.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use leasehold_provider::{Address, Key};
use unicode_normalization::UnicodeNormalization as _;

pub mod convert;
pub mod number;
pub mod show;
pub mod types;

pub use number::Number;
pub use types::Type;

/// The entries of a map or object.
pub type Entries = BTreeMap<Arc<str>, ConfigValue>;

/// A value. Cheap to clone: what is large in it is shared.
#[derive(Debug, Clone)]
pub struct ConfigValue {
    /// What it is.
    pub data: ValueData,
    /// It must not be shown. Elements of a collection carry marks of their own.
    pub sensitive: bool,
    /// Something within it is sensitive.
    sensitive_within: bool,
    /// How many values it is, all that is within counted as often as it is there: what is shared takes the room of one, but
    /// the time of all.
    weight: u32,
}

/// The forms of a value.
#[derive(Debug, Clone)]
pub enum ValueData {
    /// Nothing.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text, in Unicode's composed form.
    String(Arc<str>),
    /// Elements of one type, in order.
    List(Arc<Vec<ConfigValue>>),
    /// Elements of one type, each once, sorted.
    Set(Arc<Vec<ConfigValue>>),
    /// Elements of any types, in order.
    Tuple(Arc<Vec<ConfigValue>>),
    /// Entries of one type.
    Map(Arc<Entries>),
    /// Attributes of any types.
    Object(Arc<Entries>),
    /// A block of the stack.
    Block(BlockRef),
}

/// A block that an expression names: `owner.jane`, `identity.agent["triage"]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockRef {
    /// The address of the module it stands in. `None`: the stack itself.
    pub module: Option<Arc<str>>,
    /// The block's type.
    pub keyword: Keyword,
    /// Its label.
    pub label: Arc<str>,
    /// The instance of a block with `for_each` or `count`.
    pub key: Option<Key>,
}

impl BlockRef {
    /// Where the block stands.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::for_block(self.module.as_deref(), self.keyword.as_str(), &self.label, self.key.as_ref())
    }
}

/// Types of blocks that expressions refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keyword {
    /// `owner`.
    Owner,
    /// `service`.
    Service,
    /// `scope`.
    Scope,
    /// `identity`.
    Identity,
    /// `provider`.
    Provider,
    /// `template`.
    Template,
    /// `store`.
    Store,
}

impl Keyword {
    /// Every one of them.
    pub const ALL: [Self; 7] =
        [Self::Owner, Self::Service, Self::Scope, Self::Identity, Self::Provider, Self::Template, Self::Store];

    /// The word as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Service => "service",
            Self::Scope => "scope",
            Self::Identity => "identity",
            Self::Provider => "provider",
            Self::Template => "template",
            Self::Store => "store",
        }
    }

    /// The article that goes with the word.
    #[must_use]
    pub fn article(self) -> &'static str {
        if matches!(self, Self::Owner | Self::Identity) { "an" } else { "a" }
    }

    /// The type of that name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|keyword| keyword.as_str() == word)
    }
}

impl fmt::Display for BlockRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.address().as_str())
    }
}

impl From<ValueData> for ConfigValue {
    fn from(data: ValueData) -> Self {
        let count = |values: &mut dyn Iterator<Item = &Self>| {
            values.fold((1_u32, false), |(weight, within), value| {
                (weight.saturating_add(value.weight), within || value.contains_sensitive())
            })
        };
        let (weight, sensitive_within) = match &data {
            ValueData::List(elements) | ValueData::Set(elements) | ValueData::Tuple(elements) => {
                count(&mut elements.iter())
            }
            ValueData::Map(entries) | ValueData::Object(entries) => count(&mut entries.values()),
            _ => (1, false),
        };
        Self { data, sensitive: false, sensitive_within, weight }
    }
}

impl ConfigValue {
    /// `null`.
    pub const NULL: Self = Self { data: ValueData::Null, sensitive: false, sensitive_within: false, weight: 1 };

    /// Text; brought to Unicode's composed form.
    #[must_use]
    pub fn new_string(text: impl Into<Arc<str>> + AsRef<str>) -> Self {
        let composed =
            if text.as_ref().is_ascii() { text.into() } else { text.as_ref().nfc().collect::<String>().into() };
        ValueData::String(composed).into()
    }

    /// `true` or `false`.
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

    /// A list. The elements have one type.
    #[must_use]
    pub fn new_list(elements: Vec<Self>) -> Self {
        ValueData::List(Arc::new(elements)).into()
    }

    /// A set. The elements have one type. A set cannot say which of its elements is sensitive, so it is as a whole.
    #[must_use]
    pub fn new_set(elements: Vec<Self>) -> Self {
        let sensitive = elements.iter().any(Self::contains_sensitive);
        let mut elements: Vec<Self> = elements.into_iter().map(Self::without_marks).collect();
        elements.sort();
        elements.dedup();
        Self::from(ValueData::Set(Arc::new(elements))).with_mark(sensitive)
    }

    /// A map. The entries have one type.
    #[must_use]
    pub fn new_map(entries: Entries) -> Self {
        ValueData::Map(Arc::new(entries)).into()
    }

    /// An object.
    #[must_use]
    pub fn new_object(entries: Entries) -> Self {
        ValueData::Object(Arc::new(entries)).into()
    }

    /// The same, sensitive if `mark` says so or it was already.
    #[must_use]
    pub fn with_mark(mut self, mark: bool) -> Self {
        self.sensitive |= mark;
        self
    }

    /// The same with no mark of its own; what is within keeps its marks.
    #[must_use]
    pub fn without_own_mark(mut self) -> Self {
        self.sensitive = false;
        self
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.data, ValueData::Null)
    }

    /// Whether it or anything within is sensitive.
    #[must_use]
    pub fn contains_sensitive(&self) -> bool {
        self.sensitive || self.sensitive_within
    }

    /// How many values it is, all that is within counted as often as it is there.
    #[must_use]
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// The same with no mark, within neither.
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

    /// The elements of a list, set or tuple.
    #[must_use]
    pub fn elements(&self) -> Option<&[Self]> {
        match &self.data {
            ValueData::List(elements) | ValueData::Set(elements) | ValueData::Tuple(elements) => Some(elements),
            _ => None,
        }
    }

    /// The entries of a map or object.
    #[must_use]
    pub fn entries(&self) -> Option<&Entries> {
        match &self.data {
            ValueData::Map(entries) | ValueData::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            ValueData::String(text) => Some(text),
            _ => None,
        }
    }

    /// The form, in a word or two with its article.
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
            ValueData::Block(block) => match block.keyword {
                Keyword::Owner => "an owner",
                Keyword::Service => "a service",
                Keyword::Scope => "a scope",
                Keyword::Identity => "an identity",
                Keyword::Provider => "a provider",
                Keyword::Template => "a template",
                Keyword::Store => "a store",
            },
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

/// Equal by type and content; marks do not count. A list never equals a tuple.
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

/// The order of a set: by form, then by content; strings by their bytes.
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
