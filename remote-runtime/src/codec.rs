//! Values into bytes and back.
//!
//! Between compiled programs the format is bincode 2 through serde (`compiled`), with integers of fixed width, little-endian: what lies in
//! memory lies so on the wire, which is what makes bulk values cheap. It says nothing about itself,
//! so that both sides must mean the same types.
//!
//! Whatever is decoded comes from somebody else. Lengths are checked against the bytes that are
//! there, and `guard` checks what a length cannot tell: counts of elements, and depth.

pub(crate) mod cbor;
mod compiled;
mod decoder;
mod guard;
mod lent;
mod numbers;

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::error::{Call, Error};
use crate::shape::Written;
use compiled::Sink;
use guard::Guard;

pub use decoder::{Decoder, check_block};
pub use lent::Lent;
pub use numbers::Number;

/// A block of as many bytes or more is lent rather than copied. Less is copied sooner than a part of
/// its own is sent.
pub(crate) const LARGE: usize = 16 * 1024;

/// Why a value has not been encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unencoded {
    /// It is of a kind that the format cannot carry.
    Unsendable(String),
    /// The message would be larger than its limit.
    TooLarge {
        /// What it would take, in bytes.
        size: usize,
        /// What is allowed.
        limit: usize,
    },
}

impl Unencoded {
    /// The error of a call whose argument it is.
    pub(crate) fn of_argument(self, call: Call<'_>, argument: &str) -> Error {
        match self {
            Self::Unsendable(why) => Error::Unsendable {
                what: format!("the argument `{argument}`"),
                why: call.with(why, false),
            },
            Self::TooLarge { size, limit } => Error::TooLarge {
                size,
                limit: call.with(limit, false),
            },
        }
    }
}

pub(crate) const TOO_SHORT: &str = "it ends too early";
pub(crate) const NOT_TEXT: &str = "a text is not UTF-8";

/// Why bytes are not the value that they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undecoded {
    /// They encode something else, or nothing.
    Wrong(String),
    /// The type can only be read from a format that describes itself, which this is not.
    NotSelfDescribing,
}

impl fmt::Display for Undecoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(why) => f.write_str(why),
            Self::NotSelfDescribing => f.write_str(
                "its type can only be read from a format that describes itself (as with `untagged`, \
                 `tag`, `flatten` or `serde_json::Value`); write `#[remote(SERVER, json)]`",
            ),
        }
    }
}

/// How values lie in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As both sides know it by the types.
    Compiled,
    /// As CBOR, which says itself what it is.
    Plain,
}

/// Appends values to a message, up to a limit.
#[derive(Debug)]
pub struct Encoder<'b, 'v> {
    form: Form,
    out: &'b mut Vec<u8>,
    lent: Option<&'b mut Lent<'v>>,
    size: usize,
    limit: usize,
    guard: Guard,
}

impl<'b, 'v> Encoder<'b, 'v> {
    /// Appends to `out` at most `limit` bytes, those before `start` not counted.
    pub fn new(out: &'b mut Vec<u8>, start: usize, limit: usize) -> Self {
        let size = out.len() - start;
        Self {
            form: Form::Compiled,
            out,
            lent: None,
            size,
            limit,
            guard: Guard::new(0),
        }
    }

    /// The same, in another form.
    #[must_use]
    #[inline]
    pub fn in_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// Appends in that form from here on.
    #[inline]
    pub(crate) fn set_form(&mut self, form: Form) {
        self.form = form;
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.form == Form::Plain
    }

    /// The same, which puts large blocks into `lent` instead of `out`.
    #[must_use]
    pub fn lending(self, lent: &'b mut Lent<'v>) -> Self {
        Self {
            lent: Some(lent),
            ..self
        }
    }

    /// Appends `value`. If that fails, the message is of no use any more.
    ///
    /// # Errors
    /// If the value cannot be encoded, or the limit does not allow it; only this last error says
    /// how large the message would have been, since the rest of the value is then counted.
    pub fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unencoded> {
        if self.is_plain() {
            return self.put_cbor(value);
        }
        let Self {
            out,
            size,
            limit,
            guard,
            ..
        } = self;
        let sink = Sink {
            out,
            size,
            limit: *limit,
            guard,
        };
        compiled::put(value, sink).map_err(Unencoded::Unsendable)?;
        guard
            .check_elements()
            .map_err(|why| Unencoded::Unsendable(why.into()))?;
        self.check_size()
    }

    fn put_cbor<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unencoded> {
        let room = self.limit.saturating_sub(self.size);
        let size = cbor::put(value, self.out, room)?;
        self.size = self.size.saturating_add(size);
        self.check_size()
    }

    /// Appends `block` as one: its length, then itself, which is lent if it is large and can be.
    ///
    /// # Errors
    /// If the limit does not allow it.
    pub fn put_block(&mut self, block: &'v [u8]) -> Result<(), Unencoded> {
        if self.is_plain() || self.lent.is_none() || block.len() < LARGE {
            return self.put_bytes(block);
        }
        self.announce_block(block)?;
        if let Some(lent) = &mut self.lent {
            lent.push(self.out.len(), block);
        }
        Ok(())
    }

    /// Appends a block as a copy.
    ///
    /// # Errors
    /// If the limit does not allow it.
    pub(crate) fn put_bytes(&mut self, block: &[u8]) -> Result<(), Unencoded> {
        if self.is_plain() {
            return self.put_cbor(&cbor::Block(Cow::Borrowed(block)));
        }
        self.announce_block(block)?;
        self.out.extend_from_slice(block);
        Ok(())
    }

    /// Appends the length of `block`, which is sent after the message.
    ///
    /// # Errors
    /// If the limit does not allow it.
    pub(crate) fn announce_block(&mut self, block: &[u8]) -> Result<(), Unencoded> {
        self.put_length(block.len(), block.len())
    }

    /// Appends values that were encoded before.
    ///
    /// # Errors
    /// If the limit does not allow them.
    pub(crate) fn put_encoded(&mut self, values: &[u8]) -> Result<(), Unencoded> {
        self.size = self.size.saturating_add(values.len());
        self.check_size()?;
        self.out.extend_from_slice(values);
        Ok(())
    }

    fn check_size(&self) -> Result<(), Unencoded> {
        let Self { size, limit, .. } = *self;
        match size <= limit {
            true => Ok(()),
            false => Err(Unencoded::TooLarge { size, limit }),
        }
    }

    /// Appends numbers: how many they are, then themselves.
    ///
    /// # Errors
    /// If the limit does not allow them.
    pub fn put_numbers<N: Number>(&mut self, numbers: &[N]) -> Result<(), Unencoded> {
        if self.is_plain() {
            return self.put_cbor(numbers);
        }
        self.put_length(numbers.len(), size_of_val(numbers))?;
        N::append(numbers, self.out);
        Ok(())
    }

    /// Appends how many elements follow, and counts the bytes that they take, so that an error says
    /// how large all of it would have been.
    fn put_length(&mut self, elements: usize, bytes: usize) -> Result<(), Unencoded> {
        self.guard.wrote(bytes);
        self.size = self.size.saturating_add(bytes);
        self.put(&elements)
    }
}

impl<T: Serialize> Written for T {
    fn written(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let put = Encoder::new(&mut out, 0, usize::MAX).put(self);
        put.is_ok().then_some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde::de::DeserializeOwned;
    use std::collections::{BTreeMap, BTreeSet};

    fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
        let mut out = Vec::new();
        Encoder::new(&mut out, 0, usize::MAX).put(value).unwrap();
        out
    }

    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Undecoded> {
        let mut decoder = Decoder::new(bytes);
        let value = decoder.take()?;
        decoder.finish().map(|()| value)
    }

    fn why_unsendable<T: Serialize + ?Sized>(value: &T) -> String {
        let mut out = Vec::new();
        let error = Encoder::new(&mut out, 0, usize::MAX)
            .put(value)
            .unwrap_err();
        match error {
            Unencoded::Unsendable(why) => why,
            Unencoded::TooLarge { .. } => panic!("{error:?}"),
        }
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Nothing,
        One(Option<i8>),
        Pair(u16, String),
        Tree {
            children: Vec<Shape>,
            names: BTreeMap<String, char>,
        },
        Boxed(Box<Shape>),
    }

    fn shape() -> impl Strategy<Value = Shape> {
        let leaf = prop_oneof![
            Just(Shape::Nothing),
            any::<Option<i8>>().prop_map(Shape::One),
            any::<(u16, String)>().prop_map(|(n, s)| Shape::Pair(n, s)),
        ];
        leaf.prop_recursive(6, 64, 8, |inner| {
            prop_oneof![
                inner.clone().prop_map(|s| Shape::Boxed(Box::new(s))),
                (
                    proptest::collection::vec(inner, 0..8),
                    any::<BTreeMap<String, char>>()
                )
                    .prop_map(|(children, names)| Shape::Tree { children, names }),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_is_read_back(value in shape(), floats: (f32, f64), wide: (u128, i128, bool)) {
            prop_assert_eq!(decode::<Shape>(&encode(&value)), Ok(value));
            prop_assert_eq!(decode::<(f32, f64)>(&encode(&floats)), Ok(floats));
            prop_assert_eq!(decode::<(u128, i128, bool)>(&encode(&wide)), Ok(wide));
        }

        #[test]
        fn any_bytes_are_a_value_or_an_error(bytes: Vec<u8>) {
            let _ = decode::<Shape>(&bytes);
            let _ = decode::<Vec<Vec<()>>>(&bytes);
            let _ = decode::<(String, Option<Vec<u64>>, BTreeMap<u8, Shape>)>(&bytes);
            let _ = decode::<std::time::SystemTime>(&bytes);
            let _ = Decoder::new(&bytes).take::<(&str, &[u8])>();
        }

        #[test]
        fn numbers_in_a_row_are_the_same_bytes(a: Vec<u16>, b: Vec<f64>, c: Vec<i128>) {
            let mut out = Vec::new();
            let mut encoder = Encoder::new(&mut out, 0, usize::MAX);
            prop_assert_eq!(encoder.put_numbers(&a), Ok(()));
            prop_assert_eq!(encoder.put_numbers(&b), Ok(()));
            prop_assert_eq!(encoder.put_numbers(&c), Ok(()));
            prop_assert_eq!(&out, &encode(&(&a, &b, &c)));
            let mut decoder = Decoder::new(&out);
            prop_assert_eq!(decoder.take_numbers(), Ok(a));
            let bits = |v: Vec<f64>| v.into_iter().map(f64::to_bits).collect::<Vec<_>>();
            prop_assert_eq!(decoder.take_numbers().map(bits), Ok(bits(b)));
            prop_assert_eq!(decoder.take_numbers(), Ok(c));
            prop_assert_eq!(decoder.finish(), Ok(()));
        }

        #[test]
        fn what_is_lent_is_the_same_bytes(blocks in proptest::collection::vec(0..3 * LARGE, 0..5)) {
            let blocks: Vec<_> = blocks.into_iter().map(|size| vec![size as u8; size]).collect();
            let (mut out, mut lent) = (b"before".to_vec(), Lent::new());
            let mut encoder = Encoder::new(&mut out, 6, usize::MAX).lending(&mut lent);
            for block in &blocks {
                prop_assert_eq!(encoder.put_block(block), Ok(()));
                prop_assert_eq!(encoder.put(&7_u8), Ok(()));
            }
            let whole: Vec<u8> = blocks.iter().flat_map(|block| encode(&(block, 7_u8))).collect();
            let parts: Vec<u8> = lent.parts(&out, 6).iter().flat_map(|part| part.to_vec()).collect();
            prop_assert_eq!(parts, whole);
            let large = blocks.iter().filter(|block| block.len() >= LARGE);
            prop_assert_eq!(lent.size(), large.map(Vec::len).sum::<usize>());
            let refused = Encoder::new(&mut Vec::new(), 0, 7).lending(&mut Lent::new()).put_block(b"");
            prop_assert_eq!(refused, Err(Unencoded::TooLarge { size: 8, limit: 7 }));
            let refused = Encoder::new(&mut Vec::new(), 0, 7).put_numbers(&[1_u64]);
            prop_assert_eq!(refused, Err(Unencoded::TooLarge { size: 16, limit: 7 }));
        }

        #[test]
        fn any_bytes_are_numbers_or_an_error(bytes: Vec<u8>) {
            let _ = Decoder::new(&bytes).take_numbers::<u64>();
            let _ = Decoder::new(&bytes).take_block();
            let numbers = Decoder::new(&bytes).take_numbers::<u32>();
            prop_assert_eq!(numbers.is_ok(), Decoder::new(&bytes).take::<Vec<u32>>().is_ok());
        }

        #[test]
        fn a_value_that_is_cut_is_an_error(value in shape(), cut in any::<proptest::sample::Index>()) {
            let bytes = encode(&value);
            prop_assert!(decode::<Shape>(&bytes[..cut.index(bytes.len())]).is_err());
        }

        #[test]
        fn the_limit_is_exact(text: String) {
            let size = 8 + text.len();
            let mut out = Vec::new();
            prop_assert!(Encoder::new(&mut out, 0, size).put(&text).is_ok());
            let mut out = Vec::new();
            let refused = Encoder::new(&mut out, 0, size - 1).put(&text);
            prop_assert_eq!(refused, Err(Unencoded::TooLarge { size, limit: size - 1 }));
            prop_assert!(out.len() < size);
        }
    }

    /// Bytes that the first release wrote.
    #[test]
    fn the_format_is_this() {
        let value = (
            "hi",
            7_u32,
            Some(true),
            vec![1_u16, 2],
            Shape::Pair(3, "x".into()),
        );
        let expected = b"\x02\0\0\0\0\0\0\0hi\x07\0\0\0\x01\x01\x02\0\0\0\0\0\0\0\x01\0\x02\0\
            \x02\0\0\0\x03\0\x01\0\0\0\0\0\0\0x";
        assert_eq!(encode(&value), expected);
    }

    #[test]
    fn bytes_inside_values_are_a_sequence_of_bytes() {
        /// A byte by another name, which is taken one by one.
        #[derive(Serialize)]
        struct Wide(u8);
        let wide: Vec<_> = [1, 2].map(Wide).into();
        let value = (vec![1_u8, 2], BTreeSet::from([3_u8]), Some(&[4_u8, 5][..]));
        let expected =
            b"\x02\0\0\0\0\0\0\0\x01\x02\x01\0\0\0\0\0\0\0\x03\x01\x02\0\0\0\0\0\0\0\x04\x05";
        assert_eq!(encode(&value), expected);
        assert_eq!(encode(&wide), encode(&vec![1_u8, 2]));
        assert_eq!(encode(&vec![Some(1_u8)]), b"\x01\0\0\0\0\0\0\0\x01\x01");
    }

    #[test]
    fn texts_and_bytes_are_lent() {
        let bytes = encode(&("hello", serde_bytes_of(b"raw")));
        let mut decoder = Decoder::new(&bytes);
        let (text, raw): (&str, &[u8]) = decoder.take().unwrap();
        assert_eq!((text, raw), ("hello", &b"raw"[..]));
        assert!(bytes.as_ptr_range().contains(&text.as_ptr()));
    }

    fn serde_bytes_of(bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }

    #[test]
    fn elements_that_take_no_bytes_are_counted() {
        assert_eq!(
            decode::<Vec<()>>(&encode(&vec![(); 1000])).map(|v| v.len()),
            Ok(1000)
        );
        let endless = encode(&u64::MAX);
        assert!(
            matches!(decode::<Vec<()>>(&endless), Err(Undecoded::Wrong(why)) if why.contains("elements"))
        );
        assert!(why_unsendable(&vec![(); 1 << 20]).contains("elements"));
    }

    /// What one side encodes the other decodes, at the very bounds.
    fn agree<T: Serialize + DeserializeOwned>(values: &[T]) -> bool {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, 0, usize::MAX);
        let encoded = values.iter().all(|value| encoder.put(value).is_ok());
        let mut decoder = Decoder::new(&out);
        let decoded = values.iter().all(|_| decoder.take::<T>().is_ok());
        assert!(decoded || !encoded, "it is encoded, and not decoded");
        encoded
    }

    #[test]
    fn both_sides_have_the_same_bounds() {
        assert!(agree(&[vec![(); 65_544]]));
        assert!(!agree(&[vec![(); 65_545]]));
        assert!(agree(&[vec![(); 60_000], vec![(); 5_552]]));
        assert!(!agree(&[vec![(); 60_000], vec![(); 60_000]]));
        assert!(agree(&[vec![vec![(); 65_558], vec![]]]));
        assert!(!agree(&[vec![vec![(); 8]; 70_000]]));
        assert!(agree(&[list(DEPTH)]));
        assert!(!agree(&[list(DEPTH + 1)]));
        let options = |depth| (0..depth).fold(Nest(None), |nest, _| Nest(Some(Box::new(nest))));
        let bytes =
            |depth| (0..depth).fold(Bytes(vec![7], None), |b, _| Bytes(vec![], Some(b.into())));
        assert!((0..DEPTH).any(|depth| !agree(&[bytes(depth)])));
        assert!(agree(&[options(DEPTH / 2)]));
        assert!(!agree(&[options(DEPTH)]));
    }

    /// The deepest list: its end is a level as well.
    const DEPTH: usize = 127;

    #[derive(Debug, Serialize, Deserialize)]
    struct Nest(Option<Box<Nest>>);

    #[derive(Debug, Serialize, Deserialize)]
    struct Bytes(Vec<u8>, Option<Box<Bytes>>);

    #[test]
    fn a_block_that_comes_apart_is_as_long_as_it_says() {
        assert_eq!(check_block(3_u64.to_le_bytes(), b"abc"), Ok(()));
        assert!(check_block(2_u64.to_le_bytes(), b"abc").is_err());
        assert!(check_block(u64::MAX.to_le_bytes(), b"abc").is_err());
    }

    #[test]
    fn a_length_sets_nothing_aside() {
        for length in [1_u64 << 32, 1 << 62, u64::MAX] {
            let bytes = encode(&length);
            assert!(Decoder::new(&bytes).take_numbers::<u128>().is_err());
            assert!(Decoder::new(&bytes).take_block().is_err());
            assert!(decode::<String>(&bytes).is_err());
            assert!(decode::<Vec<u8>>(&bytes).is_err());
            assert!(decode::<BTreeMap<u64, u64>>(&bytes).is_err());
            assert!(decode::<Box<[u128]>>(&bytes).is_err());
        }
    }

    #[derive(Debug, Serialize, Deserialize)]
    enum List {
        End,
        Node(Box<List>),
    }

    fn list(depth: usize) -> List {
        (0..depth).fold(List::End, |rest, _| List::Node(Box::new(rest)))
    }

    #[test]
    fn depth_is_bounded_at_both_ends() {
        assert!(decode::<List>(&encode(&list(100))).is_ok());
        assert!(why_unsendable(&list(200)).contains("deep"));
        let forged: Vec<u8> = std::iter::repeat_n(1_u32.to_le_bytes(), 1 << 20)
            .flatten()
            .collect();
        assert!(
            matches!(decode::<List>(&forged), Err(Undecoded::Wrong(why)) if why.contains("deep"))
        );
    }

    #[test]
    fn a_skipped_field_is_named() {
        #[derive(Serialize)]
        struct Skips {
            a: u8,
            #[serde(skip_serializing_if = "Option::is_none")]
            note: Option<u8>,
        }
        assert_eq!(
            encode(&Skips {
                a: 1,
                note: Some(2)
            }),
            [1, 1, 2]
        );
        assert!(why_unsendable(&Skips { a: 1, note: None }).contains("`note`"));
    }

    #[test]
    fn a_path_that_is_not_text_is_unsendable() {
        use std::os::unix::ffi::OsStrExt;
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(b"\xff"));
        assert!(why_unsendable(path).contains("UTF-8"));
    }

    #[test]
    fn a_type_that_wants_to_be_told_is_named_as_such() {
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u8),
            Text(String),
        }
        let bytes = encode(&[Either::Number(1), Either::Text("x".into())]);
        assert_eq!(
            decode::<[Either; 2]>(&bytes).unwrap_err(),
            Undecoded::NotSelfDescribing
        );
    }
}
