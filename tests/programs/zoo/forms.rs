//! Types that JSON says in more ways than one, and in other words than bytes do.

use std::net::IpAddr;

use remotex::{Result, remote};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::json;

use super::offers::{OFFERING, call};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Form {
    #[serde(rename = "colour", alias = "color")]
    color: Color,
    #[serde(default = "dozen")]
    count: u64,
    at: Vec<IpAddr>,
    id: Option<Id>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Color {
    #[serde(alias = "gray")]
    Grey,
    Red,
}

fn dozen() -> u64 {
    12
}

/// A number that people read as a text, as those of the crate `uuid`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Id([u8; 2]);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Self([high, low]) = self;
        match serializer.is_human_readable() {
            true => serializer.collect_str(&format_args!("{high:02x}-{low:02x}")),
            false => serializer.serialize_bytes(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        use serde::de::Error;
        if !deserializer.is_human_readable() {
            let bytes = <&[u8]>::deserialize(deserializer)?;
            let id = bytes
                .try_into()
                .map_err(|_| Error::custom("an id has 2 bytes"))?;
            return Ok(Self(id));
        }
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        let byte = |text| u8::from_str_radix(text, 16).ok();
        let id = text
            .split_once('-')
            .and_then(|(high, low)| Some([byte(high)?, byte(low)?]));
        id.map(Self)
            .ok_or_else(|| Error::custom("an id is two bytes with a `-` between them"))
    }
}

/// Sends a form back, with one more of it.
#[remote(OFFERING, types = "1")]
pub fn reform(form: Form, more: Option<Id>) -> Result<(Form, Option<Id>)> {
    let count = form.count + 1;
    Ok((Form { count, ..form }, more))
}

/// JSON means what serde's JSON of a type means, and the rest of a call is as between compiled programs.
pub(crate) fn json_is_that_of_the_types() {
    let form = Form {
        color: Color::Grey,
        count: 12,
        at: vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
        id: Some(Id([0xab, 1])),
    };
    let ours = json!(form);
    assert_eq!(reform(form.clone(), form.id).unwrap().0.count, 13);
    let reformed = json!([
        Form {
            count: 13,
            ..form.clone()
        },
        form.id
    ]);
    assert_eq!(reformed[0]["at"][0], json!("127.0.0.1"));
    for written in [
        ours.clone(),
        json!({ "color": "gray", "at": ["127.0.0.1", "::1"], "id": "ab-01" }),
        json!({ "colour": { "Grey": null }, "count": "12", "at": ours["at"], "id": ours["id"] }),
        json!(["Grey", 12.0, ours["at"], ours["id"]]),
    ] {
        let answer = call("reform", json!({ "form": written, "more": ours["id"] }));
        assert_eq!(answer.unwrap(), Ok(reformed.clone()), "{written}");
    }
    let e = call(
        "reform",
        json!({ "form": { "color": "Grey", "at": ["1.2.3"] } }),
    )
    .unwrap_err();
    let why = "at `at[0]`: invalid IP address syntax (it is a `Form`)";
    assert!(e.to_string().ends_with(why) && !e.may_have_run(), "{e}");
}
