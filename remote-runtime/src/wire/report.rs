//! What a server says of itself when asked for its status.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

use super::Malformed;
use super::fields::{self, number, put};

const STARTED: u8 = 1;
const CONNECTIONS: u8 = 2;
const RUNNING: u8 = 3;
const CALLS: u8 = 4;
const PROGRAM: u8 = 5;

/// What a server is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// When it began to serve.
    pub started: SystemTime,
    /// How many clients are connected, the asking one among them.
    pub connections: u64,
    /// How many calls are running.
    pub running: u64,
    /// How many calls it has taken.
    pub calls: u64,
    /// The program that serves.
    pub program: PathBuf,
}

impl Report {
    /// Appends its fields to `out`.
    pub fn put(&self, out: &mut Vec<u8>) {
        let started = self
            .started
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        put(
            out,
            STARTED,
            &u64::try_from(started.as_millis())
                .unwrap_or(u64::MAX)
                .to_le_bytes(),
        );
        put(out, CONNECTIONS, &self.connections.to_le_bytes());
        put(out, RUNNING, &self.running.to_le_bytes());
        put(out, CALLS, &self.calls.to_le_bytes());
        put(out, PROGRAM, self.program.as_os_str().as_bytes());
    }

    /// Reads a report's fields.
    ///
    /// # Errors
    /// If one of them is cut off or is no number.
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        let mut report = Self {
            started: SystemTime::UNIX_EPOCH,
            connections: 0,
            running: 0,
            calls: 0,
            program: PathBuf::new(),
        };
        for field in fields::read(body) {
            let (tag, value) = field?;
            match tag {
                STARTED => {
                    report.started = SystemTime::UNIX_EPOCH
                        .checked_add(Duration::from_millis(number(value)?))
                        .ok_or(Malformed("it started after the end of time"))?;
                }
                CONNECTIONS => report.connections = number(value)?,
                RUNNING => report.running = number(value)?,
                CALLS => report.calls = number(value)?,
                PROGRAM => report.program = PathBuf::from(OsStr::from_bytes(value)),
                _ => {}
            }
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_report_is_read_back(millis in 0..1_u64 << 42, connections: u64, running: u64, calls: u64, program: PathBuf) {
            let started = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
            let report = Report { started, connections, running, calls, program };
            let mut body = Vec::new();
            report.put(&mut body);
            prop_assert_eq!(Report::read(&body), Ok(report));
        }

        #[test]
        fn any_bytes_are_a_report_or_malformed(body: Vec<u8>) {
            let _ = Report::read(&body);
        }
    }
}
