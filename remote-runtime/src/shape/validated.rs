//! Types that refuse most values, and yet show all of themselves.

#![allow(dead_code)] // The types are looked at, not used.

use super::Shape;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected};
use std::fmt;
use std::str::FromStr;

fn shape<'de, T: Deserialize<'de>>() -> Option<[u8; 16]> {
    let mut shape = Shape::new();
    shape.add::<T>();
    shape.fingerprint()
}

/// Declares a type that takes those values of another one for which that holds, or says why not.
macro_rules! validated {
    ($($name:ident($of:literal $ty:ty): |$value:ident| $is_good:expr, $words:expr;)*) => {$(
        #[derive(Deserialize)]
        #[serde(try_from = $of)]
        struct $name($ty);

        impl TryFrom<$ty> for $name {
            type Error = &'static str;

            fn try_from($value: $ty) -> Result<Self, &'static str> {
                let is_good = $is_good;
                is_good.then_some(Self($value)).ok_or($words)
            }
        }
    )*};
}

validated! {
    Port("u16" u16): |v| v >= 1024, "refused";
    Share("f64" f64): |v| v > 0.0 && v < 1.0, "refused";
    Even("u32" u32): |v| v != 0 && v.is_multiple_of(2), "refused";
    Magic("u32" u32): |v| v == 51_966 || v == 51_967, "expected 51966 or the next one";
    Late("i64" i64): |v| v > 1_600_000_000, "is not after 1600000000";
    Above("u64" u64): |v| v > 5_000_000, "must be greater than 5000000";
    Version("String" String): |v| v.starts_with('v'), "must begin with `v`";
    Level("String" String): |v| ["lax", "strict"].contains(&&*v), "one of lax, strict";
    Color("String" String): |v| ["red", "green"].contains(&&*v), "no such color";
    Crockford("String" String): |v| v.len() == 26 && v.bytes().all(|b| b.is_ascii_alphanumeric()), "invalid length";
    Triple("Vec<u8>" Vec<u8>): |v| v.len() == 3, "not three";
    Pairs("Vec<Port>" Vec<Port>): |v| v.len() >= 2, "less than two";
    Id("String" String): |v| v.len() == 36 && v.matches('-').count() == 4, "refused";
    Url("String" String): |v| v.split_once("://").is_some_and(|(scheme, rest)| scheme == "http" && !rest.is_empty()), "relative URL without a base";
    Email("String" String): |v| v.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.')), "refused";
    Semantic("String" String): |v| v.split('.').count() == 3 && v.split('.').all(|part| part.parse::<u64>().is_ok()), "refused";
    Never("String" String): |v| v == "x y z", "refused";
}

/// As `serde_repr` writes it.
#[derive(Debug, PartialEq)]
enum Status {
    Ok = 200,
    NotFound = 404,
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(inner: D) -> Result<Self, D::Error> {
        match u16::deserialize(inner)? {
            200 => Ok(Self::Ok),
            404 => Ok(Self::NotFound),
            other => Err(D::Error::custom(format_args!(
                "invalid value: {other}, expected one of: 200, 404"
            ))),
        }
    }
}

/// As `monostate` and others say what they want.
struct Wanted;

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: Deserializer<'de>>(inner: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(inner)?;
        let words = &"77001 or 77002";
        match number {
            77_001 | 77_002 => Ok(Self),
            _ => Err(D::Error::invalid_value(
                Unexpected::Unsigned(number.into()),
                words,
            )),
        }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String", bound = "T: FromStr<Err: fmt::Display>")]
struct Parsed<T>(T);

impl<T: FromStr<Err: fmt::Display>> TryFrom<String> for Parsed<T> {
    type Error = T::Err;

    fn try_from(text: String) -> Result<Self, T::Err> {
        text.parse().map(Self)
    }
}

/// A type beside others, and inside containers.
type Follows<T> = (T, u64, T);
type Holds<T> = Vec<(u8, Option<T>, Vec<T>, String)>;

macro_rules! assert_like {
    ($($ty:ty: $plain:ty),* $(,)?) => {$(
        assert!(shape::<$ty>().is_some(), "{}", stringify!($ty));
        assert_eq!(shape::<$ty>(), shape::<$plain>(), "{}", stringify!($ty));
        assert_eq!(shape::<Follows<$ty>>(), shape::<Follows<$plain>>(), "{}", stringify!($ty));
        assert_eq!(shape::<Holds<$ty>>(), shape::<Holds<$plain>>(), "what holds {}", stringify!($ty));
    )*};
}

#[test]
fn validated_types_are_like_those_that_they_are_made_of() {
    assert_like![
        Port: u16, Share: f64, Even: u32, Magic: u32, Late: i64, Above: u64, Version: String,
        Level: String, Color: String, Crockford: String, Pairs: Vec<u16>, Id: String, Url: String,
        Email: String, Semantic: String, Status: u16, Wanted: u32,
        Parsed<bool>: String, Parsed<std::net::IpAddr>: String, Parsed<char>: String,
        Parsed<std::net::SocketAddrV6>: String, Parsed<std::num::NonZeroI16>: String,
    ];
    assert_eq!(shape::<Triple>(), shape::<Vec<u8>>());
}

#[test]
fn structures_of_many_validated_parts_are_known() {
    #[derive(Deserialize)]
    struct Config {
        port: Port,
        share: Share,
        status: Status,
        version: Version,
        color: Color,
        urls: Vec<Url>,
        level: Option<Level>,
        peers: Pairs,
        mail: [Email; 4],
        next: Option<Box<Config>>,
        kind: Kind,
    }
    #[derive(Deserialize)]
    enum Kind {
        One(Port, Semantic),
        Two { at: Late, by: Status },
        Three(Box<Config>),
    }
    assert!(shape::<Config>().is_some());
    assert!(shape::<Vec<(Kind, Config)>>().is_some());
}

#[test]
fn what_takes_no_sample_is_named() {
    let mut shape = Shape::new();
    shape.add::<u8>();
    shape.add::<Vec<Never>>();
    shape.add::<serde_json::Value>();
    assert!(
        shape
            .unknown()
            .is_some_and(|name| name.contains("Vec<") && name.contains("::Never>"))
    );
    assert_eq!(shape.fingerprint(), None);
}

#[test]
fn a_panic_refuses_a_sample() {
    #[derive(Deserialize)]
    #[serde(from = "u8")]
    struct Day(usize);

    impl From<u8> for Day {
        fn from(day: u8) -> Self {
            Self([31, 28][usize::from(day)])
        }
    }

    // It panics too often to be shown all samples, and ends nothing.
    assert_eq!(shape::<(Day, u64)>(), None);
    assert!(shape::<u8>().is_some());
}
