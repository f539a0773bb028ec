//! What a call costs at each kind of address, beside `unix:` in the same run.
//!
//! ```sh
//! cargo bench --bench addresses
//! ```
//!
//! This program is the server, its clients, and what compares them. A client makes calls of 100 bytes there
//! and back over a connection that it keeps, and says how long the one in the middle took; clients of
//! all kinds take turns. `ssh://` leads to a real sshd on this machine, so that no network is measured.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use remotex::{Server, remote};

#[allow(dead_code, clippy::unwrap_used, reason = "it is of the tests")]
#[path = "../tests/it/machine.rs"]
mod machine;
#[allow(
    dead_code,
    unused_imports,
    unused_macros,
    clippy::unwrap_used,
    reason = "it is of the tests"
)]
#[path = "../tests/it/support.rs"]
mod support;

use machine::Machine;
use support::{Home, free_port, stdout};

static SERVER: Server = Server::new("echo").autostart();

/// Returns what it gets.
#[remote(SERVER)]
fn echo(bytes: &[u8]) -> remotex::Result<Vec<u8>> {
    Ok(bytes.to_vec())
}

/// How often each kind has its turn.
const TURNS: usize = 7;

/// How many calls of a client count, and how many come before them.
const CALLS: usize = 3000;
const BEFORE: usize = 500;

fn main() {
    remotex::init();
    match std::env::args().nth(1).as_deref() {
        Some("client") => println!("{}", measure()),
        Some("stop") => SERVER.stop().expect("it stops"),
        _ => compare(),
    }
}

fn compare() {
    let program = std::env::current_exe().expect("it runs a file");
    let ways = Way::all(&program);
    let mut took = vec![Vec::new(); ways.len()];
    for _ in 0..TURNS {
        for (way, took) in ways.iter().zip(&mut took) {
            took.push(way.measure(&program));
        }
    }
    let medians: Vec<_> = took.iter_mut().map(|took| median(took)).collect();
    println!("| address | a call | beside `unix:` |\n| --- | ---: | ---: |");
    for (way, &nanos) in ways.iter().zip(&medians) {
        let (micros, ratio) = (nanos as f64 / 1000.0, nanos as f64 / medians[0] as f64);
        println!("| `{}` | {micros:.1} µs | {ratio:.2} |", way.kind);
    }
}

/// How long a call takes, in nanoseconds.
fn measure() -> u64 {
    let bytes = [7; 100];
    let one = || {
        let began = Instant::now();
        assert_eq!(echo(&bytes).expect("it is answered").len(), bytes.len());
        u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    };
    let mut took: Vec<_> = (0..BEFORE + CALLS).map(|_| one()).collect();
    median(&mut took[BEFORE..])
}

fn median(numbers: &mut [u64]) -> u64 {
    numbers.sort_unstable();
    numbers[numbers.len() / 2]
}

/// A kind of address, and how a program gets there.
struct Way {
    kind: &'static str,
    /// `None` of the one that ssh leads to.
    address: Option<String>,
    home: Home,
    machine: Option<Machine>,
}

impl Way {
    fn all(program: &Path) -> Vec<Self> {
        let mut ways = vec![Self::to("unix:", String::new())];
        ways.push(Self::to("stdio:", format!("stdio:{}", program.display())));
        for kind in ["tcp://", "tls://", "http://", "https://"] {
            ways.push(Self::to(kind, format!("{kind}127.0.0.1:{}", free_port())));
        }
        if let Some(machine) = Machine::new() {
            ways.push(Self {
                kind: "ssh://",
                address: None,
                home: Home::new(),
                machine: Some(machine),
            });
        }
        ways
    }

    fn to(kind: &'static str, address: String) -> Self {
        let home = Home::new();
        home.run_remotex(&["keys", "init", SERVER.name()]);
        Self {
            kind,
            address: Some(address),
            home,
            machine: None,
        }
    }

    fn command(&self, program: &Path, word: &str) -> Command {
        let mut command = match (&self.machine, &self.address) {
            (Some(machine), _) => machine.run(program, SERVER.name()),
            (None, address) => {
                let mut command = self.home.any(PathBuf::from(program));
                command.env("REMOTEX_ECHO", address.as_deref().unwrap_or_default());
                command
            }
        };
        command.arg(word);
        command
    }

    /// How long a call takes there.
    fn measure(&self, program: &Path) -> u64 {
        let output = self.command(program, "client").output().expect("it runs");
        let printed = stdout(&output);
        printed
            .parse()
            .unwrap_or_else(|_| panic!("{}: {}", self.kind, support::stderr(&output)))
    }
}
