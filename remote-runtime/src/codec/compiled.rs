//! The format between compiled programs: the only file that names bincode.

use bincode::config::{Configuration, Fixint, LittleEndian};
use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use serde::Serialize;
use serde::de::DeserializeSeed;

use super::guard::{Guard, Guarded};
use super::{NOT_TEXT, TOO_SHORT};

const FORMAT: Configuration<LittleEndian, Fixint> =
    bincode::config::standard().with_fixed_int_encoding();

/// Appends a value.
///
/// # Errors
/// In words, if it cannot be encoded.
#[inline]
pub(super) fn put<T: Serialize + ?Sized>(value: &T, sink: Sink<'_>) -> Result<(), String> {
    let guarded = Guarded::new(value, sink.guard);
    let put = bincode::serde::encode_into_writer(guarded, sink, FORMAT);
    put.map_err(reason)
}

/// Reads a value as `seed` does, and returns it with the number of its bytes.
///
/// # Errors
/// In words, if the bytes are none.
#[inline]
pub(super) fn read<'de, S: DeserializeSeed<'de>>(
    seed: S,
    bytes: &'de [u8],
) -> Result<(S::Value, usize), String> {
    bincode::serde::seed_decode_from_slice(seed, bytes, FORMAT).map_err(words)
}

/// The message that a value is appended to.
pub(super) struct Sink<'e> {
    pub(super) out: &'e mut Vec<u8>,
    pub(super) size: &'e mut usize,
    pub(super) limit: usize,
    pub(super) guard: &'e Guard,
}

impl Writer for Sink<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.guard.wrote(bytes.len());
        // Beyond the limit nothing is stored, but counted, so that the error can say the size.
        *self.size = self.size.saturating_add(bytes.len());
        if *self.size <= self.limit {
            self.out.extend_from_slice(bytes);
        }
        Ok(())
    }
}

fn reason(e: EncodeError) -> String {
    match e {
        EncodeError::OtherString(why) => why,
        EncodeError::Serde(bincode::serde::EncodeError::SequenceMustHaveLength) => {
            "its number of elements is not known before they are sent (as with `#[serde(flatten)]`)"
                .into()
        }
        other => other.to_string(),
    }
}

fn words(e: bincode::error::DecodeError) -> String {
    use bincode::error::DecodeError as E;
    match e {
        E::UnexpectedEnd { .. } => TOO_SHORT.into(),
        E::OtherString(why) => why,
        E::Utf8 { .. } => NOT_TEXT.into(),
        other => other.to_string(),
    }
}
