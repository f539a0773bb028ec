//! The group of connections that one peer may have opened.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::sock_diag::SockDiag;

/// The peers that are taken for one: a user of this machine, or an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PeerGroup {
    User(u32),
    V4(Ipv4Addr),
    /// A /56, which is the least that a provider gives to one customer.
    V6([u8; 7]),
}

impl PeerGroup {
    /// The group of the peers at an address.
    fn at(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g])
            }
        }
    }
}

/// Finds the groups of peers.
#[derive(Debug)]
pub(super) struct PeerGroups(Option<SockDiag>);

impl PeerGroups {
    pub(super) fn new() -> Self {
        Self(SockDiag::open().ok())
    }

    /// Returns the group of the peer at `peer`, which is connected to us at `local`.
    ///
    /// On this machine that is the user that owns the peer's socket. A peer that has closed already
    /// has none, nor has any where the system does not tell; then its address counts.
    pub(super) fn of(&self, local: SocketAddr, peer: SocketAddr) -> PeerGroup {
        let is_here = peer.ip().is_loopback() || peer.ip() == local.ip();
        let diag = self.0.as_ref().filter(|_| is_here);
        let user = diag.and_then(|diag| diag.owner(peer, local).ok().flatten());
        user.map_or_else(|| PeerGroup::at(peer.ip()), PeerGroup::User)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn addresses_are_grouped_as_they_are_given_to_customers() {
        let at = |address: &str| PeerGroup::at(address.parse().unwrap());
        assert_ne!(at("10.0.0.1"), at("10.0.0.2"));
        assert_eq!(at("10.0.0.1"), at("::ffff:10.0.0.1"));
        assert_eq!(at("2001:db8:1:200::1"), at("2001:db8:1:2ff:9::2"));
        assert_ne!(at("2001:db8:1:200::1"), at("2001:db8:1:300::1"));
    }

    #[test]
    fn a_peer_on_this_machine_is_its_user() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                eprintln!("left out: this machine has no {address}");
                continue;
            };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (socket, peer) = listener.accept().unwrap();
            let local = socket.local_addr().unwrap();
            let groups = PeerGroups::new();
            let us = rustix::process::geteuid().as_raw();
            let is_told = cfg!(target_os = "linux") && groups.0.is_some();
            let expected = match is_told {
                true => PeerGroup::User(us),
                false => PeerGroup::at(peer.ip()),
            };
            assert_eq!(groups.of(local, peer), expected);
            // After its end the kernel keeps only what TCP needs of it.
            client.shutdown(std::net::Shutdown::Both).unwrap();
            drop(client);
            let group = groups.of(local, peer);
            assert!([expected, PeerGroup::at(peer.ip())].contains(&group));
        }
    }
}
