//! Type constraints, as `variable` blocks state them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{ConfigValue, Keyword};

/// What a value may be.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Anything.
    Any,
    /// `true`, `false`.
    Bool,
    /// A number.
    Number,
    /// Text.
    String,
    /// Elements of one type, in order.
    List(Box<Type>),
    /// Elements of one type, each once.
    Set(Box<Type>),
    /// Entries of one type.
    Map(Box<Type>),
    /// So many elements, each of its type.
    Tuple(Vec<Type>),
    /// A block of that type, such as `owner.jane`.
    Block(Keyword),
    /// These attributes; others are dropped.
    Object(BTreeMap<Arc<str>, ObjectField>),
}

/// An attribute of an object type.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectField {
    /// Its type.
    pub of: Type,
    /// It may be left out.
    pub optional: bool,
    /// What it is when left out.
    pub default: Option<ConfigValue>,
}

impl Type {
    /// Whether it is `string`, `number` or `bool`.
    #[must_use]
    pub fn is_primitive(&self) -> bool {
        matches!(self, Self::Bool | Self::Number | Self::String)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::Block(keyword) => f.write_str(keyword.as_str()),
            Self::List(of) => write!(f, "list({of})"),
            Self::Set(of) => write!(f, "set({of})"),
            Self::Map(of) => write!(f, "map({of})"),
            Self::Tuple(types) => {
                f.write_str("tuple([")?;
                for (index, each) in types.iter().enumerate() {
                    write!(f, "{}{each}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("])")
            }
            Self::Object(fields) => {
                f.write_str("object({")?;
                for (index, (name, field)) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    match field.optional {
                        true => write!(f, "{comma}{name} = optional({})", field.of)?,
                        false => write!(f, "{comma}{name} = {}", field.of)?,
                    }
                }
                f.write_str("})")
            }
        }
    }
}
