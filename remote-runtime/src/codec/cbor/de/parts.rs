//! What is inside of lists, maps and variants.

use std::fmt::Write;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::{Read, Reader, References, Unread};
use crate::codec::cbor::{major, simple};

/// What is inside of a list or a map.
pub(super) struct Parts<'r, 'de> {
    pub(super) reader: &'r mut Reader<'de>,
    /// How many come yet; `None` if the end is marked.
    left: Option<u64>,
    taken: usize,
    /// The key of the value that comes next, for errors.
    key: String,
    is_over: bool,
}

impl<'r, 'de> Parts<'r, 'de> {
    pub(super) fn new(reader: &'r mut Reader<'de>, left: Option<u64>) -> Self {
        Self {
            reader,
            left,
            taken: 0,
            key: String::new(),
            is_over: false,
        }
    }

    /// Returns `true` if there is another one, which comes next.
    pub(super) fn has_more(&mut self) -> Read<bool> {
        match &mut self.left {
            _ if self.is_over => return Ok(false),
            Some(left) => match left.checked_sub(1) {
                Some(fewer) => *left = fewer,
                None => self.is_over = true,
            },
            None if self.reader.peek() == Some(simple::BREAK) => {
                self.reader.bytes(1)?;
                self.is_over = true;
            }
            None => {}
        }
        self.taken += usize::from(!self.is_over);
        Ok(!self.is_over)
    }

    pub(super) fn finish(self) -> Read<()> {
        self.finish_with("it has more values than its type")
    }

    pub(super) fn finish_with(mut self, more: &str) -> Read<()> {
        match self.has_more()? {
            true => Err(Unread::new(more)),
            false => Ok(()),
        }
    }

    /// No more than there can be, since each takes a byte.
    fn hint(&self) -> Option<usize> {
        let left = usize::try_from(self.left?).unwrap_or(usize::MAX);
        Some(left.min(self.reader.rest.len()))
    }

    /// Reads a key; an error in its value names it.
    fn key<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Read<K::Value> {
        let mut ahead = self.reader.clone();
        self.key = ahead
            .text()?
            .map_or_else(|| "{…}".into(), |key| format!(".{key}"));
        self.reader.is_key = true;
        let key = seed.deserialize(&mut *self.reader);
        self.reader.is_key = false;
        key
    }

    fn value<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Read<V::Value> {
        let value = seed.deserialize(&mut *self.reader);
        value.map_err(|e| e.within(|| std::mem::take(&mut self.key)))
    }
}

impl<'de> SeqAccess<'de> for &mut Parts<'_, 'de> {
    type Error = Unread;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        if !self.has_more()? {
            return Ok(None);
        }
        let at = self.taken - 1;
        let element = seed.deserialize(&mut *self.reader);
        element.map(Some).map_err(|e| {
            e.within(|| {
                let mut place = String::new();
                // A text takes all that is written to it.
                let _ = write!(place, "[{at}]");
                place
            })
        })
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> MapAccess<'de> for &mut Parts<'_, 'de> {
    type Error = Unread;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Read<Option<K::Value>> {
        match self.has_more()? {
            true => self.key(seed).map(Some),
            false => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Read<V::Value> {
        self.value(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

/// A map as a list of pairs.
pub(super) struct Pairs<'r, 'de>(pub(super) Parts<'r, 'de>);

impl<'de> MapAccess<'de> for &mut Pairs<'_, 'de> {
    type Error = Unread;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Read<Option<K::Value>> {
        if !self.0.has_more()? {
            return Ok(None);
        }
        let head = self.0.reader.head()?;
        if (head.major, head.count) != (major::ARRAY, Some(2)) {
            return Err(Unread::new(
                "it is a list, and must be an object, or a list of pairs of a key and a value",
            ));
        }
        self.0.key(seed).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Read<V::Value> {
        self.0.value(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.hint()
    }
}

/// A variant of an enum: its name, then what it has.
pub(super) struct Variant<'r, 'de>(pub(super) &'r mut Reader<'de>);

impl<'r, 'de> EnumAccess<'de> for Variant<'r, 'de> {
    type Error = Unread;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Read<(V::Value, Self)> {
        let variant = seed.deserialize(&mut *self.0)?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Unread;

    fn unit_variant(self) -> Read<()> {
        <()>::deserialize(self.0)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Read<T::Value> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Read<V::Value> {
        self.0.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        self.0.visit(visitor, References::AsTheyAre)
    }
}
