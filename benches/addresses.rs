//! What a call costs at each kind of address, beside `unix:` in the same run.
//!
//! ```sh
//! cargo bench -p remotex-tests --bench addresses
//! ```
//!
//! This program is the server, its clients, and what compares them. A client makes calls of 100 bytes there
//! and back over a connection that it keeps, and says how long the one in the middle took; clients of
//! all kinds take turns, all on one processor. It runs on Linux. `ssh://` leads to a real sshd on this machine, so that no network is measured.

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

// What this shares with the other comparisons.
#[path = "peers/src/median.rs"]
mod median;
#[allow(dead_code, reason = "those need more of it")]
#[path = "peers/src/process.rs"]
mod process;

use machine::Machine;
use median::median;
use support::{Home, free_port, stdout};

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

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

fn main() -> Result<()> {
    remotex::init();
    match std::env::args().nth(1).as_deref() {
        Some("client") => println!("{}", time_calls()?),
        _ => compare()?,
    }
    Ok(())
}

fn compare() -> Result<()> {
    let program = std::env::current_exe()?;
    let ways = Way::all(&program);
    let mut took = vec![Vec::new(); ways.len()];
    process::on_one_cpu(|| {
        for _ in 0..TURNS {
            for (way, took) in ways.iter().zip(&mut took) {
                took.push(way.measure(&program)?);
            }
        }
        Ok(())
    })?;
    let medians: Vec<_> = took.into_iter().map(median).collect();
    println!("| address | a call | beside `unix:` |\n| --- | ---: | ---: |");
    for (way, &micros) in ways.iter().zip(&medians) {
        let (kind, ratio) = (way.kind, micros / medians[0]);
        println!("| `{kind}` | {micros:.1} µs | {ratio:.2} |");
    }
    Ok(())
}

/// How long a call takes, in microseconds.
fn time_calls() -> Result<f64> {
    let bytes = [7; 100];
    let mut took = Vec::new();
    for _ in 0..BEFORE + CALLS {
        let began = Instant::now();
        echo(&bytes)?;
        took.push(began.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(took.split_off(BEFORE)))
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

    /// How long a call takes there, in microseconds.
    fn measure(&self, program: &Path) -> Result<f64> {
        let output = self.command(program, "client").output()?;
        let printed = stdout(&output).parse();
        printed.map_err(|_| format!("{}: {}", self.kind, support::stderr(&output)).into())
    }
}
