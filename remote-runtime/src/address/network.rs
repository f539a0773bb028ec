//! Addresses of servers that are reached over a network: `tcp://`, `tls://`, `http://`, `https://`.

use std::fmt;
use std::net::IpAddr;

use super::{begins, is};

/// What is spoken at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Frames, as they are.
    Tcp,
    /// Frames, encrypted.
    Tls,
    /// Frames within HTTP.
    Http,
    /// The same, encrypted.
    Https,
}

/// Where a server is met over a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) scheme: Scheme,
    /// A name or a number, as it was written, without the brackets of IPv6.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What stands before the paths of a server behind a proxy: empty, or `/some/where`.
    pub(crate) path: String,
}

impl Scheme {
    const ALL: [Self; 4] = [Self::Tcp, Self::Tls, Self::Http, Self::Https];

    const fn begin(self) -> &'static str {
        match self {
            Self::Tcp => "tcp://",
            Self::Tls => "tls://",
            Self::Http => "http://",
            Self::Https => "https://",
        }
    }

    /// The port that need not be said.
    const fn port(self) -> Option<u16> {
        match self {
            Self::Tcp | Self::Tls => None,
            Self::Http => Some(80),
            Self::Https => Some(443),
        }
    }

    /// The feature of remotex without which it is not spoken.
    const fn feature(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Http | Self::Https => "http",
        }
    }

    /// Whether frames go within HTTP.
    #[cfg(feature = "http")]
    pub(crate) const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    /// Whether what is sent can be read on its way.
    #[cfg(feature = "tcp")]
    pub(crate) const fn is_plain(self) -> bool {
        matches!(self, Self::Tcp | Self::Http)
    }
}

impl Network {
    /// Why a program without the feature that it takes cannot use it.
    pub(crate) fn unbuilt(&self) -> String {
        format!(
            "this program was built without what `{self}` needs; build it with the feature `{}` of remotex",
            self.scheme.feature()
        )
    }

    /// Whether it is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let number = self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        number || self.host.eq_ignore_ascii_case("localhost")
    }

    /// Whether who listens there does so on this machine: on loopback, or on all of its addresses.
    pub(crate) fn is_here(&self) -> bool {
        // Without the feature nobody listens anywhere.
        if cfg!(not(feature = "tcp")) {
            return false;
        }
        let is_all = self
            .host
            .parse()
            .is_ok_and(|ip: IpAddr| ip.is_unspecified());
        is_all || self.is_loopback()
    }

    /// The port that its server has there.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The host and the port, as they are looked up.
    #[cfg(feature = "tcp")]
    pub(crate) fn host_and_port(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// An address of which [`is_network`] says that it is one.
    pub(crate) fn parse(address: &str) -> Option<Self> {
        let parts = parts(address.as_bytes())?;
        let text = |from: usize, to: usize| address.get(from..to);
        let host = text(parts.host.0, parts.host.1)?;
        let path = text(parts.path, address.len())?.trim_end_matches('/');
        Some(Self {
            scheme: parts.scheme,
            host: host.to_owned(),
            port: parts.port,
            path: path.to_owned(),
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scheme,
            host,
            port,
            path,
        } = self;
        f.write_str(scheme.begin())?;
        match host.contains(':') {
            true => write!(f, "[{host}]")?,
            false => f.write_str(host)?,
        }
        if scheme.port() != Some(*port) {
            write!(f, ":{port}")?;
        }
        f.write_str(path)
    }
}

/// Whether it is one of these addresses, asked when a server's `static` is compiled.
pub(super) const fn is_network(address: &[u8]) -> bool {
    parts(address).is_some()
}

/// Where the parts of an address lie in it.
struct Parts {
    scheme: Scheme,
    host: (usize, usize),
    port: u16,
    path: usize,
}

const fn parts(bytes: &[u8]) -> Option<Parts> {
    let Some((scheme, mut at)) = scheme_of(bytes) else {
        return None;
    };
    let is_bracketed = at < bytes.len() && bytes[at] == b'[';
    if is_bracketed {
        at += 1;
    }
    let from = at;
    while at < bytes.len() && is_in_host(bytes[at], is_bracketed) {
        at += 1;
    }
    let host = (from, at);
    if from == at {
        return None;
    }
    if is_bracketed {
        if at == bytes.len() || bytes[at] != b']' {
            return None;
        }
        at += 1;
    }
    let mut port = scheme.port();
    if at < bytes.len() && bytes[at] == b':' {
        let number = number(bytes, at + 1);
        at = number.1;
        port = number.0;
    }
    let Some(port) = port else { return None };
    let path = at;
    if at < bytes.len() && (bytes[at] != b'/' || scheme.port().is_none()) {
        return None;
    }
    while at < bytes.len() {
        if !bytes[at].is_ascii_graphic() || matches!(bytes[at], b'?' | b'#') {
            return None;
        }
        at += 1;
    }
    Some(Parts {
        scheme,
        host,
        port,
        path,
    })
}

/// The scheme, and where it ends.
const fn scheme_of(bytes: &[u8]) -> Option<(Scheme, usize)> {
    let mut i = 0;
    while i < Scheme::ALL.len() {
        let begin = Scheme::ALL[i].begin().as_bytes();
        if begins(bytes, begin) && !is(bytes, begin) {
            return Some((Scheme::ALL[i], begin.len()));
        }
        i += 1;
    }
    None
}

const fn is_in_host(byte: u8, is_bracketed: bool) -> bool {
    if is_bracketed {
        return byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
    }
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-' || byte == b'_'
}

/// The number of a port that begins at `at`, and where it ends; `None` if it is none.
const fn number(bytes: &[u8], mut at: usize) -> (Option<u16>, usize) {
    let mut port = 0_u32;
    while at < bytes.len() && bytes[at].is_ascii_digit() {
        port = port * 10 + (bytes[at] - b'0') as u32;
        if port > 65_535 {
            return (None, at);
        }
        at += 1;
    }
    match port {
        0 => (None, at),
        port => (Some(port as u16), at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn networks() {
        for (address, scheme, host, port, path) in [
            ("tcp://127.0.0.1:7000", Scheme::Tcp, "127.0.0.1", 7000, ""),
            ("TLS://Board.example:1", Scheme::Tls, "Board.example", 1, ""),
            ("tls://[::1]:65535", Scheme::Tls, "::1", 65535, ""),
            ("http://h", Scheme::Http, "h", 80, ""),
            ("https://h/", Scheme::Https, "h", 443, ""),
            ("https://h:8443/a/b/", Scheme::Https, "h", 8443, "/a/b"),
        ] {
            let network = Network {
                scheme,
                host: host.into(),
                port,
                path: path.into(),
            };
            assert!(is_network(address.as_bytes()), "{address}");
            assert_eq!(Network::parse(address), Some(network), "{address}");
        }
        for bad in [
            "tcp://",
            "tcp://h",
            "tcp://h:",
            "tcp://h:0",
            "tcp://h:65536",
            "tcp://:1",
            "tcp://h:1/",
            "tls://u@h:1",
            "tls://[::1",
            "tls://[]:1",
            "tls://[::1]",
            "http://",
            "http:///x",
            "http://h?x",
            "http://h/a b",
            "http://h:x",
            "ftp://h",
        ] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_leaves_the_machine_is_no_loopback() {
        let is_loopback = |address| Network::parse(address).unwrap().is_loopback();
        for here in [
            "tcp://127.0.0.1:1",
            "tcp://127.1.2.3:1",
            "tcp://[::1]:1",
            "tcp://LocalHost:1",
        ] {
            assert!(is_loopback(here), "{here}");
        }
        for away in [
            "tcp://0.0.0.0:1",
            "tcp://[::]:1",
            "tcp://localhost.example:1",
            "tcp://10.0.0.1:1",
        ] {
            assert!(!is_loopback(away), "{away}");
        }
    }

    proptest! {
        #[test]
        fn what_is_an_address_is_read_back(address in "(tcp|tls|https?)://[a-z0-9.\\[\\]:/?-]{0,24}") {
            if let Some(network) = Network::parse(&address) {
                prop_assert_eq!(Network::parse(&network.to_string()), Some(network));
            }
        }
    }
}
