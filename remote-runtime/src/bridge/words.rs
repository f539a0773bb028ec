//! The standard error of a process that is to lead to a server.
//!
//! It is read from the start: a process that says more than a pipe holds would wait for a reader, and
//! its client for it.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::ChildStderr;
use std::time::{Duration, Instant};

use crate::transport;

/// The most bytes that are kept until the process has led to a server, or to an error: a pipe holds as
/// many.
const KEPT: usize = 64 * 1024;

/// The most bytes that an error quotes.
const QUOTED: usize = 4096;

/// The words of a process: those that were read, and the pipe that more come from.
pub(super) struct Words {
    from: Option<ChildStderr>,
    said: Vec<u8>,
    /// The number of bytes of that which were printed already.
    printed: usize,
}

impl Words {
    pub(super) fn of(from: Option<ChildStderr>) -> Self {
        Self {
            from,
            said: Vec::new(),
            printed: 0,
        }
    }

    /// Reads them until something comes from `other`, or the time is over; then it is `false`.
    pub(super) fn read_until(&mut self, other: &impl AsFd, deadline: Instant) -> io::Result<bool> {
        while let Some(from) = &self.from {
            let left = deadline.saturating_duration_since(Instant::now());
            let has_come = transport::wait(&[other.as_fd(), from.as_fd()], Some(left))?;
            if transport::wait(&[other.as_fd()], Some(Duration::ZERO))? {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
            // Else a signal came.
            if has_come {
                self.read();
            }
        }
        transport::wait_until(other, deadline)
    }

    /// Reads them until their end, or until as much has come as an error quotes, or the time is over.
    pub(super) fn read_to_end(&mut self, deadline: Instant) {
        while self.said.len() < QUOTED
            && let Some(from) = &self.from
            && transport::wait_until(from, deadline).unwrap_or(false)
        {
            self.read();
        }
    }

    /// Reads what is there. What is more than is kept is printed, as all of it will be.
    fn read(&mut self) {
        let mut buffer = [0; 4096];
        let read = self.from.as_mut().map(|from| from.read(&mut buffer));
        match read {
            Some(Ok(n)) if n > 0 => self.said.extend_from_slice(&buffer[..n]),
            Some(Err(e)) if e.kind() == io::ErrorKind::Interrupted => {}
            _ => self.from = None,
        }
        if self.said.len() > KEPT {
            self.print();
            self.said.truncate(QUOTED);
            self.printed = QUOTED;
        }
    }

    fn print(&mut self) {
        // An error means that standard error is closed, so that nothing reads it.
        let _ = io::stderr().write_all(&self.said[self.printed..]);
        self.printed = self.said.len();
    }

    /// Prints them until their end.
    pub(super) fn print_to_end(mut self) {
        self.print();
        if let Some(mut from) = self.from.take() {
            let _ = io::copy(&mut from, &mut io::stderr());
        }
    }

    /// The beginning of what was said, as an error quotes it.
    pub(super) fn quoted(&self) -> String {
        let beginning = &self.said[..self.said.len().min(QUOTED)];
        String::from_utf8_lossy(beginning).trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn words_without_end_are_not_waited_for_beyond_the_time() {
        let mut child = Command::new("sh")
            .args(["-c", "while :; do echo x >&2; done"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut words = Words::of(child.stderr.take());
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let deadline = Instant::now() + Duration::from_millis(20);
        let has_come = words.read_until(&ours, deadline).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!has_come);
        assert!(words.quoted().starts_with("x\nx"));
    }
}
