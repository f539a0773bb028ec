//! The same for macOS and the BSDs.

use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, SocketType, sendmsg};

use super::Peer;

pub(super) const CLOSE_ON_EXEC: RecvFlags = RecvFlags::empty();

pub(super) fn socket(family: AddressFamily, kind: SocketType) -> io::Result<OwnedFd> {
    let socket = rustix::net::socket(family, kind, None)?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    Ok(socket)
}

/// Without a flag for a single send, the socket is told each time, since those that are accepted
/// pass by [`socket`].
pub(super) fn send(stream: BorrowedFd<'_>, bytes: &[u8], flags: SendFlags) -> io::Result<usize> {
    #[cfg(target_vendor = "apple")]
    rustix::net::sockopt::set_socket_nosigpipe(stream, true)?;
    Ok(rustix::net::send(stream, bytes, flags)?)
}

pub(super) fn send_message(
    stream: &UnixStream,
    bytes: &[IoSlice<'_>],
    ancillary: &mut SendAncillaryBuffer<'_, '_, '_>,
) -> io::Result<usize> {
    #[cfg(target_vendor = "apple")]
    rustix::net::sockopt::set_socket_nosigpipe(stream, true)?;
    Ok(sendmsg(stream, bytes, ancillary, SendFlags::empty())?)
}

pub(super) fn peer(stream: &UnixStream) -> io::Result<Peer> {
    let (mut uid, mut gid) = (0, 0);
    // SAFETY: the descriptor is open for as long as `stream` is borrowed, and both pointers are to
    // live variables of the types that getpeereid(3) writes.
    let done = unsafe { libc::getpeereid(stream.as_raw_fd(), &raw mut uid, &raw mut gid) };
    if done == 0 {
        Ok(Peer { uid, pid: None })
    } else {
        Err(io::Error::last_os_error())
    }
}

pub(crate) fn working_directory(_pid: u32) -> Option<PathBuf> {
    None
}

pub(crate) fn program(_pid: u32) -> Option<PathBuf> {
    None
}

/// These systems are not asked for it.
pub(crate) fn is_stopped(_: u32) -> bool {
    false
}

pub(crate) fn arguments(_pid: u32) -> Option<Vec<OsString>> {
    None
}

pub(crate) fn terminal(_pid: u32) -> Option<PathBuf> {
    None
}

pub(crate) fn folder_in_proc(_pid: u32) -> Option<PathBuf> {
    None
}

pub(crate) fn umask(_pid: u32) -> Option<u32> {
    None
}
