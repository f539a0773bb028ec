//! Limit (b): limit (a), with arguments and answers encoded by bincode through serde.

use peers::codec::{decode, encode};
use peers::frames::{self, ECHO, Frames, POST, READ};
use peers::work::{self, NewsItem, Peer};
use peers::{Result, measure};
use serde::Serialize;
use serde::de::DeserializeOwned;

struct RawBin {
    frames: Frames,
    buffer: Vec<u8>,
}

impl RawBin {
    fn call<T: DeserializeOwned>(&mut self, function: u8, arguments: impl Serialize) -> Result<T> {
        encode(arguments, &mut self.buffer)?;
        self.frames.call(function, &mut self.buffer)?;
        let answer: std::result::Result<T, String> = decode(&self.buffer)?;
        Ok(answer?)
    }
}

impl Peer for RawBin {
    fn serve(address: &str) -> Result<()> {
        frames::serve(address, answer)
    }

    fn connect(address: &str) -> Result<Self> {
        let frames = Frames::connect(address)?;
        let buffer = Vec::new();
        Ok(Self { frames, buffer })
    }

    fn echo(&mut self, data: Vec<u8>) -> Result<Vec<u8>> {
        self.call(ECHO, (data,))
    }

    fn post(&mut self, item: &str, by: &str) -> Result<()> {
        self.call(POST, (item, by))
    }

    fn read(&mut self, n: u32) -> Result<Vec<NewsItem>> {
        self.call(READ, (n,))
    }
}

fn answer(function: u8, buffer: &mut Vec<u8>) -> Result<()> {
    match function {
        ECHO => {
            let (data,): (Vec<u8>,) = decode(buffer)?;
            encode(ok(data), buffer)
        }
        POST => {
            let (item, by): (&str, &str) = decode(buffer)?;
            work::post(item, by);
            encode(ok(()), buffer)
        }
        _ => {
            let (n,) = decode(buffer)?;
            encode(ok(work::read(n)), buffer)
        }
    }
}

/// An answer can be an error, as everywhere; here none ever is.
fn ok<T>(answer: T) -> std::result::Result<T, String> {
    Ok(answer)
}

fn main() -> Result<()> {
    measure::main::<RawBin>()
}
