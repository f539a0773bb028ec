//! The sending half of the guard.

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{Guard, byte};

/// A value that serializes under a guard.
pub(in crate::codec) struct Guarded<'g, T: ?Sized> {
    value: &'g T,
    guard: &'g Guard,
}

impl<'g, T: ?Sized> Guarded<'g, T> {
    pub(in crate::codec) fn new(value: &'g T, guard: &'g Guard) -> Self {
        Self { value, guard }
    }
}

impl<T: Serialize + ?Sized> Serialize for Guarded<'_, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Watched {
            inner: serializer,
            guard: self.guard,
        })
    }
}

/// A serializer under a guard.
struct Watched<'g, S> {
    inner: S,
    guard: &'g Guard,
}

impl<'g, S: Serializer> Watched<'g, S> {
    /// Goes one level down, to the parts of a value.
    #[inline]
    fn parts<C>(
        self,
        begin: impl FnOnce(S) -> Result<C, S::Error>,
    ) -> Result<Parts<'g, C>, S::Error> {
        self.guard.enter().map_err(S::Error::custom)?;
        Ok(Parts {
            inner: begin(self.inner)?,
            guard: self.guard,
        })
    }

    /// Goes one level down for `step`, and comes back up.
    #[inline]
    fn level(self, step: impl FnOnce(S) -> Result<S::Ok, S::Error>) -> Result<S::Ok, S::Error> {
        self.guard.enter().map_err(S::Error::custom)?;
        let done = step(self.inner)?;
        self.guard.leave();
        Ok(done)
    }

    /// Goes one level down to a value's only part, and comes back up.
    #[inline]
    fn part<T: ?Sized>(
        self,
        value: &T,
        step: impl FnOnce(S, &Guarded<'_, T>) -> Result<S::Ok, S::Error>,
    ) -> Result<S::Ok, S::Error> {
        let guard = self.guard;
        self.level(|inner| step(inner, &Guarded::new(value, guard)))
    }
}

macro_rules! forward {
    ($($method:ident($($arg:ident: $ty:ty),*);)*) => {$(
        #[inline]
        fn $method(self, $($arg: $ty),*) -> Result<S::Ok, S::Error> {
            self.inner.$method($($arg),*)
        }
    )*};
}

macro_rules! forward_down {
    ($($method:ident($($arg:ident: $ty:ty),*) -> $part:ident;)*) => {$(
        #[inline]
        fn $method(self, $($arg: $ty),*) -> Result<Self::$part, S::Error> {
            self.parts(|inner| inner.$method($($arg),*))
        }
    )*};
}

impl<'g, S: Serializer> Serializer for Watched<'g, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Parts<'g, S::SerializeSeq>;
    type SerializeTuple = Parts<'g, S::SerializeTuple>;
    type SerializeTupleStruct = Parts<'g, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Parts<'g, S::SerializeTupleVariant>;
    type SerializeMap = Parts<'g, S::SerializeMap>;
    type SerializeStruct = Parts<'g, S::SerializeStruct>;
    type SerializeStructVariant = Parts<'g, S::SerializeStructVariant>;

    forward! {
        serialize_bool(v: bool);
        serialize_i8(v: i8);
        serialize_i16(v: i16);
        serialize_i32(v: i32);
        serialize_i64(v: i64);
        serialize_i128(v: i128);
        serialize_u8(v: u8);
        serialize_u16(v: u16);
        serialize_u32(v: u32);
        serialize_u64(v: u64);
        serialize_u128(v: u128);
        serialize_f32(v: f32);
        serialize_f64(v: f64);
        serialize_char(v: char);
        serialize_str(v: &str);
        serialize_bytes(v: &[u8]);
        serialize_unit();
        serialize_unit_struct(name: &'static str);
    }

    forward_down! {
        serialize_seq(len: Option<usize>) -> SerializeSeq;
        serialize_tuple(len: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> SerializeTupleVariant;
        serialize_map(len: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> SerializeStructVariant;
    }

    /// Bytes are written as one block, which is the same on the wire and several times as fast.
    #[inline]
    fn collect_seq<I>(self, items: I) -> Result<S::Ok, S::Error>
    where
        I: IntoIterator<Item: Serialize>,
    {
        let items = items.into_iter();
        if byte::is_likely::<I::Item>() {
            let block = byte::all(items).map_err(S::Error::custom)?;
            self.guard.count(block.len());
            return self.level(|inner| inner.serialize_bytes(&block));
        }
        let (least, most) = items.size_hint();
        let mut parts = self.serialize_seq((Some(least) == most).then_some(least))?;
        for item in items {
            parts.serialize_element(&item)?;
        }
        SerializeSeq::end(parts)
    }

    // A variant without a value is a level as well: who reads it goes down before it knows.

    #[inline]
    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.level(S::serialize_none)
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.level(|inner| inner.serialize_unit_variant(name, index, variant))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.part(value, |inner, value| inner.serialize_some(value))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.part(value, |inner, value| {
            inner.serialize_newtype_struct(name, value)
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.part(value, |inner, value| {
            inner.serialize_newtype_variant(name, index, variant, value)
        })
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// The parts of a value, under a guard.
struct Parts<'g, C> {
    inner: C,
    guard: &'g Guard,
}

impl<C> Parts<'_, C> {
    #[inline]
    fn end<O, E: Error>(self, end: impl FnOnce(C) -> Result<O, E>) -> Result<O, E> {
        self.guard.leave();
        end(self.inner)
    }
}

impl<C: SerializeSeq> SerializeSeq for Parts<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.guard.count(1);
        self.inner
            .serialize_element(&Guarded::new(value, self.guard))
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        self.end(C::end)
    }
}

impl<C: SerializeMap> SerializeMap for Parts<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.guard.count(1);
        self.inner.serialize_key(&Guarded::new(key, self.guard))
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.inner.serialize_value(&Guarded::new(value, self.guard))
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        self.end(C::end)
    }
}

macro_rules! unnamed_parts {
    ($($of:ident::$method:ident;)*) => {$(
        impl<C: $of> $of for Parts<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                self.inner.$method(&Guarded::new(value, self.guard))
            }

            #[inline]
            fn end(self) -> Result<C::Ok, C::Error> {
                self.end(C::end)
            }
        }
    )*};
}

unnamed_parts! {
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

macro_rules! named_parts {
    ($($of:ident)*) => {$(
        impl<C: $of> $of for Parts<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), C::Error> {
                self.inner.serialize_field(key, &Guarded::new(value, self.guard))
            }

            fn skip_field(&mut self, key: &'static str) -> Result<(), C::Error> {
                Err(C::Error::custom(format_args!(
                    "its field `{key}` is left out by `skip_serializing_if`, which only formats with field names can carry",
                )))
            }

            #[inline]
            fn end(self) -> Result<C::Ok, C::Error> {
                self.end(C::end)
            }
        }
    )*};
}

named_parts! { SerializeStruct SerializeStructVariant }
