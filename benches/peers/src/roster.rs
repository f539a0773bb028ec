//! Who takes part.

use std::process::{Command, Stdio};

use peers::Result;

pub struct Peer {
    /// Its program, which is also the feature that this is behind.
    pub program: &'static str,
    pub label: &'static str,
    /// Whether its address is a port instead of a socket.
    pub tcp: bool,
    /// What its server becomes, where that is not Rust: a program, and Debian's package of that name.
    needs: Option<&'static str>,
}

/// The limits come first, and take part in every run.
pub const BARE: usize = 0;
pub const RAWBIN: usize = 1;
const LIMITS: usize = 2;

const PEERS: [Peer; 8] = [
    peer("bare", "limit (a): bare socket"),
    peer("rawbin", "limit (b): bare socket and bincode"),
    peer("remotex", "remotex"),
    peer("tarpc", "tarpc, Unix socket, bincode"),
    peer("axum_hyper", "axum + hyper, Unix socket, bincode"),
    Peer {
        tcp: true,
        ..peer("axum_ureq", "axum + ureq, TCP, bincode")
    },
    peer("zbus", "zbus peer to peer, Unix socket"),
    Peer {
        needs: Some("redis-server"),
        ..peer("redis", "redis, Unix socket")
    },
];

const fn peer(program: &'static str, label: &'static str) -> Peer {
    Peer {
        program,
        label,
        tcp: false,
        needs: None,
    }
}

impl Peer {
    /// Why it cannot take part here, if so.
    pub fn missing(&self) -> Option<String> {
        let (program, needs) = (self.program, self.needs?);
        Command::new(needs)
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_err()
            .then(|| format!("{program} is left out: it needs the program `{needs}`, which Debian has in a package of that name."))
    }
}

/// The limits, and of the others those in a list with commas, or all.
pub fn chosen(only: Option<&str>) -> Result<Vec<&'static Peer>> {
    let (limits, others) = PEERS.split_at(LIMITS);
    let Some(only) = only else {
        return Ok(PEERS.iter().collect());
    };
    let mut chosen: Vec<&Peer> = limits.iter().collect();
    for name in only.split(',') {
        let Some(peer) = others.iter().find(|peer| peer.program == name) else {
            let known: Vec<&str> = others.iter().map(|peer| peer.program).collect();
            let known = known.join(", ");
            return Err(format!("no peer is called `{name}`; there are {known}").into());
        };
        chosen.push(peer);
    }
    Ok(chosen)
}
