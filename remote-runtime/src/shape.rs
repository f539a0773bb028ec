//! What serde sees of a type, without a value of it: two builds of a program compare it, and know
//! before they decode anything whether they mean the same bytes.
//!
//! A type only shows itself as it deserializes. So it is given a deserializer that writes down what
//! the type asks for, and answers with samples. One pass shows one variant of each enum that it
//! meets, hence there are passes until all variants have been seen; and a type that refuses a
//! sample gets another pass with another one.
//!
//! A type that has shown all of itself is shown other values, and must ask for the same again: a
//! hand-written `Deserialize` may read one thing or another by an earlier value, and then it has no
//! shape (`probe`).
//!
//! Whatever can hold itself (an enum, a sequence, a map, an option) is a *definition*, recorded
//! once; whoever holds it records a reference. How often and in which order definitions are met
//! leaves no trace in the fingerprint: it depends on nothing but the tree that the references
//! unfold to.

mod digest;
mod extent;
mod hints;
mod layout;
mod probe;
mod reader;
mod record;
mod samples;
mod structure;
mod tally;
mod tracer;
mod values;
mod visit;

#[cfg(test)]
mod steered;
#[cfg(test)]
mod validated;

use std::any::type_name;

use serde::Deserialize;

pub use layout::Written;
use structure::BLOCK;
pub(crate) use structure::OPTION;
pub use structure::{Definition, Structure, Type};

use digest::Hash;
use record::{Tag, Token};
use tracer::{Look, Tracer};

/// The shapes of some types, one after the other.
#[derive(Debug)]
pub struct Shape(Tracer);

impl Shape {
    /// The shape of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self(Tracer::new())
    }

    /// The same, which uses the findings of this process about types that it has met before.
    pub(crate) fn remembering() -> Self {
        Self(Tracer::that_looks(Look::Remembered))
    }

    /// The same, which looks at each type once, as if no value changed what it reads, and as it is in a
    /// format for people.
    pub(crate) fn plain() -> Self {
        let mut tracer = Tracer::that_looks(Look::Once);
        tracer.is_plain = true;
        Self(tracer)
    }

    /// The same, which looks for a type that does not write what it reads.
    pub(crate) fn of_written() -> Self {
        Self(Tracer::that_looks(Look::AtWritten))
    }

    /// Adds the shape of `T`.
    pub fn add<'de, T: Deserialize<'de>>(&mut self) {
        let show = |tracer: &mut Tracer| T::deserialize(tracer).is_ok();
        self.0.trace(type_name::<T>(), show);
    }

    /// Adds the shape of `T`, whose values can also be written.
    pub fn add_written<'de, T: Written + Deserialize<'de>>(&mut self) {
        let show = |tracer: &mut Tracer| {
            let shown = T::deserialize(&mut *tracer);
            shown.map(|value| tracer.write_sample(&value)).is_ok()
        };
        self.0.trace(type_name::<T>(), show);
    }

    /// The first type that does not write what it reads.
    pub(crate) fn unfit(&self) -> Option<&'static str> {
        self.0.unfit
    }

    /// The first type that has not shown all of itself.
    pub(crate) fn unknown(&self) -> Option<&'static str> {
        self.0.unknown
    }

    /// Adds what does not go through serde, by a word for it.
    pub fn word(&mut self, word: &str) {
        let digest = Hash::of(word.as_bytes());
        self.0.record.push(Token::Word(digest.to_le_bytes()));
    }

    /// Adds bytes that travel as one block, which are a text to people or are not.
    pub(crate) fn block(&mut self, is_text: bool) {
        match is_text && self.0.is_plain {
            true => self.0.record.push(Token::Is(Tag::Text)),
            false => self.word(BLOCK),
        }
    }

    /// The types of a function with so many arguments, whose shapes were added in their order, then that
    /// of the answer and that of the error. `None` if a type has not shown all of itself, or has variants
    /// with aliases, since serde lists these as if they were variants.
    #[must_use]
    pub fn structure(&self, arguments: usize) -> Option<Structure> {
        if self.0.unknown.is_some() || self.0.has_aliases {
            return None;
        }
        self.0.structure(arguments)
    }

    /// What tells it from other shapes: the same on every machine. `None` if a type has not shown
    /// all of itself.
    #[must_use]
    pub fn fingerprint(self) -> Option<[u8; 16]> {
        self.0.unknown.is_none().then(|| self.known_part())
    }

    /// The same of those types that have shown all of themselves.
    pub(crate) fn known_part(&self) -> [u8; 16] {
        self.0.fingerprint().to_be_bytes()
    }
}

impl Default for Shape {
    fn default() -> Self {
        Self::new()
    }
}

/// The hash FNV-1a of 128 bits, which stays the same for ever.
pub(crate) fn fnv1a(bytes: &[u8]) -> u128 {
    Hash::of(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(dead_code)] // The types are looked at, not used.

    use super::tracer::DEEPEST;
    use super::*;
    use serde::de::{Deserializer, Error, SeqAccess, Visitor};
    use serde::{Deserialize, Serialize};
    use std::borrow::Cow;
    use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
    use std::fmt;
    use std::net::{IpAddr, SocketAddr};
    use std::num::{NonZeroI8, NonZeroU32};
    use std::ops::Range;
    use std::ops::RangeInclusive;
    use std::path::PathBuf;
    use std::str::FromStr;
    use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
    use std::time::{Duration, SystemTime};

    fn shape<'de, T: Deserialize<'de>>() -> Option<[u8; 16]> {
        let mut shape = Shape::new();
        shape.add::<T>();
        shape.fingerprint()
    }

    /// Declares a type of the same name each time, for shapes that only differ where they should.
    macro_rules! shape_of {
        ($name:ident; $($item:item)*) => {{
            $(#[derive(Deserialize)] $item)*
            let shape = shape::<$name>();
            assert!(shape.is_some(), "{}", stringify!($($item)*));
            shape
        }};
    }

    macro_rules! assert_whole {
        ($($ty:ty),* $(,)?) => {
            $(assert!(shape::<$ty>().is_some(), "{}", stringify!($ty));)*
        };
    }

    macro_rules! assert_apart {
        ($($shape:expr),* $(,)?) => {
            let shapes = [$($shape),*];
            for (at, shape) in shapes.iter().enumerate() {
                assert!(shape.is_some(), "{at}");
                assert_eq!(shapes.iter().position(|s| s == shape), Some(at));
            }
        };
    }

    #[derive(Serialize, Deserialize)]
    struct Item {
        id: u64,
        name: String,
        tags: Vec<String>,
        parent: Option<Box<Item>>,
        state: State,
    }

    #[derive(Serialize, Deserialize)]
    enum State {
        New,
        Since(SystemTime),
        Moved { from: u32, to: u32 },
        Both(Box<State>, Box<State>),
    }

    #[test]
    fn the_hash_is_the_one_that_others_have() {
        // As in the tests of Go's hash/fnv.
        for (of, hash) in [
            ("", 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d),
            ("a", 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964),
            ("ab", 0x0880_9544_bbab_1be9_5aa0_7330_55b6_9a62),
            ("abc", 0xa68d_622c_ec8b_5822_836d_bc79_77af_7f3b),
        ] {
            assert_eq!(Hash::of(of.as_bytes()), hash, "{of}");
        }
    }

    #[test]
    fn a_known_type_has_a_known_fingerprint() {
        let mut shape = Shape::new();
        shape.word("post");
        shape.add::<Item>();
        let fingerprint = shape.fingerprint().map(u128::from_be_bytes);
        assert_eq!(
            fingerprint,
            Some(0x4388_5682_49c2_c9fd_51ee_88d7_8205_58b3),
            "{fingerprint:x?}"
        );
    }

    #[test]
    fn what_looks_the_same_is_the_same() {
        let one = shape_of!(A; struct A { x: u8, y: Vec<B> } enum B { C, D(Option<Box<A>>) });
        let other = shape_of!(A; struct A { x: u8, y: VecDeque<B> } enum B { C, D(Option<A>) });
        assert_eq!(one, other);
        assert_eq!(shape::<&str>(), shape::<String>());
        assert_eq!(shape::<Vec<u8>>(), shape::<HashSet<u8>>());
        assert_eq!(shape::<BTreeMap<u8, i8>>(), shape::<HashMap<u8, i8>>());
        assert_eq!(
            shape::<(Vec<u8>, VecDeque<u8>)>(),
            shape::<(Vec<u8>, Vec<u8>)>()
        );
        assert_eq!(shape::<NonZeroU32>(), shape::<u32>());
    }

    #[test]
    fn every_visible_difference_counts() {
        assert_apart![
            shape_of!(A; struct A { x: u8, y: u8 }),
            shape_of!(A; struct A { x: u8, z: u8 }),
            shape_of!(A; struct A { y: u8, x: u8 }),
            shape_of!(A; struct A { x: u8, y: i8 }),
            shape_of!(A; struct A { x: u8 }),
            shape_of!(A; struct A { x: u8, y: Option<u8> }),
            shape_of!(A; struct A { x: u8, y: Vec<u8> }),
            shape_of!(A; struct A { x: u8, y: String }),
            shape_of!(A; struct A { x: u8, y: (u8,) }),
            shape_of!(A; struct A { x: u8, y: [u8; 2] }),
            shape_of!(A; struct A { x: u8, y: [u8; 3] }),
            shape_of!(A; struct A { x: u8, y: BTreeMap<u8, u8> }),
            shape_of!(A; struct A { x: u8, y: BTreeMap<u8, u16> }),
            shape_of!(A; struct A { x: u8, y: B } struct B(u8);),
            shape_of!(A; struct A { x: u8, y: B } struct B(u8, u8);),
            shape_of!(A; struct A { x: u8, y: B } struct B;),
            shape_of!(A; struct A { x: u8, y: B } struct B {}),
            shape_of!(A; struct A(u8, u8);),
            shape::<(u8, u8)>(),
            shape::<(u8, u16)>(),
            shape::<(u16, u8)>(),
            shape::<Vec<u8>>(),
            shape::<Option<u8>>(),
            shape::<Vec<Vec<u8>>>(),
            shape::<Vec<Vec<Vec<u8>>>>(),
            shape::<Vec<Vec<Vec<Option<u8>>>>>(),
            shape::<String>(),
            shape::<u8>(),
            shape::<()>(),
        ];
    }

    #[test]
    fn every_variant_counts() {
        assert_apart![
            shape_of!(E; enum E { A, B }),
            shape_of!(E; enum E { B, A }),
            shape_of!(E; enum E { A, B, C }),
            shape_of!(E; enum E { A, B(u8) }),
            shape_of!(E; enum E { A, B(u8, u8) }),
            shape_of!(E; enum E { A, B { x: u8 } }),
            shape_of!(E; enum E { A, B { y: u8 } }),
            shape_of!(E; enum E { A, B(Box<E>) }),
            shape_of!(E; enum E { A, B(Vec<E>) }),
            shape_of!(E; enum E { A(Vec<E>), B(Vec<E>) }),
        ];
    }

    #[test]
    fn a_difference_counts_behind_a_recursion() {
        assert_apart![
            shape_of!(E; enum E { A(Box<F>), B } enum F { C, D(Vec<E>, G) } enum G { H, I(u8) }),
            shape_of!(E; enum E { A(Box<F>), B } enum F { C, D(Vec<E>, G) } enum G { H, I(i8) }),
            shape_of!(E; enum E { A(Box<F>), B } enum F { C, D(Vec<F>, G) } enum G { H, I(u8) }),
            shape_of!(E; enum E { A(Box<F>), B } enum F { C, D(Vec<E>, G) } enum G { H, J(u8) }),
            shape_of!(E; enum E { A(Box<E>), B } ),
            shape_of!(E; enum E { A(Box<F>), B } enum F { A(Box<E>), B }),
            shape_of!(F; enum E { A(Box<F>), B } enum F { A(Box<E>), B }),
        ];
    }

    #[test]
    fn words_and_types_count_in_their_order() {
        let both = |first: fn(&mut Shape), second: fn(&mut Shape)| {
            let mut shape = Shape::new();
            first(&mut shape);
            second(&mut shape);
            shape.fingerprint()
        };
        let item = Shape::add::<Item>;
        let word = |shape: &mut Shape| shape.word("a");
        assert_apart![
            both(item, word),
            both(word, item),
            both(item, item),
            both(word, word),
            both(item, |s| s.word("b")),
            both(item, Shape::add::<Option<Item>>),
            both(Shape::add::<Option<Item>>, item),
            both(word, |_| ()),
            Shape::new().fingerprint(),
        ];
    }

    #[test]
    fn one_type_that_hides_something_hides_the_whole() {
        let mut shape = Shape::new();
        shape.add::<serde_json::Value>();
        shape.add::<u8>();
        assert_eq!(shape.fingerprint(), None);
    }

    #[test]
    fn types_of_the_standard_library_show_all_of_themselves() {
        assert_whole![
            u8, i8, u16, i16, u32, i32, u64, i64, u128, i128, usize, isize, f32, f64, bool, char,
            NonZeroU32, NonZeroI8, (NonZeroU32, NonZeroI8, Option<NonZeroU32>),
            IpAddr, SocketAddr, Duration, SystemTime, PathBuf, std::ffi::OsString, std::ffi::CString,
            Cow<'_, str>, &str, &[u8], Option<&str>, Vec<&str>, &std::path::Path, Box<str>,
            HashMap<String, IpAddr>, BTreeMap<String, Vec<Item>>, HashSet<(u8, char)>,
            [u8; 32], [(u8, String); 3], Result<Item, String>, Result<(), ()>,
            Range<u8>, RangeInclusive<i64>, std::ops::Bound<u8>,
            AtomicU8, std::cell::RefCell<Item>, std::num::Wrapping<u8>,
            std::marker::PhantomData<u8>, std::cmp::Reverse<u8>, (), ((), ((),)),
        ];
    }

    #[derive(Deserialize)]
    #[serde(try_from = "String", bound = "T: FromStr, T::Err: fmt::Display")]
    struct Parsed<T>(T);

    impl<T: FromStr> TryFrom<String> for Parsed<T> {
        type Error = T::Err;

        fn try_from(text: String) -> Result<Self, T::Err> {
            text.parse().map(Self)
        }
    }

    #[derive(Deserialize)]
    #[serde(try_from = "(u8, u8, String)")]
    struct Ordered;

    impl TryFrom<(u8, u8, String)> for Ordered {
        type Error = &'static str;

        fn try_from((from, to, name): (u8, u8, String)) -> Result<Self, &'static str> {
            let fine = from < to && !name.is_empty();
            fine.then_some(Self).ok_or("refused")
        }
    }

    #[derive(Deserialize)]
    #[serde(try_from = "Vec<T>")]
    struct Some1<T>(T);

    impl<T> TryFrom<Vec<T>> for Some1<T> {
        type Error = &'static str;

        fn try_from(all: Vec<T>) -> Result<Self, &'static str> {
            all.into_iter().next().map(Self).ok_or("empty")
        }
    }

    #[test]
    fn types_that_refuse_samples_get_others() {
        #[derive(Deserialize)]
        struct Entry {
            from: Parsed<IpAddr>,
            at: time::OffsetDateTime,
            to: Vec<Parsed<SocketAddr>>,
            on: time::Date,
            count: Parsed<u64>,
            order: Ordered,
            first: Some1<Item>,
            second: Some1<Item>,
            kind: Kind,
        }
        #[derive(Deserialize)]
        enum Kind {
            At(Parsed<IpAddr>, time::Time),
            None,
            Two(Box<Some1<Kind>>, NonZeroI8),
            Span(time::Duration, time::UtcOffset, time::Weekday, time::Month),
        }
        assert_whole![
            Parsed<IpAddr>,
            (Parsed<IpAddr>, Parsed<u8>, Parsed<SocketAddr>),
            Parsed<bool>,
            time::Date,
            time::OffsetDateTime,
            (time::Date, time::Date, Parsed<IpAddr>),
            Ordered,
            (NonZeroU32, Ordered),
            Vec<Some1<Some1<u8>>>,
            Kind,
            Entry,
        ];
        assert_eq!(shape::<Parsed<IpAddr>>(), shape::<String>());
        assert_eq!(shape::<Ordered>(), shape::<(u8, u8, String)>());
        assert_eq!(
            shape::<(Vec<u8>, Some1<u8>)>(),
            shape::<(Vec<u8>, Vec<u8>)>()
        );
    }

    #[test]
    fn what_is_never_accepted_is_not_known() {
        struct Never;

        impl FromStr for Never {
            type Err = &'static str;

            fn from_str(_: &str) -> Result<Self, &'static str> {
                Err("never")
            }
        }

        assert_eq!(shape::<Parsed<Never>>(), None);
        assert_eq!(shape::<Vec<(u8, [Parsed<Never>; 4])>>(), None);
    }

    /// serde's derive lists an alias of a variant, or of a field, as if it were one.
    #[test]
    fn names_are_not_told_where_they_may_be_anothers() {
        #[derive(Deserialize)]
        enum Renamed {
            #[serde(alias = "One", alias = "First")]
            A(u8),
            B,
            C(u16),
        }
        #[derive(Deserialize)]
        struct Field {
            #[serde(alias = "old")]
            new: u8,
        }
        #[derive(Deserialize)]
        enum Plain {
            A(u8),
            B,
        }
        fn told<T: for<'de> Deserialize<'de>>() -> bool {
            let mut shape = Shape::new();
            shape.add::<T>();
            shape.word("failure");
            shape.structure(0).is_some()
        }
        assert!(!told::<Renamed>() && !told::<Vec<Option<Renamed>>>() && !told::<Field>());
        assert!(told::<Plain>() && told::<std::ffi::OsString>());
    }

    #[test]
    fn attributes_of_serde_that_keep_the_format_are_fine() {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        struct Lent<'a, T> {
            #[serde(borrow)]
            text: Cow<'a, str>,
            #[serde(borrow)]
            lines: Vec<Option<&'a str>>,
            #[serde(alias = "b", alias = "c")]
            a_field: T,
            #[serde(default)]
            last: u8,
            #[serde(skip)]
            hidden: u8,
        }
        #[derive(Deserialize)]
        enum Named {
            #[serde(alias = "One", alias = "First")]
            A(u8),
            #[serde(skip)]
            Hidden,
            B,
        }
        #[derive(Deserialize)]
        enum Open {
            A(u8),
            B,
            #[serde(other)]
            Other,
        }
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Clear(u8);
        assert_whole![
            Lent<'_, u8>,
            Lent<'_, Lent<'_, Named>>,
            Named,
            Vec<Named>,
            Open
        ];
        assert_eq!(shape::<Clear>(), shape::<u8>());
        assert_ne!(shape::<Lent<'_, u8>>(), shape::<Lent<'_, u16>>());
    }

    #[test]
    fn the_same_type_in_another_format_is_another_shape() {
        #[derive(Deserialize)]
        struct Times {
            #[serde(with = "time::serde::timestamp::option")]
            stamp: Option<time::OffsetDateTime>,
            full: Option<time::OffsetDateTime>,
        }
        let alone = shape_of!(Times; struct Times {
            stamp: Option<time::OffsetDateTime>,
            full: Option<time::OffsetDateTime>,
        });
        let stamps = shape_of!(Times; struct Times { stamp: Option<i64>, full: Option<i64> });
        assert_apart![shape::<Times>(), alone, stamps];
    }

    #[test]
    fn types_that_need_a_format_that_describes_itself_are_not_known() {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Untagged {
            A(u8),
        }
        #[derive(Deserialize)]
        #[serde(tag = "type")]
        enum Tagged {
            A { x: u8 },
        }
        #[derive(Deserialize)]
        struct Flat {
            #[serde(flatten)]
            item: BTreeMap<String, u8>,
        }
        assert_eq!(shape::<Untagged>(), None);
        assert_eq!(shape::<Tagged>(), None);
        assert_eq!(shape::<Flat>(), None);
        assert_eq!(shape::<Vec<Option<serde_json::Value>>>(), None);
        assert_eq!(shape::<serde::de::IgnoredAny>(), None);
    }

    #[derive(Deserialize)]
    struct List {
        next: Option<Box<List>>,
    }
    #[derive(Deserialize)]
    struct Tree(BTreeMap<String, Vec<Tree>>);
    #[derive(Deserialize)]
    enum Json {
        Array(Vec<Json>),
        Object(BTreeMap<String, Json>),
        Null,
        Bool(bool),
        Number(f64),
        String(String),
    }
    #[derive(Deserialize)]
    enum Nodes {
        Add(Vec<Nodes>),
        Multiply(Vec<Nodes>),
    }
    #[derive(Deserialize)]
    enum Even {
        More(Box<Odd>),
        Zero,
    }
    #[derive(Deserialize)]
    enum Odd {
        Less(Box<Even>),
        More(Box<Even>, Box<Odd>),
    }
    #[derive(Deserialize)]
    enum Late {
        A(Box<Late>, Box<Late>),
        B(Box<Late>),
        C(Box<(Late, Late, Maybe)>),
        D(Maybe),
        E(Box<Late>),
    }
    #[derive(Deserialize)]
    enum Maybe {
        Not(Box<Late>),
        So(Box<Late>),
        Yes(Option<Box<Late>>),
    }

    #[test]
    fn recursive_types_come_to_an_end() {
        assert_whole![List, Tree, Json, Nodes, Even, Odd, Late, Maybe, State, Item];
        assert_whole![HashMap<String, Vec<Json>>, (Odd, Even), Vec<(Maybe, Late, Json)>];
    }

    /// The fingerprint of what is looked at no deeper than that, and hence in other passes.
    fn shape_within<'de, T: Deserialize<'de>>(reach: usize) -> (Option<[u8; 16]>, usize) {
        let (mut shape, mut passes) = (Shape::new(), 0);
        shape.0.begin();
        shape.0.reach = reach;
        while shape.0.has_more() {
            let accepted = shape.0.show(|tracer| T::deserialize(tracer).is_ok());
            shape.0.end_pass(accepted);
            passes += 1;
        }
        (shape.fingerprint(), passes)
    }

    #[test]
    fn the_passes_leave_no_trace() {
        let (of_item, few) = shape_within::<Item>(DEEPEST);
        let (of_late, of_levels) = (
            shape::<(Maybe, Late, Json)>(),
            shape::<Levels<Levels<u8>>>(),
        );
        assert_eq!(shape_within::<Item>(2), (of_item, few + 1));
        for reach in 0..DEEPEST {
            assert_eq!(shape_within::<Item>(reach).0, of_item);
            assert_eq!(shape_within::<(Maybe, Late, Json)>(reach).0, of_late);
            assert_eq!(shape_within::<Levels<Levels<u8>>>(reach).0, of_levels);
        }
        assert!(of_item.is_some() && of_late.is_some() && of_levels.is_some());
    }

    #[test]
    fn variants_are_found_behind_other_variants() {
        // What is behind the last variant is only met through it.
        assert_apart![
            shape_of!(E; enum E { A, B, C(F) } enum F { A, B, C(G) } enum G { A, B, C(u8) }),
            shape_of!(E; enum E { A, B, C(F) } enum F { A, B, C(G) } enum G { A, B, C(i8) }),
            shape_of!(E; enum E { A, B, C(F) } enum F { A, B, C(G) } enum G { A, B }),
            shape_of!(E; enum E { A, B, C(Vec<F>) } enum F { A, B, C(Vec<E>, Option<u8>) }),
            shape_of!(E; enum E { A, B, C(Vec<F>) } enum F { A, B, C(Vec<E>, Option<i8>) }),
        ];
    }

    #[test]
    fn types_without_a_value_are_not_known() {
        #[derive(Deserialize)]
        struct Own(Box<Own>);
        #[derive(Deserialize)]
        enum Endless {
            A(Box<Endless>),
            B(Box<Endless>, u8),
        }
        #[derive(Deserialize)]
        enum Here {
            A(Box<There>),
        }
        #[derive(Deserialize)]
        struct There {
            here: Here,
        }
        #[derive(Deserialize)]
        enum Never {}
        assert_eq!(shape::<Own>(), None);
        assert_eq!(shape::<Vec<Own>>(), None);
        assert_eq!(shape::<Endless>(), None);
        assert_eq!(shape::<Here>(), None);
        assert_eq!(shape::<Option<There>>(), None);
        assert_eq!(shape::<Never>(), None);
        assert_eq!(shape::<Result<u8, Never>>(), None);
    }

    #[test]
    fn types_of_one_name_are_told_apart() {
        macro_rules! twin {
            ($content:ty) => {{
                #[derive(Deserialize)]
                enum Twin {
                    A($content),
                }
                Shape::add::<Twin>
            }};
        }
        let both = |first: fn(&mut Shape), second: fn(&mut Shape)| {
            let mut shape = Shape::new();
            first(&mut shape);
            second(&mut shape);
            shape.fingerprint()
        };
        let (one, other) = (twin!(u8), twin!(i8));
        assert_apart![
            both(one, one),
            both(one, other),
            both(other, one),
            both(other, other)
        ];
        assert_eq!(both(one, one), both(twin!(u8), one));
    }

    #[test]
    fn visitors_of_one_value_are_told_apart() {
        struct Wide;

        impl<'de> Visitor<'de> for Wide {
            type Value = Option<u8>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a wide one")
            }

            fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Option<u8>, D::Error> {
                u64::deserialize(inner).map(|_| None)
            }
        }

        fn wide<'de, D: Deserializer<'de>>(inner: D) -> Result<Option<u8>, D::Error> {
            inner.deserialize_option(Wide)
        }

        let wide = shape_of!(A; struct A {
            x: Option<u8>,
            #[serde(deserialize_with = "wide")]
            y: Option<u8>,
        });
        assert_eq!(
            wide,
            shape_of!(A; struct A { x: Option<u8>, y: Option<u64> })
        );
    }

    #[test]
    fn what_changes_is_not_known() {
        static SEEN: AtomicU32 = AtomicU32::new(0);

        struct Moody;

        impl<'de> Deserialize<'de> for Moody {
            fn deserialize<D: Deserializer<'de>>(inner: D) -> Result<Self, D::Error> {
                match SEEN.fetch_add(1, Ordering::Relaxed) {
                    0 => u8::deserialize(inner).map(|_| Self),
                    _ => i8::deserialize(inner).map(|_| Self),
                }
            }
        }

        #[derive(Deserialize)]
        enum Mood {
            One(Moody),
            Other,
        }

        assert_eq!(shape::<(Mood, Mood, Mood)>(), None);
        assert!(shape::<(Mood, Mood, Mood)>().is_some());
    }

    #[test]
    fn a_sequence_that_is_refused_unseen_is_not_known() {
        struct Empty;

        impl<'de> Visitor<'de> for Empty {
            type Value = Self;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("nothing")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self, A::Error> {
                let some = || A::Error::custom("something");
                (seq.size_hint() == Some(0))
                    .then_some(self)
                    .ok_or_else(some)
            }
        }

        impl<'de> Deserialize<'de> for Empty {
            fn deserialize<D: Deserializer<'de>>(inner: D) -> Result<Self, D::Error> {
                inner.deserialize_seq(Self)
            }
        }

        assert_eq!(shape::<Empty>(), None);
    }

    #[derive(Deserialize)]
    enum Level<T> {
        Up(Box<Level<T>>, u8),
        Down(Box<T>, Vec<Level<T>>),
        Both {
            next: Option<Box<T>>,
            own: Box<Level<T>>,
        },
        Here,
    }

    #[derive(Deserialize)]
    struct Pair<T>(Box<T>, Box<T>);

    type Twice<T> = Pair<Pair<Pair<Pair<T>>>>;

    type Levels<T> = Level<Level<Level<Level<Level<T>>>>>;

    #[test]
    fn large_types_are_no_danger() {
        assert_whole![Levels<u8>, Levels<Levels<Levels<Levels<u8>>>>];
        assert_whole![[[[u8; 32]; 32]; 16], Twice<Twice<u8>>];
        // More than a million parts.
        assert_eq!(shape::<Twice<Twice<Twice<Twice<Twice<u8>>>>>>(), None);
    }
}
