//! Decodes YAML. Input: the text of a document. Output: its value. Each part is charged to the budget before it is kept: an alias repeats
//! its anchor, so a short document can describe a value that fits no memory.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

use super::{Args, FunctionError};
use crate::hcl::value::convert::to_text;
use crate::hcl::value::{ConfigValue, Entries, Number};

/// The value of a document with one value.
pub(super) fn decode_yaml(text: &str, args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let refused = RefCell::new(None);
    let seed = YamlSeed { args, refused: &refused };
    let decoded = seed.deserialize(serde_yaml_ng::Deserializer::from_str(text));
    decoded.map_err(|error| {
        refused.take().unwrap_or_else(|| {
            let line = error.location().map_or(1, |location| location.line());
            FunctionError::Argument(0, format!("not YAML: line {line}"))
        })
    })
}

/// Decodes one value.
#[derive(Clone, Copy)]
struct YamlSeed<'a, 'v> {
    args: &'a Args<'v>,
    /// Why a value that is YAML is not accepted. The decoder stops there.
    refused: &'a RefCell<Option<FunctionError>>,
}

impl YamlSeed<'_, '_> {
    fn refuse<T, E: Error>(self, reason: FunctionError) -> Result<T, E> {
        let error = E::custom("refused");
        self.refused.replace(Some(reason));
        Err(error)
    }

    fn refuse_text<T, E: Error>(self, reason: String) -> Result<T, E> {
        self.refuse(FunctionError::Argument(0, reason))
    }

    /// Charges one value with `bytes` bytes of text.
    fn charge_part<E: Error>(self, bytes: usize) -> Result<(), E> {
        let charged = self.args.take_steps(1);
        let charged = charged.and_then(|()| self.args.budget.charge_parts(1, bytes).map_err(FunctionError::from));
        charged.or_else(|reason| self.refuse(reason))
    }

    fn read_number<E: Error>(self, written: &str) -> Result<ConfigValue, E> {
        match written.parse::<Number>() {
            Ok(number) => Ok(ConfigValue::new_number(number)),
            Err(_) => self.refuse_text(format!("{written} is not a supported number")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for YamlSeed<'_, '_> {
    type Value = ConfigValue;

    fn deserialize<D: Deserializer<'de>>(self, document: D) -> Result<ConfigValue, D::Error> {
        document.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for YamlSeed<'_, '_> {
    type Value = ConfigValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<ConfigValue, E> {
        Ok(ConfigValue::NULL)
    }

    fn visit_none<E: Error>(self) -> Result<ConfigValue, E> {
        Ok(ConfigValue::NULL)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<ConfigValue, E> {
        Ok(ConfigValue::new_bool(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<ConfigValue, E> {
        Ok(ConfigValue::new_number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<ConfigValue, E> {
        self.read_number(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<ConfigValue, E> {
        self.read_number(&serde_yaml_ng::Number::from(number).to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ConfigValue, E> {
        self.charge_part(text.len())?;
        Ok(ConfigValue::new_string(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<ConfigValue, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = items.next_element_seed(self)? {
            self.charge_part(0)?;
            elements.push(element);
        }
        Ok(ConfigValue::new_tuple(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<ConfigValue, A::Error> {
        let mut entries = Entries::new();
        while let Some(key) = fields.next_key_seed(self)? {
            let Some(name) = to_text(&key) else { return self.refuse_text("a key is not a string".to_owned()) };
            self.charge_part(name.len())?;
            let value = fields.next_value_seed(self)?;
            if entries.insert(Arc::clone(&name), value).is_some() {
                return Err(A::Error::custom("duplicate key"));
            }
        }
        Ok(ConfigValue::new_object(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<ConfigValue, A::Error> {
        self.refuse_text("tags are not supported".to_owned())
    }
}
