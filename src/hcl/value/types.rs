//! Type constraints, as written in `variable` blocks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{BlockType, ConfigValue};

/// A type constraint.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Any value.
    Any,
    /// `bool`.
    Bool,
    /// `number`.
    Number,
    /// `string`.
    String,
    /// `list(…)`: ordered elements of one type.
    List(Box<Type>),
    /// `set(…)`: elements of one type, without order and duplicates.
    Set(Box<Type>),
    /// `map(…)`: entries whose values have one type.
    Map(Box<Type>),
    /// `tuple([…])`: a fixed number of elements, each with its own type.
    Tuple(Vec<Type>),
    /// A reference to a block of that type.
    Block(&'static BlockType),
    /// `object({…})`: these attributes. A conversion drops other attributes.
    Object(BTreeMap<Arc<str>, ObjectField>),
}

/// An attribute of an object type.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectField {
    /// The type of the attribute.
    pub of: Type,
    /// Whether it may be omitted.
    pub optional: bool,
    /// The value when it is omitted or null. `None`: null.
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
            Self::Block(of) => f.write_str(of.word),
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
