//! Asserts, for types of every kind and in both forms, that any bytes are a value or an error, and that a value that
//! was decoded is encoded as bytes from which the same value is decoded.
#![no_main]

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use libfuzzer_sys::fuzz_target;
use remote_runtime::codec::{Decoder, Encoder, Form, Unencoded};
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    One(Option<i8>),
    Pair(u16, String),
    Tree {
        children: Vec<Shape>,
        names: BTreeMap<String, char>,
    },
    Boxed(Box<Shape>),
    Perhaps(Option<Box<Shape>>),
    Nested(Box<(Deep, Wrapped)>),
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Deep(Vec<Deep>);

#[derive(PartialEq, Serialize, Deserialize)]
struct Wrapped {
    inner: Option<Box<Wrapped>>,
    unit: (),
}

/// A type of which a value takes no byte for each level, in the plain form.
#[derive(PartialEq, Serialize, Deserialize)]
struct Nested(Option<Box<Nested>>);

/// `None` for what only the receiver allows: of a map's equal keys one is left, so that the message
/// of what is left has fewer bytes to pay for elements that take none.
fn encode(value: &impl Serialize, form: Form) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, 0, usize::MAX).in_form(form);
    match encoder.put(value) {
        Ok(()) => Some(out),
        Err(Unencoded::Unsendable(why)) if why.contains("elements") => None,
        Err(e) => panic!("what was decoded cannot be encoded: {e:?}"),
    }
}

/// A macro, since lent values have a lifetime in their type.
macro_rules! round_trip {
    ($bytes:ident, $form:ident: $of:ty) => {{
        let mut decoder = Decoder::new($bytes).in_form($form);
        let (Ok(value), Ok(())) = (decoder.take::<$of>(), decoder.finish()) else {
            return;
        };
        let Some(bytes) = encode(&value, $form) else {
            return;
        };
        let mut decoder = Decoder::new(&bytes).in_form($form);
        let again = decoder
            .take::<$of>()
            .expect("what was encoded can be decoded");
        decoder.finish().expect("nothing is left over");
        // A NaN is not equal to itself, and a `HashMap` has no order: one of the two must do.
        assert!(again == value || encode(&again, $form) == Some(bytes));
    }};
}

fuzz_target!(|input: &[u8]| {
    let Some((&which, bytes)) = input.split_first() else {
        return;
    };
    let form = if which < 128 {
        Form::Compiled
    } else {
        Form::Plain
    };
    match which % 14 {
        0 => round_trip!(bytes, form: Shape),
        1 => round_trip!(bytes, form: Vec<Shape>),
        2 => round_trip!(bytes, form: Vec<Vec<()>>),
        3 => round_trip!(bytes, form: (String, Option<Vec<u64>>, BTreeMap<u8, Shape>)),
        4 => round_trip!(bytes, form: (&str, Option<char>, Vec<&str>)),
        // Serde writes such bytes as a list, which lends none in the plain form.
        11 => {
            let form = Form::Compiled;
            round_trip!(bytes, form: Option<&[u8]>)
        }
        5 => round_trip!(bytes, form: HashMap<String, Option<Vec<u16>>>),
        6 => round_trip!(bytes, form: (u128, i128, f64, f32, char, bool, i64)),
        7 => round_trip!(bytes, form: (SystemTime, Duration, PathBuf, SocketAddr)),
        8 => round_trip!(bytes, form: Box<[u128]>),
        9 => round_trip!(bytes, form: Vec<(f64, [char; 3], Result<Box<str>, Duration>)>),
        12 => round_trip!(bytes, form: Vec<Nested>),
        10 => round_trip!(bytes, form: BTreeMap<(u8, ()), Vec<[(); 2]>>),
        _ => round_trip!(bytes, form: HashMap<Option<char>, Vec<BTreeMap<(), String>>>),
    }
});
