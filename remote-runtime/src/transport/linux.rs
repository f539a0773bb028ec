//! What Linux offers and others do not.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType};

use super::Peer;

pub(super) fn socket(family: AddressFamily, kind: SocketType) -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(
        family,
        kind,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

pub(super) fn send(stream: &UnixStream, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(stream, bytes, SendFlags::NOSIGNAL)?)
}

pub(super) fn peer(stream: &UnixStream) -> io::Result<Peer> {
    let peer = rustix::net::sockopt::socket_peercred(stream)?;
    // Zero is a process that cannot be seen from our namespace.
    let pid = u32::try_from(peer.pid.as_raw_pid())
        .ok()
        .filter(|&pid| pid != 0);
    Ok(Peer {
        uid: peer.uid.as_raw(),
        pid,
    })
}

pub(crate) fn working_directory(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/cwd")).ok()
}
