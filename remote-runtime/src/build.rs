//! Which executable file a process runs: the first and cheapest answer to whether two processes are
//! of one build.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;
use std::{env, io};

/// An executable file, as it was when it was looked at.
///
/// A version or a commit would not do: two builds of a tree that is being worked on share both.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Build {
    /// The device that the file lies on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its size in bytes.
    pub size: u64,
    /// When its content was last written, in nanoseconds since 1970.
    pub modified: u64,
    /// When it was last changed in any way, in nanoseconds since 1970.
    pub changed: u64,
}

impl Build {
    /// The file that this process runs; `None` if the system does not tell.
    ///
    /// It is looked at once: a file that is replaced or removed later is still what runs here.
    pub fn ours() -> Option<Self> {
        static OURS: OnceLock<Option<Build>> = OnceLock::new();
        *OURS.get_or_init(|| running().as_ref().map(Self::of).ok())
    }

    /// The file at `path`, as it is now.
    #[cfg(feature = "discovery")]
    pub(crate) fn at(path: &std::path::Path) -> Option<Self> {
        fs::metadata(path).as_ref().map(Self::of).ok()
    }

    fn of(file: &Metadata) -> Self {
        let nanos = |seconds: i64, nanos: i64| {
            u64::try_from(i128::from(seconds) * 1_000_000_000 + i128::from(nanos)).unwrap_or(0)
        };
        Self {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            modified: nanos(file.mtime(), file.mtime_nsec()),
            changed: nanos(file.ctime(), file.ctime_nsec()),
        }
    }

    /// Whether it is the same file with the same content. Links made to it, and its removal, change
    /// nothing of that.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let content = |build: &Self| (build.device, build.inode, build.size, build.modified);
        content(self) == content(other)
    }

    /// Whether `other` was installed later; a copy that kept its time was installed when it was made.
    #[must_use]
    pub fn is_before(&self, other: &Self) -> bool {
        (self.modified, self.changed) < (other.modified, other.changed)
    }
}

/// The file that runs, even if another one lies at its path by now.
#[cfg(target_os = "linux")]
fn running() -> io::Result<Metadata> {
    fs::metadata("/proc/self/exe").or_else(|_| fs::metadata(env::current_exe()?))
}

#[cfg(not(target_os = "linux"))]
fn running() -> io::Result<Metadata> {
    fs::metadata(env::current_exe()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_removal_leave_a_file_the_same() {
        let file = Build {
            device: 1,
            inode: 2,
            size: 3,
            modified: 4,
            changed: 5,
        };
        assert!(file.is(&Build { changed: 6, ..file }));
        for other in [
            Build { device: 9, ..file },
            Build { inode: 9, ..file },
            Build { size: 9, ..file },
            Build {
                modified: 9,
                ..file
            },
        ] {
            assert!(!file.is(&other), "{other:?}");
        }
    }

    #[test]
    fn a_copy_that_kept_its_time_is_later() {
        let first = Build {
            modified: 4,
            changed: 5,
            ..Build::default()
        };
        let copy = Build {
            changed: 6,
            ..first
        };
        assert!(first.is_before(&copy) && !copy.is_before(&first));
        let rebuilt = Build {
            modified: 5,
            changed: 5,
            ..first
        };
        assert!(copy.is_before(&rebuilt));
        assert!(!first.is_before(&first));
    }
}
