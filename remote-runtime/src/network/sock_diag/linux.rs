//! With a netlink socket: one message there, one back.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

/// A socket on which the kernel answers what it knows of TCP sockets.
#[derive(Debug)]
pub(in super::super) struct SockDiag(OwnedFd);

/// `SOCK_DIAG_BY_FAMILY`, the type of a request and of its answer.
const BY_FAMILY: u16 = 20;

/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;

const TCP: u8 = 6;

/// The lengths of `nlmsghdr` and of `inet_diag_req_v2`.
const HEADER: usize = 16;
const QUESTION: usize = 56;

/// Where in an answer its type, the state of the socket, and its owner are: `nlmsg_type`,
/// `idiag_state` and `idiag_uid`.
const TYPE: usize = 4;
const STATE: usize = HEADER + 1;
const OWNER: usize = HEADER + 64;

/// `TCP_FIN_WAIT2` and `TCP_TIME_WAIT`: a closed socket, of which the kernel says that root owns it.
const CLOSED: [u8; 2] = [5, 6];

impl SockDiag {
    pub(in super::super) fn open() -> io::Result<Self> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC,
            Some(netlink::SOCK_DIAG),
        )?;
        Ok(Self(socket))
    }

    /// Returns the user that owns the socket at `socket`, which is connected to `other`; `None` if it
    /// is not of this machine, or has been closed.
    pub(in super::super) fn owner(
        &self,
        socket: SocketAddr,
        other: SocketAddr,
    ) -> io::Result<Option<u32>> {
        send(&self.0, &question(socket, other), SendFlags::empty())?;
        let mut answer = [0; 1024];
        // The kernel has answered when the request was sent.
        let (length, _) = recv(&self.0, &mut answer, RecvFlags::DONTWAIT)?;
        Ok(owner_in(&answer[..length]))
    }
}

/// The request: `nlmsghdr`, `inet_diag_req_v2` with its `inet_diag_sockid`.
fn question(socket: SocketAddr, other: SocketAddr) -> Vec<u8> {
    let length = (HEADER + QUESTION) as u32;
    let family = match socket {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let mut bytes = Vec::with_capacity(HEADER + QUESTION);
    bytes.extend(length.to_ne_bytes());
    bytes.extend(BY_FAMILY.to_ne_bytes());
    bytes.extend(REQUEST.to_ne_bytes());
    // The number of the request and of its sender, which nothing here needs.
    bytes.extend([0; 8]);
    // No extensions; any state.
    bytes.extend([family.as_raw() as u8, TCP, 0, 0]);
    bytes.extend(u32::MAX.to_ne_bytes());
    bytes.extend(socket.port().to_be_bytes());
    bytes.extend(other.port().to_be_bytes());
    bytes.extend(octets(socket.ip()));
    bytes.extend(octets(other.ip()));
    // Any interface; any cookie.
    bytes.extend([0; 4]);
    bytes.extend([u8::MAX; 8]);
    bytes
}

/// An address as `inet_diag_sockid` has it.
fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(address) => {
            let mut octets = [0; 16];
            octets[..4].copy_from_slice(&address.octets());
            octets
        }
    }
}

/// The owner in an answer, unless that is an error or about a socket that was closed.
fn owner_in(answer: &[u8]) -> Option<u32> {
    let kind = answer.get(TYPE..TYPE + 2)?;
    let is_closed = CLOSED.contains(answer.get(STATE)?);
    let owner = answer.get(OWNER..OWNER + 4)?.try_into().ok()?;
    (kind == BY_FAMILY.to_ne_bytes() && !is_closed).then(|| u32::from_ne_bytes(owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_is_as_the_kernel_reads_it() {
        let bytes = question(
            "127.0.0.1:258".parse().unwrap(),
            "127.0.0.2:772".parse().unwrap(),
        );
        assert_eq!(bytes.len(), HEADER + QUESTION);
        assert_eq!(bytes[16..20], [2, 6, 0, 0]);
        assert_eq!(bytes[24..28], [1, 2, 3, 4]);
        assert_eq!(bytes[28..32], [127, 0, 0, 1]);
        assert_eq!(bytes[44..48], [127, 0, 0, 2]);
        assert_eq!(bytes[64..], [u8::MAX; 8]);
    }

    #[test]
    fn only_an_open_socket_has_an_owner() {
        let mut answer = vec![0; HEADER + 72];
        answer[TYPE..TYPE + 2].copy_from_slice(&BY_FAMILY.to_ne_bytes());
        answer[STATE] = 1;
        answer[OWNER..OWNER + 4].copy_from_slice(&1000_u32.to_ne_bytes());
        assert_eq!(owner_in(&answer), Some(1000));
        assert_eq!(owner_in(&answer[..HEADER + 67]), None);
        answer[STATE] = CLOSED[0];
        assert_eq!(owner_in(&answer), None);
        answer[STATE] = 1;
        answer[TYPE] = 2;
        assert_eq!(owner_in(&answer), None);
        assert_eq!(owner_in(&[]), None);
    }
}
