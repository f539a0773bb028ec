//! remotex beside two limits that no way of calling another process on this machine is faster than:
//! a bare socket, and the same with a codec. All figures with their goals, in one table.
//!
//! ```sh
//! cargo bench
//! ```
//!
//! It builds the programs that it measures, runs them in turns for some minutes, prints the table, and
//! writes it to a file. It runs on Linux, best with nothing else beside it. Times are meaningless on
//! their own, since machines differ and are shared: what is to be read are ratios, and, where
//! `valgrind` is installed, counts of instructions, which tell more of a small change than any time.
//! How others compare with the same limits is what `benches/peers` is for.

use std::cell::Cell;
use std::fs;
use std::process::ExitCode;

use crate::process::{Folder, Program, Server};
use crate::programs::Programs;
use crate::report::Report;

mod calls;
mod crowd;
mod guest;
mod instructions;
mod programs;
mod report;
mod system;
mod tables;

// What this shares with the other comparison.
#[path = "../peers/src/builds.rs"]
mod builds;
#[path = "../peers/src/cold.rs"]
mod cold;
#[path = "../peers/src/median.rs"]
mod median;
#[path = "../peers/src/process.rs"]
mod process;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Error>;

/// What all parts of a run need.
struct Bench {
    programs: Programs,
    folder: Folder,
    /// How many servers there have been.
    servers: Cell<usize>,
}

impl Bench {
    /// A new server.
    fn server(&self, program: &Program) -> Result<Server> {
        let number = self.servers.get();
        self.servers.set(number + 1);
        Server::on_socket(program, &self.folder, &number.to_string())
    }

    /// Of the limits (a) and (b), and of remotex.
    fn servers(&self) -> Result<[Server; 3]> {
        let Programs {
            bare,
            rawbin,
            remotex,
            ..
        } = &self.programs;
        Ok([
            self.server(bare)?,
            self.server(rawbin)?,
            self.server(remotex)?,
        ])
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match &words[..] {
        // This program says it to itself.
        [serve, address, program @ ..] if serve == "serve" => {
            process::become_server(address, program)
        }
        _ if words.iter().any(|word| word == "--bench") => run(),
        _ => {
            println!("This takes some minutes, and runs with `cargo bench` only.");
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let ours = std::env::current_exe()?;
    let target = ours.ancestors().nth(3).ok_or("no target folder")?;
    let descriptors = system::raise_descriptors()?;
    let mut builds = Report::default();
    eprintln!("building");
    let bench = Bench {
        programs: Programs::build(&target.join("remotex-bench"), &mut builds)?,
        folder: Folder::new()?,
        servers: Cell::default(),
    };
    let mut report = Report::default();
    eprintln!("calls");
    calls::measure(&bench, &mut report)?;
    eprintln!("idle connections");
    crowd::measure(&bench, &mut report, descriptors)?;
    eprintln!("many functions");
    tables::measure(&bench, &mut report)?;
    report.append(builds);
    eprintln!("instructions");
    instructions::count(&bench, &mut report)?;

    let text = report.markdown();
    let file = target.join("remotex-bench.md");
    fs::write(&file, &text)?;
    println!("{text}\nThis is also in {}.", file.display());
    Ok(())
}
