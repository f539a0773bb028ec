//! What connections cost that rest: memory, threads, and the calls of others.

use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use crate::process::{Program, Server};
use crate::report::{Report, medians};
use crate::{Bench, Result, guest, system};

const SOME: usize = 1_000;
const MANY: usize = 10_000;

/// Descriptors that a process needs beside those of the connections that rest.
const OTHERS: usize = 64;

/// Threads, bytes, milliseconds.
const BUSY: [&str; 4] = ["rate", "8", "16", "500"];

/// Makes a connection, and uses it once.
type Connect = fn(&str) -> Result<UnixStream>;

/// `descriptors` is how many of them a process may have.
pub(crate) fn measure(bench: &Bench, report: &mut Report, descriptors: usize) -> Result<()> {
    let fit = |n: usize| n.min(descriptors.saturating_sub(OTHERS));
    memory(bench, report, fit(SOME))?;
    busy(bench, report, fit(MANY))
}

fn memory(bench: &Bench, report: &mut Report, n: usize) -> Result<()> {
    let resident = |program: &Program, connect: Connect| -> Result<f64> {
        let server = bench.server(program)?;
        let _guests = crowd(&server, connect, n)?;
        system::resident(&server.process)
    };
    let [ratio, ours, limit] = medians(3, || {
        let limit = resident(&bench.programs.bare, guest::of_bare)?;
        let ours = resident(&bench.programs.remotex, guest::of_remotex)?;
        Ok([ours / limit, ours, limit])
    })?;
    report.at_most(
        &format!("resident memory with {n} idle connections, to (a)'s"),
        ratio,
        0.35,
    );
    report.note(format!(
        "With {n} idle connections, the server had {ours:.0} KiB in memory, and that of (a) {limit:.0} KiB."
    ));
    Ok(())
}

fn busy(bench: &Bench, report: &mut Report, n: usize) -> Result<()> {
    let [alone, crowded] = [
        bench.server(&bench.programs.remotex)?,
        bench.server(&bench.programs.remotex)?,
    ];
    let _guests = crowd(&crowded, guest::of_remotex, n)?;
    let first = system::threads(&crowded.process)?;
    let [ratio] = medians(7, || {
        // Each is first once: whoever comes second finds a warmer machine.
        let ([before], [first]) = (alone.ask(&BUSY)?, crowded.ask(&BUSY)?);
        let ([second], [after]) = (crowded.ask(&BUSY)?, alone.ask(&BUSY)?);
        Ok([(first + second) / (before + after)])
    })?;
    let last = system::threads(&crowded.process)?;
    report.at_least(
        &format!("8 busy connections beside {n} idle ones: calls/s to those without"),
        ratio,
        0.95,
    );
    report.note(format!(
        "The server had {first:.0} threads when {n} connections had just been made one after the other, and \
         {last:.0} after some seconds of calls by 8 others."
    ));
    if n < MANY {
        report.note(format!(
            "There were {n} idle connections instead of {MANY}, since the hard limit of open files (`ulimit -Hn`) is too low."
        ));
    }
    Ok(())
}

fn crowd(server: &Server, connect: Connect, n: usize) -> Result<Vec<UnixStream>> {
    let guests = (0..n).map(|_| connect(&server.address)).collect();
    // Until all of them rest.
    thread::sleep(Duration::from_millis(200));
    guests
}
