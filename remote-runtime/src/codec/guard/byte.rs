//! Finds out that a value is a byte, so that many of them can be taken as a whole.

use std::any::type_name;
use std::fmt;

use serde::ser::{Error, Impossible, Serialize, Serializer};

/// Whether values of that type are likely to be bytes. The name of a type proves nothing, which is
/// why [`all`] accepts nothing else.
#[inline]
pub(super) fn is_likely<T>() -> bool {
    type_name::<T>() == type_name::<&u8>()
}

/// The bytes that `items` are.
#[inline]
pub(super) fn all(items: impl Iterator<Item: Serialize>) -> Result<Vec<u8>, NoByte> {
    let mut is_wrong = false;
    // Nothing may leave the loop, so that the compiler makes a copy of it.
    let block = items
        .map(|item| {
            item.serialize(Only).unwrap_or_else(|NoByte| {
                is_wrong = true;
                0
            })
        })
        .collect();
    if is_wrong { Err(NoByte) } else { Ok(block) }
}

/// Serializes a byte as itself, and nothing else.
struct Only;

/// What is no byte.
#[derive(Debug)]
pub(super) struct NoByte;

impl fmt::Display for NoByte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence of bytes has something else in it")
    }
}

impl std::error::Error for NoByte {}

impl Error for NoByte {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! refuse {
    ($($method:ident($($ty:ty),*);)*) => {$(
        fn $method(self, $(_: $ty),*) -> Result<u8, NoByte> {
            Err(NoByte)
        }
    )*};
}

macro_rules! refuse_parts {
    ($($method:ident($($ty:ty),*) -> $part:ident;)*) => {$(
        fn $method(self, $(_: $ty),*) -> Result<Self::$part, NoByte> {
            Err(NoByte)
        }
    )*};
}

macro_rules! refuse_value {
    ($($method:ident($($ty:ty),*);)*) => {$(
        fn $method<T: Serialize + ?Sized>(self, $(_: $ty,)* _: &T) -> Result<u8, NoByte> {
            Err(NoByte)
        }
    )*};
}

impl Serializer for Only {
    type Ok = u8;
    type Error = NoByte;
    type SerializeSeq = Impossible<u8, NoByte>;
    type SerializeTuple = Impossible<u8, NoByte>;
    type SerializeTupleStruct = Impossible<u8, NoByte>;
    type SerializeTupleVariant = Impossible<u8, NoByte>;
    type SerializeMap = Impossible<u8, NoByte>;
    type SerializeStruct = Impossible<u8, NoByte>;
    type SerializeStructVariant = Impossible<u8, NoByte>;

    #[inline]
    fn serialize_u8(self, v: u8) -> Result<u8, NoByte> {
        Ok(v)
    }

    refuse! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    refuse_value! {
        serialize_some();
        serialize_newtype_struct(&'static str);
        serialize_newtype_variant(&'static str, u32, &'static str);
    }

    refuse_parts! {
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct(&'static str, usize) -> SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }
}
