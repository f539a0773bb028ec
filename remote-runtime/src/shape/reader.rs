//! The deserializer that shows a type the samples: all of it that exists once for each type.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::hints;
use super::record::{Identity, Tag};
use super::tracer::Tracer;
use super::values::{MOST_ELEMENTS, Text};

/// Why a type has not come to its end; the tracer knows more.
#[derive(Debug)]
pub(super) struct Stop;

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this sample will not do")
    }
}

impl std::error::Error for Stop {}

/// The reasons are read for the values that they mention. Only where they are kept is a text put
/// together, and most are not even passed on, which keeps the code small.
impl Error for Stop {
    fn custom<T: fmt::Display>(error: T) -> Self {
        hints::say(&error);
        Self
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        hints::say(&expected);
        Self
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        hints::say(&expected);
        Self
    }

    fn unknown_variant(_: &str, variants: &'static [&'static str]) -> Self {
        for variant in variants {
            hints::say(&format_args!("`{variant}`"));
        }
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
        deserialize_bool: |t| t.bool()? => visit_bool;
        deserialize_i8: |t| t.byte(Tag::I8)?.cast_signed() => visit_i8;
        deserialize_i16: |t| t.signed(Tag::I16)? as i16 => visit_i16;
        deserialize_i32: |t| t.signed(Tag::I32)? as i32 => visit_i32;
        deserialize_i64: |t| t.signed(Tag::I64)? => visit_i64;
        deserialize_i128: |t| t.signed(Tag::I128)?.into() => visit_i128;
        deserialize_u8: |t| t.byte(Tag::U8)? => visit_u8;
        deserialize_u16: |t| t.unsigned(Tag::U16)? as u16 => visit_u16;
        deserialize_u32: |t| t.unsigned(Tag::U32)? as u32 => visit_u32;
        deserialize_u64: |t| t.unsigned(Tag::U64)? => visit_u64;
        deserialize_u128: |t| t.unsigned(Tag::U128)?.into() => visit_u128;
        deserialize_f32: |t| t.float(Tag::F32)? as f32 => visit_f32;
        deserialize_f64: |t| t.float(Tag::F64)? => visit_f64;
        deserialize_char: |t| t.char()? => visit_char;
        deserialize_bytes: |t| t.bytes()? => visit_borrowed_bytes;
        deserialize_byte_buf: |t| t.bytes()? => visit_borrowed_bytes;
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.text()? {
            Text::Fixed(text) => visitor.visit_borrowed_str(text),
            Text::Made(text) => visitor.visit_str(&text),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_str(visitor)
    }

    // The format does not say what comes next, so that a type that asks cannot be sent either.
    unknowable! { deserialize_any deserialize_ignored_any deserialize_identifier }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.unit()?;
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
        if self.enter_some(Tag::Option, code, 1)? == 0 {
            return visitor.visit_none();
        }
        let value = visitor.visit_some(&mut *self);
        self.close(value.is_ok());
        value
    }

    #[inline(never)]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let code = Self::deserialize_seq::<V> as fn(Self, V) -> _ as usize;
        let some = self.enter_some(Tag::Seq, code, MOST_ELEMENTS)?;
        let value = visitor.visit_seq(Parts::elements(self, some));
        if some > 0 {
            self.close(value.is_ok());
        }
        value
    }

    #[inline(never)]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let code = Self::deserialize_map::<V> as fn(Self, V) -> _ as usize;
        let some = self.enter_some(Tag::Map, code, MOST_ELEMENTS)?;
        let value = visitor.visit_map(Parts::elements(self, some));
        if some > 0 {
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
            variants,
        });
        self.close(value.is_ok());
        value
    }

    fn is_human_readable(&self) -> bool {
        self.is_plain
    }
}

/// That many parts of something.
struct Parts<'t> {
    tracer: &'t mut Tracer,
    left: usize,
    /// `true` for elements, of which there may be any number.
    are_elements: bool,
}

impl<'t> Parts<'t> {
    fn of(tracer: &'t mut Tracer, left: usize) -> Self {
        Self {
            tracer,
            left,
            are_elements: false,
        }
    }

    fn elements(tracer: &'t mut Tracer, left: usize) -> Self {
        Self {
            tracer,
            left,
            are_elements: true,
        }
    }

    fn next(&mut self) -> bool {
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or(0);
        if left.is_some() && self.are_elements {
            self.tracer.count_element();
        }
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
    variants: &'static [&'static str],
}

impl<'de, 't> EnumAccess<'de> for Chosen<'t> {
    type Error = Stop;
    type Variant = &'t mut Tracer;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, &'t mut Tracer), Stop> {
        if let (true, Some(name)) = (
            self.tracer.is_plain,
            self.variants.get(self.variant as usize),
        ) {
            // With aliases, there are more names than variants.
            let variant = seed.deserialize(name.into_deserializer());
            return Ok((variant?, self.tracer));
        }
        let variant = seed.deserialize(self.variant.into_deserializer());
        self.tracer.has_aliases |= variant.is_err();
        Ok((variant?, self.tracer))
    }
}

impl<'de> VariantAccess<'de> for &mut Tracer {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        self.unit()
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
