//! A new connection, on which all must be said by a deadline, however slowly it comes.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A socket until its two ends know each other.
#[derive(Debug)]
pub(super) struct Hurried<'s> {
    socket: &'s TcpStream,
    deadline: Instant,
}

impl<'s> Hurried<'s> {
    pub(super) fn until(socket: &'s TcpStream, deadline: Instant) -> Self {
        Self { socket, deadline }
    }

    /// Lets the other end take its time from here on, but not to take what is sent to it.
    pub(super) fn calm(self, patience: Duration) -> io::Result<()> {
        self.socket.set_read_timeout(None)?;
        self.socket.set_write_timeout(Some(patience))
    }

    fn left(&self) -> io::Result<Duration> {
        match self.deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(left),
        }
    }
}

impl Read for Hurried<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        self.socket.read(buffer)
    }
}

impl Write for Hurried<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
