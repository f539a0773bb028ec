//! Unix sockets: where to meet, and who is at the other end. Bytes only, no frames.

#[cfg_attr(target_os = "linux", path = "transport/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "transport/other.rs")]
mod os;

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

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
    pub(crate) fn of(stream: &UnixStream) -> io::Result<Self> {
        os::peer(stream)
    }

    /// Whether it is the user of this very process.
    #[must_use]
    pub(crate) fn is_us(self) -> bool {
        self.uid == rustix::process::geteuid().as_raw()
    }
}

/// The working directory of a process of ours, where the system tells it at once and for nothing.
pub(crate) use os::working_directory;

/// Connects to the socket at `path`.
///
/// # Errors
/// If nobody listens there, or has no room for a connection within `patience`.
pub(crate) fn connect(path: &Path, patience: Duration) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(path)?;
    let socket = os::socket(AddressFamily::UNIX, SocketType::STREAM)?;
    // A socket whose queue is full keeps its clients waiting; only this limits for how long.
    set_socket_timeout(&socket, Timeout::Send, Some(patience))?;
    rustix::net::connect(&socket, &address)?;
    set_socket_timeout(&socket, Timeout::Send, None)?;
    Ok(UnixStream::from(socket))
}

/// Begins to listen at `path`, where no file may be.
///
/// The socket is for its owner only. Its sticky bit keeps those from removing it who clean
/// runtime folders of old entries (XDG Base Directory Specification, `$XDG_RUNTIME_DIR`).
///
/// # Errors
/// If the path is taken, too long, or cannot be written.
pub(crate) fn listen(path: &Path) -> io::Result<UnixListener> {
    let address = SocketAddrUnix::new(path)?;
    let socket: OwnedFd = os::socket(AddressFamily::UNIX, SocketType::STREAM)?;
    rustix::net::bind(&socket, &address)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o1600))?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(UnixListener::from(socket))
}

/// Sends all of `bytes`. A peer that has gone is an error, never SIGPIPE, which many programs let
/// end them.
///
/// # Errors
/// If the peer has closed.
pub(crate) fn send(stream: &UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match os::send(stream, bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Whether nobody listens, as an error of [`connect`] tells.
#[must_use]
pub(crate) fn is_nobody(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}
