//! The values that a type was shown at each place before it asked for more.
//!
//! A value that is refused, or that nothing follows, shows nothing of what it steers. So a value
//! counts once the type has asked for something else after it.

use super::samples::Place;
use super::values::Kind;

/// A value that a type was shown.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'v> {
    Number(u64),
    Bytes(&'v [u8]),
}

/// The values of one place.
#[derive(Debug, Clone, Copy)]
struct Tried {
    kind: Kind,
    /// A digest of the first one after which something was read.
    first: Option<u64>,
    are_several: bool,
}

/// The values of all places.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// By alternative, of which the first one stands for the type itself, and by offset.
    tried: Vec<Vec<Option<Tried>>>,
    /// The last value, as long as nothing has followed.
    last: Option<(Place, u64)>,
}

impl Tally {
    /// Begins a pass.
    pub(super) fn begin(&mut self) {
        self.last = None;
    }

    pub(super) fn note(&mut self, place: Place, kind: Kind, value: Value<'_>) {
        let digest = match value {
            Value::Number(number) => number,
            // FNV-1a; two texts that collide count as one.
            Value::Bytes(bytes) => bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            }),
        };
        self.at(place).get_or_insert(Tried {
            kind,
            first: None,
            are_several: false,
        });
        self.last = Some((place, digest));
    }

    /// The type has asked for more.
    pub(super) fn follow(&mut self) {
        if let Some((place, digest)) = self.last.take()
            && let Some(tried) = self.at(place)
        {
            tried.are_several |= *tried.first.get_or_insert(digest) != digest;
        }
    }

    fn at(&mut self, place: Place) -> &mut Option<Tried> {
        let alternative = place.alternative.map_or(0, |at| at + 1);
        if self.tried.len() <= alternative {
            self.tried.resize_with(alternative + 1, Vec::new);
        }
        let places = &mut self.tried[alternative];
        if places.len() <= place.offset {
            places.resize(place.offset + 1, None);
        }
        &mut places[place.offset]
    }

    /// The places at which values were tried.
    pub(super) fn places(&self) -> Vec<Place> {
        self.places_of(|_| true)
    }

    /// The places after which something was read with one value only.
    pub(super) fn open_places(&self) -> Vec<Place> {
        self.places_of(|tried| tried.first.is_some() && !tried.are_several)
    }

    fn places_of(&self, is_wanted: fn(&Tried) -> bool) -> Vec<Place> {
        let alternatives = self.tried.iter().enumerate();
        let places = alternatives.flat_map(|(alternative, places)| {
            let offsets = places.iter().enumerate();
            let offsets = offsets.filter(move |(_, tried)| tried.as_ref().is_some_and(is_wanted));
            offsets.map(move |(offset, _)| Place {
                alternative: alternative.checked_sub(1),
                offset,
            })
        });
        places.collect()
    }

    /// Returns `true` if several values were tried at every place after which something was read. One is
    /// enough of a byte of which all values were tried.
    pub(super) fn is_complete(&self, all_bytes: bool) -> bool {
        let mut all = self.tried.iter().flatten().flatten();
        all.all(|tried| {
            let is_exhausted = all_bytes && tried.kind == Kind::Byte;
            tried.are_several || tried.first.is_none() || is_exhausted
        })
    }
}
