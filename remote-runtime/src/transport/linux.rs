//! What Linux offers and others do not.

use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, SocketFlags, SocketType, sendmsg,
};

use super::Peer;

/// Descriptors that come are none of a child's.
pub(super) const CLOSE_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;

pub(super) fn socket(family: AddressFamily, kind: SocketType) -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(
        family,
        kind,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

pub(super) fn send(stream: BorrowedFd<'_>, bytes: &[u8], flags: SendFlags) -> io::Result<usize> {
    let flags = flags | SendFlags::NOSIGNAL;
    Ok(rustix::net::send(stream, bytes, flags)?)
}

pub(super) fn send_message(
    stream: &UnixStream,
    bytes: &[IoSlice<'_>],
    ancillary: &mut SendAncillaryBuffer<'_, '_, '_>,
) -> io::Result<usize> {
    Ok(sendmsg(stream, bytes, ancillary, SendFlags::NOSIGNAL)?)
}

/// Asked by hand, since rustix takes the number of a process for one that is never zero.
pub(super) fn peer(stream: &UnixStream) -> io::Result<Peer> {
    let mut peer = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    let mut length = libc::socklen_t::try_from(size_of_val(&peer)).unwrap_or(0);
    // SAFETY: the descriptor is open for as long as `stream` is borrowed, and the pointers are to
    // live variables: of the type that SO_PEERCRED writes, and of that one's size.
    let done = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut length,
        )
    };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    // Zero is a process that cannot be seen from our namespace.
    let pid = u32::try_from(peer.pid).ok().filter(|&pid| pid != 0);
    Ok(Peer { uid: peer.uid, pid })
}

pub(crate) fn working_directory(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

pub(crate) fn folder_in_proc(pid: u32) -> Option<PathBuf> {
    Some(format!("/proc/{pid}").into())
}

pub(crate) fn umask(pid: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(mask.trim(), 8).ok()
}

pub(crate) fn program(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// Returns true of a process that a signal has stopped.
pub(crate) fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
    state.starts_with(['T', 't'])
}

pub(crate) fn arguments(pid: u32) -> Option<Vec<OsString>> {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = words.strip_suffix(&[0]).unwrap_or(&words);
    Some(
        words
            .split(|&byte| byte == 0)
            .map(|word| OsString::from_vec(word.to_vec()))
            .collect(),
    )
}

/// Where one of its three ordinary descriptors leads, if that is a terminal.
pub(crate) fn terminal(pid: u32) -> Option<PathBuf> {
    let leads = |fd| std::fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok();
    (0..3)
        .filter_map(leads)
        .find(|path| path.starts_with("/dev/pts") || path.to_string_lossy().starts_with("/dev/tty"))
}
