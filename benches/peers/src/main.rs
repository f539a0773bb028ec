//! remotex beside what else a program could speak through with a server of its own on this machine, and
//! beside two limits: the same bytes on a bare socket, and the same with nothing but a codec.
//!
//! ```sh
//! cargo run --release --manifest-path benches/peers/Cargo.toml
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- --rounds 3 --only remotex,tarpc
//! ```
//!
//! It builds a program for each peer, runs servers and clients of all of them in turns, and prints a
//! Markdown table of ratios. It runs on Linux. The redis peer wants Debian's package `redis-server`.

use std::path::Path;
use std::process::ExitCode;

use peers::Result;

use crate::builds::Package;
use crate::process::Folder;
use crate::roster::Peer;
use crate::round::Contestant;

mod builds;
mod cold;
mod median;
mod process;
mod roster;
mod round;
mod table;

/// What the command line asks for.
struct Options {
    rounds: usize,
    peers: Vec<&'static Peer>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match &words[..] {
        // The driver says this to itself.
        [serve, address, program @ ..] if serve == "serve" => {
            process::become_server(address, program)
        }
        _ => options(words.into_iter()).and_then(|options| compare(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut words: impl Iterator<Item = String>) -> Result<Options> {
    let mut rounds = 7;
    let mut only = None;
    while let Some(word) = words.next() {
        match (word.as_str(), words.next()) {
            ("--rounds", Some(value)) => rounds = value.parse()?,
            ("--only", Some(value)) => only = Some(value),
            _ => return Err("usage: peers [--rounds NUMBER] [--only PEER,PEER]".into()),
        }
    }
    if rounds == 0 {
        return Err("a table takes one round at least".into());
    }
    let peers = roster::chosen(only.as_deref())?;
    Ok(Options { rounds, peers })
}

fn compare(options: &Options) -> Result<()> {
    let package = Package {
        manifest: Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")),
        mode: "--locked",
    };
    // Where the driver itself was built.
    let driver = std::env::current_exe()?;
    let target = driver.ancestors().nth(2).ok_or("no target folder")?;
    let mut builds = Vec::new();
    let mut left_out = Vec::new();
    for &peer in &options.peers {
        match peer.missing() {
            Some(why) => left_out.push(why),
            None => {
                eprintln!("building {}", peer.program);
                let build = package.build(peer.program, peer.program, target)?;
                builds.push((peer, build));
            }
        }
    }
    let folder = Folder::new()?;
    let mut contestants = Vec::new();
    for (peer, build) in &builds {
        contestants.push(Contestant::new(peer, &build.program, &folder)?);
    }
    let mut rounds = Vec::new();
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        rounds.push(round::run(&contestants)?);
    }
    println!("{}", table::markdown(&builds, &rounds));
    for why in left_out {
        println!("\n{why}");
    }
    Ok(())
}
