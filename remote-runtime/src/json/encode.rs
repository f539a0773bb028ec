//! JSON into the bytes that the compiled types would become.

use std::io::{self, Write};

use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, SerializeTuple, Serializer};
use serde_json::{Map, Value};

use super::{REFERENCE, Types, nearest};
use crate::shape::{Definition, Type};

/// A value that is to travel as a type.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) types: Types<'a>,
    pub(super) ty: &'a Type,
    pub(super) value: &'a Value,
}

impl<'a> Told<'a> {
    fn part(self, ty: &'a Type, value: &'a Value) -> Self {
        Self { ty, value, ..self }
    }

    /// The error of a value that is not what it must be.
    fn wrong<E: Error>(self) -> E {
        let expected = self.types.words(self.ty);
        E::custom(format_args!(
            "it must be {expected}, and is {}",
            short(self.value)
        ))
    }

    fn list<E: Error>(self) -> Result<&'a [Value], E> {
        self.value
            .as_array()
            .map(Vec::as_slice)
            .ok_or_else(|| self.wrong())
    }

    fn object<E: Error>(self) -> Result<&'a Map<String, Value>, E> {
        self.value.as_object().ok_or_else(|| self.wrong())
    }

    /// A number, which may be written as a text where JSON has no such number.
    fn number<T: std::str::FromStr, E: Error>(self) -> Result<T, E> {
        let parsed = match self.value {
            Value::Number(number) => number.to_string().parse().ok(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        parsed.ok_or_else(|| self.wrong())
    }

    /// A number that became infinite must have been written so, and not only be too large.
    fn finite<T, E: Error>(self, number: T, is_infinite: bool) -> Result<T, E> {
        let is_digit = |text: &String| text.contains(|c: char| c.is_ascii_digit());
        match self.value {
            Value::String(text) if is_infinite && !is_digit(text) => Ok(number),
            _ if is_infinite => Err(self.wrong()),
            _ => Ok(number),
        }
    }

    /// Of parts that follow each other.
    fn parts<S: Serializer>(
        self,
        serializer: S,
        parts: impl ExactSizeIterator<Item = Result<Told<'a>, S::Error>>,
    ) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(parts.len())?;
        for part in parts {
            tuple.serialize_element(&part?)?;
        }
        tuple.end()
    }

    fn structure<S: Serializer>(
        self,
        serializer: S,
        fields: &'a [(String, Type)],
    ) -> Result<S::Ok, S::Error> {
        let object = self.object()?;
        let names = || fields.iter().map(|(name, _)| &**name);
        if let Some(unknown) = object.keys().find(|key| !names().any(|name| name == **key)) {
            let hint = nearest(unknown, names());
            return Err(S::Error::custom(format_args!(
                "it has no field `{unknown}`{hint}"
            )));
        }
        let parts = fields.iter().map(|(name, ty)| match object.get(name) {
            Some(value) => Ok(self.part(ty, value)),
            None if self.types.is_option(ty) => Ok(self.part(ty, &Value::Null)),
            None => Err(S::Error::custom(format_args!(
                "its field `{name}` is missing, which is {}",
                self.types.words(ty)
            ))),
        });
        self.parts(serializer, parts)
    }

    fn variant<S: Serializer>(
        self,
        serializer: S,
        variants: &'a [(String, Option<Type>)],
    ) -> Result<S::Ok, S::Error> {
        let (chosen, value) = match self.value {
            Value::String(name) => (name, &Value::Null),
            Value::Object(object) if object.len() == 1 => {
                object.iter().next().ok_or_else(|| self.wrong())?
            }
            _ => return Err(self.wrong()),
        };
        let there = variants.iter().enumerate();
        let mut there = there.filter_map(|(at, (name, ty))| Some((at, name, ty.as_ref()?)));
        let Some((at, _, ty)) = there.clone().find(|(_, name, _)| *name == chosen) else {
            let hint = nearest(chosen, there.by_ref().map(|(_, name, _)| &**name));
            return Err(S::Error::custom(format_args!(
                "it has no variant `{chosen}`{hint}"
            )));
        };
        let at = u32::try_from(at).map_err(S::Error::custom)?;
        // What bincode makes of it is the same whatever it is called.
        serializer.serialize_newtype_variant("", at, "", &self.part(ty, value))
    }

    fn defined<S: Serializer>(self, serializer: S, at: usize) -> Result<S::Ok, S::Error> {
        match self.types.definition(at) {
            Some(Definition::Optional(_)) if self.value.is_null() => serializer.serialize_none(),
            Some(Definition::Optional(held)) => {
                serializer.serialize_some(&self.part(held, self.value))
            }
            Some(Definition::List(element)) => {
                let list = self.list()?;
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                for value in list {
                    seq.serialize_element(&self.part(element, value))?;
                }
                seq.end()
            }
            Some(Definition::Map(key, value)) => {
                let pairs = self.pairs(key)?;
                let mut map = serializer.serialize_map(Some(pairs.len()))?;
                for (its_key, its_value) in &pairs {
                    let of_key = Told {
                        types: self.types,
                        ty: key,
                        value: its_key,
                    };
                    let of_value = Told {
                        types: self.types,
                        ty: value,
                        value: its_value,
                    };
                    map.serialize_entry(&of_key, &of_value)?;
                }
                map.end()
            }
            Some(Definition::Enum { variants, .. }) => self.variant(serializer, variants),
            None => Err(S::Error::custom("the server does not say what type it is")),
        }
    }

    /// A map's keys and values: an object, or, for keys that are no texts, a list of pairs.
    fn pairs<E: Error>(self, key: &Type) -> Result<Vec<(Value, Value)>, E> {
        match self.value {
            Value::Object(object) => {
                let is_text = self.types.is_text(key);
                let read = |text: &String| {
                    let text = Value::String(text.clone());
                    if is_text { text } else { parsed(text) }
                };
                Ok(object
                    .iter()
                    .map(|(key, value)| (read(key), value.clone()))
                    .collect())
            }
            Value::Array(list) => {
                let pair = |pair: &Value| match pair.as_array().map(Vec::as_slice) {
                    Some([key, value]) => Ok((key.clone(), value.clone())),
                    _ => Err(self.wrong()),
                };
                list.iter().map(pair).collect()
            }
            _ => Err(self.wrong()),
        }
    }
}

/// What a key says that is no text.
fn parsed(text: Value) -> Value {
    let parsed = text
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    parsed.unwrap_or(text)
}

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.ty, self.value) {
            (Type::Bool, Value::Bool(value)) => serializer.serialize_bool(*value),
            (Type::Integer { bits, signed }, _) => match (bits, signed) {
                (8, true) => serializer.serialize_i8(self.number()?),
                (16, true) => serializer.serialize_i16(self.number()?),
                (32, true) => serializer.serialize_i32(self.number()?),
                (64, true) => serializer.serialize_i64(self.number()?),
                (_, true) => serializer.serialize_i128(self.number()?),
                (8, false) => serializer.serialize_u8(self.number()?),
                (16, false) => serializer.serialize_u16(self.number()?),
                (32, false) => serializer.serialize_u32(self.number()?),
                (64, false) => serializer.serialize_u64(self.number()?),
                (_, false) => serializer.serialize_u128(self.number()?),
            },
            (Type::Float(32), _) => {
                let number: f32 = self.number()?;
                serializer.serialize_f32(self.finite(number, number.is_infinite())?)
            }
            (Type::Float(_), _) => {
                let number: f64 = self.number()?;
                serializer.serialize_f64(self.finite(number, number.is_infinite())?)
            }
            (Type::Char, Value::String(text)) => {
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (Some(char), None) => serializer.serialize_char(char),
                    _ => Err(self.wrong()),
                }
            }
            (Type::Text, Value::String(text)) => serializer.serialize_str(text),
            (Type::Bytes, Value::String(text)) => serializer.serialize_bytes(text.as_bytes()),
            (Type::Bytes, Value::Array(list)) => {
                let byte = |value: &Value| u8::try_from(value.as_u64()?).ok();
                let bytes: Option<Vec<u8>> = list.iter().map(byte).collect();
                serializer.serialize_bytes(&bytes.ok_or_else(|| self.wrong())?)
            }
            (Type::Unit, Value::Null) => serializer.serialize_unit(),
            (Type::Tuple(types), Value::Array(list)) if types.len() == list.len() => {
                let parts = types.iter().zip(list);
                self.parts(
                    serializer,
                    parts.map(|(ty, value)| Ok(self.part(ty, value))),
                )
            }
            (Type::Struct { fields, .. }, _) => self.structure(serializer, fields),
            (Type::Newtype(name, _), _) if name.starts_with(REFERENCE) => Err(S::Error::custom(
                format_args!("a `{name}` cannot be given as JSON; call it from a program"),
            )),
            (Type::Newtype(_, inner), _) => self.part(inner, self.value).serialize(serializer),
            (Type::Defined(at), _) => self.defined(serializer, *at),
            _ => Err(self.wrong()),
        }
    }
}

/// A value, or its beginning.
fn short(value: &Value) -> String {
    let mut beginning = Beginning(Vec::new());
    // A longer value ends the writing.
    let is_whole = serde_json::to_writer(&mut beginning, value).is_ok();
    let text = String::from_utf8_lossy(&beginning.0);
    match text.char_indices().nth(SHORT) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None if is_whole => text.into_owned(),
        None => format!("{text}…"),
    }
}

/// How many characters of a value an error shows.
const SHORT: usize = 60;

/// Takes the beginning of what is written, so that none of a large value is copied for 60 characters.
struct Beginning(Vec<u8>);

impl Write for Beginning {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A character has at most four bytes.
        let room = (SHORT + 1) * 4 - self.0.len();
        let taken = bytes.len().min(room);
        self.0.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_value_is_shown_by_its_beginning() {
        assert_eq!(short(&Value::from("ä")), "\"ä\"");
        let list = Value::from(vec![1; 1000]);
        assert_eq!(short(&list), format!("[{}…", &"1,".repeat(30)[..59]));
        for letters in [58, 59, 300] {
            let text = "ä".repeat(letters);
            let whole = format!("\"{text}\"");
            let expected = match whole.char_indices().nth(60) {
                Some((at, _)) => format!("{}…", &whole[..at]),
                None => whole,
            };
            assert_eq!(short(&Value::from(text)), expected);
        }
    }
}
