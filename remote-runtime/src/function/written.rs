//! Types that write what they read, and types that do not.

#![allow(dead_code)] // The types are looked at, not used.

use crate::shape::{Shape, Written};
use serde::de::DeserializeOwned;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

fn unfit<T: Written + DeserializeOwned>() -> Option<&'static str> {
    let mut shape = Shape::of_written();
    shape.add_written::<T>();
    shape.unfit()
}

macro_rules! assert_fit {
    ($($ty:ty),* $(,)?) => {
        $(assert_eq!(unfit::<$ty>(), None);)*
    };
}

macro_rules! assert_unfit {
    ($($ty:ty),* $(,)?) => {
        $(assert_eq!(unfit::<$ty>(), Some(std::any::type_name::<$ty>()));)*
    };
}

#[derive(Serialize, Deserialize)]
enum Tree {
    Leaf(String, u64),
    Named { name: char, children: Vec<Tree> },
    Nothing,
    Other(Option<Box<Tree>>),
}

#[derive(Serialize, Deserialize)]
struct Unit;

#[derive(Serialize, Deserialize)]
struct New(Unit, (i8, f32), [u16; 3]);

#[derive(Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
#[derive(Clone)]
struct Port(u16);

impl TryFrom<u16> for Port {
    type Error = &'static str;

    fn try_from(port: u16) -> Result<Self, &'static str> {
        (port >= 1024).then_some(Self(port)).ok_or("too low")
    }
}

impl From<Port> for u16 {
    fn from(port: Port) -> Self {
        port.0
    }
}

#[test]
fn types_that_write_what_they_read_are_left_alone() {
    assert_fit![
        u8, i16, u32, i64, u128, f32, f64, bool, char, String, (), Unit, New, Tree, Vec<Tree>, Port,
        Option<Port>, BTreeMap<String, Vec<Tree>>, HashMap<u8, char>, BTreeSet<(u8, String)>,
        IpAddr, SocketAddr, Duration, SystemTime, PathBuf, std::ffi::OsString, std::ffi::CString,
        [u8; 32], Result<Tree, String>, std::ops::Bound<u8>, std::ops::RangeInclusive<i64>,
        Box<str>, std::num::NonZeroU32, time::OffsetDateTime, time::Date, time::Duration,
        Vec<(time::Weekday, time::Month, time::UtcOffset)>,
    ];
}

/// Written as a text.
#[derive(Deserialize)]
enum Color {
    Red,
    Green(u8),
}

impl Serialize for Color {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("red")
    }
}

#[derive(Serialize, Deserialize)]
struct Skipped {
    a: u8,
    #[serde(skip_serializing)]
    b: u32,
}

#[derive(Serialize, Deserialize)]
struct Narrower {
    #[serde(serialize_with = "as_byte")]
    a: u16,
}

fn as_byte<S: Serializer>(value: &u16, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(value.to_le_bytes()[0])
}

#[test]
fn types_that_do_not_write_what_they_read_are_named() {
    assert_unfit![
        Color, Vec<Color>, Option<Color>, (u8, Color), BTreeMap<u8, Color>, Result<u8, Color>, Skipped, [Skipped; 2], Narrower,
    ];
}

#[test]
fn what_cannot_be_written_or_read_is_not_judged() {
    #[derive(Serialize, Deserialize)]
    struct Left {
        #[serde(skip_serializing_if = "Option::is_none")]
        a: Option<u8>,
    }
    assert_fit![Left, serde_json::Value, Vec<Option<serde_json::Value>>];
}
