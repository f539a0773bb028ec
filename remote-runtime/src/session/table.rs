//! The sessions of a server.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::failures::Failures;
use super::{Session, Token};
use crate::thread;
use crate::wire::report::Holder;

/// How many types a report lists, of all sessions together: what it needs for that is far less than a
/// client reads.
const LISTED: usize = 1000;

/// How long the ends of objects are waited for that run elsewhere when a server ends.
const ENDS: Duration = Duration::from_secs(10);

/// The clients that are there, or were until just now.
#[derive(Debug)]
pub(crate) struct Sessions {
    /// The server that they are with.
    server: &'static str,
    open: Mutex<HashMap<Token, Arc<Session>>>,
    /// How long a client that was cut off is waited for.
    grace: Duration,
    /// How many references each may hold.
    most: usize,
    used: Arc<Usage>,
    failures: Arc<Failures>,
    /// Written to when there is a new deadline, such as that of a client that was cut off.
    wake: UnixStream,
    woken: UnixStream,
}

/// What all sessions hold, as far as it keeps a server from being idle.
#[derive(Debug)]
pub(super) struct Usage {
    references: AtomicUsize,
    /// When the last one was let go of.
    ended: Mutex<Instant>,
    /// Signalled when one is.
    changed: Condvar,
}

impl Usage {
    pub(super) fn add(&self) {
        self.references.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn remove(&self, n: usize) {
        if n > 0 {
            let mut ended = self.ended.lock();
            // First, so that who sees that there are none sees since when.
            *ended = Instant::now();
            self.references.fetch_sub(n, Ordering::AcqRel);
            drop(ended);
            self.changed.notify_all();
        }
    }
}

impl Sessions {
    pub(crate) fn new(server: &'static str, grace: Duration, most: usize) -> io::Result<Self> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let used = Arc::new(Usage {
            references: AtomicUsize::new(0),
            ended: Mutex::new(Instant::now()),
            changed: Condvar::new(),
        });
        Ok(Self {
            server,
            open: Mutex::default(),
            grace,
            most,
            used,
            failures: Arc::default(),
            wake,
            woken,
        })
    }

    /// Counts a connection of the session of that token; one without a token is a session of its own.
    pub(crate) fn join(self: &Arc<Self>, token: Option<Token>, process: u32) -> Joined {
        let new = || {
            let used = self.used.clone();
            let failures = self.failures.clone();
            Arc::new(Session::new(
                self.server,
                process,
                self.most,
                used,
                failures,
            ))
        };
        let session = match token {
            Some(token) => {
                let mut open = self.open.lock();
                let session = open.entry(token).or_insert_with(new).clone();
                let mut state = session.state.lock();
                state.connections += 1;
                state.cut = None;
                drop(state);
                session
            }
            None => new(),
        };
        Joined {
            sessions: self.clone(),
            token,
            session,
        }
    }

    /// One connection less.
    fn leave(&self, token: &Token, session: &Session) {
        let mut open = self.open.lock();
        let is_empty = session.is_empty();
        let mut state = session.state.lock();
        state.connections -= 1;
        if state.connections > 0 {
            return;
        }
        if is_empty {
            drop(state);
            let removed = open.remove(token);
            if open.is_empty() {
                *open = HashMap::new();
            }
            drop((open, removed));
            return;
        }
        state.cut = Some(Instant::now());
        drop((state, open));
        self.wake();
    }

    /// Wakes the thread that tends the server, which [sweeps](Self::sweep), and looks after all else
    /// that has a deadline.
    pub(crate) fn wake(&self) {
        // If it is full, the thread has been woken already.
        let _ = (&self.wake).write(&[1]);
    }

    /// Ends the sessions that were waited for long enough; how long until there is one more, if there
    /// is one to wait for.
    pub(crate) fn sweep(&self) -> Option<Duration> {
        // What has come until now is answered by this very look.
        while matches!((&self.woken).read(&mut [0; 64]), Ok(64)) {}
        let mut next = None;
        let mut open = self.open.lock();
        let ended: Vec<_> = open
            .extract_if(|_, session| {
                let Some(cut) = session.state.lock().cut else {
                    return false;
                };
                let left = self.grace.saturating_sub(cut.elapsed());
                if left.is_zero() {
                    return true;
                }
                next = Some(next.map_or(left, |next: Duration| next.min(left)));
                false
            })
            .collect();
        drop(open);
        if !ended.is_empty() {
            // The end of objects is the user's code, for which nobody who tends the server waits.
            let clear = move || ended.iter().for_each(|(_, session)| session.clear());
            // Without a thread they end where the last one of these is dropped, which is here.
            let _ = thread::start("remotex release", Box::new(clear));
        }
        next
    }

    /// Readable when there is something to [sweep](Self::sweep) sooner than was thought.
    pub(crate) fn woken(&self) -> BorrowedFd<'_> {
        self.woken.as_fd()
    }

    /// Since when nobody holds anything; `None` if somebody does.
    pub(crate) fn unused_since(&self) -> Option<Instant> {
        (!self.has_any()).then(|| *self.used.ended.lock())
    }

    /// Whether anybody holds anything.
    pub(crate) fn has_any(&self) -> bool {
        self.used.references.load(Ordering::Acquire) > 0
    }

    /// Lets go of everything.
    pub(crate) fn clear(&self) {
        let sessions: Vec<_> = self.open.lock().values().cloned().collect();
        for session in sessions {
            session.clear();
        }
        // Those that somebody else lets go of are ending at this moment.
        let deadline = Instant::now() + ENDS;
        let mut ended = self.used.ended.lock();
        while self.has_any() {
            if self
                .used
                .changed
                .wait_until(&mut ended, deadline)
                .timed_out()
            {
                return;
            }
        }
    }

    /// Who holds what.
    pub(crate) fn report(&self) -> Vec<Holder> {
        let mut sessions: Vec<_> = self.open.lock().values().cloned().collect();
        sessions.sort_by_key(|session| session.process);
        let holders = sessions.into_iter().map(|session| {
            let (connections, is_cut) = {
                let state = session.state.lock();
                (state.connections as u64, state.cut.is_some())
            };
            let types = session.types().into_iter();
            Holder {
                pid: session.process,
                connections,
                is_cut,
                references: types.map(|(what, n)| (cut(what), n)).collect(),
            }
        });
        let mut types = 0;
        let listed = holders
            .filter(|holder| !holder.references.is_empty())
            .take_while(|holder| {
                types += holder.references.len();
                types <= LISTED
            });
        listed.collect()
    }
}

/// A connection that belongs to a session, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Joined {
    sessions: Arc<Sessions>,
    token: Option<Token>,
    session: Arc<Session>,
}

impl Joined {
    /// What the session is known by, if by anything.
    pub(crate) fn token(&self) -> Option<Token> {
        self.token
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            self.sessions.leave(token, &self.session);
        }
    }
}

/// The name of a type, which may be longer than anybody reads.
fn cut(what: &str) -> String {
    what[..what.floor_char_boundary(200)].to_owned()
}
