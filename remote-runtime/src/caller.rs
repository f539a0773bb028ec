//! Who is calling.

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, io, process};

use crate::transport::{self, Peer};

/// Who has called the remote function that is running: see [`caller`].
#[derive(Debug, Clone)]
pub struct Caller {
    origin: Arc<Origin>,
    deadline: Option<Instant>,
}

#[derive(Debug)]
enum Origin {
    /// This very process.
    Here,
    There {
        peer: Peer,
        /// The process as it calls itself, for where the kernel does not say.
        pid: u32,
        directory: PathBuf,
    },
}

thread_local! {
    static CALLER: RefCell<Option<Caller>> = const { RefCell::new(None) };
}

/// Who is calling, asked inside a remote function.
///
/// Outside of one, and where the function runs without a server, it describes this very process.
/// It belongs to the thread that runs the function: ask before handing work to another.
///
/// ```
/// # extern crate remote_runtime as remotex;
/// let caller = remotex::caller();
/// assert_eq!(caller.pid(), std::process::id());
/// assert_eq!(caller.path("track.gpx"), std::env::current_dir()?.join("track.gpx"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn caller() -> Caller {
    CALLER.with_borrow(Clone::clone).unwrap_or_else(|| Caller {
        origin: Arc::new(Origin::Here),
        deadline: None,
    })
}

/// The call that this thread runs next is waited for as long as this, from now on.
pub(crate) fn set_timeout(timeout: Option<Duration>) {
    CALLER.with_borrow_mut(|caller| {
        if let Some(caller) = caller {
            caller.deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        }
    });
}

/// See [`Caller::enter`].
pub(crate) struct Entered;

impl Drop for Entered {
    fn drop(&mut self) {
        CALLER.set(None);
    }
}

impl Caller {
    /// A process at the other end of a connection, which was in `directory` when it connected.
    pub(crate) fn there(peer: Peer, pid: u32, directory: PathBuf) -> Self {
        Self {
            origin: Arc::new(Origin::There {
                peer,
                pid,
                directory,
            }),
            deadline: None,
        }
    }

    /// Makes it the caller of what this thread runs for as long as what this returns lives.
    pub(crate) fn enter(self) -> Entered {
        CALLER.set(Some(self));
        Entered
    }

    /// The effective user of the calling process.
    #[must_use]
    pub fn uid(&self) -> u32 {
        match *self.origin {
            Origin::Here => rustix::process::geteuid().as_raw(),
            Origin::There { peer, .. } => peer.uid,
        }
    }

    /// The calling process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        match *self.origin {
            Origin::Here => process::id(),
            Origin::There { peer, pid, .. } => peer.pid.unwrap_or(pid),
        }
    }

    /// The working directory of the calling process.
    ///
    /// # Errors
    /// If it has none, for instance because it was removed.
    pub fn cwd(&self) -> io::Result<PathBuf> {
        match &*self.origin {
            Origin::Here => env::current_dir(),
            Origin::There {
                peer, directory, ..
            } => {
                // Where the kernel does not know the process, its number may be that of another.
                let now = peer.pid.and_then(transport::working_directory);
                let known = now.unwrap_or_else(|| directory.clone());
                if known.is_absolute() && known.is_dir() {
                    return Ok(known);
                }
                Err(io::Error::new(
                    io::ErrorKind::NotFound,
                    "the caller's working directory is not known, or was removed",
                ))
            }
        }
    }

    /// The path `p` as the caller meant it: a relative one begins at its working directory.
    ///
    /// Where that directory is not known, a relative path leads nowhere rather than into this
    /// process's own.
    #[must_use]
    pub fn path(&self, p: impl AsRef<Path>) -> PathBuf {
        let p = p.as_ref();
        if p.is_absolute() {
            return p.to_owned();
        }
        // Nothing is below a file.
        self.cwd().unwrap_or_else(|_| "/dev/null".into()).join(p)
    }

    /// The program that the calling process runs, where the system tells.
    #[must_use]
    pub fn program(&self) -> Option<PathBuf> {
        match *self.origin {
            Origin::Here => env::current_exe().ok(),
            Origin::There { peer, .. } => peer.pid.and_then(transport::program),
        }
    }

    /// The arguments of the calling process, the name that it was called by first, where the system
    /// tells. There may be secrets among them.
    #[must_use]
    pub fn arguments(&self) -> Option<Vec<OsString>> {
        match *self.origin {
            Origin::Here => Some(env::args_os().collect()),
            Origin::There { peer, .. } => peer.pid.and_then(transport::arguments),
        }
    }

    /// The terminal that the calling process is at, where the system tells; `None` too if it is at
    /// none, as from cron.
    #[must_use]
    pub fn terminal(&self) -> Option<PathBuf> {
        transport::terminal(match *self.origin {
            Origin::Here => process::id(),
            Origin::There { peer, .. } => peer.pid?,
        })
    }

    /// Until when the caller waits for the answer: see [`Server::timeout`](crate::Server::timeout).
    /// What is done later, nobody learns of.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}
