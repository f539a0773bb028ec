//! From the figures of all rounds to a Markdown table.

use crate::builds::Build;
use crate::median::median;
use crate::roster::{BARE, Peer, RAWBIN};
use crate::round::Figures;

/// A heading, the limit that the figure is divided by, and the figure.
type Column = (&'static str, usize, fn(&Figures) -> f64);

const COLUMNS: [Column; 6] = [
    ("echo / (a)", BARE, |figures| figures.echo),
    ("post / (b)", RAWBIN, |figures| figures.post),
    ("read / (b)", RAWBIN, |figures| figures.read),
    ("calls/s / (b)", RAWBIN, |figures| figures.rate),
    ("MB/s / (a)", BARE, |figures| figures.bulk),
    ("cold / (b)", RAWBIN, |figures| figures.cold),
];

const LEGEND: &str = "\
Each ratio is the median of those of the rounds. `echo` of 16 bytes, `post` of an item, and `read` of \
100 items: the median time of a call, less is better. `calls/s`: `echo` of 16 bytes by 8 threads with 8 \
connections; `MB/s`: `echo` of 1 MiB; more is better. `cold`: how much longer a process takes that makes \
one `post` than one that does nothing. Times are taken with all processes on one CPU, `calls/s` and `MB/s` \
wherever the kernel puts them. `KiB`: the stripped program, compared with that of (b). `crates`: all that its \
build takes.";

/// A row for each peer, in the order of the figures of a round, and how to read it.
pub fn markdown(builds: &[(&Peer, Build)], rounds: &[Vec<Figures>]) -> String {
    let mut text = String::from("| peer |");
    for (heading, _, _) in COLUMNS {
        text += &format!(" {heading} |");
    }
    text += " KiB over (b) | crates |\n| --- |";
    text += &" ---: |".repeat(COLUMNS.len() + 2);
    for (at, (peer, build)) in builds.iter().enumerate() {
        text += &format!("\n| {} |", peer.label);
        for (_, limit, figure) in COLUMNS {
            let ratio = over(rounds, |round| figure(&round[at]) / figure(&round[limit]));
            text += &format!(" {ratio:.2} |");
        }
        let more = kib(build) - kib(&builds[RAWBIN].1);
        text += &format!(" {more} | {} |", build.crates);
    }
    format!("{text}\n\n{LEGEND}\n\n{}", limits(rounds))
}

/// What the limits themselves took, which says more of the machine than of them.
fn limits(rounds: &[Vec<Figures>]) -> String {
    let of =
        |limit: usize, figure: fn(&Figures) -> f64| over(rounds, |round| figure(&round[limit]));
    let micros = |limit, figure| of(limit, figure) / 1000.0;
    format!(
        "Here, (a) took {:.1} µs for an `echo` and moved {:.0} MB/s; (b) took {:.1} µs for a `post`, {:.1} µs \
         for a `read` and {:.0} µs for a cold `post`, and made {:.0} calls/s.",
        micros(BARE, |figures| figures.echo),
        of(BARE, |figures| figures.bulk) * 1.048_576,
        micros(RAWBIN, |figures| figures.post),
        micros(RAWBIN, |figures| figures.read),
        micros(RAWBIN, |figures| figures.cold),
        of(RAWBIN, |figures| figures.rate),
    )
}

fn over(rounds: &[Vec<Figures>], figure: impl Fn(&[Figures]) -> f64) -> f64 {
    median(rounds.iter().map(|round| figure(round)).collect())
}

fn kib(build: &Build) -> i64 {
    (build.size / 1024) as i64
}
