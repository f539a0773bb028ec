//! Who is calling.

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, io, process};

use crate::transport::{self, Peer};
use own::Own;

mod own;

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

    /// The path `p` as the caller meant it: a relative one begins at its working directory, and
    /// `/dev/stdin`, `/dev/fd/63` and their like are the caller's. So `program <(command)` and
    /// `command | program /dev/stdin` read what they should.
    ///
    /// Where the system does not tell, as over a network, such a path leads nowhere rather than into
    /// this process's own folder or files. [`relative`](Self::relative) leads back.
    #[must_use]
    pub fn path(&self, p: impl AsRef<Path>) -> PathBuf {
        let p = p.as_ref();
        let path = if p.is_absolute() {
            p.to_owned()
        } else {
            match self.cwd() {
                Ok(folder) => folder.join(p),
                // A folder that was removed is still the caller's.
                Err(_) => return self.in_proc(&Path::new("cwd").join(p), p),
            }
        };
        if let Origin::Here = *self.origin {
            return path;
        }
        match own::own(&path) {
            None => path,
            Some(Own::InProc(file)) => self.in_proc(&file, &path),
            Some(Own::Terminal) => self.terminal().unwrap_or_else(|| nowhere(&path)),
        }
    }

    /// The path `p` as the caller would write it, for messages and results: below its working
    /// directory, what follows that; the way back from [`path`](Self::path).
    ///
    /// ```
    /// # extern crate remote_runtime as remotex;
    /// let caller = remotex::caller();
    /// assert_eq!(caller.relative(caller.path("src/a.rs")).to_str(), Some("src/a.rs"));
    /// assert_eq!(caller.relative("/etc/hosts").to_str(), Some("/etc/hosts"));
    /// ```
    #[must_use]
    pub fn relative(&self, p: impl AsRef<Path>) -> PathBuf {
        let p = p.as_ref();
        let below = |folder: PathBuf| p.strip_prefix(folder).ok().map(Path::to_owned);
        let in_proc = self.folder_in_proc().and_then(below);
        let name = in_proc.map(|file| own::name_of(&file));
        match name.or_else(|| self.cwd().ok().and_then(below)) {
            Some(name) if name.as_os_str().is_empty() => ".".into(),
            Some(name) => name,
            None => p.to_owned(),
        }
    }

    /// The file mode creation mask of the calling process, where the system tells. A server has
    /// 077, so that a file that a remote function makes is for its user alone unless the function
    /// sets its mode: `0o666 & !mask` is what the caller would have given it.
    #[must_use]
    pub fn umask(&self) -> Option<u32> {
        transport::umask(match *self.origin {
            Origin::Here => process::id(),
            Origin::There { peer, .. } => peer.pid?,
        })
    }

    /// A file in the folder that `/proc` has for the caller. Without such a folder, the path by which the
    /// caller names it leads nowhere.
    fn in_proc(&self, file: &Path, named: &Path) -> PathBuf {
        match self.folder_in_proc() {
            Some(folder) => folder.join(file),
            None => nowhere(named),
        }
    }

    /// The folder in `/proc` of a caller that is another process of this system.
    ///
    /// A relay, as for `ssh://`, is not the process that it speaks for: its input is what is relayed.
    fn folder_in_proc(&self) -> Option<PathBuf> {
        match *self.origin {
            Origin::There { peer, pid, .. } if peer.pid == Some(pid) && pid != process::id() => {
                transport::folder_in_proc(pid)
            }
            _ => None,
        }
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

/// A path that leads nowhere: nothing is below a file.
fn nowhere(path: &Path) -> PathBuf {
    let path = path.strip_prefix("/").unwrap_or(path);
    Path::new("/dev/null").join(path)
}
