//! A serializer that writes CBOR.

use std::fmt;

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{
    BIG, BIG_NEGATIVE, DEEPEST, INDEFINITE, REFERENCE, REFERENCE_NAME, TOO_DEEP, head, major,
    simple,
};
use crate::codec::Unencoded;

pub(super) fn put<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
    room: usize,
) -> Result<usize, Unencoded> {
    let mut writer = Writer {
        out,
        size: 0,
        room,
        depth: 0,
    };
    value
        .serialize(&mut writer)
        .map_err(|e| Unencoded::Unsendable(e.0))?;
    Ok(writer.size)
}

struct Writer<'o> {
    out: &'o mut Vec<u8>,
    size: usize,
    room: usize,
    depth: usize,
}

/// Why a value cannot be written.
#[derive(Debug)]
pub(super) struct Unwritten(String);

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unwritten {}

impl ser::Error for Unwritten {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }
}

type Written = Result<(), Unwritten>;

impl<'o> Writer<'o> {
    fn put(&mut self, bytes: &[u8]) {
        self.size = self.size.saturating_add(bytes.len());
        // Beyond its room it is only counted.
        if self.size <= self.room {
            self.out.extend_from_slice(bytes);
        }
    }

    fn head(&mut self, major: u8, count: u64) {
        let (head, length) = head(major, count);
        self.put(&head[..length]);
    }

    fn sized(&mut self, major: u8, bytes: &[u8]) {
        self.head(major, bytes.len() as u64);
        self.put(bytes);
    }

    /// An integer, as its distance from zero or from minus one.
    fn integer(&mut self, is_negative: bool, distance: u128) {
        let (major, tag) = match is_negative {
            true => (major::NEGATIVE, BIG_NEGATIVE),
            false => (major::UNSIGNED, BIG),
        };
        match u64::try_from(distance) {
            Ok(distance) => self.head(major, distance),
            Err(_) => {
                self.head(major::TAG, tag);
                let bytes = distance.to_be_bytes();
                let zeros = distance.leading_zeros() as usize / 8;
                self.sized(major::BYTES, &bytes[zeros..]);
            }
        }
    }

    /// Goes one level down, to a list or a map.
    fn enter(&mut self, major: u8, count: Option<usize>) -> Result<Parts<'_, 'o>, Unwritten> {
        if self.depth == DEEPEST {
            return Err(Unwritten(TOO_DEEP.into()));
        }
        self.depth += 1;
        match count {
            Some(count) => self.head(major, count as u64),
            None => self.put(&[major << 5 | INDEFINITE]),
        }
        Ok(Parts {
            writer: self,
            levels: 1,
            announced: count,
            parts: 0,
        })
    }

    /// The same, to what a variant of an enum has.
    fn enter_variant(
        &mut self,
        variant: &str,
        major: u8,
        count: usize,
    ) -> Result<Parts<'_, 'o>, Unwritten> {
        self.enter(major::MAP, Some(1))?;
        self.sized(major::TEXT, variant.as_bytes());
        let mut parts = self.enter(major, Some(count))?;
        parts.levels = 2;
        Ok(parts)
    }
}

/// The parts of a value, which come one after the other.
pub(super) struct Parts<'w, 'o> {
    writer: &'w mut Writer<'o>,
    /// The number of levels to come back from.
    levels: usize,
    /// The number of parts that was announced; else the end is marked.
    announced: Option<usize>,
    parts: usize,
}

impl Parts<'_, '_> {
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.parts += 1;
        value.serialize(&mut *self.writer)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Written {
        self.writer.sized(major::TEXT, name.as_bytes());
        self.part(value)
    }

    fn leave(self) -> Written {
        match self.announced {
            None => self.writer.put(&[simple::BREAK]),
            Some(announced) if announced == self.parts => {}
            Some(announced) => {
                let parts = self.parts;
                return Err(Unwritten(format!(
                    "its `Serialize` announces {announced} parts, and writes {parts}"
                )));
            }
        }
        self.writer.depth -= self.levels;
        Ok(())
    }
}

macro_rules! integers {
    ($($method:ident($ty:ty);)*) => {$(
        fn $method(self, value: $ty) -> Written {
            let value = i128::from(value);
            self.serialize_i128(value)
        }
    )*};
}

impl<'w, 'o> Serializer for &'w mut Writer<'o> {
    type Ok = ();
    type Error = Unwritten;
    type SerializeSeq = Parts<'w, 'o>;
    type SerializeTuple = Self::SerializeSeq;
    type SerializeTupleStruct = Self::SerializeSeq;
    type SerializeTupleVariant = Self::SerializeSeq;
    type SerializeMap = Self::SerializeSeq;
    type SerializeStruct = Self::SerializeSeq;
    type SerializeStructVariant = Self::SerializeSeq;

    integers! {
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
    }

    fn serialize_i128(self, value: i128) -> Written {
        match value {
            0.. => self.integer(false, value.unsigned_abs()),
            _ => self.integer(true, (!value).unsigned_abs()),
        }
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Written {
        self.integer(false, value);
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Written {
        self.put(&[if value { simple::TRUE } else { simple::FALSE }]);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Written {
        self.put(&[simple::SINGLE]);
        self.put(&value.to_be_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Written {
        self.put(&[simple::DOUBLE]);
        self.put(&value.to_be_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Written {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Written {
        self.sized(major::TEXT, value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Written {
        self.sized(major::BYTES, value);
        Ok(())
    }

    fn serialize_none(self) -> Written {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written {
        self.put(&[simple::NULL]);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Written {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Written {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Written {
        if !name.starts_with(REFERENCE_NAME) {
            return value.serialize(self);
        }
        self.head(major::TAG, REFERENCE);
        let mut parts = self.enter(major::ARRAY, Some(2))?;
        parts.part(name)?;
        parts.part(value)?;
        parts.leave()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        let mut parts = self.enter(major::MAP, Some(1))?;
        parts.field(variant, value)?;
        parts.leave()
    }

    fn serialize_seq(self, count: Option<usize>) -> Result<Self::SerializeSeq, Unwritten> {
        self.enter(major::ARRAY, count)
    }

    fn serialize_tuple(self, count: usize) -> Result<Self::SerializeSeq, Unwritten> {
        self.enter(major::ARRAY, Some(count))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        count: usize,
    ) -> Result<Self::SerializeSeq, Unwritten> {
        self.enter(major::ARRAY, Some(count))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        count: usize,
    ) -> Result<Self::SerializeSeq, Unwritten> {
        self.enter_variant(variant, major::ARRAY, count)
    }

    fn serialize_map(self, count: Option<usize>) -> Result<Self::SerializeSeq, Unwritten> {
        self.enter(major::MAP, count)
    }

    fn serialize_struct(
        self,
        _: &'static str,
        count: usize,
    ) -> Result<Self::SerializeSeq, Unwritten> {
        self.enter(major::MAP, Some(count))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        count: usize,
    ) -> Result<Self::SerializeSeq, Unwritten> {
        self.enter_variant(variant, major::MAP, count)
    }
}

macro_rules! parts {
    ($($kind:ident: $method:ident;)*) => {$(
        impl $kind for Parts<'_, '_> {
            type Ok = ();
            type Error = Unwritten;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
                self.part(value)
            }

            fn end(self) -> Written {
                self.leave()
            }
        }
    )*};
}

parts! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

macro_rules! fields {
    ($($kind:ident;)*) => {$(
        impl $kind for Parts<'_, '_> {
            type Ok = ();
            type Error = Unwritten;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Written {
                self.field(name, value)
            }

            fn end(self) -> Written {
                self.leave()
            }
        }
    )*};
}

fields! {
    SerializeStruct;
    SerializeStructVariant;
}

impl SerializeMap for Parts<'_, '_> {
    type Ok = ();
    type Error = Unwritten;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        key.serialize(&mut *self.writer)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.part(value)
    }

    fn end(self) -> Written {
        self.leave()
    }
}
