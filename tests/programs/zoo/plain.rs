//! Functions whose values say themselves what they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use remotex::interface::Raised;
use remotex::{Remote, Result, Server, remote};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) static PLAIN: Server = Server::new("plain").autostart();

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of")]
enum Tagged {
    One(u8),
    Many { all: Vec<Untagged> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Untagged {
    Number(i64),
    Text(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Flat {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Refused {
    Empty { at: usize },
    Away(remotex::Error),
}

impl From<remotex::Error> for Refused {
    fn from(e: remotex::Error) -> Self {
        Self::Away(e)
    }
}

type All = (
    Vec<Tagged>,
    Flat,
    PathBuf,
    Vec<u8>,
    Vec<f64>,
    Option<String>,
);

#[remote(PLAIN, json)]
fn plainly(
    tagged: &[Tagged],
    flat: Flat,
    path: &Path,
    bytes: &[u8],
    numbers: &[f64],
    text: Option<&str>,
) -> std::result::Result<All, Refused> {
    if tagged.is_empty() {
        return Err(Refused::Empty { at: bytes.len() });
    }
    let text = text.map(str::to_owned);
    Ok((
        tagged.to_vec(),
        flat,
        path.into(),
        bytes.into(),
        numbers.into(),
        text,
    ))
}

/// A stack of values that say themselves what they are.
pub(crate) struct Stack(Vec<Untagged>);

#[remote(PLAIN, json)]
impl Stack {
    pub(crate) fn of(first: Untagged) -> Result<Remote<Stack>> {
        Ok(Remote::new(Self(vec![first])))
    }

    pub fn push(&mut self, value: Untagged) -> Result<usize> {
        self.0.push(value);
        Ok(self.0.len())
    }

    pub fn append(&self, other: &Remote<Stack>) -> Result<Remote<Stack>> {
        let other = Remote::read(other)?;
        Ok(Remote::new(Self([&self.0[..], &other.0[..]].concat())))
    }

    pub fn all(&self) -> Result<Vec<Untagged>> {
        Ok(self.0.clone())
    }
}

/// What travels in a form that says itself what it is, between programs and as JSON.
pub(crate) fn check() {
    PLAIN.start().unwrap();
    let tagged = [
        Tagged::One(1),
        Tagged::Many {
            all: vec![Untagged::Number(-5), Untagged::Text("x".into())],
        },
    ];
    let flat = Flat {
        name: None,
        rest: BTreeMap::from([("deep".into(), json!({ "list": [1, null, 0.5] }))]),
    };
    let path = Path::new("/a/\u{fc}");
    let answer = plainly(&tagged, flat.clone(), path, b"\xff\0", &[0.5], Some("t")).unwrap();
    let expected = (
        tagged.to_vec(),
        flat.clone(),
        path.to_owned(),
        b"\xff\0".to_vec(),
        vec![0.5],
        Some("t".to_owned()),
    );
    assert_eq!(answer, expected);
    let refused = plainly(&[], flat.clone(), path, b"abc", &[], None).unwrap_err();
    assert!(matches!(refused, Refused::Empty { at: 3 }), "{refused:?}");
    let arguments = json!({
        "tagged": tagged, "flat": flat, "path": path, "bytes": [255, 0], "numbers": [0.5], "text": "t",
    });
    let answered = call(&arguments).unwrap();
    assert_eq!(answered, json!([tagged, flat, path, [255, 0], [0.5], "t"]));
    let arguments = json!({ "tagged": [], "flat": {}, "path": "", "bytes": "abc", "numbers": [] });
    let raised = call(&arguments).unwrap_err();
    assert_eq!(raised.value, json!({ "kind": "Empty", "at": 3 }));

    let stack = Stack::of(Untagged::Number(1)).unwrap();
    assert_eq!(stack.push(Untagged::Text("a".into())).unwrap(), 2);
    let both = stack.append(&stack).unwrap();
    assert_eq!(both.all().unwrap().len(), 4);
}

fn call(arguments: &Value) -> std::result::Result<Value, Raised> {
    PLAIN
        .call_json("plainly", arguments.as_object().unwrap())
        .unwrap()
}
