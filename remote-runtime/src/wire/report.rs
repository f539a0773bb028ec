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
const HOLDER: u8 = 6;
const RUNNING_CALL: u8 = 7;
const SCOPE: u8 = 8;

const PID: u8 = 1;
const IS_CUT: u8 = 2;
const TYPE: u8 = 3;
const REFERENCES: u8 = 4;
const OPEN: u8 = 5;

const CALLER: u8 = 1;
const FUNCTION: u8 = 2;
const SINCE: u8 = 3;
const CALLING_PROGRAM: u8 = 4;

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
    /// Its clients that hold references.
    pub holders: Vec<Holder>,
    /// The calls that run, the oldest first, of which there may be more.
    pub running_calls: Vec<RunningCall>,
    /// The programs that it is for, in words; empty if it is for all.
    pub scope: String,
}

/// A call that a server runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunningCall {
    /// The function.
    pub function: String,
    /// The calling process; over a network, as that says.
    pub process: u32,
    /// The program of that process; empty where it is not known, as of another machine.
    pub program: PathBuf,
    /// The time at which the function began.
    pub since: SystemTime,
}

/// A client process that holds references to objects of the server.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// How many connections it has.
    pub connections: u64,
    /// Whether it has no connection: it has ended, or was cut off, which a server cannot tell apart. What it
    /// holds is let go of after [`Server::grace`](crate::Server::grace).
    pub is_cut: bool,
    /// How many references it holds of which type.
    pub references: Vec<(String, u64)>,
}

impl Report {
    /// Appends its fields to `out`.
    pub fn put(&self, out: &mut Vec<u8>) {
        put(out, STARTED, &millis(self.started).to_le_bytes());
        put(out, CONNECTIONS, &self.connections.to_le_bytes());
        put(out, RUNNING, &self.running.to_le_bytes());
        put(out, CALLS, &self.calls.to_le_bytes());
        put(out, PROGRAM, self.program.as_os_str().as_bytes());
        for holder in &self.holders {
            let mut fields = Vec::new();
            holder.put(&mut fields);
            put(out, HOLDER, &fields);
        }
        for call in &self.running_calls {
            let mut fields = Vec::new();
            call.put(&mut fields);
            put(out, RUNNING_CALL, &fields);
        }
        if !self.scope.is_empty() {
            put(out, SCOPE, self.scope.as_bytes());
        }
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
            holders: Vec::new(),
            running_calls: Vec::new(),
            scope: String::new(),
        };
        for field in fields::read(body) {
            let (tag, value) = field?;
            match tag {
                STARTED => {
                    report.started = time(value)?;
                }
                CONNECTIONS => report.connections = number(value)?,
                RUNNING => report.running = number(value)?,
                CALLS => report.calls = number(value)?,
                PROGRAM => report.program = PathBuf::from(OsStr::from_bytes(value)),
                HOLDER => report.holders.push(Holder::read(value)?),
                SCOPE => report.scope = fields::text(value),
                RUNNING_CALL => report.running_calls.push(RunningCall::read(value)?),
                _ => {}
            }
        }
        Ok(report)
    }
}

fn millis(time: SystemTime) -> u64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn time(value: &[u8]) -> Result<SystemTime, Malformed> {
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_millis(number(value)?))
        .ok_or(Malformed("it began after the end of time"))
}

fn process(value: &[u8]) -> Result<u32, Malformed> {
    let wrong = |_| Malformed("a process has a larger number than there are");
    u32::try_from(number(value)?).map_err(wrong)
}

impl RunningCall {
    /// A call that began at `since`.
    #[must_use]
    pub fn new(function: String, process: u32, program: PathBuf, since: SystemTime) -> Self {
        Self {
            function,
            process,
            program,
            since,
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        put(out, CALLER, &self.process.to_le_bytes());
        put(out, FUNCTION, self.function.as_bytes());
        put(out, SINCE, &millis(self.since).to_le_bytes());
        put(out, CALLING_PROGRAM, self.program.as_os_str().as_bytes());
    }

    fn read(body: &[u8]) -> Result<Self, Malformed> {
        let mut call = Self::new(String::new(), 0, PathBuf::new(), SystemTime::UNIX_EPOCH);
        for field in fields::read(body) {
            let (tag, value) = field?;
            match tag {
                CALLER => call.process = process(value)?,
                FUNCTION => call.function = fields::text(value),
                SINCE => call.since = time(value)?,
                CALLING_PROGRAM => call.program = PathBuf::from(OsStr::from_bytes(value)),
                _ => {}
            }
        }
        Ok(call)
    }
}

impl Holder {
    fn put(&self, out: &mut Vec<u8>) {
        put(out, PID, &self.pid.to_le_bytes());
        put(out, OPEN, &self.connections.to_le_bytes());
        put(out, IS_CUT, &[self.is_cut.into()]);
        for (what, references) in &self.references {
            put(out, TYPE, what.as_bytes());
            put(out, REFERENCES, &references.to_le_bytes());
        }
    }

    fn read(body: &[u8]) -> Result<Self, Malformed> {
        let mut holder = Self::default();
        for field in fields::read(body) {
            let (tag, value) = field?;
            match tag {
                PID => holder.pid = process(value)?,
                OPEN => holder.connections = number(value)?,
                IS_CUT => holder.is_cut = number(value)? != 0,
                TYPE => holder.references.push((fields::text(value), 0)),
                REFERENCES => {
                    if let Some((_, references)) = holder.references.last_mut() {
                        *references = number(value)?;
                    }
                }
                _ => {}
            }
        }
        Ok(holder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn every_report_is_read_back(millis in 0..1_u64 << 42, connections: u64, running: u64, calls: u64, program: PathBuf, of: (u32, u64, bool, Vec<(String, u64)>), function: String, scope: String) {
            let started = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
            let (pid, open, is_cut, references) = of;
            let holders = vec![Holder { pid, connections: open, is_cut, references }, Holder::default()];
            let running_calls = vec![RunningCall::new(function, pid, program.clone(), started)];
            let report = Report { started, connections, running, calls, program, holders, running_calls, scope };
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
