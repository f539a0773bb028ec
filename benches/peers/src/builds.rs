//! Building the peers, and what can be seen of a build: the program's size, and the crates in it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use peers::Result;

use crate::roster::Peer;

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");

pub struct Build {
    pub program: PathBuf,
    /// In bytes; the profile strips it.
    pub size: u64,
    pub crates: usize,
}

/// Builds where the driver itself was built, one peer at a time, so that no peer gets what another
/// one asks of a crate that both use.
pub fn build(peer: &Peer) -> Result<Build> {
    let driver = std::env::current_exe()?;
    let target = driver.ancestors().nth(2).ok_or("no target folder")?;
    let status = cargo(peer, "build")
        .args(["--release", "--bin", peer.program, "--target-dir"])
        .arg(target)
        .status()?;
    if !status.success() {
        return Err(format!("{} cannot be built", peer.program).into());
    }
    let program = target.join("release").join(peer.program);
    let size = Path::metadata(&program)?.len();
    let crates = crates(peer)?;
    Ok(Build {
        program,
        size,
        crates,
    })
}

/// How many crates the build takes beside this package, those that run in the compiler included.
fn crates(peer: &Peer) -> Result<usize> {
    let tree = cargo(peer, "tree").args(["--prefix", "none"]).output()?;
    if !tree.status.success() {
        return Err(String::from_utf8(tree.stderr)?.into());
    }
    let tree = String::from_utf8(tree.stdout)?;
    // Name and version; what follows them says that a line is not the first of its kind.
    let name = |line: &str| -> String { line.split(' ').take(2).collect() };
    let names: BTreeSet<String> = tree.lines().map(name).collect();
    Ok(names.len() - 1)
}

fn cargo(peer: &Peer, what: &str) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut cargo = Command::new(program);
    cargo
        .args([what, "--locked", "--manifest-path", MANIFEST])
        .args(["--no-default-features", "--features", peer.program]);
    cargo
}
