//! A private home for the servers of one test.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs, process};

use rustix::process::{Pid, Signal, kill_process};

/// Folders that belong to one test, in which its programs find and start servers of their own. It is
/// removed when it is dropped, and the servers in it are killed.
///
/// ```no_run
/// # extern crate remote_runtime as remotex;
/// let home = remotex::testing::Home::new()?;
/// let output = home.command("target/debug/examples/bboard").arg("hello").output()?;
/// assert!(output.status.success());
/// assert_eq!(home.servers().len(), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Home(PathBuf);

/// What came of many processes that ran at once: see [`Home::stampede`].
#[derive(Debug)]
pub struct Stampede {
    /// What each has printed, and how it ended.
    pub outputs: Vec<Output>,
    /// The servers that were there afterwards, by their processes.
    pub servers: Vec<u32>,
}

impl Home {
    /// Makes one.
    ///
    /// # Errors
    /// If the folders cannot be made.
    pub fn new() -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            // Paths of sockets are short, which the folder of a build need not be.
            let path = PathBuf::from(format!("/tmp/rx-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                made => {
                    made?;
                    for folder in ["run", "state", "home"] {
                        fs::create_dir(path.join(folder))?;
                    }
                    return Ok(Self(path));
                }
            }
        }
    }

    /// Where it is. In it, `run` is `XDG_RUNTIME_DIR`, `state` is `XDG_STATE_HOME`, and `home` is `HOME`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A program that knows no other home, run in this folder, with nothing to read.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let is_of_another = |name: &OsStr| {
            let name = name.to_string_lossy();
            name.starts_with("REMOTEX_") || name.starts_with("XDG_") || name == "RUST_BACKTRACE"
        };
        for (name, _) in env::vars_os().filter(|(name, _)| is_of_another(name)) {
            command.env_remove(name);
        }
        command
            .env(super::hooks::HOME, "1")
            .env("XDG_RUNTIME_DIR", self.0.join("run"))
            .env("XDG_STATE_HOME", self.0.join("state"))
            .env("HOME", self.0.join("home"))
            .current_dir(&self.0)
            .stdin(Stdio::null());
        command
    }

    /// Runs `n` processes at once, and waits for all of them.
    ///
    /// # Errors
    /// If one cannot be started.
    ///
    /// # Panics
    /// If afterwards there is more than one server, which is what this is there to find out.
    pub fn stampede(&self, n: usize, mut command: impl FnMut() -> Command) -> io::Result<Stampede> {
        let start = |mut command: Command| {
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
        };
        let children: Vec<Child> = (0..n)
            .map(|_| start(command()))
            .collect::<io::Result<_>>()?;
        let outputs = children.into_iter().map(Child::wait_with_output);
        let outputs = outputs.collect::<io::Result<Vec<_>>>()?;
        let servers = self.servers();
        assert!(servers.len() <= 1, "{n} processes have started {servers:?}");
        Ok(Stampede { outputs, servers })
    }

    /// The processes that were started to be servers in this home and have not ended.
    #[must_use]
    pub fn servers(&self) -> Vec<u32> {
        self.processes()
            .into_iter()
            .filter(|&pid| is_server(pid))
            .collect()
    }

    /// All processes of this home.
    fn processes(&self) -> Vec<u32> {
        let ours = format!("XDG_RUNTIME_DIR={}\0", self.0.join("run").display());
        let has_ours = |pid: &u32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .windows(ours.len())
                .any(|part| part == ours.as_bytes())
        };
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(has_ours)
            .collect()
    }
}

fn is_server(pid: u32) -> bool {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    words.starts_with(b"remotex:")
}

impl Drop for Home {
    fn drop(&mut self) {
        let pids = self.processes().into_iter();
        for pid in pids.filter_map(|pid| Pid::from_raw(pid.cast_signed())) {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
        // What is left is left in /tmp.
        let _ = fs::remove_dir_all(&self.0);
    }
}
