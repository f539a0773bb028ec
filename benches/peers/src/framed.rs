//! Calls of limit (b): encoded values in the frames of limit (a).

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Result;
use crate::codec::{decode, encode};
use crate::frames::Frames;

pub struct Framed {
    frames: Frames,
    buffer: Vec<u8>,
}

impl Framed {
    pub fn connect(address: &str) -> Result<Self> {
        let frames = Frames::connect(address)?;
        let buffer = Vec::new();
        Ok(Self { frames, buffer })
    }

    pub fn call<T>(&mut self, function: u8, arguments: impl Serialize) -> Result<T>
    where
        T: DeserializeOwned,
    {
        encode(arguments, &mut self.buffer)?;
        self.frames.call(function, &mut self.buffer)?;
        let answer: std::result::Result<T, String> = decode(&self.buffer)?;
        Ok(answer?)
    }
}

/// Puts an answer into the buffer. It can be an error, as everywhere; here none ever is.
pub fn answer(answer: impl Serialize, buffer: &mut Vec<u8>) -> Result<()> {
    encode(Ok::<_, String>(answer), buffer)
}
