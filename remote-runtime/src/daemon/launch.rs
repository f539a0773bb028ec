//! Starts this same program again, as a process that has nothing of its starter but what it is handed.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::circle;
use super::handover::{self, MARK, Outcome};
use super::log::{self, Log};
use super::{Given, Which, environment};
use crate::error::{Call, Error};
use crate::link::START;
use crate::{chain, explain, program, testing};

/// How long a child may take to become a server, in seconds: a little longer than who started it
/// waits, so that it hears of that first.
#[allow(clippy::cast_possible_truncation, reason = "it is thirty")]
const LIMIT: libc::c_uint = START.as_secs() as libc::c_uint + 1;

/// Starts the server `which` and waits until it takes calls.
pub(super) fn launch(
    call: Call<'_>,
    which: Which<'_>,
    given: Given,
    logs: Vec<PathBuf>,
    deadline: Instant,
) -> Result<(), Error> {
    // Waiting for others has taken its time.
    let deadline = deadline.min(Instant::now() + START);
    if deadline <= Instant::now() {
        let why = "there is no time left to start it, by the `.timeout` of its `Server`";
        return Err(Error::TimedOut(call.trouble(why)));
    }
    let log = Log::open(logs).map_err(|(path, e)| {
        let remedy = "set XDG_STATE_HOME to a folder that you can write, on a disk with room";
        call.io(
            format_args!("its log cannot be opened at `{}`; {remedy}", path.display()),
            e,
        )
    })?;
    let (path, before) = (log.path().to_owned(), log.length());
    explain::say(call, || format!("its log is `{}`", path.display()));
    let outcome = UnixStream::pair().and_then(|(ours, theirs)| {
        // It lies in the socket before there is a child, so that all that can happen to the child
        // is seen by reading.
        handover::give(&ours, which, &given)?;
        testing::step("start: handed over");
        let variable = circle::variable(&given.starting);
        drop(given);
        spawn(call, which, theirs, log.into_outputs()?, variable)?;
        testing::step("start: child spawned");
        Ok((handover::outcome(&ours, deadline)?, ours))
    });
    let (outcome, child) = outcome.map_err(|e| unstarted(call, which, e))?;
    if matches!(outcome, Outcome::Ready) {
        if which.is_for_test {
            keep(child);
        }
        return Ok(());
    }
    Err(failure(call, "the server did not start", outcome, &|| {
        log::quote(&path, before)
    }))
}

/// Starts a process of `which` program that runs a function by itself, as `words` say, and waits until
/// it has. It is an ordinary child, which costs what a process costs.
#[cfg(feature = "json")]
pub(super) fn launch_trial(
    call: Call<'_>,
    which: Which<'_>,
    words: &[u8],
    deadline: Instant,
) -> Result<Vec<u8>, Error> {
    use std::io::Read;

    let mut measured = Vec::new();
    let outcomes = UnixStream::pair().and_then(|(ours, theirs)| {
        let mut command = command(which, theirs)?;
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        // Only the child has the other end from here on, so that its end is seen.
        drop(command);
        let started = crate::transport::send(&ours, words)
            .and_then(|()| ours.shutdown(std::net::Shutdown::Write))
            .and_then(|()| handover::outcome(&ours, Instant::now() + START));
        let mut ran = Ok(None);
        if matches!(started, Ok(Outcome::Ready)) {
            ran = handover::outcome(&ours, deadline).map(Some);
        }
        if matches!(ran, Ok(Some(Outcome::Ready))) {
            (&ours).read_to_end(&mut measured)?;
        } else {
            // It may not end by itself.
            child.kill()?;
        }
        child.wait()?;
        Ok((started?, ran?))
    });
    let what = "its program cannot run it by itself";
    let why = match outcomes.map_err(|e| unstarted(call, which, e))? {
        (_, Some(Outcome::Ready)) => return Ok(measured),
        (started, None) => return Err(failure(call, what, started, &String::new)),
        (_, Some(Outcome::Failed(why))) => why,
        (_, Some(Outcome::Died { .. })) => "its process ended while it ran".into(),
        (_, Some(Outcome::Silent { .. })) => "it has not returned in time".into(),
    };
    Err(Error::Unreachable(
        call.trouble(format_args!("{what}: {why}")),
    ))
}

fn unstarted(call: Call<'_>, which: Which<'_>, e: io::Error) -> Error {
    let of = program_of(which).map_or_else(
        |_| String::new(),
        |path| format!(" from `{}`", path.display()),
    );
    call.io(format_args!("its process cannot be started{of}"), e)
}

/// Why a start did not end well; `log` says where more of it stands.
fn failure(call: Call<'_>, what: &str, outcome: Outcome, log: &dyn Fn() -> String) -> Error {
    let why = match outcome {
        Outcome::Ready => String::new(),
        Outcome::Failed(why) => why,
        Outcome::Silent { after_init } => {
            let step = if after_init {
                "its `on_start` has not returned in time"
            } else {
                "it has not reached `remotex::init()` in time, which belongs at the top of `main`"
            };
            return Error::TimedOut(call.trouble(format_args!("{what}: {step}{}", log())));
        }
        Outcome::Died { after_init } => {
            let step = if after_init {
                "while it started"
            } else {
                "before it reached `remotex::init()`, which belongs at the top of `main`"
            };
            format!("its process ended {step}{}", log())
        }
    };
    Error::Unreachable(call.trouble(format_args!("{what}: {why}")))
}

/// Starts the child, whose standard input is `theirs`.
fn spawn(
    call: Call<'_>,
    which: Which<'_>,
    theirs: UnixStream,
    [output, errors]: [File; 2],
    starts: (&str, String),
) -> io::Result<()> {
    let most_descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile)
        .current
        .unwrap_or(0);
    let mut command = command(which, theirs)?;
    let program = Path::new(command.get_program()).display();
    explain::say(call, || format!("it starts `{program}`"));
    command.stdout(output).stderr(errors).envs([starts]);
    // SAFETY: `detach` makes system calls only, all of them async-signal-safe; it allocates nothing
    // and touches nothing of its parent's memory.
    unsafe {
        command.pre_exec(move || detach(most_descriptors));
    }
    // This child only starts the one that stays, and ends: nobody is left with a zombie.
    match command.spawn()?.wait() {
        // Somebody who ignores SIGCHLD has no children to wait for.
        Err(e) if e.raw_os_error() != Some(libc::ECHILD) => Err(e),
        _ => Ok(()),
    }
}

/// The program of the server, marked as what was started by us, with `theirs` as its standard input and
/// nothing of our environment but what a server keeps.
fn command(which: Which<'_>, theirs: UnixStream) -> io::Result<Command> {
    let mut command = Command::new(program_of(which)?);
    command
        .arg0(format!("{MARK}{which}"))
        .args(testing::arguments())
        .env_clear()
        .envs(environment::kept(which.env))
        .envs(testing::variables())
        .env(chain::VARIABLE, which.name)
        .envs(which.moved)
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)));
    Ok(command)
}

fn program_of(which: Which<'_>) -> io::Result<PathBuf> {
    which
        .program
        .map_or_else(program::executable, |path| Ok(path.to_owned()))
}

/// Keeps open until the end of this process what tells a server of the end of its test.
fn keep(server: UnixStream) {
    static KEPT: Mutex<Vec<UnixStream>> = Mutex::new(Vec::new());
    KEPT.lock().push(server);
}

/// Runs in the child, between fork and exec: leaves the starter's session, terminal, signals,
/// umask and descriptors.
fn detach(most_descriptors: u64) -> io::Result<()> {
    rustix::process::setsid()?;
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    // SAFETY: fork(2) in a process of a single thread, which a child of fork is.
    match unsafe { libc::fork() } {
        0 => {}
        -1 => return Err(io::Error::last_os_error()),
        // SAFETY: _exit(2) may be called at any time; it runs no destructors and no handlers.
        _ => unsafe { libc::_exit(0) },
    }
    for signal in 1..=MOST_SIGNALS {
        // SAFETY: to set a signal's default action installs no handler. SIGKILL and SIGSTOP refuse.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    block_no_signals()?;
    // The kernel ends a child that never becomes a server, even if nobody is left who waits for it.
    // SAFETY: alarm(2) only sets a timer, which survives exec.
    unsafe { libc::alarm(LIMIT) };
    close_others_on_exec(most_descriptors);
    Ok(())
}

/// Gives this process, which runs something by itself, so much more time than its start had.
pub(super) fn allow(more: Duration) {
    let seconds = libc::c_uint::try_from(more.as_secs()).unwrap_or(libc::c_uint::MAX);
    // SAFETY: alarm(2) only sets a timer.
    unsafe { libc::alarm(LIMIT.saturating_add(seconds)) };
}

/// Takes back the limit of time under which this process was started.
pub(super) fn started() {
    // SAFETY: alarm(2) only sets a timer.
    unsafe { libc::alarm(0) };
}

/// As many as any system has, with those for real time; numbers beyond its own are refused.
const MOST_SIGNALS: libc::c_int = 64;

fn block_no_signals() -> io::Result<()> {
    let mut none = std::mem::MaybeUninit::uninit();
    // SAFETY: sigemptyset(3) writes the set that it is given, which sigprocmask(2) then reads.
    let done = unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut())
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(target_os = "linux")]
fn close_others_on_exec(most_descriptors: u64) {
    const CLOSE_ON_EXEC: libc::c_uint = 1 << 2;
    // SAFETY: close_range(2) with this flag changes only what happens to descriptors at exec.
    let done = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, CLOSE_ON_EXEC) };
    if done != 0 {
        close_each_on_exec(most_descriptors);
    }
}

#[cfg(not(target_os = "linux"))]
fn close_others_on_exec(most_descriptors: u64) {
    close_each_on_exec(most_descriptors);
}

/// For systems without close_range(2), which Linux has since 5.9.
fn close_each_on_exec(most_descriptors: u64) {
    let most = libc::c_int::try_from(most_descriptors.min(65_536)).unwrap_or(65_536);
    for descriptor in 3..most {
        // SAFETY: F_SETFD changes only what happens to the descriptor at exec; one that is not open
        // is refused.
        unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}
