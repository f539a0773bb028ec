//! Building programs, and what can be seen of a build: the program's size, and the crates in it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;

/// A package that has a feature for each of its programs.
pub(crate) struct Package<'p> {
    pub(crate) manifest: &'p Path,
    /// How cargo comes by its dependencies.
    pub(crate) mode: &'static str,
}

pub(crate) struct Build {
    pub(crate) program: PathBuf,
    /// In bytes; the profile strips it.
    pub(crate) size: u64,
    pub(crate) crates: usize,
}

impl Package<'_> {
    /// One program at a time, so that none gets what another one asks of a crate that both use.
    pub(crate) fn build(&self, program: &str, feature: &str, target: &Path) -> Result<Build> {
        let status = self
            .cargo("build", feature)
            .args(["--release", "--bin", program, "--target-dir"])
            .arg(target)
            .status()?;
        if !status.success() {
            return Err(format!("{program} cannot be built").into());
        }
        let program = target.join("release").join(program);
        let size = program.metadata()?.len();
        let crates = self.crates(feature)?;
        Ok(Build {
            program,
            size,
            crates,
        })
    }

    /// How many crates a build takes beside this package, those that run in the compiler included.
    fn crates(&self, feature: &str) -> Result<usize> {
        let tree = self
            .cargo("tree", feature)
            .args(["--prefix", "none"])
            .output()?;
        if !tree.status.success() {
            return Err(String::from_utf8(tree.stderr)?.into());
        }
        let tree = String::from_utf8(tree.stdout)?;
        // Name and version; what follows them says that a line is not the first of its kind.
        let name = |line: &str| -> String { line.split(' ').take(2).collect() };
        let names: BTreeSet<String> = tree.lines().map(name).collect();
        Ok(names.len() - 1)
    }

    fn cargo(&self, what: &str, feature: &str) -> Command {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut cargo = Command::new(program);
        cargo
            .args([what, "--quiet", self.mode, "--manifest-path"])
            .arg(self.manifest)
            .args(["--no-default-features", "--features", feature]);
        cargo
    }
}
