//! The standard output and errors of this process, where a write to them would fail.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileTypeExt;

use rustix::stdio::{dup2_stderr, dup2_stdout, stderr, stdout};

use crate::poller::is_unread;
use crate::thread;

/// Sends output to nowhere that has no reader any more, being a pipe that was closed or a terminal
/// that has gone: `println!` panics there.
pub(crate) fn discard_unread() {
    for (output, dup2) in [
        (stdout(), dup2_stdout as fn(File) -> _),
        (stderr(), dup2_stderr),
    ] {
        if is_unread(output) {
            // Without descriptors, or without the device, it stays as it is.
            let _ = nowhere().and_then(|nowhere| Ok(dup2(nowhere)?));
        }
    }
}

/// Returns `false` once nothing reads the standard output of this process any more.
#[must_use]
pub fn has_reader() -> bool {
    !is_unread(stdout())
}

/// A second reader of the pipe that takes this process's errors. It keeps writes from failing when
/// the first one ends, and reads nothing before.
#[derive(Debug)]
pub(crate) struct SpareReader(Option<File>);

impl SpareReader {
    /// Opens one, where errors go to a pipe that this user may open.
    pub(crate) fn of_errors() -> Self {
        let pipe = OpenOptions::new().read(true).open("/proc/self/fd/2");
        let is_pipe = |pipe: &File| pipe.metadata().is_ok_and(|file| file.file_type().is_fifo());
        Self(pipe.ok().filter(is_pipe))
    }

    /// Takes the place of the first reader, which has gone: drops all output from here on.
    pub(crate) fn replace_reader(self) {
        // Where that fails, the thread below reads it.
        let _ = discard();
        if let Some(mut pipe) = self.0 {
            // A thread that writes, or a child, may have the pipe still.
            let read = move || drop(io::copy(&mut pipe, &mut io::sink()));
            // Without a thread, a writer fails as it would without this reader.
            let _ = thread::start("remotex output", Box::new(read));
        }
    }
}

/// Sends all output to nowhere.
pub(crate) fn discard() -> io::Result<()> {
    dup2_stdout(nowhere()?)?;
    Ok(dup2_stderr(nowhere()?)?)
}

/// Opens what takes all output and keeps none.
fn nowhere() -> io::Result<File> {
    OpenOptions::new().write(true).open("/dev/null")
}
