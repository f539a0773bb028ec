//! The bytes that compiled types have become, into JSON.

use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::{Map, Number, Value};

use super::{REFERENCE, Types};
use crate::shape::{Definition, Type};

/// A type that comes next.
#[derive(Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) types: Types<'a>,
    pub(super) ty: &'a Type,
}

impl<'a> Expected<'a> {
    fn part(self, ty: &'a Type) -> Self {
        Self { ty, ..self }
    }
}

impl<'de> DeserializeSeed<'de> for Expected<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        match self.ty {
            Type::Bool => from.deserialize_bool(self),
            Type::Integer { bits, signed } => match (bits, signed) {
                (8, true) => from.deserialize_i8(self),
                (16, true) => from.deserialize_i16(self),
                (32, true) => from.deserialize_i32(self),
                (64, true) => from.deserialize_i64(self),
                (_, true) => from.deserialize_i128(self),
                (8, false) => from.deserialize_u8(self),
                (16, false) => from.deserialize_u16(self),
                (32, false) => from.deserialize_u32(self),
                (64, false) => from.deserialize_u64(self),
                (_, false) => from.deserialize_u128(self),
            },
            Type::Float(32) => from.deserialize_f32(self),
            Type::Float(_) => from.deserialize_f64(self),
            Type::Char => from.deserialize_char(self),
            Type::Text => from.deserialize_str(self),
            Type::Bytes => from.deserialize_bytes(self),
            Type::Unit => from.deserialize_unit(self),
            Type::Tuple(types) => from.deserialize_tuple(types.len(), self),
            Type::Struct { fields, .. } => from.deserialize_tuple(fields.len(), self),
            Type::Newtype(name, inner) => {
                let value = self.part(inner).deserialize(from)?;
                // What it refers to is nothing that JSON can have.
                Ok(if name.starts_with(REFERENCE) {
                    Value::String(name.clone())
                } else {
                    value
                })
            }
            Type::Defined(at) => match self.types.definition(*at) {
                Some(Definition::Optional(_)) => from.deserialize_option(self),
                Some(Definition::List(_)) => from.deserialize_seq(self),
                Some(Definition::Map(..)) => from.deserialize_map(self),
                Some(Definition::Enum { .. }) => from.deserialize_enum("", &[], self),
                None => Err(de::Error::custom("the server does not say what type it is")),
            },
        }
    }
}

macro_rules! numbers {
    ($($method:ident($ty:ty);)*) => {$(
        fn $method<E: de::Error>(self, value: $ty) -> Result<Value, E> {
            // JSON's numbers end at 64 bits; what is larger is a text.
            let number = Number::try_from_any(value);
            Ok(number.map_or_else(|| Value::String(value.to_string()), Value::Number))
        }
    )*};
}

/// A number of JSON, if it is one there.
trait TryFromAny<T> {
    fn try_from_any(value: T) -> Option<Number>;
}

macro_rules! any {
    ($($ty:ty: |$value:ident| $number:expr;)*) => {$(
        impl TryFromAny<$ty> for Number {
            fn try_from_any($value: $ty) -> Option<Number> {
                $number
            }
        }
    )*};
}

any! {
    i64: |value| Some(value.into());
    u64: |value| Some(value.into());
    i128: |value| i64::try_from(value).ok().map(Number::from);
    u128: |value| u64::try_from(value).ok().map(Number::from);
    f64: |value| Number::from_f64(value);
}

impl<'de> Visitor<'de> for Expected<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.types.words(self.ty))
    }

    numbers! {
        visit_i64(i64);
        visit_u64(u64);
        visit_i128(i128);
        visit_u128(u128);
        visit_f64(f64);
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_f32<E: de::Error>(self, value: f32) -> Result<Value, E> {
        // As it is written, and not as the next larger type has it.
        self.visit_f64(value.to_string().parse().unwrap_or(f64::from(value)))
    }

    fn visit_char<E: de::Error>(self, value: char) -> Result<Value, E> {
        Ok(Value::String(value.into()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.into()))
    }

    /// A text, if it is one, as of a path; else numbers.
    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(match str::from_utf8(bytes) {
            Ok(text) => Value::String(text.into()),
            Err(_) => bytes.iter().copied().map(Value::from).collect(),
        })
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        let (Type::Defined(at), types) = (self.ty, self.types) else {
            return Err(de::Error::custom("it is no option"));
        };
        match types.definition(*at) {
            Some(Definition::Optional(held)) => self.part(held).deserialize(from),
            _ => Err(de::Error::custom("it is no option")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let short = || de::Error::custom("it ends too early");
        match self.ty {
            Type::Tuple(types) => {
                let parts = types
                    .iter()
                    .map(|ty| from.next_element_seed(self.part(ty))?.ok_or_else(short));
                parts.collect()
            }
            Type::Struct { fields, .. } => {
                let mut object = Map::new();
                for (name, ty) in fields {
                    let value = from.next_element_seed(self.part(ty))?.ok_or_else(short)?;
                    object.insert(name.clone(), value);
                }
                Ok(Value::Object(object))
            }
            Type::Defined(at) => {
                let Some(Definition::List(element)) = self.types.definition(*at) else {
                    return Err(de::Error::custom("it is no list"));
                };
                let mut list = Vec::new();
                while let Some(value) = from.next_element_seed(self.part(element))? {
                    list.push(value);
                }
                Ok(Value::Array(list))
            }
            _ => Err(de::Error::custom("it has no parts")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let definition = match self.ty {
            Type::Defined(at) => self.types.definition(*at),
            _ => None,
        };
        let Some(Definition::Map(key, value)) = definition else {
            return Err(de::Error::custom("it is no map"));
        };
        let mut pairs = Vec::new();
        while let Some(pair) = from.next_entry_seed(self.part(key), self.part(value))? {
            pairs.push(pair);
        }
        let text = |key: &Value| match key {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        };
        let object = pairs
            .iter()
            .map(|(key, value)| Some((text(key)?, value.clone())));
        Ok(match object.collect::<Option<Map<_, _>>>() {
            Some(object) => Value::Object(object),
            None => pairs
                .into_iter()
                .map(|(key, value)| Value::Array(vec![key, value]))
                .collect(),
        })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, from: A) -> Result<Value, A::Error> {
        let definition = match self.ty {
            Type::Defined(at) => self.types.definition(*at),
            _ => None,
        };
        let Some(Definition::Enum { variants, .. }) = definition else {
            return Err(de::Error::custom("it is no enum"));
        };
        let (at, variant) = from.variant::<u32>()?;
        let chosen = usize::try_from(at).ok().and_then(|at| variants.get(at));
        let Some((name, Some(ty))) = chosen else {
            return Err(de::Error::custom(format_args!("there is no variant {at}")));
        };
        if *ty == Type::Unit {
            variant.unit_variant()?;
            return Ok(Value::String(name.clone()));
        }
        let value = variant.newtype_variant_seed(self.part(ty))?;
        Ok(Value::Object(Map::from_iter([(name.clone(), value)])))
    }
}
