//! The server's end of a handshake, which takes what has arrived and waits for nothing.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use rustix::net::{RecvFlags, recv};

use crate::transport::{Stream, send_at_once};

/// A handshake that goes on whenever something arrives, so that no thread waits for a slow peer.
pub(super) trait Handshake: Send {
    /// Goes on with what has arrived; `true` once the client is authenticated.
    ///
    /// # Errors
    /// In words, if the client is refused.
    fn advance(&mut self, socket: &TcpStream) -> Result<bool, String>;

    /// Makes a stream of the connection; `None` if the client is not authenticated.
    fn finish(self: Box<Self>, socket: TcpStream) -> Option<Stream>;
}

/// Begins the handshake on a connection that was accepted.
pub(super) type Begin = Box<dyn Fn(&TcpStream) -> Result<Box<dyn Handshake>, String> + Send + Sync>;

/// A socket that is read from and written to without waiting.
///
/// A handshake sends much less than a new connection's send buffer holds; a peer with which
/// that is not so is refused.
pub(super) struct AtOnce<'s>(pub(super) &'s TcpStream);

impl Read for AtOnce<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (_, length) = recv(self.0, buffer, RecvFlags::DONTWAIT)?;
        Ok(length)
    }
}

impl Write for AtOnce<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match send_at_once(self.0, bytes) {
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                Err(io::Error::other("it does not read what is sent to it"))
            }
            sent => sent,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Tells the end, and that nothing more has arrived, from bytes.
pub(super) fn arrived(read: io::Result<usize>) -> io::Result<Option<usize>> {
    match read {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(n) => Ok(Some(n)),
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(e) => Err(e),
    }
}
