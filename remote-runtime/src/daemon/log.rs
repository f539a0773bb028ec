//! The file that a server's output goes to.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;

/// Once a log is larger than this, in bytes, it becomes the old log, in place of the one before.
const LARGE: u64 = 4 * 1024 * 1024;

/// How much of a log's end an error quotes.
const TAIL: usize = 1000;

/// A log that is open.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Opens the first log of these that can be opened.
    ///
    /// # Errors
    /// Where the last one lies, and why it cannot be opened.
    pub(super) fn open(paths: Vec<PathBuf>) -> Result<Self, (PathBuf, io::Error)> {
        let mut why = (PathBuf::new(), io::Error::from(io::ErrorKind::NotFound));
        for path in paths {
            match rotate(&path).and_then(|()| open(&path)) {
                Ok(file) => return Ok(Self { path, file }),
                Err(e) => why = (path, e),
            }
        }
        Err(why)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    /// For the output and the errors of a process.
    pub(super) fn into_outputs(self) -> io::Result<[File; 2]> {
        Ok([self.file.try_clone()?, self.file])
    }
}

/// What was written to the log at `path` after its first `before` bytes, or the end of that.
pub(super) fn quote(path: &Path, before: u64) -> String {
    let tail = tail(path, before).unwrap_or_default();
    match String::from_utf8_lossy(&tail).trim() {
        "" => format!("; its log `{}` says nothing", path.display()),
        words => format!("; its log says: {words}"),
    }
}

fn tail(path: &Path, before: u64) -> io::Result<Vec<u8>> {
    let log = File::open(path)?;
    let length = log.metadata()?.len();
    let mut tail = vec![0; TAIL];
    let start = before.max(length.saturating_sub(TAIL as u64));
    let read = log.read_at(&mut tail, start)?;
    tail.truncate(read);
    Ok(tail)
}

/// Goes on in a new log if that of this very process has become large.
///
/// # Errors
/// If the log cannot be renamed, or a new one be made; then this one goes on.
pub(crate) fn tend(paths: &[PathBuf]) -> io::Result<()> {
    let output = rustix::fs::fstat(rustix::stdio::stdout())?;
    let is_ours = |path: &&PathBuf| {
        fs::symlink_metadata(path).is_ok_and(|log| {
            // Some systems have other types for these in a `stat`.
            #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
            let ours = (output.st_dev as u64, output.st_ino as u64);
            (log.dev(), log.ino()) == ours && log.len() > LARGE
        })
    };
    if let Some(path) = paths.iter().find(is_ours) {
        rotate(path)?;
        let log = open(path)?;
        rustix::stdio::dup2_stdout(&log)?;
        rustix::stdio::dup2_stderr(&log)?;
    }
    Ok(())
}

fn rotate(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(log) if log.len() > LARGE => fs::rename(path, path.with_extension("log.old")),
        _ => Ok(()),
    }
}

fn open(path: &Path) -> io::Result<File> {
    let no_follow = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .custom_flags(no_follow.bits().cast_signed())
        .open(path)?;
    // Beside a socket in a folder that others use too, somebody else may have been there first.
    let log = file.metadata()?;
    if log.is_file() && log.uid() == rustix::process::geteuid().as_raw() {
        rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR)?;
        Ok(file)
    } else {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}
