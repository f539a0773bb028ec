//! One round: every peer does each part of the work, one after the other.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use peers::Result;

use crate::process::{Folder, Server, on_one_cpu};
use crate::roster::{BARE, Peer};
use crate::table::median;

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
        let start = |place: &str| {
            if peer.tcp {
                Server::on_port(program)
            } else {
                Server::on_socket(program, folder, &format!("{}-{place}", peer.program))
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
    let cold = on_one_cpu(|| cold(contestants))?;
    for (figures, cold) in all.iter_mut().zip(cold) {
        figures.cold = cold;
    }
    Ok(all)
}

/// Starts a process of each, then the next of each, and so on; beside one that does nothing, which
/// each is compared with on the spot.
fn cold(contestants: &[Contestant]) -> Result<Vec<f64>> {
    let mut nothing = contestants[BARE].on_one_cpu.client(&["nothing"]);
    let posts = contestants.iter().map(|c| c.on_one_cpu.client(&["post"]));
    let mut posts: Vec<Command> = posts.collect();
    let mut more = vec![Vec::with_capacity(COLD); posts.len()];
    for _ in 0..COLD {
        let floor = life(&mut nothing)?;
        for (post, more) in posts.iter_mut().zip(&mut more) {
            more.push(life(post)? - floor);
        }
    }
    Ok(more.into_iter().map(median).collect())
}

/// How long a process takes, from its start to when its end is known.
fn life(command: &mut Command) -> Result<f64> {
    command.stdout(Stdio::null());
    let begun = Instant::now();
    let status = command.status()?;
    let took = begun.elapsed();
    if !status.success() {
        return Err(format!("{command:?} ended with {status}").into());
    }
    Ok(took.as_nanos() as f64)
}
