//! SIGTERM, SIGINT and SIGHUP ask a server to stop, for as long as one runs.
//!
//! A second SIGTERM or SIGINT ends the process at once. SIGHUP never counts as the second one: a
//! logout sends it along with SIGTERM, and a terminal that closes sends it at any time. Signals
//! that come within a moment are one request, because `timeout(1)` sends each of its own twice.
//!
//! A handler cannot be removed safely, so that it stays, and does the system's default action while
//! no server runs.

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{SigId, low_level};

const STOPPING: [i32; 3] = [SIGTERM, SIGINT, SIGHUP];

/// The time within which several signals are one request.
const TOGETHER: Duration = Duration::from_millis(50);

/// The number of servers that run in this process.
static SERVERS: AtomicUsize = AtomicUsize::new(0);
/// The time of the first SIGTERM or SIGINT that a server of this process got, in nanoseconds after
/// [`ORIGIN`]; zero before it came.
static FIRST: AtomicU64 = AtomicU64::new(0);
static ORIGIN: OnceLock<Instant> = OnceLock::new();
/// The signals that this process does not ignore, once a server has run.
static HEARD: Mutex<Option<Vec<i32>>> = Mutex::new(None);

/// A server that is told of signals.
#[derive(Debug)]
pub(super) struct Watch(Vec<SigId>);

impl Watch {
    /// Makes signals write to `ask`.
    pub(super) fn begin(ask: &UnixStream) -> io::Result<Self> {
        let mut heard = HEARD.lock();
        let heard = match &mut *heard {
            Some(heard) => heard,
            unknown => unknown.insert(install()?),
        };
        let mut watch = Self(Vec::new());
        SERVERS.fetch_add(1, Ordering::SeqCst);
        for &signal in &*heard {
            watch
                .0
                .push(low_level::pipe::register(signal, ask.try_clone()?)?);
        }
        Ok(watch)
    }

    /// Waits until no signal counts any more as one that came together with the first.
    pub(super) fn settle(&self) {
        let first = FIRST.load(Ordering::SeqCst);
        if first != 0 {
            let since = now().saturating_sub(first);
            std::thread::sleep(TOGETHER.saturating_sub(Duration::from_nanos(since)));
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if SERVERS.fetch_sub(1, Ordering::SeqCst) == 1 {
            FIRST.store(0, Ordering::SeqCst);
        }
        for id in self.0.drain(..) {
            low_level::unregister(id);
        }
    }
}

/// Handles the signals whose action is the default one, and returns all that are not ignored.
fn install() -> io::Result<Vec<i32>> {
    ORIGIN.get_or_init(Instant::now);
    let mut heard = Vec::new();
    for signal in STOPPING {
        let action = action(signal)?;
        if action == libc::SIG_IGN {
            // As under `nohup`, the process goes on ignoring it.
            continue;
        }
        if action == libc::SIG_DFL {
            // SAFETY: the handler reads a clock and atomics, and calls what is made for handlers.
            unsafe { low_level::register(signal, move || act(signal)) }?;
        }
        heard.push(signal);
    }
    Ok(heard)
}

/// Runs in the signal's handler.
fn act(signal: i32) {
    let is_served = SERVERS.load(Ordering::SeqCst) != 0;
    let first = FIRST.load(Ordering::SeqCst);
    match Meaning::of(signal, is_served, first, now()) {
        Meaning::Default => {
            // It fails for signals without a default action only.
            let _ = low_level::emulate_default_handler(signal);
        }
        Meaning::First(now) => FIRST.store(now, Ordering::SeqCst),
        Meaning::Request => {}
    }
}

/// Returns the time since [`ORIGIN`] in nanoseconds, and never zero.
fn now() -> u64 {
    let elapsed = ORIGIN.get().map_or(Duration::ZERO, Instant::elapsed);
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX).max(1)
}

/// The meaning of a signal that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// The default action of the system: the end of the process.
    Default,
    /// A request to stop, after which another one is the second.
    First(u64),
    /// A request to stop, or a part of one.
    Request,
}

impl Meaning {
    fn of(signal: i32, is_served: bool, first: u64, now: u64) -> Self {
        let together = TOGETHER.as_nanos() as u64;
        match (is_served, signal, first) {
            (false, ..) => Self::Default,
            (true, SIGHUP, _) => Self::Request,
            (true, _, 0) => Self::First(now),
            (true, ..) if now.saturating_sub(first) < together => Self::Request,
            (true, ..) => Self::Default,
        }
    }
}

/// Returns the present action of a signal.
fn action(signal: i32) -> io::Result<libc::sighandler_t> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: without a new action, sigaction(2) only writes the present one to where it is told,
    // which is a live variable of its type.
    let asked = unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) };
    if asked != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it has succeeded, and has written.
    Ok(unsafe { action.assume_init() }.sa_sigaction)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_hangup_is_never_the_second_signal() {
        for first in [0, 1, SECOND] {
            let meaning = Meaning::of(SIGHUP, true, first, 9 * SECOND);
            assert_eq!(meaning, Meaning::Request);
        }
    }

    #[test]
    fn the_second_of_the_others_ends_the_process_unless_it_came_with_the_first() {
        for signal in [SIGTERM, SIGINT] {
            let at = |now| Meaning::of(signal, true, SECOND, now);
            assert_eq!(Meaning::of(signal, true, 0, SECOND), Meaning::First(SECOND));
            assert_eq!(at(SECOND + 1000), Meaning::Request);
            assert_eq!(at(2 * SECOND), Meaning::Default);
        }
    }

    #[test]
    fn without_a_server_signals_have_their_default_action() {
        for signal in STOPPING {
            assert_eq!(Meaning::of(signal, false, 0, 1), Meaning::Default);
        }
    }
}
