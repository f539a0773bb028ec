//! bincode through serde, for those peers that bring no codec of their own.

use bincode::config::standard;
use serde::{Deserialize, Serialize};

use crate::Result;

/// Replaces what the buffer holds.
pub fn encode(value: impl Serialize, buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    bincode::serde::encode_into_std_write(value, buffer, standard())?;
    Ok(())
}

pub fn decode<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T> {
    let (value, _) = bincode::serde::borrow_decode_from_slice(bytes, standard())?;
    Ok(value)
}
