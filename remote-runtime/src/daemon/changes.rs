//! Notices of the system about changes to files.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Tells of changes, until it is dropped.
#[derive(Debug)]
pub(super) struct Changes(OwnedFd);

impl Changes {
    /// Tells when files of `folder` are removed or replaced, or the folder is.
    #[cfg(target_os = "linux")]
    pub(super) fn of_names(folder: &Path) -> io::Result<Self> {
        use rustix::fs::inotify::WatchFlags;
        Self::watch(
            folder,
            WatchFlags::DELETE
                | WatchFlags::MOVED_FROM
                | WatchFlags::MOVED_TO
                | WatchFlags::DELETE_SELF
                | WatchFlags::MOVE_SELF,
        )
    }

    /// The same of the files of another folder too. (A folder in which a program runs does not tell
    /// that it was removed itself.)
    #[cfg(target_os = "linux")]
    pub(super) fn also_of_names(&self, folder: &Path) -> io::Result<()> {
        use rustix::fs::inotify::{WatchFlags, add_watch};
        let events = WatchFlags::DELETE | WatchFlags::MOVED_FROM | WatchFlags::MOVE_SELF;
        add_watch(&self.0, folder, events)?;
        Ok(())
    }

    /// Tells when something is written to `file`.
    #[cfg(target_os = "linux")]
    pub(super) fn of_content(file: &Path) -> io::Result<Self> {
        Self::watch(file, rustix::fs::inotify::WatchFlags::MODIFY)
    }

    /// The same of another file too.
    #[cfg(target_os = "linux")]
    pub(super) fn also_of_content(&self, file: &Path) -> io::Result<()> {
        use rustix::fs::inotify::{WatchFlags, add_watch};
        add_watch(&self.0, file, WatchFlags::MODIFY)?;
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn watch(path: &Path, events: rustix::fs::inotify::WatchFlags) -> io::Result<Self> {
        use rustix::fs::inotify::{CreateFlags, add_watch, init};
        let changes = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        add_watch(&changes, path, events)?;
        Ok(Self(changes))
    }

    /// Elsewhere the files are only looked at from time to time.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn of_names(_: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn also_of_names(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn of_content(_: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn also_of_content(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    /// Takes what has been told, which is less sure than a look at the files.
    pub(super) fn forget(&self) {
        let mut buffer = [0; 4096];
        while rustix::io::read(&self.0, &mut buffer).is_ok_and(|n| n > 0) {}
    }
}

impl AsFd for Changes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
