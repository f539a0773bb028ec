//! Types that read what an earlier value says, which no shape can tell: none of them may be known.

#![allow(dead_code)] // The types are looked at, not used.

use super::Shape;
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::{Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

fn is_known<T: for<'de> Deserialize<'de>>() -> bool {
    let mut shape = Shape::new();
    shape.add::<T>();
    shape.fingerprint().is_some()
}

/// How a type reads its parts.
trait Read: Sized {
    fn read<'de, A: SeqAccess<'de>>(seq: A) -> Result<Self, A::Error>;
}

struct Reads<T>(PhantomData<T>);

impl<'de, T: Read> Visitor<'de> for Reads<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("parts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        T::read(seq)
    }
}

fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(seq: &mut A) -> Result<T, A::Error> {
    seq.next_element()?
        .ok_or_else(|| A::Error::custom("too few"))
}

/// Declares a type that reads up to four parts by hand, from a tuple.
macro_rules! by_hand {
    ($($(#[$doc:meta])* $name:ident: |$seq:ident| $read:block)*) => {$(
        $(#[$doc])*
        struct $name;

        impl Read for $name {
            fn read<'de, A: SeqAccess<'de>>(mut $seq: A) -> Result<Self, A::Error> {
                $read
                Ok(Self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(inner: D) -> Result<Self, D::Error> {
                inner.deserialize_tuple(4, Reads(PhantomData))
            }
        }
    )*};
}

by_hand! {
    ByByte: |seq| {
        match next::<u8, _>(&mut seq)? {
            0 => next::<(), _>(&mut seq)?,
            _ => drop(next::<f64, _>(&mut seq)?),
        }
    }
    ByOddByte: |seq| {
        if next::<u8, _>(&mut seq)? == 217 {
            next::<u64, _>(&mut seq)?;
        }
    }
    ByWide: |seq| {
        if next::<u64, _>(&mut seq)? == 7 {
            next::<u64, _>(&mut seq)?;
        }
    }
    BySign: |seq| {
        if next::<i32, _>(&mut seq)? < 0 {
            next::<u64, _>(&mut seq)?;
        }
    }
    ByRefusingByte: |seq| {
        match next::<u8, _>(&mut seq)? {
            3 => next::<(), _>(&mut seq)?,
            9 => drop(next::<u64, _>(&mut seq)?),
            _ => return Err(A::Error::custom("no such tag")),
        }
    }
    ByText: |seq| {
        match &*next::<String, _>(&mut seq)? {
            "circle" => drop(next::<f64, _>(&mut seq)?),
            "square" => drop(next::<(f64, f64), _>(&mut seq)?),
            other => return Err(A::Error::unknown_variant(other, &["circle", "square"])),
        }
    }
    ByOneKnownText: |seq| {
        match &*next::<String, _>(&mut seq)? {
            "a" => drop(next::<f64, _>(&mut seq)?),
            "unheard of" => drop(next::<(f64, f64), _>(&mut seq)?),
            _ => return Err(A::Error::custom("refused")),
        }
    }
    ByPrefix: |seq| {
        if next::<String, _>(&mut seq)?.starts_with('#') {
            next::<u8, _>(&mut seq)?;
        }
    }
    ByTruth: |seq| {
        if next::<bool, _>(&mut seq)? {
            next::<u8, _>(&mut seq)?;
        }
    }
    ByChar: |seq| {
        if next::<char, _>(&mut seq)? == '+' {
            next::<u8, _>(&mut seq)?;
        }
    }
    ByFloat: |seq| {
        if next::<f32, _>(&mut seq)? < 0.0 {
            next::<u8, _>(&mut seq)?;
        }
    }
    ByLength: |seq| {
        if next::<Vec<u8>, _>(&mut seq)?.len() == 2 {
            next::<u8, _>(&mut seq)?;
        }
    }
    ByNothing: |seq| {
        if next::<Option<u8>, _>(&mut seq)?.is_none() {
            next::<u8, _>(&mut seq)?;
        }
    }
    BySize: |seq| {
        if next::<BTreeMap<u8, u8>, _>(&mut seq)?.is_empty() {
            next::<u8, _>(&mut seq)?;
        }
    }
    ByVariant: |seq| {
        if matches!(next::<Kind, _>(&mut seq)?, Kind::C) {
            next::<u8, _>(&mut seq)?;
        }
    }
    ByLaterSibling: |seq| {
        let first = next::<u8, _>(&mut seq)?;
        next::<String, _>(&mut seq)?;
        if first == 4 {
            next::<u8, _>(&mut seq)?;
        }
    }
    ByNested: |seq| {
        let (inner, _) = next::<(Inner, u8), _>(&mut seq)?;
        if inner.flags.b == 16 {
            next::<u8, _>(&mut seq)?;
        }
    }
    ByTwo: |seq| {
        let (a, b) = (next::<bool, _>(&mut seq)?, next::<u8, _>(&mut seq)?);
        if !a && b == 1 {
            next::<u8, _>(&mut seq)?;
        }
    }
    ByCount: |seq| {
        for _ in 0..next::<u8, _>(&mut seq)? {
            next::<u8, _>(&mut seq)?;
        }
    }
    ByAnotherType: |seq| {
        if next::<u8, _>(&mut seq)? == 5 { next::<u64, _>(&mut seq)?; } else { next::<f64, _>(&mut seq)?; }
    }
    /// An error that is swallowed leaves the rest of the part unread.
    BySwallowing: |seq| {
        let _ = next::<Stops, _>(&mut seq);
        next::<u64, _>(&mut seq)?;
    }
    Stops: |seq| {
        if next::<u8, _>(&mut seq)? > 100 {
            return Err(A::Error::custom("too much"));
        }
        next::<u64, _>(&mut seq)?;
    }
    Refuses: |seq| {
        let (a, b) = (next::<u8, _>(&mut seq)?, next::<String, _>(&mut seq)?);
        if a == 3 || b.contains('@') {
            return Err(A::Error::custom("refused"));
        }
        next::<u64, _>(&mut seq)?;
    }
}

#[derive(Deserialize)]
enum Kind {
    A,
    B(u8),
    C,
}

#[derive(Deserialize)]
struct Inner {
    flags: Flags,
}

#[derive(Deserialize)]
struct Flags {
    a: u8,
    b: u16,
}

macro_rules! assert_unknown {
    ($($ty:ty),* $(,)?) => {
        $(assert!(!is_known::<$ty>(), "{}", stringify!($ty));)*
    };
}

#[test]
fn what_is_read_by_an_earlier_value_is_not_known() {
    assert_unknown![
        ByByte,
        ByOddByte,
        ByWide,
        BySign,
        ByRefusingByte,
        ByText,
        ByOneKnownText,
        ByPrefix,
        ByTruth,
        ByChar,
        ByFloat,
        ByLength,
        ByNothing,
        BySize,
        ByVariant,
        ByLaterSibling,
        ByNested,
        ByTwo,
        ByCount,
        ByAnotherType,
        BySwallowing,
    ];
}

#[test]
fn nor_is_what_holds_it() {
    #[derive(Deserialize)]
    enum Holds<T> {
        Nothing,
        Some { before: u8, it: T, after: String },
    }
    #[derive(Deserialize)]
    struct Tree<T> {
        it: T,
        children: Vec<Tree<T>>,
    }
    assert_unknown![
        Vec<ByByte>, Option<ByOddByte>, BTreeMap<String, ByText>, Holds<ByTruth>, Vec<Holds<ByChar>>,
        Holds<Option<Vec<ByNested>>>, Tree<ByLaterSibling>, Result<u8, ByVariant>, [ByNothing; 3],
        (u8, Tree<Holds<ByByte>>),
    ];
}

#[test]
fn to_refuse_values_is_to_read_nothing_else() {
    assert!(is_known::<Refuses>());
    assert!(is_known::<Vec<(Refuses, Option<Refuses>)>>());
}

/// An enum written by hand: its variant says nothing, and what it holds is read by a value of it.
#[test]
fn a_variant_that_reads_by_a_value_is_not_known() {
    struct Hand;
    struct Visits;

    impl<'de> Visitor<'de> for Visits {
        type Value = Hand;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a variant")
        }

        fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Hand, A::Error> {
            let (kind, content) = data.variant::<u32>()?;
            if kind == 0 {
                content.newtype_variant::<u8>()?;
            } else {
                content.newtype_variant::<ByOddByte>()?;
            }
            Ok(Hand)
        }
    }

    impl<'de> Deserialize<'de> for Hand {
        fn deserialize<D: Deserializer<'de>>(inner: D) -> Result<Self, D::Error> {
            inner.deserialize_enum("Hand", &["A", "B"], Visits)
        }
    }

    assert_unknown![Hand, Vec<Hand>];
}

#[test]
fn a_map_or_a_sequence_that_reads_by_a_value_is_not_known() {
    struct Pairs;
    struct Deltas;
    struct Visits;

    impl<'de> Visitor<'de> for Visits {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("pairs")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                match &*key {
                    "size" => drop(map.next_value::<u64>()?),
                    _ => drop(map.next_value::<String>()?),
                }
            }
            Err(A::Error::unknown_field("", &["size"])).or(Ok(()))
        }

        /// The first one is whole, the others are differences.
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
            if seq.next_element::<u64>()?.is_some() {
                while seq.next_element::<i8>()?.is_some() {}
            }
            Ok(())
        }
    }

    impl<'de> Deserialize<'de> for Pairs {
        fn deserialize<D: Deserializer<'de>>(inner: D) -> Result<Self, D::Error> {
            inner.deserialize_map(Visits).map(|()| Self)
        }
    }

    impl<'de> Deserialize<'de> for Deltas {
        fn deserialize<D: Deserializer<'de>>(inner: D) -> Result<Self, D::Error> {
            inner.deserialize_seq(Visits).map(|()| Self)
        }
    }

    assert_unknown![Deltas, Vec<Deltas>];
    // `size` is no sample, and its reader does not say that it knows it.
    assert!(is_known::<Pairs>());
}

thread_local! {
    static TAG: Cell<u8> = const { Cell::new(0) };
}

by_hand! {
    ByAnyByte: |seq| {
        if next::<u8, _>(&mut seq)? == TAG.get() {
            next::<u8, _>(&mut seq)?;
        }
    }
    ByAnySmall: |seq| {
        next::<BTreeSet<char>, _>(&mut seq)?;
        if next::<i64, _>(&mut seq)? == i64::from(TAG.get()) {
            next::<u8, _>(&mut seq)?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn every_value_of_a_byte_is_tried(tag: u8) {
        TAG.set(tag);
        prop_assert!(!is_known::<ByAnyByte>() && !is_known::<Vec<Option<ByAnySmall>>>());
    }
}
