//! A connection, however its bytes get across.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
#[cfg(feature = "tcp")]
use std::os::fd::OwnedFd;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, recv};

use super::os;

/// Up to how many bytes it is less to copy them together than to send one packet more.
const PACKED: usize = 16 * 1024;

/// The most bytes of a message that a socket takes at once, or not at all.
const SMALL: usize = 32 * 1024;

/// How much is read at once where that takes bytes that are there already.
#[cfg(feature = "tls")]
const AT_ONCE: usize = 32 * 1024;

/// A connection, seen from one of its ends.
#[derive(Debug)]
pub(crate) enum Stream {
    /// A Unix socket: the kernel knows who is at its other end.
    Near(UnixStream),
    /// What may lead beyond this machine: who is at its other end has proven to know what only we know.
    #[cfg_attr(
        not(feature = "tcp"),
        expect(dead_code, reason = "nothing leads there")
    )]
    Far(Box<dyn Carrier>),
}

/// What carries bytes where no Unix socket does: one implementation for each way to do that.
pub(crate) trait Carrier: fmt::Debug + Send + Sync {
    /// Sends all of `bytes`.
    fn send(&self, bytes: &[u8]) -> io::Result<()>;

    /// Appends to `bytes`, within their spare capacity, what has come; waits for it if there is nothing
    /// and it `waits`. No bytes are an end.
    fn receive(&self, bytes: &mut Vec<u8>, waits: bool) -> io::Result<usize>;

    /// Whether something has come that nobody has received, and of which the socket tells nothing.
    fn has_more(&self) -> bool;

    /// How long a receive may wait; for ever if that is `None`.
    fn set_read_timeout(&self, patience: Option<Duration>) -> io::Result<()>;

    /// What tells that something comes; `None` if nothing does.
    fn socket(&self) -> Option<BorrowedFd<'_>>;
}

impl Stream {
    /// Sends all of `bytes`. A peer that has gone is an error, never SIGPIPE, which many programs let
    /// end them.
    ///
    /// # Errors
    /// If the peer has closed.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Near(socket) => send(socket, bytes),
            Self::Far(carrier) => carrier.send(bytes),
        }
    }

    /// Sends all of `parts`, one after the other, as [`send`](Self::send) does.
    ///
    /// # Errors
    /// If the peer has closed.
    pub(crate) fn send_parts(&self, mut parts: &mut [IoSlice<'_>]) -> io::Result<()> {
        let socket = match self {
            Self::Near(socket) => socket,
            Self::Far(carrier) => {
                if parts.iter().map(|part| part.len()).sum::<usize>() <= PACKED {
                    let bytes: Vec<&[u8]> = parts.iter().map(|part| &**part).collect();
                    return carrier.send(&bytes.concat());
                }
                return parts.iter().try_for_each(|part| carrier.send(part));
            }
        };
        // Whatever is empty comes off first, so that an end is one.
        IoSlice::advance_slices(&mut parts, 0);
        let length = |parts: &[IoSlice<'_>]| parts.iter().map(|part| part.len()).sum::<usize>();
        while !parts.is_empty() {
            let pause = Pause::before(length(parts));
            match os::send_message(socket, parts, &mut SendAncillaryBuffer::default()) {
                Ok(n) => {
                    IoSlice::advance_slices(&mut parts, n);
                    if !parts.is_empty() {
                        pause.check(socket.as_fd())?;
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Appends to `bytes`, within their spare capacity, what has come; waits for it if there is nothing
    /// and it `waits`. No bytes are an end.
    ///
    /// # Errors
    /// As of a read.
    pub(crate) fn receive(&self, bytes: &mut Vec<u8>, waits: bool) -> io::Result<usize> {
        match self {
            Self::Near(socket) => receive(socket.as_fd(), bytes, waits),
            Self::Far(carrier) => carrier.receive(bytes, waits),
        }
    }

    /// Whether something has come that nobody has received, and of which the socket tells nothing.
    pub(crate) fn has_more(&self) -> bool {
        match self {
            Self::Near(_) => false,
            Self::Far(carrier) => carrier.has_more(),
        }
    }

    /// Whether it may lead beyond this machine.
    pub(crate) fn is_far(&self) -> bool {
        matches!(self, Self::Far(_))
    }

    /// Whether it may lead beyond this machine, and each end can speak whenever it wants.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self, Self::Far(carrier) if carrier.socket().is_some())
    }

    /// Whether it is good for one message and its reply.
    pub(crate) fn is_exchange(&self) -> bool {
        matches!(self, Self::Far(carrier) if carrier.socket().is_none())
    }

    /// Whether each end can speak whenever it wants, and the other one has closed, with nothing left
    /// to be read. What is sent then is lost, and over a network nothing tells that nobody has read it.
    pub(crate) fn has_ended(&self) -> bool {
        let (true, Ok(socket)) = (self.is_live(), self.socket()) else {
            return false;
        };
        match recv(
            socket,
            &mut [0_u8; 1],
            RecvFlags::PEEK | RecvFlags::DONTWAIT,
        ) {
            Ok((_, length)) => length == 0,
            Err(e) => ![Errno::AGAIN, Errno::INTR].contains(&e),
        }
    }

    pub(crate) fn set_read_timeout(&self, patience: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Near(socket) => socket.set_read_timeout(patience),
            Self::Far(carrier) => carrier.set_read_timeout(patience),
        }
    }

    /// How long a send may pause.
    pub(crate) fn set_write_timeout(&self, patience: Duration) -> io::Result<()> {
        Ok(set_socket_timeout(
            self.socket()?,
            Timeout::Send,
            Some(patience),
        )?)
    }

    /// Ends one direction or both, for both ends.
    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let how = match how {
            Shutdown::Read => rustix::net::Shutdown::Read,
            Shutdown::Write => rustix::net::Shutdown::Write,
            Shutdown::Both => rustix::net::Shutdown::Both,
        };
        Ok(rustix::net::shutdown(self.socket()?, how)?)
    }

    /// What tells that something comes.
    pub(crate) fn socket(&self) -> io::Result<BorrowedFd<'_>> {
        let socket = match self {
            Self::Near(socket) => Some(socket.as_fd()),
            Self::Far(carrier) => carrier.socket(),
        };
        socket.ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// The socket over which descriptors can be sent too.
    pub(crate) fn near(&self) -> io::Result<&UnixStream> {
        match self {
            Self::Near(socket) => Ok(socket),
            Self::Far(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut bytes = Vec::with_capacity(buffer.len());
        let received = self.receive(&mut bytes, true)?;
        buffer[..received].copy_from_slice(&bytes);
        Ok(received)
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket that carries bytes as they are, whoever is at its other end.
#[cfg(feature = "tcp")]
#[derive(Debug)]
pub(crate) struct Plain(pub(crate) OwnedFd);

#[cfg(feature = "tcp")]
impl Carrier for Plain {
    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        send(&self.0, bytes)
    }

    fn receive(&self, bytes: &mut Vec<u8>, waits: bool) -> io::Result<usize> {
        receive(self.0.as_fd(), bytes, waits)
    }

    fn has_more(&self) -> bool {
        false
    }

    fn set_read_timeout(&self, patience: Option<Duration>) -> io::Result<()> {
        Ok(set_socket_timeout(&self.0, Timeout::Recv, patience)?)
    }

    fn socket(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

/// The time before a send. The system returns early from one that has paused for as long as it may, if
/// something was sent before, and would then pause as long again.
struct Pause(Option<Instant>);

impl Pause {
    fn before(length: usize) -> Self {
        Self((length > SMALL).then(Instant::now))
    }

    /// Fails if the send that has returned early has paused for too long.
    fn check(&self, socket: BorrowedFd<'_>) -> io::Result<()> {
        let limit = rustix::net::sockopt::socket_timeout(socket, Timeout::Send)?;
        let is_over = limit
            .zip(self.0)
            .is_some_and(|(limit, began)| began.elapsed() >= limit);
        let mut polled = [PollFd::from_borrowed_fd(socket, PollFlags::OUT)];
        if is_over && poll(&mut polled, Some(&Timespec::default()))? == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(())
    }
}

/// Sends all of `bytes`. A peer that has gone is an error, never SIGPIPE.
///
/// # Errors
/// If the peer has closed.
pub(crate) fn send(socket: &impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let pause = Pause::before(bytes.len());
        match os::send(socket.as_fd(), bytes, SendFlags::empty()) {
            Ok(n) => {
                bytes = &bytes[n..];
                if !bytes.is_empty() {
                    pause.check(socket.as_fd())?;
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Sends as much of `bytes` as there is room for, and returns how much that is.
///
/// # Errors
/// If there is no room, or the peer has closed.
#[cfg(feature = "tcp")]
pub(crate) fn send_at_once(socket: &impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    os::send(socket.as_fd(), bytes, SendFlags::DONTWAIT)
}

/// Appends to `bytes`, within their spare capacity, what `read` reads. Only so much of that is set to zero
/// for it as is read at once: a large message has much more to spare, each time that a little comes.
#[cfg(feature = "tls")]
pub(crate) fn append(
    bytes: &mut Vec<u8>,
    read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
) -> io::Result<usize> {
    let before = bytes.len();
    let room = (bytes.capacity() - before).min(AT_ONCE);
    bytes.resize(before + room, 0);
    let received = read(&mut bytes[before..]);
    bytes.truncate(before + received.as_ref().unwrap_or(&0));
    received
}

fn receive(socket: BorrowedFd<'_>, bytes: &mut Vec<u8>, waits: bool) -> io::Result<usize> {
    let flags = if waits {
        RecvFlags::empty()
    } else {
        RecvFlags::DONTWAIT
    };
    let (received, _) = recv(socket, rustix::buffer::spare_capacity(bytes), flags)?;
    Ok(received)
}
