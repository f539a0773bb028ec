//! The processes of a run: servers, which end with it, their clients, and where both may run.
//!
//! Those who use this are drivers, whose `main` leaves what they say to themselves to
//! [`become_server`].

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{self, Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::Result;

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A folder for sockets and the like, which nobody else may enter.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("peers-{}", process::id()));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays behind does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A program, and the words that come before those that are said to it.
pub(crate) type Program = Vec<OsString>;

/// A server that listens, until this is dropped.
pub(crate) struct Server {
    program: Program,
    pub(crate) address: String,
    pub(crate) process: Child,
}

impl Server {
    pub(crate) fn on_socket(program: &Program, folder: &Folder, name: &str) -> Result<Self> {
        Self::start(program, folder.file(name), |address| {
            UnixStream::connect(address).is_ok()
        })
    }

    /// Waits until the server `listens`.
    pub(crate) fn start(
        program: &Program,
        address: String,
        listens: fn(&str) -> bool,
    ) -> Result<Self> {
        let driver = vec![std::env::current_exe()?.into()];
        let process = command(&driver, &address, &["serve"])
            .args(program)
            .stdout(Stdio::null())
            .spawn()?;
        let mut server = Self {
            program: program.clone(),
            address,
            process,
        };
        let begun = Instant::now();
        while !listens(&server.address) {
            if begun.elapsed() > PATIENCE || server.process.try_wait()?.is_some() {
                return Err(format!("{program:?} does not listen").into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    /// A client of this server: its first word, then the address, then the others.
    pub(crate) fn client(&self, words: &[&str]) -> Command {
        command(&self.program, &self.address, words)
    }

    /// What a client prints.
    pub(crate) fn ask<const N: usize>(&self, words: &[&str]) -> Result<[f64; N]> {
        let output = self.client(words).stderr(Stdio::inherit()).output()?;
        let program = &self.program;
        if !output.status.success() {
            return Err(format!("{program:?}, a client, ended with {}", output.status).into());
        }
        let text = String::from_utf8(output.stdout)?;
        let numbers: std::result::Result<Vec<f64>, _> =
            text.split_whitespace().map(str::parse).collect();
        let wrong = |_| format!("{program:?}, a client, printed {text:?}");
        Ok(numbers?.try_into().map_err(wrong)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Becomes a server that does not outlive the driver, even if that is killed.
pub(crate) fn become_server(address: &str, program: &[String]) -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let (file, words) = program.split_first().ok_or("no program")?;
    let mut server = Command::new(file);
    let failed = server.args(words).args(["serve", address]).exec();
    Err(failed.into())
}

fn command(program: &Program, address: &str, words: &[&str]) -> Command {
    let (first, others) = words.split_at(1);
    let mut command = Command::new(&program[0]);
    command
        .args(&program[1..])
        .args(first)
        .arg(address)
        .args(others)
        // Where the server of the remotex peer is; nobody else looks at it.
        .env("REMOTEX_PEERS", format!("unix:{address}"))
        // Where cargo has libraries for the driver: no program is told that when it is used.
        .env_remove("LD_LIBRARY_PATH")
        .stdin(Stdio::null());
    command
}

/// Everything that starts meanwhile stays on one CPU: waking another one that sleeps can take longer
/// than a call, and would be all that is seen.
pub(crate) fn on_one_cpu<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let all = sched_getaffinity(None)?;
    // The first one is often that of the interrupts.
    let last = (0..CpuSet::MAX_CPU).rfind(|&cpu| all.is_set(cpu));
    let mut one = CpuSet::new();
    one.set(last.ok_or("no CPU")?);
    sched_setaffinity(None, &one)?;
    let done = work();
    sched_setaffinity(None, &all)?;
    done
}
