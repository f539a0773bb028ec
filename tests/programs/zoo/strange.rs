//! Values that panic, or refuse, or are lost on their way, with references beside them.

use remotex::{Remote, Result, remote};
use serde::{Deserialize, Serialize};

use super::objects::{Box, HOLDING};

/// What a panic is about that panics when it is dropped.
pub struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("it was a bomb");
    }
}

/// What panics when it is sent, or read.
#[derive(Debug, Clone, Copy)]
pub struct Odd(pub u32);

impl Serialize for Odd {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert_ne!(self.0, 4242, "it is too odd to be sent");
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Odd {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let n = u32::deserialize(deserializer)?;
        assert_ne!(n, 2424, "it is too odd to be read");
        Ok(Self(n))
    }
}

/// Gives it back, with a box.
#[remote(HOLDING)]
pub fn odd(it: Odd) -> Result<(Remote<Box>, Odd)> {
    Ok((Box::with("odd")?, Odd(it.0 + 1)))
}

/// What refuses to be read.
#[derive(Debug, Serialize)]
pub struct Picky(u32);

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            13 => Err(serde::de::Error::custom("13 brings bad luck")),
            n => Ok(Self(n)),
        }
    }
}

/// Boxes up to one with a number that nobody reads.
#[remote(HOLDING)]
pub fn unlucky() -> Result<Vec<(Picky, Remote<Box>)>> {
    let boxes = (10..20).map(|n| Ok((Picky(n), Box::with("unlucky")?)));
    boxes.collect()
}

/// A reference that may be to nothing.
#[derive(Debug)]
pub struct Lossy(pub Option<Remote<Box>>);

impl Serialize for Lossy {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(it) => it.serialize(serializer),
            None => Err(serde::ser::Error::custom("there is nothing")),
        }
    }
}

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Remote::deserialize(deserializer).ok()))
    }
}

/// Runs with nothing, too.
#[remote(HOLDING)]
pub fn lossy(it: Lossy) -> Result<()> {
    Err(format!(
        "it has run with {}",
        it.0.map_or("nothing", |_| "something")
    )
    .into())
}
