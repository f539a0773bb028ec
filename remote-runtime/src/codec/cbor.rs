//! Values that say themselves what they are: CBOR (RFC 8949), for callers that do not have the types of
//! a function, and for types that can only be read from such a format.
//!
//! What a type becomes here is what it becomes in JSON by serde_json, so that JSON is CBOR word for word:
//! a struct is a map of its fields, an enum a text or a map of one entry, `None` is null. JSON lacks four
//! things that are here: bytes, integers of more than 64 bits (as bignums), floats that are no numbers,
//! and references to objects (the tag [`REFERENCE`]).
//!
//! What is read comes from a peer. It is read in any form that RFC 8949 allows, but texts and bytes in
//! pieces; a count is believed only as far as elements are there, and values nest 128 deep at most.

mod de;
mod ser;

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::guard::{DEEPEST, TOO_DEEP};
use super::{Undecoded, Unencoded};

pub(crate) use de::Reader;

/// The tag of a reference to an object: a list of its type's name and of what it is known by.
const REFERENCE: u64 = 29_285;

/// How the name of a reference begins, as serde sees it.
pub(crate) const REFERENCE_NAME: &str = "Remote<";

/// The name of a newtype that takes any value, and references as texts of their names.
pub(crate) const NAMED: &str = "remotex::named";

/// The upper three bits of the first byte of a value.
mod major {
    pub(super) const UNSIGNED: u8 = 0;
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const BYTES: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const ARRAY: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const TAG: u8 = 6;
    pub(super) const SIMPLE: u8 = 7;
}

/// Whole values of one byte, and the first bytes of floats.
mod simple {
    pub(super) const FALSE: u8 = 0xf4;
    pub(super) const TRUE: u8 = 0xf5;
    pub(super) const NULL: u8 = 0xf6;
    pub(super) const UNDEFINED: u8 = 0xf7;
    pub(super) const HALF: u8 = 0xf9;
    pub(super) const SINGLE: u8 = 0xfa;
    pub(super) const DOUBLE: u8 = 0xfb;
    pub(super) const BREAK: u8 = 0xff;
}

/// The lower five bits of the first byte of a value whose end is marked.
const INDEFINITE: u8 = 31;

/// The tags of integers that have more than 64 bits.
const BIG: u64 = 2;
const BIG_NEGATIVE: u64 = 3;

/// The first bytes of a value, with its count, and how many they are.
fn head(major: u8, count: u64) -> ([u8; 9], usize) {
    let (low, size) = match count {
        0..24 => (count as u8, 0),
        24..0x100 => (24, 1),
        0x100..0x1_0000 => (25, 2),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 8),
    };
    let mut head = [0; 9];
    head[0] = major << 5 | low;
    head[1..=size].copy_from_slice(&count.to_be_bytes()[8 - size..]);
    (head, size + 1)
}

/// Begins a list of so many values, which come next.
#[cfg(feature = "json")]
pub(crate) fn put_list(out: &mut Vec<u8>, count: usize) {
    let (head, length) = head(major::ARRAY, count as u64);
    out.extend_from_slice(&head[..length]);
}

/// Appends a value, or as much of it as `room` bytes hold, and returns how many bytes it takes.
///
/// # Errors
/// If it cannot be written.
pub(super) fn put<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
    room: usize,
) -> Result<usize, Unencoded> {
    ser::put(value, out, room)
}

/// Bytes, which may also come as a text or as a list of numbers.
#[derive(Debug)]
pub(crate) struct Block<'de>(pub(crate) Cow<'de, [u8]>);

impl Serialize for Block<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Block<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl<'de> Visitor<'de> for Bytes {
            type Value = Block<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a list of bytes")
            }

            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Block<'de>, E> {
                Ok(Block(Cow::Borrowed(bytes)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Block<'de>, A::Error> {
                let mut bytes = Vec::with_capacity(list.size_hint().unwrap_or(0));
                while let Some(byte) = list.next_element()? {
                    bytes.push(byte);
                }
                Ok(Block(Cow::Owned(bytes)))
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}

/// Reads the next value as `seed` does, and returns what comes after it.
///
/// # Errors
/// If it is another value, or none.
pub(super) fn read_with<'de, S: DeserializeSeed<'de>>(
    seed: S,
    bytes: &'de [u8],
) -> Result<(S::Value, &'de [u8]), Undecoded> {
    let mut reader = Reader::new(bytes);
    let value = seed.deserialize(&mut reader);
    let value = value.map_err(|e| Undecoded::Wrong(e.to_string()))?;
    Ok((value, reader.rest()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::de::DeserializeOwned;
    use serde::ser::SerializeSeq;
    use serde_json::{Value, json};

    use super::*;
    use crate::codec::{Decoder, Form};

    fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Undecoded> {
        let mut decoder = Decoder::new(bytes).in_form(Form::Plain);
        let value = decoder.take()?;
        decoder.finish().map(|()| value)
    }

    fn written<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
        let mut out = Vec::new();
        let size = put(value, &mut out, usize::MAX).expect("it can be written");
        assert_eq!(size, out.len());
        out
    }

    /// Reads what serde_json writes for a value.
    fn of_json<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
        read(&written(value)).map_err(|e| e.to_string())
    }

    #[track_caller]
    fn assert_wrong<T: DeserializeOwned + fmt::Debug>(value: &Value, why: &str) {
        assert_eq!(of_json::<T>(value).unwrap_err(), why);
    }

    /// Examples of appendix A of RFC 8949, and what they are.
    #[test]
    fn the_bytes_are_those_of_the_standard() {
        assert_eq!(written(&0), b"\x00");
        assert_eq!(written(&23), b"\x17");
        assert_eq!(written(&24), b"\x18\x18");
        assert_eq!(written(&1000), b"\x19\x03\xe8");
        assert_eq!(written(&1_000_000), b"\x1a\x00\x0f\x42\x40");
        assert_eq!(written(&u64::MAX), b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff");
        assert_eq!(
            written(&18_446_744_073_709_551_616_u128),
            b"\xc2\x49\x01\0\0\0\0\0\0\0\0"
        );
        assert_eq!(
            written(&-18_446_744_073_709_551_617_i128),
            b"\xc3\x49\x01\0\0\0\0\0\0\0\0"
        );
        assert_eq!(written(&-1), b"\x20");
        assert_eq!(written(&-1000), b"\x39\x03\xe7");
        assert_eq!(written(&1.1_f64), b"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a");
        assert_eq!(written(&100_000.0_f32), b"\xfa\x47\xc3\x50\x00");
        assert_eq!(written(&(false, true, None::<u8>)), b"\x83\xf4\xf5\xf6");
        assert_eq!(written(&Block(b"\x01\x02"[..].into())), b"\x42\x01\x02");
        assert_eq!(written("IETF"), b"\x64IETF");
        let map = BTreeMap::from([("a", json!(1)), ("b", json!([2, 3]))]);
        assert_eq!(written(&map), b"\xa2aa\x01ab\x82\x02\x03");
        for (bytes, value) in [
            (&b"\xf9\x3e\x00"[..], json!(1.5)),
            (b"\xf9\x00\x01", json!(5.960_464_477_539_063e-8)),
            (b"\xf9\xc4\x00", json!(-4.0)),
            (b"\x9f\x01\x82\x02\x03\xff", json!([1, [2, 3]])),
            (
                b"\xbf\x61a\x01\x61b\x9f\x02\x03\xff\xff",
                json!({ "a": 1, "b": [2, 3] }),
            ),
            (b"\xc1\x1a\x51\x4b\x67\xb0", json!(1_363_896_240)),
        ] {
            assert_eq!(read(bytes), Ok(value), "{bytes:x?}");
        }
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Many {
        Unit,
        New(i64),
        Tuple(u8, String),
        Struct {
            a: Vec<Option<u16>>,
            b: (char, bool),
        },
        Map(BTreeMap<u32, f64>),
        Large(u128, i128),
    }

    fn many() -> impl Strategy<Value = Many> {
        prop_oneof![
            Just(Many::Unit),
            any::<i64>().prop_map(Many::New),
            any::<(u8, String)>().prop_map(|(a, b)| Many::Tuple(a, b)),
            any::<(Vec<Option<u16>>, (char, bool))>().prop_map(|(a, b)| Many::Struct { a, b }),
            proptest::collection::btree_map(any::<u32>(), -1e9..1e9_f64, 0..4).prop_map(Many::Map),
            any::<(u64, i64)>().prop_map(|(a, b)| Many::Large(a.into(), b.into())),
        ]
    }

    proptest! {
        #[test]
        fn every_value_comes_back(many in many()) {
            prop_assert_eq!(read(&written(&many)), Ok(many));
        }

        #[test]
        fn a_value_is_what_serde_json_makes_of_it(many in many()) {
            let value = serde_json::to_value(&many).expect("it is JSON");
            prop_assert_eq!(of_json(&value), Ok(many.clone()));
            // And the other way round, but for keys, which are texts in JSON.
            if !matches!(many, Many::Map(_)) {
                prop_assert_eq!(read(&written(&many)), Ok(value));
            }
        }

        #[test]
        fn large_integers_come_back(pair: (u128, i128)) {
            prop_assert_eq!(read(&written(&pair)), Ok(pair));
        }

        #[test]
        fn any_bytes_are_a_value_or_wrong(bytes: Vec<u8>) {
            let _ = read::<Value>(&bytes);
            let _ = read::<Vec<Many>>(&bytes);
            let _ = read::<Block<'_>>(&bytes);
            let _ = read::<(u128, i8, f32, Option<bool>)>(&bytes);
        }

        #[test]
        fn what_has_no_room_is_counted(text: String, room in 0..20_usize) {
            let (whole, mut out) = (written(&text), Vec::new());
            prop_assert_eq!(put(&text, &mut out, room), Ok(whole.len()));
            prop_assert!(out.len() <= room);
        }
    }

    #[test]
    fn a_type_that_takes_no_byte_at_any_depth_has_an_end() {
        #[derive(Debug, Deserialize)]
        struct Nested(#[expect(dead_code, reason = "only its type matters")] Option<Box<Nested>>);

        let why = read::<Nested>(&written(&1)).unwrap_err();
        assert_eq!(why, Undecoded::Wrong(TOO_DEEP.into()));
        assert!(read::<Nested>(&written(&None::<u8>)).is_ok());
    }

    #[test]
    fn a_list_of_numbers_may_be_long() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Id(u64);

        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Row(Option<f64>, Option<Id>, bool, Option<char>, Option<()>);

        let row = |n: u32| Row(Some(n.into()), Some(Id(n.into())), true, Some('x'), None);
        let rows: Vec<_> = (0..1000).map(row).collect();
        assert_eq!(read(&written(&rows)), Ok(rows));
        let ids: Vec<_> = (0..1000).map(Id).collect();
        assert_eq!(read(&written(&ids)), Ok(ids));
        let maybe: BTreeMap<u32, Option<Option<i8>>> =
            (0..1000).map(|n| (n, Some(Some(1)))).collect();
        assert_eq!(read(&written(&maybe)), Ok(maybe));
        let keys: BTreeMap<String, Option<f32>> =
            (0..1000).map(|n| (n.to_string(), Some(1.0))).collect();
        assert_eq!(read(&written(&keys)), Ok(keys));
        let flags = vec![Some(true); 1000];
        assert_eq!(read(&written(&flags)), Ok(flags));
        let large = vec![Some(u128::MAX); 1000];
        assert_eq!(read(&written(&large)), Ok(large));
        let nothing = vec![Some(()); 1000];
        assert_eq!(
            read::<Vec<Option<()>>>(&written(&nothing)).map(|list| list.len()),
            Ok(1000)
        );
    }

    #[test]
    fn bytes_are_not_fewer_or_more_than_a_list_has() {
        let bytes = written(&Block(b"abc"[..].into()));
        assert_eq!(read(&bytes), Ok([b'a', b'b', b'c']));
        assert!(read::<[u8; 2]>(&bytes).is_err());
        assert!(read::<[u8; 4]>(&bytes).is_err());
    }

    #[test]
    fn a_type_that_announces_other_parts_than_it_writes_is_refused() {
        struct Liar(usize);

        impl Serialize for Liar {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut list = serializer.serialize_seq(Some(self.0))?;
                list.serialize_element(&1)?;
                list.end()
            }
        }

        let put = |count| put(&Liar(count), &mut Vec::new(), usize::MAX);
        assert_eq!(put(1), Ok(2));
        assert!(put(0).is_err() && put(2).is_err());
    }

    #[test]
    fn a_number_may_come_in_other_forms() {
        assert_eq!(of_json(&json!("18446744073709551615")), Ok(u64::MAX));
        assert_eq!(of_json(&json!("-5")), Ok(-5_i8));
        assert_eq!(of_json(&json!(1.0)), Ok(1_u8));
        assert_eq!(of_json(&json!(-0.0)), Ok(0_u64));
        assert_eq!(
            of_json(&json!({ "5": true })),
            Ok(BTreeMap::from([(5, true)]))
        );
        assert_eq!(
            of_json(&json!({ "true": 1 })),
            Ok(BTreeMap::from([(true, 1)]))
        );
        assert_eq!(
            of_json(&json!([[[1, 2], 3]])),
            Ok(BTreeMap::from([((1, 2), 3)]))
        );
        assert_eq!(of_json(&json!("inf")), Ok(f64::INFINITY));
        assert_eq!(of_json(&json!(5)), Ok(5.0_f32));
        // Of one that has lost digits nobody knows which it was.
        assert_wrong::<u64>(
            &json!(9_007_199_254_740_994.0),
            "it must be a whole number of 64 bits, not negative, and is 9007199254740994",
        );
        assert_wrong::<u8>(
            &json!(1.5),
            "it must be a whole number of 8 bits, not negative, and is 1.5",
        );
        assert_wrong::<u8>(
            &json!("a"),
            "it must be a whole number of 8 bits, not negative, and is \"a\"",
        );
        assert_wrong::<i8>(
            &json!(128),
            "it must be a whole number of 8 bits, and is 128",
        );
        assert_wrong::<f32>(
            &json!(1e300),
            "its number is too large for a float of 32 bits",
        );
        assert_wrong::<bool>(&json!("true"), "it must be true or false, and is \"true\"");
        assert_wrong::<String>(&json!(5), "it must be a text, and is 5");
    }

    #[test]
    fn bytes_may_come_in_other_forms() {
        for value in [json!([97, 98]), json!("ab")] {
            let bytes = written(&value);
            let Block(bytes) = read(&bytes).unwrap();
            assert_eq!(&*bytes, b"ab");
        }
        let bytes = written(&Block(b"ab"[..].into()));
        assert_eq!(read::<Vec<u8>>(&bytes), Ok(b"ab".to_vec()));
        assert_wrong::<Vec<u8>>(
            &json!([1, 256]),
            "at `[1]`: it must be a whole number of 8 bits, not negative, and is 256",
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        #[derive(Debug, Deserialize)]
        #[allow(dead_code, reason = "read and looked at no more")]
        struct Outer {
            list: Vec<Inner>,
        }
        #[derive(Debug, Deserialize)]
        #[allow(dead_code, reason = "read and looked at no more")]
        struct Inner {
            at: (u8, u8),
        }
        let wrong = json!({ "list": [{ "at": [1, 2] }, { "at": [1, "x"] }] });
        assert_wrong::<Outer>(
            &wrong,
            "at `list[1].at[1]`: it must be a whole number of 8 bits, not negative, and is \"x\"",
        );
        assert_wrong::<Outer>(
            &json!({ "list": [{}] }),
            "at `list[0]`: its field `at` is missing",
        );
        assert_wrong::<Many>(&json!({}), "it is an object without a variant");
        assert_wrong::<Many>(
            &json!({ "New": 1, "Unit": null }),
            "it is an object of more than one variant",
        );
        assert_eq!(of_json(&json!({ "Unit": null })), Ok(Many::Unit));
    }

    #[test]
    fn values_nest_only_so_deep() {
        let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(of_json(&deep(DEEPEST)), Ok(deep(DEEPEST)));
        let mut out = Vec::new();
        let refused = put(&deep(DEEPEST + 1), &mut out, usize::MAX);
        assert_eq!(refused, Err(Unencoded::Unsendable(TOO_DEEP.into())));
        for opened in [&b"\x81"[..], b"\x9f", b"\xa1\x01", b"\xd8\x20", b"\xbf\x01"] {
            let refused = read::<Value>(&opened.repeat(100_000));
            assert!(refused.is_err(), "{opened:x?}");
        }
    }

    #[test]
    fn a_count_is_no_promise() {
        for bytes in [
            &b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..],
            b"\x5b\x7f\0\0\0\0\0\0\0",
            b"\x7b\xff\0\0\0\0\0\0\0",
        ] {
            let why = read::<Value>(bytes).unwrap_err().to_string();
            assert!(why.ends_with("it ends too early"), "{why}");
            assert!(read::<Vec<u64>>(bytes).is_err());
            assert!(read::<Block<'_>>(bytes).is_err());
        }
    }
}
