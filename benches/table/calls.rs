//! What calls cost: their time, their rate, their processors, and their bytes.

use crate::cold::cold;
use crate::process::{Server, on_one_cpu};
use crate::report::{Report, medians};
use crate::{Bench, Result, system};

/// Calls.
const LATENCIES: [&str; 2] = ["latencies", "4000"];
/// Threads, bytes, milliseconds.
const SMALL: [&str; 4] = ["rate", "8", "16", "1000"];
const LARGE: [&str; 4] = ["rate", "1", "1048576", "300"];
const HUGE: [&str; 4] = ["rate", "1", "67108864", "900"];

/// How many processes of each kind a round starts.
const COLD: usize = 200;

pub(crate) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    on_one_cpu(|| latencies(bench, report))?;
    on_one_cpu(|| processes(bench, report))?;
    rates(bench, report)?;
    bytes(bench, report)
}

fn latencies(bench: &Bench, report: &mut Report) -> Result<()> {
    let [echo, post, read, bare_echo, limit_post, limit_read] = medians(31, || {
        // New ones in each round: a process is faster or slower as its memory happens to lie.
        let [bare, rawbin, remotex] = bench.servers()?;
        let [bare_echo, ..]: [f64; 3] = bare.ask(&LATENCIES)?;
        let [_, limit_post, limit_read] = rawbin.ask(&LATENCIES)?;
        let [echo, post, read] = remotex.ask(&LATENCIES)?;
        Ok([
            echo / bare_echo,
            post / limit_post,
            read / limit_read,
            bare_echo,
            limit_post,
            limit_read,
        ])
    })?;
    report.at_most("warm echo of 16 bytes, on one CPU, to (a)", echo, 1.15);
    report.at_most("warm post, on one CPU, to (b)", post, 1.10);
    report.at_most("read of 100 items, on one CPU, to (b)", read, 1.05);
    report.note(format!(
        "Here, an echo took (a) {:.1} µs, a post (b) {:.1} µs, and a read {:.1} µs.",
        bare_echo / 1e3,
        limit_post / 1e3,
        limit_read / 1e3
    ));
    Ok(())
}

fn processes(bench: &Bench, report: &mut Report) -> Result<()> {
    let [bare, rawbin, remotex] = bench.servers()?;
    let [ratio, limit] = medians(5, || {
        let mut posts = [&rawbin, &remotex].map(|server| server.client(&["post"]));
        let times = cold(&mut bare.client(&["nothing"]), &mut posts, COLD)?;
        Ok([times[1] / times[0], times[0]])
    })?;
    report.at_most(
        "a process that posts, over one that does nothing, on one CPU, to (b)",
        ratio,
        1.2,
    );
    report.note(format!(
        "A process of (b) that posts took {:.0} µs more than one that does nothing.",
        limit / 1e3
    ));
    Ok(())
}

fn rates(bench: &Bench, report: &mut Report) -> Result<()> {
    let [_, rawbin, remotex] = bench.servers()?;
    // Calls per second, and CPU time of both ends for as many calls.
    let run = |server: &Server| -> Result<(f64, f64)> {
        let used = || Ok::<_, crate::Error>(system::used(&server.process)? + system::waited()?);
        let before = used()?;
        let [rate] = server.ask(&SMALL)?;
        Ok((rate, (used()? - before) / rate))
    };
    let [rate, cpu, limit] = medians(7, || {
        let ((limit, limit_cpu), (rate, cpu)) = (run(&rawbin)?, run(&remotex)?);
        Ok([rate / limit, cpu / limit_cpu, limit])
    })?;
    report.at_least("8 threads, 8 connections: calls/s to (b)'s", rate, 0.95);
    report.at_most("CPU time of both ends for a call, to (b)'s", cpu, 1.1);
    report.note(format!("8 threads made {limit:.0} calls/s with (b)."));
    Ok(())
}

fn bytes(bench: &Bench, report: &mut Report) -> Result<()> {
    let [bare, _, remotex] = bench.servers()?;
    for (what, words) in [
        ("echo of 1 MiB as `Vec<u8>`: MB/s to (a)'s", LARGE),
        ("echo of 64 MiB as `Vec<u8>`: MB/s to (a)'s", HUGE),
    ] {
        let [ratio] = medians(7, || {
            let ([limit], [rate]) = (bare.ask(&words)?, remotex.ask(&words)?);
            Ok([rate / limit])
        })?;
        report.at_least(what, ratio, 0.8);
    }
    Ok(())
}
