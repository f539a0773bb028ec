//! CBOR into JSON.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::codec::cbor::NAMED;

/// JSON that came as CBOR. What JSON does not have is this: a byte is a number, an integer of more than 64
/// bits and a float that is no number are texts, and a map whose keys are no texts is a list of pairs.
pub(super) struct Json(pub(super) Value);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_newtype_struct(NAMED, JsonVisitor)
            .map(Self)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(value.to_string().into())
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(value.to_string().into())
    }

    fn visit_f32<E: Error>(self, value: f32) -> Result<Value, E> {
        // As it is written, and not as the next larger type has it.
        self.visit_f64(value.to_string().parse().unwrap_or(f64::from(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value);
        Ok(number.map_or_else(|| value.to_string().into(), Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(bytes.iter().copied().map(Value::from).collect())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Json(value)) = from.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some((Json(key), Json(value))) = from.next_entry()? {
            pairs.push((key, value));
        }
        if let Some(number) = large_number(&pairs) {
            return Ok(Value::Number(number));
        }
        let names = pairs.iter().map(|(key, _)| name(key));
        let names: Option<BTreeSet<_>> = names.collect();
        // Two keys of one name are told apart as pairs.
        Ok(match names {
            Some(names) if names.len() == pairs.len() => pairs
                .into_iter()
                .filter_map(|(key, value)| Some((name(&key)?, value)))
                .collect::<Map<_, _>>()
                .into(),
            _ => pairs
                .into_iter()
                .map(|(key, value)| Value::Array(vec![key, value]))
                .collect(),
        })
    }
}

/// The number that is written as an object by a server whose `serde_json` has the feature
/// `arbitrary_precision`.
fn large_number(pairs: &[(Value, Value)]) -> Option<Number> {
    match pairs {
        [(Value::String(name), Value::String(digits))]
            if name == "$serde_json::private::Number" =>
        {
            digits.parse().ok()
        }
        _ => None,
    }
}

/// A key as the name of a field of an object.
fn name(key: &Value) -> Option<String> {
    match key {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
