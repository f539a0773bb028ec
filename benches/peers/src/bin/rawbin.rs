//! Limit (b): limit (a), with arguments and answers encoded by bincode through serde.

use peers::codec::decode;
use peers::framed::{Framed, answer};
use peers::frames::{self, ECHO, POST, READ};
use peers::work::{self, NewsItem, Peer};
use peers::{Result, measure};

struct RawBin(Framed);

impl Peer for RawBin {
    fn serve(address: &str) -> Result<()> {
        frames::serve(address, run)
    }

    fn connect(address: &str) -> Result<Self> {
        Ok(Self(Framed::connect(address)?))
    }

    fn echo(&mut self, data: Vec<u8>) -> Result<Vec<u8>> {
        self.0.call(ECHO, (data,))
    }

    fn post(&mut self, item: &str, by: &str) -> Result<()> {
        self.0.call(POST, (item, by))
    }

    fn read(&mut self, n: u32) -> Result<Vec<NewsItem>> {
        self.0.call(READ, (n,))
    }
}

fn run(function: u8, buffer: &mut Vec<u8>) -> Result<()> {
    match function {
        ECHO => {
            let (data,): (Vec<u8>,) = decode(buffer)?;
            answer(data, buffer)
        }
        POST => {
            let (item, by): (&str, &str) = decode(buffer)?;
            work::post(item, by);
            answer((), buffer)
        }
        _ => {
            let (n,) = decode(buffer)?;
            answer(work::read(n), buffer)
        }
    }
}

fn main() -> Result<()> {
    measure::main::<RawBin>()
}
