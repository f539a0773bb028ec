//! The frames of the two limits: a length, which function is meant, and the payload.

use std::io::{self, IoSlice, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use crate::Result;

pub const ECHO: u8 = 0;
pub const POST: u8 = 1;
pub const READ: u8 = 2;

const HEAD: usize = 5;

/// Frames up to this size are copied into one block, since that takes less than a second block.
const SMALL: usize = 256;

pub struct Frames {
    stream: UnixStream,
    first: Box<[u8]>,
}

impl Frames {
    pub fn connect(address: &str) -> Result<Self> {
        Ok(Self::new(UnixStream::connect(address)?))
    }

    fn new(stream: UnixStream) -> Self {
        let first = vec![0; 8192].into();
        Self { stream, first }
    }

    /// Sends the payload in one write.
    pub fn send(&mut self, function: u8, payload: &[u8]) -> io::Result<()> {
        let mut block = [0; SMALL];
        block[..4].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        block[4] = function;
        let end = HEAD + payload.len();
        if let Some(place) = block.get_mut(HEAD..end) {
            place.copy_from_slice(payload);
            return self.stream.write_all(&block[..end]);
        }
        let (head, _) = block.split_at(HEAD);
        let both = [IoSlice::new(head), IoSlice::new(payload)];
        let sent = self.stream.write_vectored(&both)?;
        // The head is far smaller than what a socket takes at once.
        self.stream.write_all(&payload[sent - HEAD..])
    }

    /// Puts the next frame's payload into the buffer, which is used again and again, and says which
    /// function was meant; `None` at the end.
    ///
    /// No more than one frame is ever on its way, so that the first read brings nothing of another.
    pub fn receive(&mut self, payload: &mut Vec<u8>) -> io::Result<Option<u8>> {
        let mut have = 0;
        while have < HEAD {
            match self.stream.read(&mut self.first[have..])? {
                0 => return Ok(None),
                n => have += n,
            }
        }
        let [a, b, c, d, function, ref rest @ ..] = self.first[..have] else {
            return Ok(None);
        };
        payload.resize(u32::from_le_bytes([a, b, c, d]) as usize, 0);
        let (came, to_come) = payload.split_at_mut(rest.len());
        came.copy_from_slice(rest);
        self.stream.read_exact(to_come)?;
        Ok(Some(function))
    }

    /// Sends what the buffer holds and waits until it holds the answer.
    pub fn call(&mut self, function: u8, buffer: &mut Vec<u8>) -> Result<()> {
        self.send(function, buffer)?;
        self.receive(buffer)?.ok_or("the server is gone")?;
        Ok(())
    }
}

/// A thread for each connection. `answer` finds the arguments in the buffer and leaves the answer
/// there.
pub fn serve(address: &str, answer: fn(u8, &mut Vec<u8>) -> Result<()>) -> Result<()> {
    for stream in UnixListener::bind(address)?.incoming() {
        let mut frames = Frames::new(stream?);
        thread::spawn(move || -> Result<()> {
            let mut buffer = Vec::new();
            while let Some(function) = frames.receive(&mut buffer)? {
                answer(function, &mut buffer)?;
                frames.send(function, &buffer)?;
            }
            Ok(())
        });
    }
    Ok(())
}
