//! The log of a server while it runs: bounded, and never the reason why a function fails.
//!
//! `println!` panics if it cannot write. So room for what comes next is reserved on the disk ahead of
//! it, and where there is none any more, output goes to nowhere until there is. What is written goes
//! straight to the file, so that nothing is lost if the process is killed.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::{LARGE, open, ours, rotate};
use crate::daemon::changes::Changes;
use crate::output;

/// The room that is reserved, in bytes: more than is printed until the keeper sees it.
const RESERVE: u64 = 1024 * 1024;

/// Keeps the log that this process writes to.
#[derive(Debug)]
pub(crate) struct Keeper {
    /// `None` where the process writes to no log, but elsewhere.
    path: Option<PathBuf>,
    logs: Vec<PathBuf>,
    state: Mutex<State>,
    changes: Option<Changes>,
}

#[derive(Debug, Default)]
struct State {
    /// The end of what is reserved.
    reserved: u64,
    /// True while output goes to nowhere, for want of room.
    is_full: bool,
}

impl Keeper {
    /// Begins to keep the one of `logs` that this process writes to.
    pub(crate) fn begin(logs: Vec<PathBuf>) -> Self {
        let ours = ours(&logs).ok().flatten();
        let path = ours.map(|(path, _)| path.to_owned());
        let changes = path
            .as_ref()
            .and_then(|path| Changes::of_content(path).ok());
        let keeper = Self {
            path,
            logs,
            state: Mutex::default(),
            changes,
        };
        keeper.tend();
        keeper
    }

    /// Returns the log's path; an empty one if there is none.
    pub(crate) fn path(&self) -> PathBuf {
        self.path.clone().unwrap_or_default()
    }

    /// Readable when the log has grown, where the system tells.
    pub(crate) fn changes(&self) -> Option<BorrowedFd<'_>> {
        self.changes.as_ref().map(AsFd::as_fd)
    }

    /// True while there is no room for the log.
    pub(crate) fn is_full(&self) -> bool {
        self.state.lock().is_full
    }

    /// Reserves room, and goes on in a new log if this one has become large.
    pub(crate) fn tend(&self) {
        if let Some(changes) = &self.changes {
            changes.forget();
        }
        let mut state = self.state.lock();
        // Whatever fails, output goes on where it goes.
        let _ = if state.is_full {
            self.resume(&mut state)
        } else {
            self.keep(&mut state)
        };
    }

    fn keep(&self, state: &mut State) -> io::Result<()> {
        let Some((path, mut length)) = ours(&self.logs)? else {
            return Ok(());
        };
        if length > LARGE {
            rotate(path)?;
            self.redirect(path, &open(path)?)?;
            (length, state.reserved) = (0, 0);
        }
        if length + RESERVE / 2 < state.reserved {
            return Ok(());
        }
        match reserve(rustix::stdio::stdout(), length) {
            Err(e) if is_full(&e) => {
                output::discard()?;
                state.is_full = true;
            }
            _ => state.reserved = length + RESERVE,
        }
        Ok(())
    }

    fn resume(&self, state: &mut State) -> io::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let mut log = open(path)?;
        let length = log.metadata()?.len();
        reserve(log.as_fd(), length)?;
        writeln!(
            log,
            "output was left out here, because the disk of this log was full"
        )?;
        self.redirect(path, &log)?;
        *state = State {
            reserved: length + RESERVE,
            is_full: false,
        };
        Ok(())
    }

    fn redirect(&self, path: &Path, log: &File) -> io::Result<()> {
        rustix::stdio::dup2_stdout(log)?;
        rustix::stdio::dup2_stderr(log)?;
        match &self.changes {
            Some(changes) => changes.also_of_content(path),
            None => Ok(()),
        }
    }
}

fn is_full(e: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(e.kind(), StorageFull | QuotaExceeded)
}

/// Reserves room behind the end of a log, which stays where it is.
#[cfg(target_os = "linux")]
fn reserve(log: BorrowedFd<'_>, length: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    Ok(fallocate(log, FallocateFlags::KEEP_SIZE, length, RESERVE)?)
}

/// Other systems reserve nothing that a write is sure to find.
#[cfg(not(target_os = "linux"))]
fn reserve(_: BorrowedFd<'_>, _: u64) -> io::Result<()> {
    Ok(())
}
