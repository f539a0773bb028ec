//! How many instructions calls take, as valgrind counts them: what stays the same from run to run, so
//! that a small change can be seen.

use std::fmt::Write;
use std::fs;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::process::Program;
use crate::report::Report;
use crate::{Bench, Result};

const CALLS: u64 = 1000;

pub(crate) fn count(bench: &Bench, report: &mut Report) -> Result<()> {
    let valgrind = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if valgrind.is_err() {
        report.note(
            "Instructions were not counted: that needs `valgrind`, which Debian has in a package of that name."
                .into(),
        );
        return Ok(());
    }
    let programs = &bench.programs;
    let mut table =
        String::from("| instructions in user space | client | server |\n| --- | ---: | ---: |");
    for (what, program, function) in [
        ("warm echo of 16 bytes", &programs.remotex, "echo"),
        ("the same with (a)", &programs.bare, "echo"),
        ("warm post", &programs.remotex, "post"),
        ("the same with (b)", &programs.rawbin, "post"),
    ] {
        let [client, server] = warm(bench, program, function)?;
        write!(table, "\n| {what} | {client} | {server} |")?;
    }
    for (what, program) in [
        (
            "a process that posts, over one that does nothing",
            &programs.remotex,
        ),
        ("the same with (b)", &programs.rawbin),
    ] {
        let [post, _] = totals(bench, program, &["post"])?;
        let [nothing, _] = totals(bench, program, &["nothing"])?;
        write!(table, "\n| {what} | {} | |", post - nothing)?;
    }
    report.note(table);
    Ok(())
}

/// Of one call: from how many more there are when twice as many are made, so that neither start nor
/// end is counted.
fn warm(bench: &Bench, program: &Program, function: &str) -> Result<[u64; 2]> {
    let of = |calls: u64| totals(bench, program, &["calls", function, &calls.to_string()]);
    let ([client, server], [client_twice, server_twice]) = (of(CALLS)?, of(2 * CALLS)?);
    Ok([
        (client_twice - client) / CALLS,
        (server_twice - server) / CALLS,
    ])
}

/// Of all of a client, and of all of its server. Both are run by valgrind, so that each takes the
/// other one for its own program.
fn totals(bench: &Bench, program: &Program, words: &[&str]) -> Result<[u64; 2]> {
    let counts = |process: &str| bench.folder.file(&format!("instructions.{process}"));
    let out = format!("--callgrind-out-file={}", counts("%p"));
    let mut counted: Program = ["valgrind", "--quiet", "--tool=callgrind", &out]
        .map(Into::into)
        .to_vec();
    counted.extend_from_slice(program);

    let mut server = bench.server(&counted)?;
    let mut client = server.client(words).stdout(Stdio::null()).spawn()?;
    if !client.wait()?.success() {
        return Err(format!("{program:?}, a client, failed under valgrind").into());
    }
    kill_process(Pid::from_child(&server.process), Signal::TERM)?;
    server.process.wait()?;
    let total = |process: u32| -> Result<u64> {
        let text = fs::read_to_string(counts(&process.to_string()))?;
        let mut lines = text.lines();
        let total = lines.find_map(|line| line.strip_prefix("totals: "));
        Ok(total.ok_or("valgrind has counted nothing")?.parse()?)
    };
    Ok([total(client.id())?, total(server.process.id())?])
}
