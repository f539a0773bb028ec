//! Limit (a): a Unix socket, a thread per connection, length-prefixed frames, no codec.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use peers::Result;
use peers::frames::{self, ECHO, Frames, POST, READ};
use peers::work::{ITEM, KEPT, NewsItem, Peer};

/// The items as they came. Without a codec nothing says where an item ends: all are of one size.
static POSTED: Mutex<VecDeque<Vec<u8>>> = Mutex::new(VecDeque::new());

struct Bare {
    frames: Frames,
    buffer: Vec<u8>,
}

impl Peer for Bare {
    fn serve(address: &str) -> Result<()> {
        frames::serve(address, answer)
    }

    fn connect(address: &str) -> Result<Self> {
        let frames = Frames::connect(address)?;
        let buffer = Vec::new();
        Ok(Self { frames, buffer })
    }

    fn echo(&mut self, mut data: Vec<u8>) -> Result<Vec<u8>> {
        self.frames.call(ECHO, &mut data)?;
        Ok(data)
    }

    fn post(&mut self, item: &str, by: &str) -> Result<()> {
        self.buffer.clear();
        self.buffer.extend_from_slice(item.as_bytes());
        self.buffer.extend_from_slice(by.as_bytes());
        self.frames.call(POST, &mut self.buffer)
    }

    fn read(&mut self, n: u32) -> Result<Vec<NewsItem>> {
        let mut buffer = n.to_le_bytes().to_vec();
        self.frames.call(READ, &mut buffer)?;
        let size = buffer.len() / n as usize;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
        let item = |bytes: &[u8]| -> Result<NewsItem> {
            let (item, by) = bytes.split_at(ITEM.len());
            let (item, by) = (text(item)?, text(by)?);
            Ok(NewsItem { item, by })
        };
        buffer.chunks_exact(size).map(item).collect()
    }
}

fn answer(function: u8, buffer: &mut Vec<u8>) -> Result<()> {
    let posted = || POSTED.lock().unwrap_or_else(PoisonError::into_inner);
    match function {
        POST => {
            let mut posted = posted();
            if posted.len() == KEPT {
                posted.pop_front();
            }
            posted.push_back(std::mem::take(buffer));
        }
        READ => {
            let n = u32::from_le_bytes(buffer[..].try_into()?);
            buffer.clear();
            for item in posted().iter().rev().take(n as usize) {
                buffer.extend_from_slice(item);
            }
        }
        _ => {}
    }
    Ok(())
}

fn main() -> Result<()> {
    peers::measure::main::<Bare>()
}
