//! The executable file that a process runs: the first and cheapest answer to whether two processes
//! are of one build; and its content, which is the last one.

use std::env;
use std::fs::{self, File, Metadata};
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

use super::path::{appimage, is_loader};

/// An executable file, as it was when it was looked at.
///
/// A version or a commit would not do: two builds of a tree that is being worked on share both.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// The file of a loader that runs a program does not tell which program that is.
    ///
    /// It is looked at once: a file that is replaced or removed later is still what runs here.
    pub fn ours() -> Option<Self> {
        static OURS: OnceLock<Option<Build>> = OnceLock::new();
        *OURS.get_or_init(|| {
            let known = !is_loader();
            known
                .then(|| running().as_ref().map(Self::of).ok())
                .flatten()
        })
    }

    /// The file at `path`, as it is now.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).as_ref().map(Self::of).ok()
    }

    /// The file at `path`, as it is now; `None` if nothing lies there.
    ///
    /// # Errors
    /// If that cannot be told.
    pub(crate) fn look(path: &Path) -> io::Result<Option<Self>> {
        use io::ErrorKind::{NotADirectory, NotFound};
        match fs::metadata(path) {
            Ok(file) => Ok(Some(Self::of(&file))),
            Err(e) if matches!(e.kind(), NotFound | NotADirectory) => Ok(None),
            Err(e) => Err(e),
        }
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

    /// Returns `true` if both are the same file with the same content. Links made to the file, and
    /// its removal, change nothing of that.
    #[must_use]
    pub fn same_file(&self, other: &Self) -> bool {
        let content = |build: &Self| (build.device, build.inode, build.size, build.modified);
        content(self) == content(other)
    }
}

/// A digest of the content of the file that this process runs; `None` if it cannot be read, or if that
/// is a loader, which runs any program. It is
/// made once, and takes about a second for a gigabyte.
///
/// It tells whether two processes run the same program, which is then also of the same standard
/// library: so the hash of that one will do. Nobody gains by a collision, since a client that says
/// a digest may as well say a fingerprint.
pub(crate) fn content() -> Option<u64> {
    static CONTENT: OnceLock<Option<u64>> = OnceLock::new();
    let is_told = || !is_loader();
    *CONTENT.get_or_init(|| is_told().then(open)?.and_then(digest).ok())
}

fn digest(mut file: File) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(n) => hasher.write(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// The file that runs, even if another one lies at its path by now.
fn open() -> io::Result<File> {
    if let Some(image) = appimage() {
        return File::open(image);
    }
    match cfg!(target_os = "linux") {
        true => File::open("/proc/self/exe"),
        false => File::open(env::current_exe()?),
    }
}

/// The metadata of that file.
fn running() -> io::Result<Metadata> {
    if let Some(image) = appimage() {
        return fs::metadata(image);
    }
    let running = match cfg!(target_os = "linux") {
        true => fs::metadata("/proc/self/exe"),
        false => Err(io::ErrorKind::Unsupported.into()),
    };
    running.or_else(|_| fs::metadata(env::current_exe()?))
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
        assert!(file.same_file(&Build { changed: 6, ..file }));
        for other in [
            Build { device: 9, ..file },
            Build { inode: 9, ..file },
            Build { size: 9, ..file },
            Build {
                modified: 9,
                ..file
            },
        ] {
            assert!(!file.same_file(&other), "{other:?}");
        }
    }

    #[test]
    fn the_content_of_a_file_is_its_bytes() {
        let file = env::temp_dir().join(format!("remotex-content-{}", std::process::id()));
        let of = |bytes: &[u8]| {
            fs::write(&file, bytes).unwrap();
            File::open(&file).and_then(digest).unwrap()
        };
        let zeros = vec![0; 600_000];
        assert_eq!(of(&zeros), of(&zeros));
        assert_ne!(of(&zeros), of(&zeros[1..]));
        assert_ne!(of(b"a"), of(b"b"));
        fs::remove_file(file).unwrap();
        assert!(content().is_some());
    }
}
