//! The files by which a running server is found, and whether they still lead to it.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::changes::Changes;
use super::lock::Lock;
use super::log;
use super::note::Note;
use crate::address::Files;
use crate::{paths, testing};

/// Which file it is, as device and number.
type Identity = (u64, u64);

/// `true` once the test that this process serves has ended.
static IS_LEFT: AtomicBool = AtomicBool::new(false);

/// Notes that the test that this process serves has ended.
pub(crate) fn leave() {
    IS_LEFT.store(true, Ordering::Release);
}

/// Held for as long as a server lives; it then removes its socket, and lets its lock go.
#[derive(Debug)]
pub(crate) struct Place {
    files: Files,
    socket: Option<Identity>,
    lock: Lock,
    /// `true` if the server made its socket itself, and no service manager did.
    owned: bool,
    /// The file whose removal ends it, because its programs are gone then.
    root: Option<PathBuf>,
    is_handed_over: bool,
    changes: Option<Changes>,
}

impl Place {
    /// Takes the place of a server whose socket lies there by now, and leaves `note` for discovery.
    /// If the note cannot be written, only clients that know the address find the server.
    ///
    /// If it is for some programs alone, `root` is the file without which these are gone.
    pub(crate) fn take(
        files: Files,
        lock: Lock,
        owned: bool,
        note: &Note,
        root: Option<PathBuf>,
    ) -> Self {
        let mut text = Vec::new();
        note.put(&mut text);
        let _ = lock.write(&text);
        let _ = link(&files);
        Self {
            socket: identity(&files.socket),
            changes: watch(&files, root.as_deref()).ok(),
            root,
            files,
            lock,
            owned,
            is_handed_over: false,
        }
    }

    /// Readable when something has happened to the files of the folder, where the system tells.
    pub(crate) fn changes(&self) -> Option<BorrowedFd<'_>> {
        self.changes.as_ref().map(AsFd::as_fd)
    }

    /// Returns `true` if the files do not lead here any more, because they were removed or replaced.
    /// Then clients cannot find this server, or start a second one.
    pub(crate) fn is_lost(&self) -> bool {
        if let Some(changes) = &self.changes {
            changes.forget();
        }
        let lock = self.lock.is_at(&self.files.lock()).unwrap_or(false);
        !lock || self.socket.is_none() || identity(&self.files.socket) != self.socket
    }

    /// Returns `true` if the programs that it is for are gone.
    pub(crate) fn is_orphaned(&self) -> bool {
        let is_removed = || self.root.as_ref().is_some_and(|root| !root.exists());
        IS_LEFT.load(Ordering::Acquire) || is_removed()
    }

    /// The lock, for who goes on in this place; the socket stays where it is.
    pub(crate) fn lock(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }

    /// Returns `true` if a successor can go on with the socket.
    pub(crate) fn is_owned(&self) -> bool {
        self.owned
    }

    /// Leaves the socket to the successor.
    pub(crate) fn hand_over(mut self) {
        self.owned = false;
        self.is_handed_over = true;
    }
}

impl Drop for Place {
    /// Another socket that lies at the path by now stays. The lock is let go also where a process that
    /// was forked from this one has it.
    fn drop(&mut self) {
        // Only who holds the lock that lies there may touch the socket.
        if self.owned && !self.is_lost() {
            testing::step("end: before the socket is removed");
            // If it stays, the next server removes it.
            let _ = fs::remove_file(&self.files.socket);
            testing::step("end: socket removed");
            if self.is_orphaned() {
                self.remove_all();
            }
        }
        if !self.is_handed_over {
            self.lock.release();
        }
    }
}

impl Place {
    /// Removes what a server leaves for the next one, since there will be none.
    fn remove_all(&self) {
        let logs = self.files.logs().into_iter().flat_map(|log| {
            let old = log::old(&log);
            [log, old]
        });
        let files = [self.files.start(), self.files.lock()];
        for file in logs.chain(files) {
            // If it stays, it is small.
            let _ = fs::remove_file(file);
        }
    }
}

/// Leaves a link in the folder of all servers to a socket that lies elsewhere.
fn link(files: &Files) -> io::Result<()> {
    let Some(link) = files.link() else {
        return Ok(());
    };
    if fs::read_link(&link).is_ok_and(|there| there == files.socket) {
        return Ok(());
    }
    let folder = paths::folder();
    paths::create(&folder)?;
    paths::check(&folder).map_err(|_| io::ErrorKind::PermissionDenied)?;
    let _ = fs::remove_file(&link);
    symlink(&files.socket, &link)
}

fn identity(path: &Path) -> Option<Identity> {
    let metadata = fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Tells of changes in the folder of the socket, and in that of the programs that the server is for.
fn watch(files: &Files, root: Option<&Path>) -> io::Result<Changes> {
    let folder = files.socket.parent().ok_or(io::ErrorKind::NotFound)?;
    let changes = Changes::of_names(folder)?;
    if let Some(programs) = root.and_then(Path::parent) {
        // If it is gone by now, the first look at it says so.
        let _ = changes.also_of_names(programs);
    }
    Ok(changes)
}
