//! A deserializer that reads CBOR, in the forms that JSON has too: what serde_json takes for a value of a
//! type is taken here, and a few forms more.
//!
//! An integer may be a text of digits, since not every language has integers of more than 53 bits, or a
//! float without a fraction; a map may be a list of pairs, since the keys of JSON are texts; bytes may be a
//! list of numbers or a text; `"NaN"`, `"inf"` and `"-inf"` are floats.

mod input;
mod number;
mod parts;
mod unread;

use serde::de::value::SeqDeserializer;
use serde::de::{self, Deserialize, Deserializer, Error, IntoDeserializer, Visitor};

use super::{DEEPEST, NAMED, REFERENCE, REFERENCE_NAME, TOO_DEEP, major, simple};
use crate::codec::Undecoded;
use number::Number;
use parts::{Pairs, Parts, Variant};
pub(crate) use unread::Unread;

type Read<T> = Result<T, Unread>;

/// What a reference is to a type that takes any value.
#[derive(Debug, Clone, Copy)]
enum References {
    /// A newtype of what it is known by.
    AsTheyAre,
    /// The text of its name.
    AsNames,
}

/// Takes values off CBOR.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'de> {
    rest: &'de [u8],
    depth: usize,
    /// The number of options and newtypes that were entered since the last byte was taken.
    without_bytes: usize,
    /// Set while a key of a map is read, which in JSON is always a text.
    is_key: bool,
}

impl<'de> Reader<'de> {
    pub(crate) fn new(bytes: &'de [u8]) -> Self {
        Self {
            rest: bytes,
            depth: 0,
            without_bytes: 0,
            is_key: false,
        }
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'de [u8] {
        self.rest
    }

    /// Takes the next value.
    ///
    /// # Errors
    /// If it is another one, or none.
    pub(crate) fn take<T: Deserialize<'de>>(&mut self) -> Result<T, Undecoded> {
        T::deserialize(self).map_err(|e| Undecoded::Wrong(e.to_string()))
    }

    /// Takes the beginning of a list, and returns how many values come next.
    ///
    /// # Errors
    /// If something else comes, or a list whose end is marked.
    pub(crate) fn take_list(&mut self) -> Result<u64, Undecoded> {
        let head = self.head().map_err(|e| Undecoded::Wrong(e.to_string()))?;
        match (head.major, head.count) {
            (major::ARRAY, Some(count)) => Ok(count),
            _ => Err(Undecoded::Wrong("its arguments are no list".into())),
        }
    }

    /// Ends what is read.
    ///
    /// # Errors
    /// If something is left.
    pub(crate) fn finish(&self) -> Result<(), Undecoded> {
        match self.rest.len() {
            0 => Ok(()),
            n => Err(Undecoded::Wrong(format!("{n} bytes are left over"))),
        }
    }

    /// Goes one level down for as long as `inside` takes.
    fn enter<T>(&mut self, inside: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth == DEEPEST {
            return Err(Unread::new(TOO_DEEP));
        }
        self.depth += 1;
        let is_key = std::mem::replace(&mut self.is_key, false);
        let result = inside(self);
        self.is_key = is_key;
        self.depth -= 1;
        result
    }

    fn visit_list<V: Visitor<'de>>(&mut self, left: Option<u64>, visitor: V) -> Read<V::Value> {
        self.enter(|reader| {
            let mut parts = Parts::new(reader, left);
            let value = visitor.visit_seq(&mut parts)?;
            parts.finish().map(|()| value)
        })
    }

    fn visit_map<V: Visitor<'de>>(&mut self, left: Option<u64>, visitor: V) -> Read<V::Value> {
        self.enter(|reader| {
            let mut parts = Parts::new(reader, left);
            let value = visitor.visit_map(&mut parts)?;
            parts.finish().map(|()| value)
        })
    }

    /// The next value, whatever it is.
    fn visit<V: Visitor<'de>>(&mut self, visitor: V, references: References) -> Read<V::Value> {
        if let Some(number) = self.number(false)? {
            return number.visit(visitor);
        }
        if let Some(text) = self.text()? {
            return visitor.visit_borrowed_str(text);
        }
        let head = self.head()?;
        match (head.major, head.count) {
            (major::BYTES, Some(count)) => visitor.visit_borrowed_bytes(self.bytes(count)?),
            (major::ARRAY, count) => self.visit_list(count, visitor),
            (major::MAP, count) => self.visit_map(count, visitor),
            (major::TAG, Some(REFERENCE)) => match references {
                References::AsNames => {
                    let name = self.reference(Self::skip)?.0;
                    visitor.visit_borrowed_str(name)
                }
                References::AsTheyAre => {
                    let inside = |reader: &mut Self| visitor.visit_newtype_struct(reader);
                    self.reference(inside).map(|(_, value)| value)
                }
            },
            // A tag that is not known says nothing.
            (major::TAG, _) => self.enter(|reader| reader.visit(visitor, references)),
            _ => match head.first {
                simple::FALSE => visitor.visit_bool(false),
                simple::TRUE => visitor.visit_bool(true),
                simple::NULL | simple::UNDEFINED => visitor.visit_unit(),
                _ => Err(Unread::new("a value is of no known kind")),
            },
        }
    }

    /// A reference, of which the tag was taken: its name, and what `inside` makes of the rest.
    fn reference<T>(&mut self, inside: impl FnOnce(&mut Self) -> Read<T>) -> Read<(&'de str, T)> {
        let head = self.head()?;
        if (head.major, head.count) != (major::ARRAY, Some(2)) {
            return Err(Unread::new("a reference is none"));
        }
        self.enter(|reader| {
            let name = reader.text()?;
            let name = name.ok_or_else(|| Unread::new("a reference has no name"))?;
            Ok((name, inside(reader)?))
        })
    }

    /// Enters what takes no byte, of which a type may have any number inside of each other.
    fn go_on(&mut self) -> Read<()> {
        if self.without_bytes == DEEPEST {
            return Err(Unread::new(TOO_DEEP));
        }
        self.without_bytes += 1;
        Ok(())
    }

    /// Takes the next value, which is to be a `T`, and returns its bytes.
    pub(crate) fn take_bytes<T: Deserialize<'de>>(&mut self) -> Result<&'de [u8], Undecoded> {
        let before = self.rest;
        self.take::<T>()?;
        Ok(&before[..before.len() - self.rest.len()])
    }

    fn skip(&mut self) -> Read<()> {
        de::IgnoredAny::deserialize(self).map(drop)
    }
}

macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
            match self.number(true)? {
                Some(number) => number.whole().visit(visitor),
                None => self.visit(visitor, References::AsTheyAre),
            }
        }
    )*};
}

macro_rules! any {
    ($($method:ident($($argument:ident: $ty:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $ty,)* visitor: V) -> Read<V::Value> {
            $(let _ = $argument;)*
            self.visit(visitor, References::AsTheyAre)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unread;

    integers! {
        deserialize_i8
        deserialize_i16
        deserialize_i32
        deserialize_i64
        deserialize_u8
        deserialize_u16
        deserialize_u32
        deserialize_u64
    }

    any! {
        deserialize_any()
        deserialize_char()
        deserialize_str()
        deserialize_string()
        deserialize_identifier()
        deserialize_unit()
        deserialize_unit_struct(_name: &'static str)
        deserialize_ignored_any()
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.number(true)?.map(Number::whole) {
            Some(number) => match number.signed() {
                Some(signed) => visitor.visit_i128(signed),
                None => number.visit(visitor),
            },
            None => self.visit(visitor, References::AsTheyAre),
        }
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.number(true)?.map(Number::whole) {
            Some(number) => match number.unsigned() {
                Some(unsigned) => visitor.visit_u128(unsigned),
                None => number.visit(visitor),
            },
            None => self.visit(visitor, References::AsTheyAre),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.text()? {
            Some("true") if self.is_key => visitor.visit_bool(true),
            Some("false") if self.is_key => visitor.visit_bool(false),
            Some(text) => visitor.visit_borrowed_str(text),
            None => self.visit(visitor, References::AsTheyAre),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        let Some(number) = self.float()? else {
            return self.visit(visitor, References::AsTheyAre);
        };
        let (whole, single) = (number.float(), number.float() as f32);
        if whole.is_finite() && single.is_infinite() {
            return Err(Unread::new(
                "its number is too large for a float of 32 bits",
            ));
        }
        visitor.visit_f32(single)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.float()? {
            Some(number) => visitor.visit_f64(number.float()),
            None => self.visit(visitor, References::AsTheyAre),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.text()? {
            Some(text) => visitor.visit_borrowed_bytes(text.as_bytes()),
            None => self.visit(visitor, References::AsTheyAre),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        if self.is_null() {
            self.head()?;
            return visitor.visit_none();
        }
        self.go_on()?;
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Read<V::Value> {
        if name == NAMED {
            return self.visit(visitor, References::AsNames);
        }
        if !name.starts_with(REFERENCE_NAME) {
            self.go_on()?;
            return visitor.visit_newtype_struct(self);
        }
        let is_reference =
            self.peek_major() == Some(major::TAG) && self.head()?.count == Some(REFERENCE);
        if !is_reference {
            return Err(Unread::custom(format_args!(
                "a `{name}` cannot be given as JSON; call it from a program"
            )));
        }
        let inside = |reader: &mut Reader<'de>| visitor.visit_newtype_struct(reader);
        self.reference(inside).map(|(_, value)| value)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        if self.peek_major() != Some(major::BYTES) {
            return self.visit(visitor, References::AsTheyAre);
        }
        let count = self.head()?.count.unwrap_or_default();
        let bytes = self.bytes(count)?;
        let mut list = SeqDeserializer::new(bytes.iter().copied());
        let value = visitor.visit_seq(&mut list)?;
        list.end().map(|()| value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Read<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Read<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        if self.peek_major() != Some(major::ARRAY) {
            return self.visit(visitor, References::AsTheyAre);
        }
        let count = self.head()?.count;
        self.enter(|reader| {
            let mut pairs = Pairs(Parts::new(reader, count));
            let value = visitor.visit_map(&mut pairs)?;
            pairs.0.finish().map(|()| value)
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        self.visit(visitor, References::AsTheyAre)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        if let Some(text) = self.text()? {
            return visitor.visit_enum(IntoDeserializer::<Unread>::into_deserializer(text));
        }
        if self.peek_major() != Some(major::MAP) {
            let value = self.visit(visitor, References::AsTheyAre);
            return value.map_err(|e| e.with_names(variants));
        }
        let count = self.head()?.count;
        self.enter(|reader| {
            let mut parts = Parts::new(reader, count);
            if !parts.has_more()? {
                return Err(Unread::new("it is an object without a variant"));
            }
            let value = visitor.visit_enum(Variant(&mut *parts.reader))?;
            parts
                .finish_with("it is an object of more than one variant")
                .map(|()| value)
        })
    }
}
