//! The file that a server's output goes to.

mod excerpt;
mod keeper;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;

use crate::paths;

pub(super) use excerpt::quote;
pub(crate) use keeper::Keeper;

/// Once a log is larger than this, in bytes, it becomes the old log, in place of the one before.
const LARGE: u64 = 4 * 1024 * 1024;

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
    pub(super) fn open(logs: Vec<PathBuf>) -> Result<Self, (PathBuf, io::Error)> {
        let mut why = (PathBuf::new(), io::Error::from(io::ErrorKind::NotFound));
        for path in logs {
            let folder = path.parent().map_or(Ok(()), paths::create);
            match folder
                .and_then(|()| rotate(&path))
                .and_then(|()| open(&path))
            {
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

/// The file that a log becomes when it is large.
pub(super) fn old(log: &Path) -> PathBuf {
    log.with_extension("log.old")
}

/// Which of these this very process writes to, and how long that is.
fn ours(logs: &[PathBuf]) -> io::Result<Option<(&Path, u64)>> {
    let output = rustix::fs::fstat(rustix::stdio::stdout())?;
    // Some systems have other types for these in a `stat`.
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
    let output = (output.st_dev as u64, output.st_ino as u64);
    Ok(logs.iter().find_map(|path| {
        let log = fs::symlink_metadata(path).ok()?;
        ((log.dev(), log.ino()) == output).then(|| (&**path, log.len()))
    }))
}

fn rotate(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(log) if log.len() > LARGE => fs::rename(path, old(path)),
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
