//! The programs that are measured. They are built here, as a user of remotex builds one: in release,
//! and without what the tests of this checkout ask of it.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use crate::builds::{Build, Package};
use crate::process::Program;
use crate::report::Report;
use crate::{Result, system};

const CHECKOUT: &str = env!("CARGO_MANIFEST_DIR");

/// Each is a server and its clients.
pub(crate) struct Programs {
    pub(crate) bare: Program,
    pub(crate) rawbin: Program,
    pub(crate) remotex: Program,
    /// The first word says how many functions it is to have.
    pub(crate) functions: Program,
}

impl Programs {
    /// Builds them in `folder`, of which nothing stays, and reports what the first build of each kind
    /// says of itself.
    pub(crate) fn build(folder: &Path, report: &mut Report) -> Result<Self> {
        empty(folder)?;
        let manifest = folder.join("Cargo.toml");
        let text = include_str!("programs/manifest.toml").replace("CHECKOUT", CHECKOUT);
        fs::write(&manifest, text)?;
        fs::copy(
            Path::new(CHECKOUT).join("Cargo.lock"),
            folder.join("Cargo.lock"),
        )?;
        // All that it takes was fetched for the checkout.
        let package = Package {
            manifest: &manifest,
            mode: "--offline",
        };
        let targets = ["rawbin", "remotex"].map(|feature| folder.join(feature));
        let limit = || clean(&package, "board_rawbin", "rawbin", &targets[0]);
        let ours = || clean(&package, "board", "remotex", &targets[1]);
        let mut boards = [limit()?, ours()?];
        // Twice, since whatever else happens can only make a build longer.
        for (board, again) in boards.iter_mut().zip([limit()?, ours()?]) {
            board.seconds = board.seconds.min(again.seconds);
        }
        compare(&boards, report);

        let program = |name, feature, target| -> Result<Program> {
            Ok(vec![package.build(name, feature, target)?.program.into()])
        };
        Ok(Self {
            bare: program("bare", "bare", &targets[0])?,
            rawbin: program("rawbin", "rawbin", &targets[0])?,
            remotex: program("remotex", "remotex", &targets[1])?,
            functions: program("functions", "remotex", &targets[1])?,
        })
    }
}

/// A build that began with nothing.
struct Clean {
    build: Build,
    seconds: f64,
    /// In ticks, which hardly depend on what else runs.
    cpu: f64,
}

fn clean(package: &Package<'_>, program: &str, feature: &str, target: &Path) -> Result<Clean> {
    empty(target)?;
    let (begun, before) = (Instant::now(), system::waited()?);
    let build = package.build(program, feature, target)?;
    Ok(Clean {
        build,
        seconds: begun.elapsed().as_secs_f64(),
        cpu: system::waited()? - before,
    })
}

/// Makes a folder, or what is left of an earlier run in it go.
fn empty(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => fs::create_dir_all(folder),
    }
}

fn compare([limit, ours]: &[Clean; 2], report: &mut Report) {
    let [limit_kib, kib] = [limit, ours].map(|clean| clean.build.size as f64 / 1024.0);
    report.at_most(
        "program of two functions, stripped: KiB over (b)'s",
        kib - limit_kib,
        250.0,
    );
    report.at_most("crates in its build", ours.build.crates as f64, 28.0);
    report.at_most(
        "clean build of it, to (b)'s",
        ours.seconds / limit.seconds,
        2.0,
    );
    report.note(format!(
        "(b)'s program of two functions has {limit_kib:.0} KiB and {} crates, and took {:.1} s to build. \
         In CPU time, the clean build with remotex was {:.2} times (b)'s.",
        limit.build.crates,
        limit.seconds,
        ours.cpu / limit.cpu
    ));
}
