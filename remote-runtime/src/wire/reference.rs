//! A reference to an object of the server, as it stands inside encoded values.
//!
//! ```text
//! reference := home: u64, object: u64, id: u128        little-endian, as serde's tuple of four u64
//! releases  := id*                                     the body of a `Release`; an empty one is of all
//!                                                      references in the reply before it
//! ```
//!
//! `home` is the server's process that has the object, `object` tells objects apart, and `id` is what
//! one session holds it by. Each time that an object is sent to a client it gets another id, so that
//! a client that lets go of one and a server that sends the next cannot cross each other's way.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a session holds an object by: drawn at random, and never used twice.
pub type Id = [u8; 16];

/// A reference to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The server's process, as it calls itself: drawn at random when it first has an object.
    pub home: u64,
    /// The object, among all that this process has ever had.
    pub object: u64,
    /// What the session of a client holds it by.
    pub id: Id,
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let id = u128::from_le_bytes(self.id);
        (self.home, self.object, id as u64, (id >> 64) as u64).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (home, object, low, high) = <(u64, u64, u64, u64)>::deserialize(deserializer)?;
        let id = u128::from(low) | u128::from(high) << 64;
        let id = id.to_le_bytes();
        Ok(Self { home, object, id })
    }
}

/// The ids in the body of a `Release`; what is no whole id at its end is none.
pub fn released(body: &[u8]) -> impl Iterator<Item = Id> {
    body.as_chunks().0.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Decoder, Encoder};
    use proptest::prelude::*;

    #[test]
    fn the_bytes_are_these_for_ever() {
        let reference = Reference {
            home: 1,
            object: 2,
            id: *b"0123456789abcdef",
        };
        let mut out = Vec::new();
        Encoder::new(&mut out, 0, 100).put(&reference).unwrap();
        assert_eq!(
            out,
            b"\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\x000123456789abcdef"
        );
    }

    proptest! {
        #[test]
        fn every_reference_is_read_back(home: u64, object: u64, id: Id) {
            let reference = Reference { home, object, id };
            let mut out = Vec::new();
            Encoder::new(&mut out, 0, 100).put(&reference).unwrap();
            prop_assert_eq!(Decoder::new(&out).take(), Ok(reference));
        }

        #[test]
        fn any_bytes_are_releases(body: Vec<u8>) {
            prop_assert_eq!(released(&body).count(), body.len() / 16);
        }
    }
}
