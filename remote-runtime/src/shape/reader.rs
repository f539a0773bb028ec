//! The deserializer that shows a type the samples: all of it that exists once for each type.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::record::{Identity, Tag};
use super::tracer::Tracer;

/// Why a type has not come to its end; the tracer knows more.
#[derive(Debug)]
pub(super) struct Stop;

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this sample will not do")
    }
}

impl std::error::Error for Stop {}

/// Nobody reads the reasons; so they are not even put together, which keeps the code small.
impl Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Self
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn missing_field(_: &'static str) -> Self {
        Self
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self
    }
}

// What follows exists once for each type, and therefore does as little as possible by itself.

macro_rules! leaves {
    ($($method:ident: |$tracer:ident| $sample:expr => $visit:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
            let $tracer = self;
            visitor.$visit($sample)
        }
    )*};
}

macro_rules! unknowable {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
            Err(self.give_up())
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Tracer {
    type Error = Stop;

    leaves! {
        deserialize_bool: |t| t.leaf(Tag::Bool, 2)? == 1 => visit_bool;
        deserialize_i8: |t| t.number(Tag::I8)?.cast_signed() => visit_i8;
        deserialize_i16: |t| t.number(Tag::I16)?.into() => visit_i16;
        deserialize_i32: |t| t.number(Tag::I32)?.into() => visit_i32;
        deserialize_i64: |t| t.number(Tag::I64)?.into() => visit_i64;
        deserialize_i128: |t| t.number(Tag::I128)?.into() => visit_i128;
        deserialize_u8: |t| t.number(Tag::U8)? => visit_u8;
        deserialize_u16: |t| t.number(Tag::U16)?.into() => visit_u16;
        deserialize_u32: |t| t.number(Tag::U32)?.into() => visit_u32;
        deserialize_u64: |t| t.number(Tag::U64)?.into() => visit_u64;
        deserialize_u128: |t| t.number(Tag::U128)?.into() => visit_u128;
        deserialize_f32: |t| t.number(Tag::F32)?.into() => visit_f32;
        deserialize_f64: |t| t.number(Tag::F64)?.into() => visit_f64;
        deserialize_char: |t| t.char()? => visit_char;
        deserialize_str: |t| t.text()? => visit_borrowed_str;
        deserialize_string: |t| t.text()? => visit_borrowed_str;
        deserialize_bytes: |t| t.bytes()? => visit_borrowed_bytes;
        deserialize_byte_buf: |t| t.bytes()? => visit_borrowed_bytes;
    }

    // The format does not say what comes next, so that a type that asks cannot be sent either.
    unknowable! { deserialize_any deserialize_ignored_any deserialize_identifier }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.leaf(Tag::Unit, 1)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.enter_named(Tag::UnitStruct, name)?;
        self.leave(true);
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.enter_named(Tag::Newtype, name)?;
        let value = visitor.visit_newtype_struct(&mut *self);
        self.leave(value.is_ok());
        value
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_tuple_struct("", len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.enter_tuple(name, len)?;
        let value = visitor.visit_seq(Parts::of(self, len));
        self.leave(value.is_ok());
        value
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.enter_struct(name, fields)?;
        let value = visitor.visit_seq(Parts::of(self, fields.len()));
        self.leave(value.is_ok());
        value
    }

    #[inline(never)]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let code = Self::deserialize_option::<V> as fn(Self, V) -> _ as usize;
        if !self.enter_some(Tag::Option, code)? {
            return visitor.visit_none();
        }
        let value = visitor.visit_some(&mut *self);
        self.close(value.is_ok());
        value
    }

    #[inline(never)]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let code = Self::deserialize_seq::<V> as fn(Self, V) -> _ as usize;
        let some = self.enter_some(Tag::Seq, code)?;
        let value = visitor.visit_seq(Parts::of(self, some.into()));
        if some {
            self.close(value.is_ok());
        }
        value
    }

    #[inline(never)]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let code = Self::deserialize_map::<V> as fn(Self, V) -> _ as usize;
        let some = self.enter_some(Tag::Map, code)?;
        let value = visitor.visit_map(Parts::of(self, some.into()));
        if some {
            self.close(value.is_ok());
        }
        value
    }

    #[inline(never)]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let variant = self.enter_enum(Identity {
            code: Self::deserialize_enum::<V> as fn(Self, _, _, V) -> _ as usize,
            tag: Tag::Enum,
            name,
            variants,
        })?;
        let value = visitor.visit_enum(Chosen {
            tracer: self,
            variant,
        });
        self.close(value.is_ok());
        value
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// That many parts of something.
struct Parts<'t> {
    tracer: &'t mut Tracer,
    left: usize,
}

impl<'t> Parts<'t> {
    fn of(tracer: &'t mut Tracer, left: usize) -> Self {
        Self { tracer, left }
    }

    fn next(&mut self) -> bool {
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or(0);
        left.is_some()
    }
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Stop;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Stop> {
        if !self.next() {
            return Ok(None);
        }
        seed.deserialize(&mut *self.tracer).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for Parts<'_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Stop> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Stop> {
        seed.deserialize(&mut *self.tracer)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The variant that has been chosen.
struct Chosen<'t> {
    tracer: &'t mut Tracer,
    variant: u32,
}

impl<'de, 't> EnumAccess<'de> for Chosen<'t> {
    type Error = Stop;
    type Variant = &'t mut Tracer;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, &'t mut Tracer), Stop> {
        let variant = seed.deserialize(self.variant.into_deserializer());
        self.tracer.has_aliases |= variant.is_err();
        Ok((variant?, self.tracer))
    }
}

impl<'de> VariantAccess<'de> for &mut Tracer {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        self.leaf(Tag::Unit, 1).map(drop)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Stop> {
        self.enter_named(Tag::Newtype, "")?;
        let value = seed.deserialize(&mut *self);
        self.leave(value.is_ok());
        value
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.deserialize_struct("", fields, visitor)
    }
}
