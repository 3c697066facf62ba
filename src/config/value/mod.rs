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
pub type Entries = BTreeMap<Arc<str>, Value>;

/// A value. Cheap to clone: what is large in it is shared.
#[derive(Debug, Clone)]
pub struct Value {
    /// What it is.
    pub data: Data,
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
pub enum Data {
    /// Nothing.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text, in Unicode's composed form.
    String(Arc<str>),
    /// Elements of one type, in order.
    List(Arc<Vec<Value>>),
    /// Elements of one type, each once, sorted.
    Set(Arc<Vec<Value>>),
    /// Elements of any types, in order.
    Tuple(Arc<Vec<Value>>),
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

impl From<Data> for Value {
    fn from(data: Data) -> Self {
        let count = |values: &mut dyn Iterator<Item = &Self>| {
            values.fold((1_u32, false), |(weight, within), value| {
                (weight.saturating_add(value.weight), within || value.contains_sensitive())
            })
        };
        let (weight, sensitive_within) = match &data {
            Data::List(elements) | Data::Set(elements) | Data::Tuple(elements) => count(&mut elements.iter()),
            Data::Map(entries) | Data::Object(entries) => count(&mut entries.values()),
            _ => (1, false),
        };
        Self { data, sensitive: false, sensitive_within, weight }
    }
}

impl Value {
    /// `null`.
    pub const NULL: Self = Self { data: Data::Null, sensitive: false, sensitive_within: false, weight: 1 };

    /// Text; brought to Unicode's composed form.
    #[must_use]
    pub fn new_string(text: impl Into<Arc<str>> + AsRef<str>) -> Self {
        let composed =
            if text.as_ref().is_ascii() { text.into() } else { text.as_ref().nfc().collect::<String>().into() };
        Data::String(composed).into()
    }

    /// `true` or `false`.
    #[must_use]
    pub fn new_bool(value: bool) -> Self {
        Data::Bool(value).into()
    }

    /// A number.
    #[must_use]
    pub fn new_number(value: impl Into<Number>) -> Self {
        Data::Number(value.into()).into()
    }

    /// A tuple.
    #[must_use]
    pub fn new_tuple(elements: Vec<Self>) -> Self {
        Data::Tuple(Arc::new(elements)).into()
    }

    /// A list. The elements have one type.
    #[must_use]
    pub fn new_list(elements: Vec<Self>) -> Self {
        Data::List(Arc::new(elements)).into()
    }

    /// A set. The elements have one type. A set cannot say which of its elements is sensitive, so it is as a whole.
    #[must_use]
    pub fn new_set(elements: Vec<Self>) -> Self {
        let sensitive = elements.iter().any(Self::contains_sensitive);
        let mut elements: Vec<Self> = elements.into_iter().map(Self::without_marks).collect();
        elements.sort();
        elements.dedup();
        Self::from(Data::Set(Arc::new(elements))).with_mark(sensitive)
    }

    /// A map. The entries have one type.
    #[must_use]
    pub fn new_map(entries: Entries) -> Self {
        Data::Map(Arc::new(entries)).into()
    }

    /// An object.
    #[must_use]
    pub fn new_object(entries: Entries) -> Self {
        Data::Object(Arc::new(entries)).into()
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
        matches!(self.data, Data::Null)
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
            Data::List(each) => Data::List(elements(&each)),
            Data::Set(each) => Data::Set(elements(&each)),
            Data::Tuple(each) => Data::Tuple(elements(&each)),
            Data::Map(each) => Data::Map(entries(&each)),
            Data::Object(each) => Data::Object(entries(&each)),
            scalar => scalar,
        }
        .into()
    }

    /// The elements of a list, set or tuple.
    #[must_use]
    pub fn elements(&self) -> Option<&[Self]> {
        match &self.data {
            Data::List(elements) | Data::Set(elements) | Data::Tuple(elements) => Some(elements),
            _ => None,
        }
    }

    /// The entries of a map or object.
    #[must_use]
    pub fn entries(&self) -> Option<&Entries> {
        match &self.data {
            Data::Map(entries) | Data::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(text) => Some(text),
            _ => None,
        }
    }

    /// The form, in a word or two with its article.
    #[must_use]
    pub fn describe_form(&self) -> &'static str {
        match &self.data {
            Data::Null => "null",
            Data::Bool(_) => "a bool",
            Data::Number(_) => "a number",
            Data::String(_) => "a string",
            Data::List(_) => "a list",
            Data::Set(_) => "a set",
            Data::Tuple(_) => "a tuple",
            Data::Map(_) => "a map",
            Data::Object(_) => "an object",
            Data::Block(block) => match block.keyword {
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
            Data::Null => 0,
            Data::Bool(_) => 1,
            Data::Number(_) => 2,
            Data::String(_) => 3,
            Data::List(_) => 4,
            Data::Set(_) => 5,
            Data::Tuple(_) => 6,
            Data::Map(_) => 7,
            Data::Object(_) => 8,
            Data::Block(_) => 9,
        }
    }
}

/// Equal by type and content; marks do not count. A list never equals a tuple.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The order of a set: by form, then by content; strings by their bytes.
impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.data, &other.data) {
            (Data::Bool(a), Data::Bool(b)) => a.cmp(b),
            (Data::Number(a), Data::Number(b)) => a.cmp(b),
            (Data::String(a), Data::String(b)) => a.cmp(b),
            (Data::List(a), Data::List(b)) | (Data::Set(a), Data::Set(b)) | (Data::Tuple(a), Data::Tuple(b)) => {
                a.cmp(b)
            }
            (Data::Map(a), Data::Map(b)) | (Data::Object(a), Data::Object(b)) => a.cmp(b),
            (Data::Block(a), Data::Block(b)) => a.cmp(b),
            _ => self.order_rank().cmp(&other.order_rank()),
        }
    }
}
