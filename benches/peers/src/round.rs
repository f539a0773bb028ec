//! One round: every peer does each part of the work, one after the other.

use std::net::{TcpListener, TcpStream};
use std::path::Path;

use peers::Result;

use crate::cold::cold;
use crate::process::{Folder, Program, Server, on_one_cpu};
use crate::roster::{BARE, Peer};

const CALLS: &str = "4000";
/// Threads, bytes, milliseconds.
const RATE: [&str; 4] = ["rate", "8", "16", "500"];
const BULK: [&str; 4] = ["rate", "1", "1048576", "300"];

/// How many processes of each peer a round starts.
const COLD: usize = 200;

/// A peer with its servers: one that shares a CPU with its clients, and one that runs anywhere.
pub struct Contestant {
    on_one_cpu: Server,
    anywhere: Server,
}

impl Contestant {
    pub fn new(peer: &Peer, program: &Path, folder: &Folder) -> Result<Self> {
        let program = vec![program.into()];
        let start = |place: &str| {
            if peer.tcp {
                on_port(&program)
            } else {
                Server::on_socket(&program, folder, &format!("{}-{place}", peer.program))
            }
        };
        Ok(Self {
            on_one_cpu: on_one_cpu(|| start("one"))?,
            anywhere: start("any")?,
        })
    }
}

/// What a round has found out about a peer. Times are in nanoseconds.
#[derive(Default)]
pub struct Figures {
    pub echo: f64,
    pub post: f64,
    pub read: f64,
    /// Calls per second.
    pub rate: f64,
    /// Calls of 1 MiB per second.
    pub bulk: f64,
    /// What a process that makes one call takes more than one that does nothing.
    pub cold: f64,
}

/// The figures of all contestants, in their order. The first one is the limit (a).
pub fn run(contestants: &[Contestant]) -> Result<Vec<Figures>> {
    let mut all = Vec::new();
    for contestant in contestants {
        let [echo, post, read] = on_one_cpu(|| contestant.on_one_cpu.ask(&["latencies", CALLS]))?;
        all.push(Figures {
            echo,
            post,
            read,
            ..Figures::default()
        });
    }
    for (contestant, figures) in contestants.iter().zip(&mut all) {
        [figures.rate] = contestant.anywhere.ask(&RATE)?;
    }
    for (contestant, figures) in contestants.iter().zip(&mut all) {
        [figures.bulk] = contestant.anywhere.ask(&BULK)?;
    }
    let cold = on_one_cpu(|| posts(contestants))?;
    for (figures, cold) in all.iter_mut().zip(cold) {
        figures.cold = cold;
    }
    Ok(all)
}

/// Beside a process that does nothing.
fn posts(contestants: &[Contestant]) -> Result<Vec<f64>> {
    let mut nothing = contestants[BARE].on_one_cpu.client(&["nothing"]);
    let posts = contestants.iter().map(|c| c.on_one_cpu.client(&["post"]));
    cold(&mut nothing, &mut posts.collect::<Vec<_>>(), COLD)
}

fn on_port(program: &Program) -> Result<Server> {
    // The port is free again at once, and the kernel does not hand it out again soon.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    Server::start(program, address, |address| {
        TcpStream::connect(address).is_ok()
    })
}
