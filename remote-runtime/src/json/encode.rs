//! JSON as the value of an argument.
//!
//! `serde_json` writes numbers as objects of its own if a program has its feature `arbitrary_precision`, which any
//! crate in it may turn on. So they are written here.

use serde::ser::{Serialize, Serializer};
use serde_json::{Number, Value};

/// A value, of which all numbers are numbers.
pub(super) struct Json<'v>(pub(super) &'v Value);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(truth) => serializer.serialize_bool(*truth),
            Value::Number(number) => put_number(number, serializer),
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(list) => serializer.collect_seq(list.iter().map(Json)),
            Value::Object(fields) => {
                serializer.collect_map(fields.iter().map(|(name, value)| (name, Json(value))))
            }
        }
    }
}

fn put_number<S: Serializer>(number: &Number, serializer: S) -> Result<S::Ok, S::Error> {
    if let Some(number) = number.as_u64() {
        return serializer.serialize_u64(number);
    }
    if let Some(number) = number.as_i64() {
        return serializer.serialize_i64(number);
    }
    match number.as_f64() {
        Some(float) if number.is_f64() => serializer.serialize_f64(float),
        // An integer of more digits, which a text may be as well.
        _ => serializer.serialize_str(&number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::codec::{Encoder, Form};

    fn written(value: &impl Serialize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, 0, usize::MAX).in_form(Form::Plain);
        encoder.put(value).expect("it can be written");
        out
    }

    proptest! {
        #[test]
        fn a_value_is_written_as_serde_json_writes_it(numbers: (u64, i64, f64), text: String, truth: bool) {
            let (whole, signed, float) = numbers;
            let value = json!({
                "list": [whole, signed, float, text, truth, null, {}],
                "object": { text: [whole], "empty": [] },
            });
            prop_assert_eq!(written(&Json(&value)), written(&value));
        }
    }
}
