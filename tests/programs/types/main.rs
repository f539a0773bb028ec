// A program of which there are two builds, `types-1` and `types-2`, with types that serde does not
// show, or that do not write what they read.

use remotex::{Result, Server, Variable, remote};
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{SerializeTuple, Serializer};
use serde::{Deserialize, Serialize};

static TYPES: Server = Server::new("types")
    .autostart()
    .idle_timeout(std::time::Duration::from_secs(60));

/// A tag, and then what the tag says: nothing, or a number that is another one in the other build.
#[derive(Clone, PartialEq)]
enum Reading {
    Nothing,
    Weight(Number),
}

impl Serialize for Reading {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(2)?;
        match self {
            Self::Nothing => {
                tuple.serialize_element(&0_u8)?;
                tuple.serialize_element(&())?;
            }
            Self::Weight(number) => {
                tuple.serialize_element(&1_u8)?;
                tuple.serialize_element(number)?;
            }
        }
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for Reading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visits;

        impl<'de> Visitor<'de> for Visits {
            type Value = Reading;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a tag and a reading")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Reading, A::Error> {
                let few = || A::Error::custom("too few");
                match seq.next_element::<u8>()?.ok_or_else(few)? {
                    0 => seq.next_element::<()>()?.ok_or_else(few).map(|()| Reading::Nothing),
                    _ => seq.next_element()?.ok_or_else(few).map(Reading::Weight),
                }
            }
        }

        deserializer.deserialize_tuple(2, Visits)
    }
}

/// Written as a text, and read as a derived enum: a format with names carries it, this one does not.
#[derive(Deserialize)]
enum Color {
    Red,
    Green,
}

impl Serialize for Color {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Red => "red",
            Self::Green => "green",
        })
    }
}

fn grams(reading: &Reading) -> Result<u32> {
    Ok(match reading {
        Reading::Nothing => 0,
        Reading::Weight(number) => *number as u32,
    })
}

/// Takes what is not known.
#[remote(TYPES)]
fn weigh(readings: &[Reading]) -> Result<u32> {
    readings.iter().map(grams).sum()
}

/// The author vouches for the same types as in the other build, and is wrong.
#[remote(TYPES, types = "1")]
fn vouched(reading: &Reading) -> Result<u32> {
    grams(reading)
}

#[remote(TYPES, types = "1")]
static LAST: Variable<Reading> = Variable::new(|| Reading::Nothing);

/// Leaves a trace of having run.
#[remote(TYPES)]
fn paint(file: &std::path::Path) -> Result<Vec<Option<Color>>> {
    std::fs::write(file, "")?;
    Ok(vec![Some(Color::Red), Some(Color::Green), None])
}

#[remote(TYPES)]
fn erase(color: &Color, file: &std::path::Path) -> Result<()> {
    let _ = color;
    std::fs::write(file, "")?;
    Ok(())
}

fn main() {
    remotex::init();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let weight = || Reading::Weight(7 as Number);
    let ended = match words[..] {
        ["serve"] => TYPES.listen().map(|()| 0),
        ["pid"] => TYPES.status().map(|status| status.pid),
        ["weigh"] => weigh(&[weight()]),
        ["vouched"] => vouched(&Reading::Nothing),
        ["revised"] => revised(&weight()),
        ["last"] => LAST.set(Reading::Nothing).and_then(|()| LAST.get()).and_then(|last| grams(&last)),
        ["paint", file] => paint(file.as_ref()).map(|colors| colors.len() as u32),
        ["erase", file] => erase(&Color::Red, file.as_ref()).map(|()| 0),
        _ => panic!("no such word: {words:?}"),
    };
    match ended {
        Ok(number) => println!("{number}"),
        Err(e) => println!("{} {e:#?}", e.may_have_run()),
    }
}
