//! A test crate has no `main`: one of its tests becomes the server. Such a server is in a folder of
//! its own, where no real one is, and ends with the test process.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::OnceLock;
use std::{env, fs, thread};

use linkme::distributed_slice;
use rustix::process::{Signal, getpid, kill_process};

/// The tests that become servers, by the paths of their functions: see `daemon!`.
#[doc(hidden)]
#[distributed_slice]
pub static DAEMONS: [&'static str];

/// Where the servers of a test process are. No server's own variable has small letters.
const FOLDER: &str = "REMOTEX_testing_folder";

/// Tells a program that it runs in a private home.
pub(crate) const HOME: &str = "REMOTEX_testing_home";

/// At which step a process is to be killed.
const STEP: &str = "REMOTEX_testing_step";

/// The steps of the start and of the end of a server, at which [`kill_at`] can kill: those of the
/// process that starts it, then its own.
pub const STEPS: [&str; 16] = [
    "start: start lock taken",
    "start: lock taken",
    "start: socket made",
    "start: handed over",
    "start: child spawned",
    "server: init",
    "server: before on_start",
    "server: after on_start",
    "server: listening",
    "server: start lock let go",
    "end: asked",
    "end: drained",
    "end: on_stop done",
    "end: before the socket is removed",
    "end: socket removed",
    "end: lock let go",
];

/// Makes a program, and the server that it may start, kill themselves as `kill -9` would, when they
/// come to that one of the [`STEPS`].
pub fn kill_at<'c>(command: &'c mut Command, step: &str) -> &'c mut Command {
    command.env(STEP, step)
}

pub(crate) fn step(step: &str) {
    if env::var_os(STEP).is_some_and(|at| at == step) {
        // If it cannot be killed, the test that wants it fails.
        let _ = kill_process(getpid(), Signal::KILL);
        thread::park();
    }
}

pub(crate) fn has_daemon() -> bool {
    !DAEMONS.is_empty()
}

/// What makes the test program run nothing but the test that becomes a server.
pub(crate) fn arguments() -> Vec<String> {
    let path = DAEMONS.first().and_then(|path| path.split_once("::"));
    path.map(|(_, test)| ["--exact", test, "--nocapture"].map(str::to_owned).to_vec())
        .unwrap_or_default()
}

/// Where this process looks for servers that have no address of their own, if it is a test, or the
/// server of one.
pub(crate) fn folder() -> Option<&'static Path> {
    static USED: OnceLock<Option<PathBuf>> = OnceLock::new();
    let own = || PathBuf::from(format!("/tmp/remotex-test-{}", process::id()));
    let used = || {
        env::var_os(FOLDER)
            .map(PathBuf::from)
            .or_else(|| has_daemon().then(own))
    };
    USED.get_or_init(used).as_deref()
}

/// Returns `true` in a private home, whose servers are apart from all others.
pub(crate) fn is_home() -> bool {
    folder().is_some() || env::var_os(HOME).is_some()
}

/// How a server learns of it.
pub(crate) fn variable() -> Option<(&'static str, &'static Path)> {
    folder().map(|folder| (FOLDER, folder))
}

/// Ends the server of a test with that test, and removes their folder.
pub(crate) fn end_with(mut starter: UnixStream) {
    if !has_daemon() {
        return;
    }
    let wait = move || {
        // Nothing is said any more; the end is what is waited for, however it comes.
        let _ = starter.read(&mut [0]);
        if let Some(folder) = folder() {
            // Another server of the test may have done it.
            let _ = fs::remove_dir_all(folder);
        }
        process::exit(0);
    };
    // Without a thread it stays until it is idle.
    let _ = thread::Builder::new()
        .name("remotex test".into())
        .spawn(wait);
}
