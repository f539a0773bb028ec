//! Locks that the kernel holds for a process, and lets go however it ends.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use parking_lot::{Condvar, Mutex};

use rustix::fs::{FlockOperation, flock};

use crate::thread;

/// For its owner only. The sticky bit keeps those from removing it who clean runtime folders of old
/// entries, as that of the socket does.
const MODE: u32 = 0o1600;

/// A lock that is held. It is let go when the last descriptor of it is closed, also in a child.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Takes the lock at `path`, waiting for it until `deadline`; `None` if it is held even then.
    pub(crate) fn take(path: &Path, deadline: Instant) -> io::Result<Option<Self>> {
        loop {
            let file = open(path)?;
            let file = match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => file,
                Err(rustix::io::Errno::WOULDBLOCK) => match wait(file, deadline)? {
                    Some(file) => file,
                    None => return Ok(None),
                },
                Err(e) => return Err(e.into()),
            };
            // Somebody may have removed the file meanwhile, and another process locked a new one.
            if is_at(&file, path)? {
                return Ok(Some(Self(file)));
            }
        }
    }

    /// Whether somebody holds the lock at `path`, whoever it is. Of one that cannot be looked at, it is
    /// better to believe so.
    pub(crate) fn is_held(path: &Path) -> bool {
        match look(path) {
            Ok(file) => {
                let held = flock(&file, FlockOperation::NonBlockingLockShared);
                matches!(held, Err(rustix::io::Errno::WOULDBLOCK))
            }
            Err(e) => e.kind() == io::ErrorKind::PermissionDenied,
        }
    }

    /// Whether the lock is still the file at `path`.
    pub(crate) fn is_at(&self, path: &Path) -> io::Result<bool> {
        is_at(&self.0, path)
    }

    /// Writes into its file, in place of what stood there. Who reads meanwhile finds all of `text`, and
    /// perhaps the rest of what stood there behind it; most often that is the same text anyway.
    pub(super) fn write(&self, text: &[u8]) -> io::Result<()> {
        self.0.write_all_at(text, 0)?;
        self.0.set_len(text.len() as u64)
    }

    /// Returns the text in its file, of so many bytes at most.
    pub(super) fn read(&self, most: usize) -> Option<String> {
        Self::text(&self.0, most)
    }

    /// Returns the text of a lock's file.
    pub(super) fn text(file: &File, most: usize) -> Option<String> {
        let mut text = vec![0; most];
        let read = file.read_at(&mut text, 0).ok()?;
        text.truncate(read);
        String::from_utf8(text).ok()
    }

    /// Says in its file's times that it was taken now.
    pub(super) fn touch(&self) {
        // Who looks at it only says less.
        let _ = self.0.set_modified(SystemTime::now());
    }

    /// Lets it go, also where descriptors of it are left elsewhere: in the process that handed it
    /// over, or in one that was forked meanwhile.
    pub(crate) fn release(&self) {
        // If it fails, it is let go with the last descriptor.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }

    /// A lock that another process took and handed over.
    pub(crate) fn handed_over(descriptor: OwnedFd) -> Self {
        Self(File::from(descriptor))
    }
}

impl AsFd for Lock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn open(path: &Path) -> io::Result<File> {
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(MODE)
        .custom_flags(no_follow)
        .open(path)
}

/// Opens what lies where a lock belongs, only to look at it; no fifo keeps us waiting for its other end.
pub(crate) fn look(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// Waits in the kernel. That call knows no time limit, so that it is made by a thread, which stays
/// behind if the limit is over; it is only ever started where two processes meet.
fn wait(file: File, deadline: Instant) -> io::Result<Option<File>> {
    let waited = Arc::new(Waited::default());
    let waiting = waited.clone();
    let wait = move || {
        let locked = loop {
            match flock(&file, FlockOperation::LockExclusive) {
                Err(rustix::io::Errno::INTR) => {}
                other => break other,
            }
        };
        waiting.end(locked.map(|()| file).map_err(io::Error::from));
    };
    thread::start("remotex lock", Box::new(wait))?;
    waited.until(deadline)
}

/// How a wait has ended, for who has waited.
#[derive(Default)]
struct Waited {
    end: Mutex<End>,
    ended: Condvar,
}

#[derive(Default)]
enum End {
    #[default]
    None,
    Locked(io::Result<File>),
    /// Nobody waits any more: the lock is let go with the file.
    TooLate,
}

impl Waited {
    fn end(&self, locked: io::Result<File>) {
        let mut end = self.end.lock();
        if matches!(*end, End::None) {
            *end = End::Locked(locked);
            self.ended.notify_one();
        }
    }

    fn until(&self, deadline: Instant) -> io::Result<Option<File>> {
        let mut end = self.end.lock();
        while matches!(*end, End::None) {
            if self.ended.wait_until(&mut end, deadline).timed_out() {
                break;
            }
        }
        match std::mem::replace(&mut *end, End::TooLate) {
            End::Locked(locked) => locked.map(Some),
            End::None | End::TooLate => Ok(None),
        }
    }
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}
