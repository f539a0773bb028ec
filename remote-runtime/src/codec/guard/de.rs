//! The receiving half of the guard.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::Guard;

/// What reads a value under a guard.
pub(in crate::codec) struct GuardedSeed<'g, S> {
    guard: &'g Guard,
    seed: S,
}

impl<'g, S> GuardedSeed<'g, S> {
    pub(in crate::codec) fn new(seed: S, guard: &'g Guard) -> Self {
        Self { guard, seed }
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for GuardedSeed<'_, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.seed.deserialize(Watched {
            inner,
            guard: self.guard,
        })
    }
}

/// A deserializer, a visitor, a seed or an access under a guard.
struct Watched<'g, I> {
    inner: I,
    guard: &'g Guard,
}

macro_rules! forward {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(visitor)
        }
    )*};
}

macro_rules! forward_down {
    ($($method:ident($($arg:ident: $ty:ty),*);)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, $($arg: $ty,)* visitor: V) -> Result<V::Value, D::Error> {
            let Self { inner, guard } = self;
            down(guard, || inner.$method($($arg,)* Visiting { inner: visitor, guard, counted: false }))
        }
    )*};
}

macro_rules! refuse {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.guard.saw_any.set(true);
            self.inner.$method(visitor)
        }
    )*};
}

/// Goes one level down for `step`, and comes back up.
#[inline]
fn down<T, E: Error>(guard: &Guard, step: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    guard.enter().map_err(E::custom)?;
    let value = step()?;
    guard.leave();
    Ok(value)
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Watched<'_, D> {
    type Error = D::Error;

    forward! {
        deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_bytes
        deserialize_unit
    }

    refuse! { deserialize_any deserialize_ignored_any }

    forward_down! {
        deserialize_option();
        deserialize_newtype_struct(name: &'static str);
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
    }

    // Owned text and bytes are taken as lent ones and then copied: the length of a lent one is
    // checked against the bytes that are there before anything is allocated.

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let Self { inner, guard } = self;
        down(guard, || {
            inner.deserialize_seq(Visiting {
                inner: visitor,
                guard,
                counted: true,
            })
        })
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let Self { inner, guard } = self;
        down(guard, || {
            inner.deserialize_map(Visiting {
                inner: visitor,
                guard,
                counted: true,
            })
        })
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let identifier = self.inner.deserialize_identifier(visitor);
        if identifier.is_err() {
            // Names are not sent.
            self.guard.saw_any.set(true);
        }
        identifier
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// A visitor of a value that has parts.
struct Visiting<'g, V> {
    inner: V,
    guard: &'g Guard,
    /// Whether the number of parts comes from the message, not from the type.
    counted: bool,
}

impl<V> Visiting<'_, V> {
    #[inline]
    fn count<E: Error>(&self, elements: Option<usize>) -> Result<(), E> {
        if self.counted {
            self.guard.count(elements.unwrap_or(0));
        }
        self.guard.check_elements().map_err(E::custom)
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Visiting<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    #[inline]
    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Watched {
            inner,
            guard: self.guard,
        })
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Watched {
            inner,
            guard: self.guard,
        })
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.count(inner.size_hint())?;
        self.inner.visit_seq(Watched {
            inner,
            guard: self.guard,
        })
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.count(inner.size_hint())?;
        self.inner.visit_map(Watched {
            inner,
            guard: self.guard,
        })
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(Watched {
            inner,
            guard: self.guard,
        })
    }
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Watched<'_, T> {
    type Value = T::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        self.inner.deserialize(Watched {
            inner,
            guard: self.guard,
        })
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Watched<'_, A> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        self.inner.next_element_seed(Watched {
            inner: seed,
            guard: self.guard,
        })
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Watched<'_, A> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        self.inner.next_key_seed(Watched {
            inner: seed,
            guard: self.guard,
        })
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.inner.next_value_seed(Watched {
            inner: seed,
            guard: self.guard,
        })
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, 'g, A: EnumAccess<'de>> EnumAccess<'de> for Watched<'g, A> {
    type Error = A::Error;
    type Variant = Watched<'g, A::Variant>;

    #[inline]
    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self::Variant), A::Error> {
        let (value, inner) = self.inner.variant_seed(Watched {
            inner: seed,
            guard: self.guard,
        })?;
        Ok((
            value,
            Watched {
                inner,
                guard: self.guard,
            },
        ))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Watched<'_, A> {
    type Error = A::Error;

    #[inline]
    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        self.inner.newtype_variant_seed(Watched {
            inner: seed,
            guard: self.guard,
        })
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, inner: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(
            len,
            Visiting {
                inner,
                guard: self.guard,
                counted: false,
            },
        )
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        inner: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(
            fields,
            Visiting {
                inner,
                guard: self.guard,
                counted: false,
            },
        )
    }
}
