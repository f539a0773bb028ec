//! Sockets: where to meet, and who is at the other end. Bytes only, no frames.

#[cfg_attr(target_os = "linux", path = "transport/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "transport/other.rs")]
mod os;
mod stream;

use std::ffi::OsStr;
use std::fs;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SocketAddrUnix, SocketType, recv, recvmsg,
};

#[cfg(feature = "tls")]
pub(crate) use stream::{Carrier, append};
#[cfg(feature = "tcp")]
pub(crate) use stream::{Plain, send_at_once};
pub(crate) use stream::{Stream, send};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// The process at the other end, as the kernel knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its effective user.
    pub(crate) uid: u32,
    /// Its number, where the system tells.
    pub(crate) pid: Option<u32>,
}

impl Peer {
    /// Who is at the other end of `stream`.
    ///
    /// Of a server, this is who began to listen.
    ///
    /// # Errors
    /// If the system does not say.
    pub(crate) fn of(stream: &Stream) -> io::Result<Self> {
        match stream {
            Stream::Near(socket) => os::peer(socket),
            // It has proven to be let in by us.
            Stream::Far(_) => Ok(Self {
                uid: rustix::process::geteuid().as_raw(),
                pid: None,
            }),
        }
    }

    /// Whether it is the user of this very process.
    #[must_use]
    pub(crate) fn is_us(self) -> bool {
        self.uid == rustix::process::geteuid().as_raw()
    }
}

/// The working directory of a process of ours, where the system tells it at once and for nothing.
pub(crate) use os::working_directory;

pub(crate) use os::is_stopped;
/// The file that a process of ours runs, its arguments, its folder in `/proc`, its terminal, and its file
/// mode creation mask, told in the same way.
pub(crate) use os::{arguments, folder_in_proc, program, terminal, umask};

/// Connects to the socket at `path`.
///
/// Sending over it pauses for `patience` at most, as does connecting: a socket whose queue is full
/// keeps its clients waiting.
///
/// # Errors
/// If nobody listens there, or has no room for a connection within `patience`.
pub(crate) fn connect(path: &Path, patience: Duration) -> io::Result<Stream> {
    let address = SocketAddrUnix::new(path)?;
    let socket = os::socket(AddressFamily::UNIX, SocketType::STREAM)?;
    set_socket_timeout(&socket, Timeout::Send, Some(patience))?;
    rustix::net::connect(&socket, &address)?;
    Ok(Stream::Near(UnixStream::from(socket)))
}

/// Whether a socket can have this path: most systems know only about a hundred bytes of it.
#[cfg(feature = "discovery")]
pub(crate) fn fits(path: &Path) -> bool {
    SocketAddrUnix::new(path).is_ok()
}

/// What can be read by now, at most so much of it, which stays there; nothing at the end.
pub(crate) fn peek(stream: &UnixStream, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; most];
    let (_, length) = recv(stream, &mut bytes[..], RecvFlags::PEEK)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// A socket at its path, on which nobody listens yet, so that nobody can connect.
#[derive(Debug)]
pub(crate) struct Bound(OwnedFd);

impl Bound {
    /// Makes the socket at `path`, where no file may be.
    ///
    /// It is for its owner only. Its sticky bit keeps those from removing it who clean runtime
    /// folders of old entries (XDG Base Directory Specification, `$XDG_RUNTIME_DIR`).
    ///
    /// # Errors
    /// If the path is taken, too long, or cannot be written.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        let address = SocketAddrUnix::new(path)?;
        let socket = os::socket(AddressFamily::UNIX, SocketType::STREAM)?;
        rustix::net::bind(&socket, &address)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o1600))?;
        Ok(Self(socket))
    }

    /// One that another process made.
    pub(crate) fn handed_over(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// Returns the path that it was made at.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let address = SocketAddrUnix::try_from(rustix::net::getsockname(&self.0).ok()?).ok()?;
        let path = address.path_bytes()?;
        Some(OsStr::from_bytes(path).into())
    }

    /// Lets clients connect; for them, this process is who listens.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn listen(self) -> io::Result<UnixListener> {
        rustix::net::listen(&self.0, BACKLOG)?;
        Ok(UnixListener::from(self.0))
    }
}

impl AsFd for Bound {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The most descriptors that one message carries.
const MOST_DESCRIPTORS: usize = 3;

/// Sends `bytes`, which must not be many, and with them descriptors.
///
/// # Errors
/// If the peer has closed.
pub(crate) fn send_with(
    stream: &UnixStream,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    os::send_message(stream, &[IoSlice::new(bytes)], &mut ancillary)?;
    Ok(())
}

/// The same, and adds to `descriptors` those that come with the bytes.
///
/// # Errors
/// As of a read.
pub(crate) fn receive_with(
    stream: &UnixStream,
    bytes: &mut Vec<u8>,
    descriptors: &mut Vec<OwnedFd>,
) -> io::Result<usize> {
    let before = bytes.len();
    bytes.resize(bytes.capacity(), 0);
    let received = receive_message(stream, &mut bytes[before..], descriptors);
    bytes.truncate(before + received.as_ref().unwrap_or(&0));
    received
}

fn receive_message(
    stream: &UnixStream,
    bytes: &mut [u8],
    descriptors: &mut Vec<OwnedFd>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        stream,
        &mut [IoSliceMut::new(bytes)],
        &mut ancillary,
        os::CLOSE_ON_EXEC,
    )?;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            for right in rights {
                // Where the system could not do it at once.
                rustix::io::fcntl_setfd(&right, rustix::io::FdFlags::CLOEXEC)?;
                descriptors.push(right);
            }
        }
    }
    Ok(received.bytes)
}

/// Waits until one of these can be read from (or accepted from) or has ended; `false` if none did in time.
pub(crate) fn wait(on: &[BorrowedFd<'_>], patience: Option<Duration>) -> io::Result<bool> {
    let mut polled: Vec<_> = on
        .iter()
        .map(|&fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
        .collect();
    // A time that no Timespec can hold is as good as for ever.
    let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
    match poll(&mut polled, patience.as_ref()) {
        Ok(n) => Ok(n > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Waits until there is something to read, or the end; `false` if there is not at the deadline. A
/// socket's own timeout may be over by an eighth.
pub(crate) fn wait_until(on: &impl AsFd, deadline: Instant) -> io::Result<bool> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if wait(&[on.as_fd()], Some(left))? {
            return Ok(true);
        }
        if left.is_zero() {
            return Ok(false);
        }
    }
}

/// Whether nobody listens, as an error of [`connect`] tells.
#[must_use]
pub(crate) fn is_nobody(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}
