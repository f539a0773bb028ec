//! A test crate has no `main`: one of its tests becomes the server. Such a server is in a folder of
//! its own, where no real one is, and ends with the test process.

use std::cell::RefCell;
use std::io::{self, Read};
use std::marker::PhantomData;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs, thread};

use linkme::distributed_slice;
use parking_lot::Mutex;
use rustix::io::Errno;
use rustix::process::{Signal, getpid, kill_process};

use crate::at_exit;

/// The tests that become servers, by the paths of their functions: see `daemon!`.
#[doc(hidden)]
#[distributed_slice]
pub static DAEMONS: [&'static str];

/// The modules with a `local!` in this program.
#[doc(hidden)]
#[distributed_slice]
pub static LOCALS: [&'static str];

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

/// Returns `true` if every function of this process runs where it is called.
pub(crate) fn is_local() -> bool {
    !LOCALS.is_empty()
}

/// Where this process looks for servers that have no address of their own, if it is a test, or the
/// server of one.
pub(crate) fn folder() -> Option<&'static Path> {
    static USED: OnceLock<Option<PathBuf>> = OnceLock::new();
    let own = || new_folder(process::id());
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

/// The variables of a test's server: they name its folder, and within that the one for its state, so
/// that the server saves to no file of the user's.
pub(crate) fn variables() -> Vec<(&'static str, PathBuf)> {
    let Some(folder) = folder() else {
        return Vec::new();
    };
    let own = |name| (name, folder.join(STATE));
    let mut variables = ["XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"]
        .map(own)
        .to_vec();
    variables.push((FOLDER, folder.to_owned()));
    variables
}

/// The folder within that of a test process for all that is no socket.
const STATE: &str = "state";

/// A folder for the files of this test process and of its servers, which is removed at its end.
///
/// In the server that [`daemon!`](macro@crate::testing::daemon) gives a test, `XDG_STATE_HOME`,
/// `XDG_DATA_HOME` and `XDG_CACHE_HOME` name it too.
///
/// # Errors
/// If it cannot be made, or belongs to another user.
pub fn state_folder() -> io::Result<PathBuf> {
    static MADE: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut made = MADE.lock();
    if let Some(state) = &*made {
        return Ok(state.clone());
    }
    let process = process::id();
    let own = folder().map_or_else(|| new_folder(process), Path::to_owned);
    let state = own.join(STATE);
    make_own(&own)?;
    make_own(&state)?;
    // The folder of a server is its test's, which removes it.
    if own == own_folder(process) {
        at_exit::run_last(Box::new(move |_| {
            // Its server may have done it.
            let _ = fs::remove_dir_all(own);
            Ok(())
        }))?;
    }
    *made = Some(state.clone());
    Ok(state)
}

/// Makes a folder that only this user can enter, if it is not there.
fn make_own(folder: &Path) -> io::Result<()> {
    use rustix::fs::{Mode, mkdir};
    match mkdir(folder, Mode::RWXU) {
        Err(Errno::EXIST) => {}
        made => return Ok(made?),
    }
    let found = fs::symlink_metadata(folder)?;
    if found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let why = format!("`{}` belongs to another user; remove it", folder.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

/// The folder of a process that has not used it yet: what lies there is of another one, which had the
/// same number and did not come to its end.
fn new_folder(process: u32) -> PathBuf {
    let folder = own_folder(process);
    // Another user's is refused where it is used.
    let _ = fs::remove_dir_all(&folder);
    folder
}

fn own_folder(process: u32) -> PathBuf {
    PathBuf::from(format!("/tmp/remotex-test-{process}"))
}

thread_local! {
    /// The keys of servers for the calls of this thread, the latest last.
    static KEYS: RefCell<Vec<(u64, &'static str, String)>> = const { RefCell::new(Vec::new()) };
}

/// A key that the calls of this thread mean, until it is dropped.
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub struct Key {
    number: u64,
    /// It belongs to its thread.
    _thread: PhantomData<*const ()>,
}

impl Key {
    /// Lets the calls of this thread mean the server `server` of that key.
    pub fn of(server: &'static str, key: String) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        KEYS.with_borrow_mut(|keys| keys.push((number, server, key)));
        Self {
            number,
            _thread: PhantomData,
        }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        KEYS.with_borrow_mut(|keys| keys.retain(|(number, ..)| *number != self.number));
    }
}

/// The key that the calls of this thread mean, if a test has said so.
pub(crate) fn key(server: &str) -> Option<String> {
    KEYS.with_borrow(|keys| {
        let mut latest = keys.iter().rev();
        let (.., key) = latest.find(|(_, of, _)| *of == server)?;
        Some(key.clone())
    })
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
